"""One color scale for all images of a stack."""

# ruff: noqa: E402
from ..qt_available import require_qt

require_qt()

import numpy
import pytest

from ewoksndreg.gui._color_limits import choose_sample
from ewoksndreg.gui._color_limits import find_color_limits
from ewoksndreg.gui._color_limits import sample_pixels


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (1, [0]),
        (2, [0, 1]),
        (8, [0, 1, 2, 3, 4, 5, 6, 7]),
        (1000, [0, 143, 285, 428, 571, 714, 856, 999]),
    ],
)
def test_eight_images_with_the_first_and_the_last_one_stand_for_all(number, expected):
    assert choose_sample(number) == expected


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
