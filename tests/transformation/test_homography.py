"""Homographies: their kind, their matrices, and what becomes of useless ones."""

import copy
import pickle

import numpy
import pytest

from ewoksndreg.transformation import Homography
from ewoksndreg.transformation import TransformationType
from ewoksndreg.transformation import numpy_backend
from ewoksndreg.transformation import scipy_backend

from ..conftest import rotation_matrix
from ..conftest import shift_matrix
from ..conftest import smooth_image

CENTRE = (20.0, 31.5)
SHEAR = numpy.array([[1, 0.1, 0], [0, 1, 0], [0, 0, 1]])
PERSPECTIVE = numpy.array([[1, 0, 0], [0, 1, 0], [1e-4, -2e-4, 1]])

# The kind follows from how each matrix is made, not from looking at it.
KINDS = [
    ("identity", "identity", numpy.identity(3)),
    ("translation", "translation", shift_matrix(3.25, -120.5)),
    ("small translation", "translation", shift_matrix(0, 0.001)),
    ("rotation", "rigid", rotation_matrix(12, CENTRE)),
    ("half turn", "rigid", rotation_matrix(180, CENTRE)),
    ("small rotation", "rigid", rotation_matrix(0.01, CENTRE)),
    ("rotation and shift", "rigid", shift_matrix(4, 5) @ rotation_matrix(-95, CENTRE)),
    ("zoom", "similarity", numpy.diag([1.01, 1.01, 1])),
    (
        "zoom out and rotation",
        "similarity",
        rotation_matrix(30, CENTRE) @ numpy.diag([0.2, 0.2, 1]),
    ),
    ("shear", "affine", SHEAR),
    ("two zooms", "affine", numpy.diag([1.01, 0.99, 1])),
    ("mirror", "affine", numpy.diag([1.0, -1, 1])),
    ("mirror and rotation", "affine", rotation_matrix(30, CENTRE) @ numpy.diag([1.0, -1, 1])),
    ("perspective", "projective", PERSPECTIVE),
    ("perspective and rotation", "projective", rotation_matrix(30, CENTRE) @ PERSPECTIVE),
]
each_kind = pytest.mark.parametrize(
    ("kind", "matrix"), [case[1:] for case in KINDS], ids=[case[0] for case in KINDS]
)


@each_kind
def test_the_type_is_derived_from_the_matrix(kind, matrix):
    assert Homography(matrix).transformation_type is TransformationType(kind)


@each_kind
def test_the_type_is_derived_from_a_nested_registration(kind, matrix):
    assert Homography(matrix.tolist()).transformation_type is TransformationType(kind)


@each_kind
def test_the_type_of_the_inverse_is_the_same(kind, matrix):
    inverse = numpy.linalg.inv(matrix)
    assert Homography(inverse).transformation_type is TransformationType(kind)


@each_kind
def test_a_matrix_with_rounding_errors_is_the_same_homography(kind, matrix):
    for seed in range(3):
        noise = numpy.random.default_rng(seed).uniform(-1e-9, 1e-9, size=(3, 3))
        homography = Homography(matrix + noise)
        assert homography.transformation_type is TransformationType(kind)
        assert homography == Homography(matrix)


@each_kind
def test_a_matrix_scaled_by_a_constant_is_the_same_homography(kind, matrix):
    for factor in (-1, 3.7, -0.2, 1e-6, -1e8):
        homography = Homography(factor * matrix)
        assert homography.transformation_type is TransformationType(kind)
        assert homography == Homography(matrix)
        numpy.testing.assert_allclose(homography.passive_matrix, matrix, rtol=1e-12, atol=1e-15)


@each_kind
def test_the_type_is_derived_from_a_float32_matrix(kind, matrix):
    for factor in (1, -0.3):
        homography = Homography((factor * matrix).astype(numpy.float32))
        assert homography.transformation_type is TransformationType(kind)
        assert homography.passive_matrix.dtype == numpy.float64


