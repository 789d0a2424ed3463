"""What several test modules share: transformations and images made without the library."""

import subprocess
import sys
from collections.abc import Sequence
from itertools import product
from typing import Any

import numpy
import pytest
from numpy.typing import ArrayLike
from numpy.typing import NDArray
from scipy import ndimage

from ewoksndreg.transformation import Transformation


class Foreign(Transformation):
    """A transformation as another library may write it: the two methods, no matrix, and no call
    of the constructor of its parent."""

    def __init__(self, wrapped: Transformation) -> None:
        self.wrapped = wrapped

    def apply_coordinates(self, coord: ArrayLike) -> NDArray[Any]:
        return self.wrapped.apply_coordinates(coord)

    def apply_data(
        self, image: ArrayLike, *, cval: float = numpy.nan, interpolation_order: int = 1
    ) -> NDArray[Any]:
        return self.wrapped.apply_data(image, cval=cval, interpolation_order=interpolation_order)


def run_python(
    *arguments: object, check: bool = True, **options: Any
) -> subprocess.CompletedProcess[str]:
    """Run Python in a process of its own.

    :param check: whether it has to succeed.
    """
    done = subprocess.run(  # noqa: S603
        [sys.executable, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        **options,
    )
    assert done.returncode == 0 or not check, done.stderr
    return done


def parametrize_sample(names: str, *values: Sequence[Any], every: int) -> pytest.MarkDecorator:
    """All combinations of the values of several parameters; without `tox -e full` a sample of them:
    every n-th one, and others until the sample has each value of each parameter.

    :param names: names of the parameters, separated by commas.
    :param every: use a number without common factors with the numbers of values.
    """
    combinations = [*product(*(range(len(each)) for each in values))]
    sample = {*combinations[::every]}
    seen = {each for combination in sample for each in enumerate(combination)}
    for combination in combinations if len(values) > 1 else ():
        if not seen.issuperset(enumerate(combination)):
            sample.add(combination)
            seen.update(enumerate(combination))
    return pytest.mark.parametrize(
        names,
        [
            pytest.param(
                *(each[i] for each, i in zip(values, combination, strict=True)),
                marks=() if combination in sample else pytest.mark.full,
            )
            for combination in combinations
        ],
    )


def shift_matrix(rows: float, columns: float) -> NDArray[numpy.float64]:
    """Passive matrix that takes pixel (r, c) from (r + rows, c + columns)."""
    return numpy.array([[1, 0, rows], [0, 1, columns], [0, 0, 1]], dtype=float)


def rotation_matrix(degrees: float, center: tuple[float, float]) -> NDArray[numpy.float64]:
    """Passive matrix of a rotation about a point; 90 degrees take (0, -1) to (1, 0)."""
    cos, sin = numpy.cos(numpy.deg2rad(degrees)), numpy.sin(numpy.deg2rad(degrees))
    turn = numpy.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]])
    return shift_matrix(*center) @ turn @ shift_matrix(-center[0], -center[1])


def smooth_image(seed: int, shape: tuple[int, int], sigma: float = 2.0) -> NDArray[numpy.float64]:
    """Blobs of a few pixels with mean 0 and variance 1, the same for the same seed."""
    noise = numpy.random.default_rng(seed).normal(size=shape)
    image = ndimage.gaussian_filter(noise, sigma, mode="wrap")
    return numpy.asarray((image - image.mean()) / image.std())
