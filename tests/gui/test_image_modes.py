"""The ways to compare two images."""

# ruff: noqa: E402
from ..qt_available import require_qt

require_qt()

import numpy

from ewoksndreg.gui._colors import INVALID
from ewoksndreg.gui._image_modes import Display
from ewoksndreg.gui._image_modes import Mode
from ewoksndreg.gui._image_modes import find_limits
from ewoksndreg.gui._image_modes import make_picture
from ewoksndreg.gui._image_reader import LoadedImages
from ewoksndreg.gui._image_reader import Pair

NAN = numpy.nan


def load(reference, image):
    pair = Pair(numpy.array(reference, float), numpy.array(image, float), 0.5)
    return LoadedImages("Fe-K", 1, 0, (pair, pair), (0, 10), ((0, 10), (100, 200)))


def draw(mode, reference, image, **options):
    loaded = load(reference, image)
    return make_picture(loaded.pairs[0], loaded, Display(mode, **options))


def test_values_beyond_the_scale_have_its_end_colors():
    picture = draw(Mode.OVERLAY, [[-50, 11]], [[-1, 1e30]])
    assert picture.tolist() == [[[0, 0, 0, 255], [255, 255, 255, 255]]]


def test_a_pixel_that_is_invalid_in_either_image_has_a_color_of_its_own():
    picture = draw(Mode.OVERLAY, [[NAN, 5, NAN]], [[5, NAN, NAN]])
    assert picture.tolist() == [[[*INVALID, 255]] * 3]


def test_the_difference_is_signed_and_invalid_where_either_is():
    picture = draw(Mode.DIFFERENCE, [[1.0, 5, NAN]], [[4.0, NAN, 3]])
    numpy.testing.assert_array_equal(picture, [[3, NAN, NAN]])


def test_on_their_own_scales_images_of_different_brightness_are_equal():
    picture = draw(Mode.OVERLAY, [[0, 5, 10]], [[100, 150, 200]], own_scale=True)
    assert (picture[..., 0] == picture[..., 2]).all()
    picture = draw(Mode.DIFFERENCE, [[0, 5, 10]], [[100, 150, 220]], own_scale=True)
    numpy.testing.assert_allclose(picture, [[0, 0, 0.2]], atol=1e-12)


def test_blinking_images_are_invalid_at_the_same_pixels():
    for blink_reference, expected in ((False, [[4, NAN, NAN]]), (True, [[1, NAN, NAN]])):
        picture = draw(
            Mode.BLINK, [[1.0, 5, NAN]], [[4.0, NAN, 3]], blink_reference=blink_reference
        )
        numpy.testing.assert_array_equal(picture, expected)


def test_left_of_the_line_is_the_reference_image():
    picture = draw(Mode.SWIPE, [[1.0, 2, 3, 4]], [[5.0, 6, 7, 8]], swipe=0.25)
    numpy.testing.assert_array_equal(picture, [[1, 6, 7, 8]])


def test_differences_go_up_to_half_of_the_scale_or_an_eighth():
    loaded = load([[0]], [[0]])
    assert find_limits(loaded, Display(Mode.DIFFERENCE)) == (-5, 5)
    assert find_limits(loaded, Display(Mode.DIFFERENCE, amplified=True)) == (-1.25, 1.25)
    assert find_limits(loaded, Display(Mode.BLINK)) == (0, 10)
