"""The algorithms of the set do find a motion that can be seen."""

import numpy
import pytest
import skimage.data

from .registrations import REGISTRATIONS
from .registrations import Registration

ALGORITHMS = {name: run for group in REGISTRATIONS.values() for name, run in group.items()}

CORNERS = numpy.array([[0, 0, 159, 159], [0, 159, 0, 159], [1, 1, 1, 1]])


@pytest.mark.parametrize("register", ALGORITHMS.values(), ids=ALGORITHMS)
def test_finds_the_offset_between_parts_of_a_picture(register: Registration) -> None:
    picture = skimage.data.camera()
    offsets = [(0, 0), (3, -2), (5, 1)]
    stack = numpy.stack(
        [picture[60 + row : 220 + row, 150 + column : 310 + column] for row, column in offsets]
    )
    for matrix, offset in zip(register(stack), offsets, strict=True):
        corners = matrix @ CORNERS
        # What lies at p in the first image lies at p - offset in this one.
        expected = CORNERS[:2] - numpy.reshape(offset, (2, 1))
        assert numpy.abs(corners[:2] / corners[2] - expected).max() < 0.8


@pytest.mark.parametrize("register", ALGORITHMS.values(), ids=ALGORITHMS)
def test_an_empty_stack_stays_about_where_it_is(register: Registration) -> None:
    matrices = register(numpy.zeros((3, 64, 64), dtype=numpy.uint16))
    assert numpy.abs(matrices - numpy.identity(3)).max() < 2
