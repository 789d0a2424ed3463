"""The abstract transformation: what a subclass needs, equality and composition."""

import copy
import pickle
from typing import Any

import numpy
import pytest
from numpy.typing import ArrayLike
from numpy.typing import NDArray

from ewoksndreg.transformation import Homography
from ewoksndreg.transformation import Transformation
from ewoksndreg.transformation import TransformationType
from ewoksndreg.transformation import base

from ..conftest import Foreign
from ..conftest import shift_matrix


class Transposition(Transformation):
    """Swaps rows and columns; written without any code of the library."""

    def apply_coordinates(self, coord: ArrayLike) -> NDArray[Any]:
        return numpy.asarray(coord)[::-1]

    def apply_data(
        self, image: ArrayLike, *, cval: float = numpy.nan, interpolation_order: int = 1
    ) -> NDArray[Any]:
        return numpy.asarray(image).T.astype(float)


class WithMatrix(Foreign):
    """A foreign transformation that also knows its matrix."""

    @property
    def passive_matrix(self) -> NDArray[Any]:
        return self.wrapped.passive_matrix

    @property
    def active_matrix(self) -> NDArray[Any]:
        return self.wrapped.active_matrix


IMAGE = numpy.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]])
POINTS = numpy.array([[0.0, 5.0], [1.0, 7.0]])
NAN = numpy.nan


def test_the_types_are_those_of_the_specification():
    assert [kind.value for kind in TransformationType] == [
        "identity",
        "translation",
        "rigid",
        "similarity",
        "affine",
        "projective",
        "bspline",
        "displacement_field",
        "composite",
    ]


def test_the_package_and_the_module_offer_the_same_class():
    assert base.Transformation is Transformation


@pytest.mark.parametrize("missing", ["apply_coordinates", "apply_data"])
def test_a_subclass_needs_both_methods(missing):
    methods = {"apply_coordinates", "apply_data"} - {missing}
    incomplete = type(
        "Incomplete", (Transformation,), {name: lambda self: None for name in methods}
    )
    with pytest.raises(TypeError, match=missing):
        incomplete()


def test_a_subclass_with_only_the_two_methods_is_the_most_general_kind():
    assert Transposition().transformation_type is TransformationType.displacement_field
    assert Foreign(Transposition()).transformation_type is TransformationType.displacement_field


@pytest.mark.parametrize("kind", ["bspline", TransformationType.bspline])
def test_a_subclass_can_say_its_kind_by_value_or_member(kind):
    class Spline(Transposition):
        def __init__(self) -> None:
            super().__init__(kind)

    assert Spline().transformation_type is TransformationType.bspline


@pytest.mark.parametrize("name", ["passive_matrix", "active_matrix"])
@pytest.mark.parametrize(
    "transformation",
    [
        Transposition(),
        Transposition() @ Homography(numpy.identity(3)),
        Homography(numpy.identity(3)) @ Transposition(),
    ],
    ids=["foreign", "foreign first", "foreign second"],
)
def test_where_there_is_no_matrix_it_is_an_attribute_error(transformation, name):
    with pytest.raises(AttributeError, match=f"Transposition has no {name}"):
        getattr(transformation, name)
    assert not hasattr(transformation, name)


@pytest.mark.parametrize(
    ("change", "equal"),
    [(0.0, True), (1e-9, True), (1e-3, False)],
)
@pytest.mark.parametrize("other_class", [Homography, lambda m: WithMatrix(Homography(m))])
def test_transformations_are_equal_when_their_matrices_are_within_allclose(
    change, equal, other_class
):
    matrix = numpy.array([[1.1, 0.2, 3.0], [-0.1, 0.9, -4.0], [0, 0, 1]])
    changed = matrix.copy()
    changed[0, 1] += change
    assert numpy.allclose(matrix, changed) is equal
    assert (Homography(matrix) == other_class(changed)) is equal
    assert (other_class(changed) == Homography(matrix)) is equal
    assert (Homography(matrix) != other_class(changed)) is not equal


def test_without_a_matrix_a_transformation_equals_only_itself():
    one, other = Transposition(), Transposition()
    assert one == one
    assert one != other
    assert one != Homography(numpy.identity(3))
    assert Homography(numpy.identity(3)) != one


@pytest.mark.parametrize("other", ["identity", 1, None])
def test_a_transformation_does_not_equal_other_things(other):
    assert Homography(numpy.identity(3)) != other


def test_a_transformation_equals_a_copy_of_itself():
    transformation = Homography(shift_matrix(1.5, -2))
    assert copy.deepcopy(transformation) == transformation
    assert pickle.loads(pickle.dumps(transformation)) == transformation  # noqa: S301


def test_equality_with_a_tolerance_has_no_hash():
    with pytest.raises(TypeError, match="unhashable"):
        hash(Homography(numpy.identity(3)))


# With a = swap rows and columns and b = take every pixel from the row above, by hand: the image is
#     1 2 3                          1 4 7              - - -             - - -            - 1 4
#     4 5 6     after a              2 5 8   then b     1 4 7   but b     1 2 3   then a   - 2 5
#     7 8 9                          3 6 9              2 5 8   first     4 5 6            - 3 6
FIRST_SWAP = numpy.array([[NAN, NAN, NAN], [1, 4, 7], [2, 5, 8]])
FIRST_SHIFT = numpy.array([[NAN, 1, 4], [NAN, 2, 5], [NAN, 3, 6]])


