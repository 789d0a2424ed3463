"""Shift, rotation and scale of known transformations."""

import numpy
import pytest

from ewoksndreg.transformation import Homography
from ewoksndreg.transformation import Transformation
from ewoksndreg.transformation import find_motion

from ..conftest import Foreign
from ..conftest import rotation_matrix
from ..conftest import shift_matrix

SHAPE = (41, 61)
CENTRE = (20, 30)


def test_the_center_moves_against_the_shift_of_the_passive_matrix():
    """Pixel p of the aligned image is taken from p + shift: what is seen there moves back."""
    found = find_motion([Homography(shift_matrix(0, 0)), Homography(shift_matrix(3, -2.5))], SHAPE)
    assert found.rows == pytest.approx([0, -3])
    assert found.columns == pytest.approx([0, 2.5])
    assert found.rotation == pytest.approx([0, 0])
    assert found.scale == pytest.approx([0, 0])


@pytest.mark.parametrize("degrees", [-120, -3, 0.01, 90])
def test_a_rotation_about_the_center_turns_and_does_not_shift(degrees):
    # `rotation_matrix` turns counter-clockwise; passive, so the image turns the other way.
    found = find_motion([Homography(rotation_matrix(degrees, CENTRE))], SHAPE)
    assert found.rotation == pytest.approx([-degrees])
    assert found.scale == pytest.approx([0], abs=1e-9)
    assert (found.rows[0], found.columns[0]) == pytest.approx((0, 0), abs=1e-9)


def test_a_point_right_of_the_center_goes_up_when_the_rotation_is_positive():
    turn = Homography(rotation_matrix(-10, CENTRE))
    row, _ = turn.apply_coordinates([[20], [40]])
    assert find_motion([turn], SHAPE).rotation[0] > 0
    assert row[0] < 20


def test_an_image_that_grows_by_a_quarter_has_a_scale_of_25_per_cent():
    # The aligned image is sampled in steps of 1 / 1.25 px.
    found = find_motion([Homography(numpy.diag([1 / 1.25, 1 / 1.25, 1]))], SHAPE)
    assert found.scale == pytest.approx([25])
    assert found.rows == pytest.approx([20 * 0.25])


def test_different_scales_along_rows_and_columns_give_their_geometric_mean():
    found = find_motion([Homography(numpy.diag([1 / 1.1, 1 / 1.3, 1]))], SHAPE)
    assert found.scale == pytest.approx([100 * (numpy.sqrt(1.1 * 1.3) - 1)])


def test_no_matrix_is_needed():
    matrices = [shift_matrix(1, 2) @ rotation_matrix(4, CENTRE) @ numpy.diag([1.1, 1.1, 1])]
    plain = [Homography(matrix) for matrix in matrices]
    known = find_motion(plain, SHAPE)
    found = find_motion([Foreign(item) for item in plain], SHAPE)
    for what in ("rows", "columns", "rotation", "scale"):
        assert getattr(found, what) == pytest.approx(getattr(known, what))


class Wave(Transformation):
    """Moves rows by a sine of the column."""

    def apply_coordinates(self, coord):
        rows, columns = numpy.asarray(coord, dtype=float)
        return numpy.stack([rows + 2 * numpy.sin(columns), columns + 1])

    def apply_data(self, image, *, cval=numpy.nan, interpolation_order=1):
        raise NotImplementedError


def test_the_center_of_a_displacement_field_is_followed_exactly():
    found = find_motion([Wave()], SHAPE)
    assert found.rows == pytest.approx([2 * numpy.sin(30)])
    assert found.columns == pytest.approx([1])


def test_a_transformation_that_diverged_makes_a_gap_and_is_named():
    registrations = [Homography(numpy.identity(3)), Homography(numpy.zeros((3, 3)))]
    found = find_motion([*registrations, Homography(shift_matrix(1, 1))], SHAPE)
    assert found.diverged == (1,)
    for what in ("rows", "columns", "rotation", "scale"):
        assert numpy.isnan(getattr(found, what)).tolist() == [False, True, False]
