"""Numba makes the evaluation faster and nothing else."""

import numpy
import pytest

from ewoksndreg.evaluation import _jobs
from ewoksndreg.evaluation import evaluate_stacks
from ewoksndreg.kernels import Prepared
from ewoksndreg.transformation import Homography

from ..conftest import parametrize_sample
from ..conftest import rotation_matrix
from ..conftest import shift_matrix
from ..evaluation.conftest import moving_stack
from .conftest import NUMBA
from .conftest import kernel_or_skip

pytestmark = NUMBA

SHAPE = (150, 190)
MOTION = [(0, 0), (1.4, -2.2), (2.7, -3.1), (3.5, -5.6), (5.2, -6.3)]


def registrations(kind):
    rng = numpy.random.default_rng(0)
    result = {}
    for name, scale in (("a", 0.1), ("b", 0.7), ("c", 2)):
        items = []
        for shift in MOTION:
            matrix = shift_matrix(*(shift + rng.normal(scale=scale, size=2)))
            if kind != "translation":
                matrix = matrix @ rotation_matrix(rng.normal(scale=scale), (75, 95))
            if kind == "affine":
                matrix[:2, :2] += rng.normal(scale=scale / 300, size=(2, 2))
            if kind == "projective":
                matrix[2, :2] += rng.normal(scale=scale / 1e5, size=2)
            items.append(Homography(matrix))
        result[name] = items
    return result


@pytest.fixture
def both_kernels(monkeypatch):
    """What each kernel makes of an evaluation, however small: numpy, numba."""
    kernels = [kernel_or_skip(name) for name in ("numpy", "numba")]

    def evaluate(*args, **options):
        for kernel in kernels:
            monkeypatch.setattr(_jobs, "select_kernel", lambda _, kernel=kernel: kernel)
            yield evaluate_stacks(*args, **options)

    return evaluate


@parametrize_sample(
    "kind, dtype, evaluate_on, invalid",
    ["translation", "rigid", "affine", "projective"],
    ["float32", "float64", "uint16"],
    ["all", "own"],
    [False, True],
    every=11,
)
def test_ranking_and_scores_are_the_same(kind, dtype, evaluate_on, invalid, both_kernels):
    stacks = {}
    for seed, name in enumerate("abc"):
        images = moving_stack(seed, MOTION, SHAPE)
        if invalid and dtype != "uint16":
            images[2, 40:50, 60:80] = numpy.nan
        stacks[name] = (1000 * (images + 9)).astype(dtype)
    slow, fast = both_kernels(stacks, registrations(kind), evaluate_on=evaluate_on)
    assert fast.ranked_names == slow.ranked_names
    for name in "abc":
        for number, value in slow.scores()[name].items():
            assert fast.scores()[name][number] == pytest.approx(value, abs=1e-5)
    numpy.testing.assert_allclose(
        fast.relative_error_per_image, slow.relative_error_per_image, atol=1e-5
    )
    numpy.testing.assert_array_equal(fast.overlap, slow.overlap)


MATRICES = {
    "nothing": numpy.identity(3),
    "whole shift": shift_matrix(2, -1),
    "shift": shift_matrix(0.3, -1.71),
    "shift of rows": shift_matrix(-0.6, 0),
    "shift of columns": shift_matrix(1, 0.25),
    "tiny turn": rotation_matrix(1e-7, (75, 95)),
    "small turn": rotation_matrix(0.4, (75, 95)),
    "turn": rotation_matrix(-7, (75, 95)),
    "turn in short runs": rotation_matrix(15, (75, 95)),
    "large turn": rotation_matrix(37, (75, 95)),
    "quarter of a turn": rotation_matrix(90, (74.5, 94.5)),
    "half a turn": rotation_matrix(180, (74.5, 94.5)),
    "zoom": numpy.array([[1.03, 0, -2.2], [0, 0.96, 3.1], [0, 0, 1]]),
    "zoom by two": numpy.diag([2.0, 2.0, 1.0]),
    "zoom by 1/64": numpy.diag([1 + 1 / 64, 1 - 1 / 64, 1.0]),
    "shear": numpy.array([[1, 0, 0], [0.01, 1, 0], [0, 0, 1]]),
    "mirror": numpy.array([[-1, 0.001, 149], [0.002, 1, -0.3], [0, 0, 1]]),
    "perspective": numpy.array([[1, 0, 0.3], [0.01, 1, 0], [1e-5, 0, 1]]),
    "out of sight": shift_matrix(1e9, 0),
    "far out of sight": numpy.array([[1, 1e-17, 1e300], [0, 1, 0], [0, 0, 1]]),
    "far to the left": numpy.array([[1, 1e-3, 0], [0, 1, -1e300], [0, 0, 1]]),
    "far to the top": numpy.array([[1, 1e-3, -1e25], [0, 1, 0], [0, 0, 1]]),
    "far to the right": numpy.array([[1, 1e-3, 0], [0, -1, 1e25], [0, 0, 1]]),
    "not finite": numpy.full((3, 3), numpy.nan),
}


@parametrize_sample(
    "name, invalid", [*MATRICES], ["none", "border", "scattered", "corners"], every=3
)
def test_the_same_pixels_are_compared(name, invalid):
    """The sums over the pixels themselves; on a pixel grid a neighbor that takes no part may be
    invalid."""
    rng = numpy.random.default_rng(0)
    a, b = rng.random((2, *SHAPE)).astype(numpy.float32)
    if invalid == "border":
        b[:9], b[:, -4:] = numpy.nan, numpy.nan
    elif invalid == "scattered":
        b[rng.random(SHAPE) < 0.05] = numpy.nan
        a[rng.random(SHAPE) < 0.05] = numpy.nan
    elif invalid == "corners":
        b[[0, 0, -1, -1], [0, -1, 0, -1]] = numpy.nan
    pair = Prepared.of(a), Prepared.of(b)
    slow, fast = (
        kernel_or_skip(each).sum_products(*pair, MATRICES[name]) for each in ("numpy", "numba")
    )
    assert fast[0] == slow[0]
    numpy.testing.assert_allclose(fast, slow, rtol=1e-6)
    for parameters in (2, 6):
        slow, fast = (
            kernel_or_skip(each).sum_gradients(*pair, MATRICES[name], parameters)
            for each in ("numpy", "numba")
        )
        assert fast[0, 0] == slow[0, 0]
        # The gradients add up to about 0, so this is about the number of pixels.
        numpy.testing.assert_allclose(fast, slow, rtol=1e-5, atol=1e-6 * slow[0, 0])