@pytest.mark.parametrize("factor", [1, -4, 1e-7])
def test_a_scaled_matrix_that_ends_in_zero_is_the_same_homography(factor):
    """The image of pixel (0, 0) is at infinity, so the matrix cannot be scaled by its last
    element. Pixel (2, 4) comes from ((2 + 1) / (0.5 * 2), 4 / (0.5 * 2)) = (3, 4)."""
    matrix = numpy.array([[1, 0, 1], [0, 1, 0], [0.5, 0, 0]])
    homography = Homography(factor * matrix)
    assert homography.transformation_type is TransformationType.projective
    assert homography == Homography(matrix)
    numpy.testing.assert_allclose(homography.apply_coordinates([[3], [4]]), [[2], [4]])


def test_the_rounding_errors_of_many_products_do_not_change_the_kind():
    """360 rotations by one degree about a point are the identity."""
    product = numpy.linalg.matrix_power(rotation_matrix(1, CENTRE), 360)
    assert not numpy.array_equal(product, numpy.identity(3))
    assert Homography(product).transformation_type is TransformationType.identity


@pytest.mark.parametrize("kind", ["affine", TransformationType.affine])
def test_a_type_that_is_given_is_kept(kind):
    homography = Homography(numpy.identity(3), kind)
    assert homography.transformation_type is TransformationType.affine


def test_a_type_that_does_not_exist_is_refused():
    with pytest.raises(ValueError, match="elastic"):
        Homography(numpy.identity(3), "elastic")


@pytest.mark.parametrize(
    ("matrix", "shape"),
    [
        (numpy.identity(2), r"\(2, 2\)"),
        (numpy.identity(4), r"\(4, 4\)"),
        (numpy.ones((2, 3)), r"\(2, 3\)"),
        (numpy.ones((1, 3, 3)), r"\(1, 3, 3\)"),
        (numpy.ones(9), r"\(9,\)"),
        ([[1, 0], [0, 1], [0, 0]], r"\(3, 2\)"),
        ([], r"\(0,\)"),
        (1.0, r"\(\)"),
    ],
)
def test_a_matrix_of_a_wrong_shape_is_refused_with_its_shape(matrix, shape):
    with pytest.raises(ValueError, match=rf"\(3, 3\), not {shape}"):
        Homography(matrix)


@pytest.mark.parametrize(
    ("matrix", "shown"),
    [
        (None, "None"),
        ("rotation", "rotation"),
        ([[1, 0, 0], [0, 1]], r"\[\[1, 0, 0\], \[0, 1\]\]"),
        ([[1, 0, 0], [0, None, 0], [0, 0, 1]], "None"),
        (numpy.identity(3) * 1j, "j"),
        ([["1", "0", "0"], ["0", "1", "0"], ["0", "0", "1"]], "'1'"),
    ],
)
def test_what_is_no_matrix_is_refused_and_shown(matrix, shown):
    with pytest.raises(ValueError, match=f"3x3 matrix of real numbers, not .*{shown}"):
        Homography(matrix)


NAN, INF = numpy.nan, numpy.inf
USELESS = {
    "all NaN": numpy.full((3, 3), NAN),
    "one NaN": [[1, 0, NAN], [0, 1, 0], [0, 0, 1]],
    "first NaN": [[NAN, 0, 0], [0, 1, 0], [0, 0, 1]],
    "last NaN": [[1, 0, 0], [0, 1, 0], [0, 0, NAN]],
    "first infinite": [[INF, 0, 0], [0, 1, 0], [0, 0, 1]],
    "infinite": [[1, 0, -INF], [0, 1, 0], [0, 0, 1]],
    "last infinite": [[1, 0, 0], [0, 1, 0], [0, 0, INF]],
    "zero": numpy.zeros((3, 3)),
    "rank 1": numpy.ones((3, 3)),
    "rank 2": [[1, 0, 5], [0, 0, 0], [0, 0, 1]],
    "rank 2 but for rounding": [[0.1, 0.2, 0.3], [0.4, 0.5, 0.6], [0.7, 0.8, 0.9]],
}
each_useless = pytest.mark.parametrize("matrix", USELESS.values(), ids=USELESS)


