"""Pixels that stand out at one place are told from a sample that moves."""

import numpy
import pytest

from ewoksndreg._stacks import as_stack
from ewoksndreg.evaluation import PreparedImages
from ewoksndreg.registration._hot_pixels import find_hot_pixels
from ewoksndreg.registration._hot_pixels import find_outliers

from ..conftest import smooth_image


def _moving(images: int, shift: int = 3) -> numpy.ndarray:
    scene = smooth_image(0, (100, 100))
    scene[50, 50] = 30  # a grain of one pixel, which moves with the sample
    return numpy.stack([scene[shift * n : shift * n + 64, 20:84] for n in range(images)])


def _find(stack: numpy.ndarray) -> numpy.ndarray:
    return find_hot_pixels(PreparedImages("a", as_stack(stack), range(len(stack)), "numpy"), 0)


@pytest.mark.parametrize("images", [2, 3, 9])
def test_hot_and_dead_pixels_are_found_and_a_grain_that_moves_is_not(images: int) -> None:
    stack = _moving(images)
    expected = numpy.zeros((64, 64), dtype=bool)
    for place, value in (((5, 7), 40), ((5, 8), 20), ((0, 0), 25), ((63, 30), -30)):
        stack[:, place[0], place[1]] = value
        expected[place] = True
    numpy.testing.assert_array_equal(_find(stack), expected)


def test_where_nothing_stands_out_there_are_none() -> None:
    assert not _find(_moving(4)).any()
    assert not _find(numpy.random.default_rng(0).normal(size=(4, 64, 64))).any()
    assert not _find(numpy.random.default_rng(0).poisson(0.02, (4, 64, 64)).astype(float)).any()
    assert not _find(_moving(1)).any()
    assert not _find(numpy.zeros((4, 64, 64))).any()


def test_lines_edges_and_corners_of_the_sample_are_kept() -> None:
    image = numpy.zeros((32, 32))
    image[10:20, 10:20] = 1
    image[25, :] = 1
    image[:22, 4] = -1
    image[22:24, 4:6] = -1
    assert not find_outliers(image).any()


def test_invalid_pixels_take_no_part() -> None:
    image = smooth_image(1, (32, 32))
    image[8:12, 8:12] = numpy.nan
    image[7, 7] = image[20, 20] = 50
    image[0, 5] = numpy.inf
    assert [tuple(place) for place in numpy.argwhere(find_outliers(image))] == [(7, 7), (20, 20)]


@pytest.mark.parametrize("shape", [(2, 40), (1, 1), (0, 5)])
def test_images_without_neighbors_have_none(shape: tuple[int, int]) -> None:
    assert not find_outliers(numpy.ones(shape)).any()
