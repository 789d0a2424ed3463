"""What is read and transformed for one picture."""

# ruff: noqa: E402
from ..qt_available import require_qt

require_qt()

import math

import numpy
import pytest
from scipy import ndimage

from ewoksndreg._pictures import find_color_limits
from ewoksndreg._stacks import ArrayStack
from ewoksndreg.gui._image_reader import ImageReader
from ewoksndreg.gui._image_reader import ImageRequest
from ewoksndreg.gui._image_reader import _choose_sample
from ewoksndreg.gui._image_reader import correlate
from ewoksndreg.transformation import Homography
from ewoksndreg.transformation import Transformation

from ..conftest import rotation_matrix
from ..conftest import shift_matrix
from ..conftest import smooth_image
from .conftest import BrokenStack
from .conftest import moving_sample
from .conftest import shifts


def never():
    return False


def read(images, number, transformations, reader=None):
    stack = images if isinstance(images, BrokenStack) else ArrayStack(images)
    request = ImageRequest("Fe-K", stack, number, 0, (None, transformations))
    return (reader or ImageReader()).read(request, never)


def test_before_are_the_pixels_as_measured_and_after_those_of_scipy():
    images = moving_sample(4)
    matrices = [shift_matrix(0, 0), *(rotation_matrix(3 * n, (20, 22)) for n in range(1, 4))]
    loaded = read(images, 2, [Homography(matrix) for matrix in matrices])
    expected = ndimage.affine_transform(
        images[2], matrices[2], order=1, mode="constant", cval=numpy.nan
    )
    numpy.testing.assert_array_equal(loaded.pairs[0].reference, images[0])
    numpy.testing.assert_array_equal(loaded.pairs[0].image, images[2])
    numpy.testing.assert_array_equal(loaded.pairs[1].reference, images[0])
    both = numpy.isfinite(expected) & numpy.isfinite(loaded.pairs[1].image)
    assert both.sum() > 0.8 * both.size
    numpy.testing.assert_allclose(loaded.pairs[1].image[both], expected[both], atol=1e-6)


def test_also_the_first_image_is_aligned():
    images = moving_sample(3)
    loaded = read(images, 1, shifts([(2, 0), (0, 0), (0, 0)]))
    numpy.testing.assert_array_equal(loaded.pairs[1].reference[:-2], images[0][2:])
    assert numpy.isnan(loaded.pairs[1].reference[-2:]).all()


def test_any_image_can_be_the_reference_image():
    images = moving_sample(4)
    request = ImageRequest("a", ArrayStack(images), 1, 2, (None, shifts([(0, 0)] * 4)))
    for pair in ImageReader().read(request, never).pairs:
        numpy.testing.assert_array_equal(pair.reference, images[2])


def test_each_image_has_a_scale_of_its_own():
    images = moving_sample(3)
    images[2] *= 10
    first, second = read(images, 2, None).own_limits
    assert first == find_color_limits(images[:1])
    assert second == find_color_limits(images[2:])


def test_the_color_scale_is_that_of_the_stack():
    images = moving_sample(6)
    images[3] *= 10
    scales = {read(images, n, None).limits for n in range(6)}
    assert scales == {find_color_limits(images)}


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
    assert _choose_sample(number) == expected


def test_infinite_pixels_are_invalid():
    images = moving_sample(2)
    images[1, 0, 0], images[1, 0, 1] = numpy.inf, -numpy.inf
    image = read(images, 1, None).pairs[0].image
    assert numpy.isnan(image[0, :2]).all()
    assert numpy.isfinite(image[1:]).all()


def test_counts_are_shown_as_numbers_that_can_be_missing():
    counts = numpy.arange(24, dtype=numpy.uint16).reshape(2, 3, 4)
    loaded = read(counts, 1, shifts([(0, 0), (1, 0)]))
    numpy.testing.assert_array_equal(loaded.pairs[1].image[:2], counts[1, 1:])
    assert numpy.isnan(loaded.pairs[1].image[2]).all()


def test_the_first_image_is_read_once_for_all_images_of_a_stack():
    stack = BrokenStack(moving_sample(6), broken=-1)
    reader = ImageReader()
    read(stack, 1, None, reader)
    stack.read.clear()
    for number in (2, 3, 4, 4):  # the same one again, with another registration for example
        read(stack, number, None, reader)
    assert stack.read == [2, 3, 4]


def test_another_registration_aligns_the_first_image_again():
    images, reader = moving_sample(2), ImageReader()
    stack = ArrayStack(images)
    for rows in (1, 2):
        transformations = shifts([(rows, 0), (0, 0)])
        loaded = reader.read(ImageRequest("a", stack, 1, 0, (None, transformations)), never)
        numpy.testing.assert_array_equal(loaded.pairs[1].reference[:-rows], images[0][rows:])


def test_a_request_that_is_stale_reads_no_further():
    stack = BrokenStack(moving_sample(6), broken=-1)
    answers = iter([False, True])
    request = ImageRequest("a", stack, 5, 0, (None, None))
    assert ImageReader().read(request, lambda: next(answers)) is None
    assert stack.read == [0]


def test_an_image_that_cannot_be_read_is_named():
    with pytest.raises(OSError, match="Stack 'Fe-K', image 2: the file has vanished"):
        read(BrokenStack(moving_sample(4), broken=2), 2, None)


def test_one_image_that_cannot_be_read_does_not_hide_the_others():
    stack = BrokenStack(moving_sample(4), broken=2)
    numpy.testing.assert_array_equal(read(stack, 3, None).pairs[0].image, moving_sample(4)[3])


def test_without_the_first_image_nothing_can_be_compared():
    with pytest.raises(OSError, match="Stack 'Fe-K', image 0: the file has vanished"):
        read(BrokenStack(moving_sample(4), broken=0), 2, None)


class Refusing(Transformation):
    def apply_coordinates(self, coord):
        raise NotImplementedError

    def apply_data(self, image, *, cval=numpy.nan, interpolation_order=1):
        raise ValueError("no such order")


def test_an_image_that_cannot_be_aligned_is_named():
    registrations = [*shifts([(0, 0)]), Refusing()]
    with pytest.raises(ValueError, match="Stack 'Fe-K', image 1 cannot be aligned: no such order"):
        read(moving_sample(2), 1, registrations)


def test_a_registration_that_is_too_short_is_explained():
    with pytest.raises(ValueError, match="Stack 'Fe-K' has an image 3, but only 2 transformations"):
        read(moving_sample(4), 3, shifts([(0, 0), (0, 0)]))


def test_the_correlation_is_that_of_numpy_where_both_images_are_there():
    first, image = smooth_image(1, (30, 30)), smooth_image(1, (30, 30))
    image = image + 0.5 * smooth_image(2, (30, 30))
    first[:5] = numpy.nan
    image[:, :3] = numpy.nan
    # Wide limits: nothing is clipped
    expected = numpy.corrcoef(first[5:, 3:].ravel(), image[5:, 3:].ravel())[0, 1]
    assert correlate(first, image, (-20, 20)) == pytest.approx(expected, abs=1e-4)


def test_hot_pixels_do_not_decide_the_correlate():
    first, image = smooth_image(1, (30, 30)), smooth_image(2, (30, 30))
    first[0, 0] = image[0, 0] = 1e6
    assert abs(correlate(first, image, (-3, 3))) < 0.5


def test_images_with_nothing_in_common_have_no_correlate():
    image = smooth_image(1, (30, 30))
    assert math.isnan(correlate(image, numpy.full((30, 30), numpy.nan), (0, 1)))