@each_useless
def test_a_non_finite_or_singular_matrix_turns_every_pixel_into_nan(matrix):
    for dtype in (numpy.float32, numpy.float64, numpy.uint8):
        for order in (0, 1, 3):
            image = numpy.ones((4, 6), dtype=dtype)
            aligned = Homography(matrix).apply_data(image, interpolation_order=order)
            assert aligned.shape == (4, 6)
            assert numpy.isnan(aligned).all()


@each_useless
def test_a_non_finite_or_singular_matrix_turns_every_coordinate_into_nan(matrix):
    homography = Homography(matrix)
    moved = homography.apply_coordinates([[0.0, 1, 2], [0, 3, 5]])
    assert moved.shape == (2, 3)
    assert numpy.isnan(moved).all()
    assert homography.active_matrix.shape == (3, 3)
    assert numpy.isnan(homography.active_matrix).all()


@pytest.mark.parametrize(
    "name", ["all NaN", "one NaN", "first NaN", "infinite", "zero", "rank 1", "rank 2"]
)
def test_a_non_finite_or_singular_matrix_is_kept(name):
    numpy.testing.assert_array_equal(Homography(USELESS[name]).passive_matrix, USELESS[name])


@each_useless
def test_what_follows_a_useless_homography_is_useless_too(matrix):
    good = Homography(shift_matrix(1, 2))
    for product in (good @ Homography(matrix), Homography(matrix) @ good):
        assert numpy.isnan(product.apply_data(numpy.ones((3, 3)))).all()


def test_a_very_large_or_small_but_invertible_matrix_is_no_useless_one():
    homography = Homography(numpy.diag([1e-7, 1e-7, 1]))
    numpy.testing.assert_allclose(homography.apply_coordinates([[1e-7], [2e-7]]), [[1], [2]])
    homography = Homography(shift_matrix(1e9, -1e9))
    numpy.testing.assert_allclose(homography.apply_coordinates([[1e9], [0]]), [[0], [1e9]])


@each_kind
def test_the_passive_matrix_is_the_inverse_of_the_active_one(kind, matrix):
    homography = Homography(matrix)
    product = homography.passive_matrix @ homography.active_matrix
    numpy.testing.assert_allclose(product / product[2, 2], numpy.identity(3), atol=1e-12)
    numpy.testing.assert_allclose(homography.passive_matrix, matrix, rtol=1e-15)


@each_kind
def test_points_are_moved_by_the_active_transformation(kind, matrix):
    """One point at a time: solve passive (r, c, 1) ~ point."""
    points = numpy.random.default_rng(1).uniform(-10, 60, size=(2, 7))
    moved = Homography(matrix).apply_coordinates(points)
    assert moved.shape == (2, 7)
    for (row, column), actual in zip(points.T, moved.T, strict=True):
        homogeneous = numpy.linalg.solve(matrix, [row, column, 1])
        numpy.testing.assert_allclose(actual, homogeneous[:2] / homogeneous[2], rtol=1e-9)


def test_points_are_rows_and_columns_moved_against_the_passive_shift():
    moved = Homography(shift_matrix(2, -30)).apply_coordinates([[0, 1], [0, 1]])
    numpy.testing.assert_array_equal(moved, [[-2, -1], [30, 31]])


def test_what_was_at_a_point_is_found_where_the_point_moves():
    image = numpy.zeros((20, 30))
    image[7, 11] = 1
    homography = Homography(rotation_matrix(90, (9, 13)))
    row, column = homography.apply_coordinates([[7], [11]]).ravel()
    aligned = homography.apply_data(image)
    assert numpy.unravel_index(numpy.nanargmax(aligned), aligned.shape) == (
        round(row),
        round(column),
    )


def test_no_points_are_no_points():
    assert Homography(shift_matrix(1, 1)).apply_coordinates(numpy.empty((2, 0))).shape == (2, 0)