@pytest.mark.parametrize(
    "shift",
    [Homography(shift_matrix(-1, 0)), Foreign(Homography(shift_matrix(-1, 0)))],
    ids=["homography", "foreign"],
)
@pytest.mark.parametrize("order", range(6))
def test_a_matmul_b_transforms_images_first_with_a_then_with_b(shift, order):
    swap = Transposition()
    first_swap = (swap @ shift).apply_data(IMAGE, interpolation_order=order)
    first_shift = (shift @ swap).apply_data(IMAGE, interpolation_order=order)
    numpy.testing.assert_array_equal(first_swap, FIRST_SWAP)
    numpy.testing.assert_array_equal(first_shift, FIRST_SHIFT)


@pytest.mark.parametrize(
    "shift",
    [Homography(shift_matrix(-1, 0)), Foreign(Homography(shift_matrix(-1, 0)))],
    ids=["homography", "foreign"],
)
def test_a_matmul_b_moves_points_first_with_a_then_with_b(shift):
    """The active shift is (+1, 0): (0, 1) swapped is (1, 0), moved (2, 0); moved first it is
    (1, 1), and swapped (1, 1)."""
    swap = Transposition()
    numpy.testing.assert_array_equal((swap @ shift).apply_coordinates(POINTS), [[2, 8], [0, 5]])
    numpy.testing.assert_array_equal((shift @ swap).apply_coordinates(POINTS), [[1, 7], [1, 6]])


def test_a_matmul_b_of_homographies_does_not_commute():
    """Passive: b = zoom by 2 about the origin reads from 2p, a = shift reads from p + (1, 0).
    First a, then b: result[p] = a_result[2 p] = image[2 p + (1, 0)]."""
    shift = Homography(shift_matrix(1, 0))
    zoom = Homography(numpy.diag([2.0, 2, 1]))
    first_shift = shift @ zoom
    first_zoom = zoom @ shift
    numpy.testing.assert_allclose(first_shift.passive_matrix, [[2, 0, 1], [0, 2, 0], [0, 0, 1]])
    numpy.testing.assert_allclose(first_zoom.passive_matrix, [[2, 0, 2], [0, 2, 0], [0, 0, 1]])
    # Active: the shift takes 1 from the row, the zoom halves.
    numpy.testing.assert_allclose(first_shift.apply_coordinates([[4], [6]]), [[1.5], [3]])
    numpy.testing.assert_allclose(first_zoom.apply_coordinates([[4], [6]]), [[1], [3]])
    numpy.testing.assert_array_equal(
        first_shift.apply_data(IMAGE), [[4, 6, NAN], [NAN] * 3, [NAN] * 3]
    )
    numpy.testing.assert_array_equal(
        first_zoom.apply_data(IMAGE), [[7, 9, NAN], [NAN] * 3, [NAN] * 3]
    )


def test_foreign_transformations_with_matrices_compose_like_the_homographies_they_wrap():
    a = Homography([[1.1, 0.2, 3.0], [-0.1, 0.9, -4.0], [0, 0, 1]])
    b = Homography([[0.9, 0, 1.0], [0.3, 1.2, 2.0], [0, 0.001, 1]])
    composite = WithMatrix(a) @ WithMatrix(b)
    passive = a.passive_matrix @ b.passive_matrix
    numpy.testing.assert_allclose(composite.passive_matrix, passive)
    product = composite.active_matrix @ passive
    numpy.testing.assert_allclose(product / product[2, 2], numpy.identity(3), atol=1e-12)
    assert composite.transformation_type is TransformationType.composite


def test_three_transformations_are_applied_from_left_to_right():
    """By hand: (4, 6) swapped is (6, 4), halved (3, 2), moved by (-1, 0) (2, 2)."""
    zoom = Homography(numpy.diag([2.0, 2, 1]))
    shift = Homography(shift_matrix(1, 0))
    for composite in (Transposition() @ zoom @ shift, Transposition() @ (zoom @ shift)):
        numpy.testing.assert_allclose(composite.apply_coordinates([[4], [6]]), [[2], [2]])


def test_a_composite_gives_the_value_asked_for_to_pixels_from_outside():
    composite = Transposition() @ Homography(shift_matrix(-1, 0))
    expected = numpy.where(numpy.isnan(FIRST_SWAP), -5, FIRST_SWAP)
    numpy.testing.assert_array_equal(composite.apply_data(IMAGE, cval=-5), expected)


def test_a_composite_invents_no_value_between_the_image_and_the_outside():
    """Half a pixel down, twice, is a pixel down on a ramp. The uppermost row comes from outside at
    the first step, and so the two uppermost rows do at the second."""
    ramp = numpy.repeat(numpy.arange(5.0)[:, numpy.newaxis], 3, axis=1)
    half = Foreign(Homography(shift_matrix(-0.5, 0)))
    aligned = (half @ half).apply_data(ramp, cval=100)
    numpy.testing.assert_allclose(aligned[2:], ramp[1:-1])
    numpy.testing.assert_array_equal(aligned[:2], 100)


def test_a_composite_is_a_composite_can_be_pickled_and_shows_its_parts():
    composite = Foreign(Homography(shift_matrix(2, 0))) @ Homography(shift_matrix(0, 3))
    assert composite.transformation_type is TransformationType.composite
    copied = pickle.loads(pickle.dumps(composite))  # noqa: S301
    numpy.testing.assert_array_equal(copied.apply_coordinates([[5], [5]]), [[3], [2]])
    assert "Foreign" in repr(composite)
    assert "Homography" in repr(composite)


@pytest.mark.parametrize("transformation", [Transposition(), Homography(numpy.identity(3))])
@pytest.mark.parametrize("other", [1, "b", None])
def test_only_transformations_can_be_composed(transformation, other):
    with pytest.raises(TypeError):
        transformation @ other
