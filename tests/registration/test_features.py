"""The transformation that most pairs of points support, against matrices that are known."""

import numpy
import pytest

from ewoksndreg.registration._features import fit_robustly
from ewoksndreg.transformation import TransformationType

TRANSLATION = numpy.array([[1, 0, 5.5], [0, 1, -3], [0, 0, 1]])
RIGID = numpy.array([[0.8, -0.6, 20], [0.6, 0.8, -7], [0, 0, 1]])
SIMILARITY = numpy.array([[0.88, -0.66, 20], [0.66, 0.88, -7], [0, 0, 1]])
AFFINE = numpy.array([[1.1, 0.1, 4], [-0.2, 0.9, 9], [0, 0, 1]])
PROJECTIVE = numpy.array([[1.1, 0.1, 4], [-0.2, 0.9, 9], [1e-3, -5e-4, 1]])
MATRICES = {
    "translation": TRANSLATION,
    "rigid": RIGID,
    "similarity": SIMILARITY,
    "affine": AFFINE,
    "projective": PROJECTIVE,
}


def _pairs(matrix: numpy.ndarray, number: int, noise: float, wrong: float) -> tuple:
    rng = numpy.random.default_rng(1)
    reference = rng.uniform(0, 128, (2, number))
    points = matrix[:, :2] @ reference + matrix[:, 2:]
    points = points[:2] / points[2] + rng.normal(scale=noise, size=(2, number))
    is_wrong = rng.uniform(size=number) < wrong
    points[:, is_wrong] = rng.uniform(0, 128, (2, is_wrong.sum()))
    return reference, points


@pytest.mark.parametrize("name", MATRICES)
def test_exact_pairs_give_the_matrix(name: str) -> None:
    found = fit_robustly(*_pairs(MATRICES[name], 20, 0, 0), TransformationType(name))
    numpy.testing.assert_allclose(found, MATRICES[name], atol=1e-6)


@pytest.mark.parametrize("name", MATRICES)
def test_wrong_pairs_do_not_matter(name: str) -> None:
    pairs = _pairs(MATRICES[name], 80, 0.2, 0.5)
    found = fit_robustly(*pairs, TransformationType(name))
    rows, columns = numpy.array([[20, 20, 100, 100], [20, 100, 20, 100]])
    corners = numpy.array([rows, columns, numpy.ones(4)])
    moved, expected = found @ corners, MATRICES[name] @ corners
    assert numpy.abs(moved[:2] / moved[2] - expected[:2] / expected[2]).max() < 0.4
    again = fit_robustly(*pairs, TransformationType(name))
    numpy.testing.assert_array_equal(found, again)


@pytest.mark.parametrize("name", MATRICES)
def test_pairs_that_support_nothing_give_none(name: str) -> None:
    rng = numpy.random.default_rng(2)
    points = rng.uniform(0, 500, (2, 2, 12))
    assert fit_robustly(*points, TransformationType(name)) is None
    assert fit_robustly(*points[:, :, :3], TransformationType(name)) is None
    assert fit_robustly(*points[:, :, :0], TransformationType(name)) is None


def test_points_in_one_place_give_none_or_a_finite_matrix() -> None:
    points = numpy.ones((2, 30))
    for name in MATRICES:
        found = fit_robustly(points, points, TransformationType(name))
        assert found is None or numpy.isfinite(found).all()