@pytest.mark.parametrize("shape", [(2,), (3, 4), (4, 2), (2, 3, 1)])
def test_coordinates_of_a_wrong_shape_are_refused_with_their_shape(shape):
    shown = str(shape).replace("(", r"\(").replace(")", r"\)")
    with pytest.raises(ValueError, match=rf"\(2, M\).*not {shown}"):
        Homography(numpy.identity(3)).apply_coordinates(numpy.zeros(shape))


def test_a_point_that_goes_to_infinity_is_not_finite():
    matrix = numpy.linalg.inv([[1, 0, 0], [0, 1, 0], [-0.5, 0, 1]])
    moved = Homography(matrix).apply_coordinates([[2.0, 1.0], [3.0, 0.0]])
    assert not numpy.isfinite(moved[:, 0]).any()
    numpy.testing.assert_allclose(moved[:, 1], [2, 0])


def test_homographies_compose_to_one_that_interpolates_once():
    """Two shifts by half a pixel are one by an integer, which changes no value."""
    image = smooth_image(0, (9, 12))
    half = Homography(shift_matrix(0.5, -0.5))
    product = half @ half
    assert type(product) is Homography
    assert product.transformation_type is TransformationType.translation
    expected = numpy.full_like(image, NAN)
    expected[:-1, 1:] = image[1:, :-1]
    numpy.testing.assert_array_equal(product.apply_data(image), expected)


@pytest.mark.parametrize(
    ("first", "second", "kind"),
    [
        (shift_matrix(1, 0), shift_matrix(-1, 0), "identity"),
        (shift_matrix(1, 0), rotation_matrix(10, CENTRE), "rigid"),
        (rotation_matrix(10, CENTRE), SHEAR, "affine"),
        (SHEAR, PERSPECTIVE, "projective"),
    ],
)
def test_the_type_of_a_product_is_derived_from_its_matrix(first, second, kind):
    product = Homography(first) @ Homography(second)
    assert product.transformation_type is TransformationType(kind)
    expected = first @ second
    numpy.testing.assert_allclose(
        product.passive_matrix, expected / expected[2, 2], rtol=1e-12, atol=1e-12
    )


def test_the_names_used_in_notebooks_are_the_same_class():
    assert numpy_backend.NumpyHomography is Homography
    assert scipy_backend.ScipyHomography is Homography


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_a_homography_can_be_pickled(protocol):
    homography = Homography(rotation_matrix(3, CENTRE), "affine")
    copied = pickle.loads(pickle.dumps(homography, protocol))  # noqa: S301
    assert type(copied) is Homography
    assert copied.transformation_type is TransformationType.affine
    numpy.testing.assert_array_equal(copied.passive_matrix, homography.passive_matrix)
    numpy.testing.assert_array_equal(copied.active_matrix, homography.active_matrix)


@pytest.mark.parametrize("name", ["passive_matrix", "active_matrix"])
@pytest.mark.parametrize(
    "again",
    [lambda it: it, copy.copy, copy.deepcopy, lambda it: pickle.loads(pickle.dumps(it))],  # noqa: S301
    ids=["made", "copied", "deeply copied", "pickled"],
)
def test_the_matrices_are_read_only(name, again):
    matrix = getattr(again(Homography(shift_matrix(1, 2))), name)
    with pytest.raises(ValueError, match="read-only"):
        matrix[0, 0] = 7


def test_the_matrix_that_is_given_is_neither_changed_nor_shared():
    matrix = 2 * shift_matrix(1, 2)
    homography = Homography(matrix)
    numpy.testing.assert_array_equal(matrix, 2 * shift_matrix(1, 2))
    matrix[0, 2] = 1000
    numpy.testing.assert_array_equal(homography.passive_matrix, shift_matrix(1, 2))


def test_a_homography_shows_its_matrix_and_type():
    shown = repr(Homography(shift_matrix(1.5, 2)))
    assert shown == (
        "Homography([[1.0, 0.0, 1.5], [0.0, 1.0, 2.0], [0.0, 0.0, 1.0]], 'translation')"
    )
