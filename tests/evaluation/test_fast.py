"""OpenCV makes the evaluation faster and nothing else."""

import numpy
import pytest

from ewoksndreg import _opencv
from ewoksndreg.evaluation import evaluate_stacks
from ewoksndreg.transformation import Homography

from ..conftest import rotation_matrix
from ..conftest import shift_matrix
from .conftest import moving_stack

pytest.importorskip("cv2", reason='pip install ".[fast]"')

SHAPE = (150, 190)
MOTION = [(0, 0), (1.4, -2.2), (2.7, -3.1), (3.5, -5.6), (5.2, -6.3)]


def lists(kind):
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


@pytest.mark.parametrize("missing", [False, True])
@pytest.mark.parametrize("evaluate_on", ["all", "own"])
@pytest.mark.parametrize("dtype", ["float32", "float64", "uint16"])
@pytest.mark.parametrize("kind", ["translation", "rigid", "affine", "projective"])
def test_ranking_and_scores_are_the_same_without_it(kind, dtype, evaluate_on, missing, monkeypatch):
    stacks = {}
    for seed, name in enumerate("abc"):
        images = moving_stack(seed, MOTION, SHAPE)
        if missing and dtype != "uint16":
            images[2, 40:50, 60:80] = numpy.nan
        stacks[name] = (1000 * (images + 9)).astype(dtype)
    with_opencv = evaluate_stacks(stacks, lists(kind), evaluate_on=evaluate_on)
    monkeypatch.setattr(_opencv, "_opencv", lambda: None)
    without = evaluate_stacks(stacks, lists(kind), evaluate_on=evaluate_on)
    assert with_opencv.ranked_names == without.ranked_names
    for name in "abc":
        for number, value in without.scores()[name].items():
            assert with_opencv.scores()[name][number] == pytest.approx(value, abs=1e-3)
    numpy.testing.assert_allclose(with_opencv.relative_mse, without.relative_mse, atol=1e-3)
    numpy.testing.assert_array_equal(with_opencv.overlap, without.overlap)
