"""The ways to compare two images."""

# ruff: noqa: E402
from ..qt_available import require_qt

require_qt()

import numpy

from ewoksndreg.gui._image_modes import INVALID_COLOR
from ewoksndreg.gui._image_modes import Mode
from ewoksndreg.gui._image_modes import make_pictures
from ewoksndreg.gui._image_reader import LoadedImages
from ewoksndreg.gui._image_reader import Pair

NAN = numpy.nan


def make_picture(mode, reference, image):
    pair = Pair(numpy.array(reference, float), numpy.array(image, float), 0.5)
    before, after = make_pictures(
        LoadedImages("Fe-K", 1, pair, None, (0, 10)), mode, blink_reference=False
    )
    assert after is None
    return before


def test_values_beyond_the_scale_have_its_end_colors():
    picture = make_picture(Mode.OVERLAY, [[-50, 11]], [[-1, 1e30]])
    assert picture.tolist() == [[[0, 0, 0, 255], [255, 255, 255, 255]]]


def test_a_pixel_that_is_invalid_in_either_image_has_a_color_of_its_own():
    picture = make_picture(Mode.OVERLAY, [[NAN, 5, NAN]], [[5, NAN, NAN]])
    assert picture.tolist() == [[[*INVALID_COLOR, 255]] * 3]


def test_no_other_pixel_has_the_color_of_invalid_ones():
    """Green never exceeds both red and blue."""
    values = numpy.linspace(-1, 11, 121)
    pixels = make_picture(Mode.OVERLAY, *numpy.meshgrid(values, values)).astype(int)
    assert (pixels[..., 1] <= pixels[..., [0, 2]].max(axis=2)).all()
    assert INVALID_COLOR[1] > max(INVALID_COLOR[0], INVALID_COLOR[2])


def test_the_difference_is_signed_and_invalid_where_either_is():
    picture = make_picture(Mode.DIFFERENCE, [[1.0, 5, NAN]], [[4.0, NAN, 3]])
    numpy.testing.assert_array_equal(picture, [[3, NAN, NAN]])
