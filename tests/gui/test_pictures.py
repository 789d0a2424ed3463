"""Two images in one picture."""

# ruff: noqa: E402
from ..qt_available import require_qt

require_qt()

import numpy
import pytest

from ewoksndreg.gui._pictures import INVALID_COLOR
from ewoksndreg.gui._pictures import overlay
from ewoksndreg.gui._pictures import scale_brightness
from ewoksndreg.gui._pictures import subtract

NAN = numpy.nan


def picture(first, image, limits=(0, 10)):
    pixels = overlay(numpy.array([[first]], float), numpy.array([[image]], float), limits)
    assert pixels.shape == (1, 1, 4)
    assert pixels.dtype == numpy.uint8
    assert pixels[0, 0, 3] == 255
    return tuple(int(value) for value in pixels[0, 0, :3])


def test_equal_pixels_are_gray():
    assert picture(0, 0) == (0, 0, 0)
    assert picture(4, 4) == (102, 102, 102)
    assert picture(10, 10) == (255, 255, 255)


def test_what_only_the_first_image_shows_is_red_and_what_only_the_other_shows_is_blue():
    red, blue = picture(10, 0), picture(0, 10)
    assert (red[0], red[2]) == (255, 0)
    assert (blue[0], blue[2]) == (0, 255)
    assert red[1] == blue[1] == pytest.approx(0.3 * 255, abs=1)


def test_values_beyond_the_scale_have_its_end_colors():
    assert picture(-50, -1) == (0, 0, 0)
    assert picture(11, 1e30) == (255, 255, 255)


def test_a_pixel_that_is_missing_in_either_image_has_a_color_of_its_own():
    assert picture(NAN, 5) == picture(5, NAN) == picture(NAN, NAN) == INVALID_COLOR


def test_no_other_pixel_has_the_color_of_missing_ones():
    """Green never exceeds both red and blue."""
    values = numpy.linspace(-1, 11, 121)
    pixels = overlay(*numpy.meshgrid(values, values), (0, 10)).astype(int)
    assert (pixels[..., 1] <= pixels[..., [0, 2]].max(axis=2)).all()
    assert INVALID_COLOR[1] > max(INVALID_COLOR[0], INVALID_COLOR[2])


def test_the_difference_is_signed_and_missing_where_either_is():
    first, image = numpy.array([[1.0, 5, NAN]]), numpy.array([[4.0, NAN, 3]])
    numpy.testing.assert_array_equal(subtract(first, image), [[3, NAN, NAN]])


def test_brightness_is_linear_between_the_limits():
    values = scale_brightness(numpy.array([[0.0, 2, 3, 4, 9, NAN]]), (2, 4))
    numpy.testing.assert_array_equal(values, [[0, 0, 0.5, 1, 1, NAN]])
