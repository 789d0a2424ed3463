"""Images made ready to be looked at."""

import numpy
import pytest

from ewoksndreg._pictures import find_color_limits
from ewoksndreg._pictures import overlay
from ewoksndreg._pictures import reduce_image
from ewoksndreg._pictures import sample_pixels
from ewoksndreg._pictures import scale_brightness

NAN = numpy.nan


def picture(red, blue):
    pixels = overlay(numpy.array([[red]], float), numpy.array([[blue]], float))
    assert pixels.shape == (1, 1, 4)
    assert pixels.dtype == numpy.uint8
    return tuple(int(value) for value in pixels[0, 0])


def test_equal_pixels_are_gray():
    assert picture(0, 0) == (0, 0, 0, 255)
    assert picture(0.4, 0.4) == (102, 102, 102, 255)
    assert picture(1, 1) == (255, 255, 255, 255)


def test_what_only_the_first_image_shows_is_red_and_what_only_the_other_shows_is_blue():
    red, blue = picture(1, 0), picture(0, 1)
    assert (red[0], red[2], red[3]) == (255, 0, 255)
    assert (blue[0], blue[2], blue[3]) == (0, 255, 255)
    assert red[1] == blue[1] == pytest.approx(0.3 * 255, abs=1)


def test_a_pixel_that_is_invalid_in_either_image_is_transparent():
    assert picture(NAN, 0.5) == picture(0.5, NAN) == picture(NAN, NAN) == (0, 0, 0, 0)


def test_brightness_is_linear_between_the_limits():
    values = scale_brightness(numpy.array([[0.0, 2, 3, 4, 9, NAN]]), (2, 4))
    numpy.testing.assert_array_equal(values, [[0, 0, 0.5, 1, 1, NAN]])


@pytest.mark.parametrize("shape", [(7, 9), (12, 5), (1, 30), (300, 301)])
def test_blocks_are_reduced_to_the_mean_of_their_finite_pixels(shape):
    """Against numpy.nanmean of each block."""
    image = numpy.random.default_rng(0).normal(size=shape)
    image[image > 0.5] = NAN
    image[0, 0] = numpy.inf
    image[-1, :4] = NAN
    small, (rows, columns) = reduce_image(image, 4)
    assert small.shape == (-(-shape[0] // rows), -(-shape[1] // columns))
    assert max(small.shape) <= 4
    image[0, 0] = NAN
    for (i, j), value in numpy.ndenumerate(small):
        block = image[i * rows : (i + 1) * rows, j * columns : (j + 1) * columns]
        finite = block[numpy.isfinite(block)]
        expected = finite.mean() if finite.size else NAN
        assert value == pytest.approx(expected, nan_ok=True)


def test_small_images_are_not_reduced():
    image = numpy.random.default_rng(0).normal(size=(30, 40))
    small, blocks = reduce_image(image, 40)
    assert blocks == (1, 1)
    numpy.testing.assert_array_equal(small, image)


def test_limits_are_percentiles_over_all_images():
    images = numpy.random.default_rng(0).normal(size=(3, 20, 30))
    images[1] += 5
    expected = numpy.percentile(images, (1, 99.5))
    assert find_color_limits(images) == pytest.approx(tuple(expected))


def test_missing_and_hot_pixels_do_not_decide():
    image = numpy.random.default_rng(0).uniform(size=(50, 50))
    image[0, :5] = 1e9
    image[1] = numpy.nan
    image[2] = numpy.inf
    low, high = find_color_limits([image])
    assert 0 <= low < 0.1
    assert 0.9 < high <= 1


def test_a_nearly_empty_stack_shows_its_few_counts():
    image = numpy.zeros((100, 100))
    image[50, 50] = 7
    assert find_color_limits([image]) == (0, 7)


def test_a_constant_stack_lies_in_the_middle_of_its_scale():
    assert find_color_limits([numpy.full((4, 4), 3.0)]) == (1.5, 4.5)
    assert find_color_limits([numpy.zeros((4, 4))]) == (-0.5, 0.5)


def test_no_finite_pixel_has_a_scale_too():
    assert find_color_limits([numpy.full((4, 4), numpy.nan)]) == (0, 1)
    assert find_color_limits([]) == (0, 1)


def test_large_images_are_thinned_out_evenly():
    image = numpy.arange(1000 * 2000.0).reshape(1000, 2000)
    thinned = sample_pixels(image)
    assert thinned.size <= 2**16 + 300
    assert numpy.shares_memory(thinned, image)
    numpy.testing.assert_array_equal(thinned, image[::6, ::6])
    small = numpy.zeros((256, 256))
    assert sample_pixels(small).shape == (256, 256)
