"""Linear interpolation in parts, with numpy and with OpenCV, against scipy and by hand."""

import numpy
import pytest
from scipy import ndimage

from ewoksndreg import _opencv
from ewoksndreg.transformation import Homography
from ewoksndreg.transformation.linear import has_linear_parts
from ewoksndreg.transformation.linear import is_whole_shift
from ewoksndreg.transformation.linear import linear_parts

from ..conftest import rotation_matrix
from ..conftest import shift_matrix
from ..conftest import smooth_image

NAN = numpy.nan

# Several parts of 65 536 pixels; and images that are wide, high and small.
SHAPES = [(300, 500), (3, 40000), (40000, 3), (9, 7), (2, 2)]
MATRICES = {
    "nothing": numpy.identity(3),
    "whole shift": shift_matrix(2, -1),
    "shift": shift_matrix(0.3, -1.71),
    "shift of rows": shift_matrix(-0.6, 0),
    "shift of columns": shift_matrix(1, 0.25),
    "small turn": rotation_matrix(0.4, (150, 250)),
    "turn": rotation_matrix(37, (150, 250)),
    "half a turn": rotation_matrix(180, (149.5, 249.5)),
    "zoom": numpy.array([[1.03, 0, -2.2], [0, 0.96, 3.1], [0, 0, 1]]),
    "mirror": numpy.array([[-1, 0.001, 299], [0.002, 1, -0.3], [0, 0, 1]]),
    "out of sight": shift_matrix(1e9, 0),
}
each_matrix = pytest.mark.parametrize("matrix", MATRICES.values(), ids=MATRICES)
each_shape = pytest.mark.parametrize("shape", SHAPES, ids=str)


@pytest.fixture(params=[False, True], ids=["numpy", "OpenCV"])
def fast(request):
    if request.param:
        pytest.importorskip("cv2", reason='pip install ".[fast]"')
    return request.param


def together(parts, shape):
    """The parts in one image, NaN elsewhere, and how often each pixel was in a part."""
    result, count = numpy.full(shape, NAN), numpy.zeros(shape, dtype=int)
    for part in parts:
        where = numpy.ix_(part.rows, part.columns)
        assert part.pixels.shape == result[where].shape
        result[where] = part.pixels
        count[where] += 1
    return result, count


@each_shape
@each_matrix
def test_the_parts_are_those_of_scipy(matrix, shape, fast):
    image = numpy.random.default_rng(0).random(shape).astype(numpy.float32)
    result, count = together(linear_parts(image, matrix, fast=fast), shape)
    assert count.max() <= 1
    expected = ndimage.affine_transform(image.astype(float), matrix, order=1, cval=NAN)
    # At the very edge of the image, rounding decides what is inside.
    both = numpy.isfinite(result) & numpy.isfinite(expected)
    different = numpy.isfinite(result) != numpy.isfinite(expected)
    places = matrix @ numpy.stack([*numpy.indices(shape).reshape(2, -1), numpy.ones(image.size)])
    limits = numpy.array(shape).reshape(2, 1) - 1
    from_edge = numpy.minimum(abs(places[:2]), abs(places[:2] - limits)).min(axis=0)
    assert (from_edge.reshape(shape)[different] < 1e-6).all()
    # Neighbours differ by 1 at most, and OpenCV keeps places along both axes in float32.
    place = 2 * max(shape) * 2.0**-23 if fast and _opencv.usable(image) else 0
    tolerance = place + 1e-6
    numpy.testing.assert_allclose(result[both], expected[both], atol=tolerance)


@each_matrix
def test_all_pixels_of_complete_columns_are_there(matrix, fast):
    shape = (300, 500)
    image = smooth_image(1, shape).astype(numpy.float32)
    share = 0
    for part in linear_parts(image, matrix, fast=fast):
        assert part.complete.start >= part.columns.start
        assert part.complete.stop <= part.columns.stop
        start = part.complete.start - part.columns.start
        inside = part.pixels[:, start : start + len(part.complete)]
        assert numpy.isfinite(inside).all()
        share += inside.size / image.size
    # A small motion leaves almost all pixels in such columns.
    if numpy.abs(matrix - numpy.identity(3)).max() < 3:
        assert share > 0.9


@each_matrix
def test_float64_images_are_exact(matrix):
    """OpenCV rounds coordinates of float64 images to 1/32 px and is not used for them."""
    image = smooth_image(2, (60, 90))
    slow, fast = (
        together(linear_parts(image, matrix, fast=each), image.shape)[0] for each in (False, True)
    )
    numpy.testing.assert_array_equal(fast, slow)


def test_images_that_are_too_large_for_opencv_are_left_to_numpy():
    image = numpy.zeros((2, 32768), dtype=numpy.float32)
    assert not _opencv.usable(image)
    image[1, 32000:] = 1
    matrix = numpy.array([[1, 1e-6, 0], [0, 1, 0.25], [0, 0, 1]])
    slow, fast = (
        together(linear_parts(image, matrix, fast=each), image.shape)[0] for each in (False, True)
    )
    numpy.testing.assert_array_equal(fast, slow)


def test_what_apply_data_gives_does_not_depend_on_opencv(monkeypatch):
    image = smooth_image(3, (60, 90)).astype(numpy.float32)
    before = Homography(MATRICES["small turn"]).apply_data(image)
    monkeypatch.setattr(_opencv, "_opencv", lambda: None)
    after = Homography(MATRICES["small turn"]).apply_data(image)
    numpy.testing.assert_array_equal(after, before)


def test_the_installed_opencv_does_not_round_coordinates():
    cv2 = pytest.importorskip("cv2")
    assert int(cv2.__version__.split(".")[0]) >= 5
    assert _opencv.usable(numpy.zeros((4, 4), dtype=numpy.float32))


def test_an_opencv_that_rounds_coordinates_is_not_used(monkeypatch):
    """As versions before 5 do: to 1/32 px."""

    class Old:
        INTER_LINEAR = WARP_INVERSE_MAP = 0

        @staticmethod
        def warpAffine(image, matrix, *_, **__):
            return image + round(matrix[0, 2] * 32) / 32

    assert not _opencv._is_exact(Old)


@pytest.mark.parametrize(
    ("matrix", "linear", "whole"),
    [
        (shift_matrix(2, -1), True, True),
        (shift_matrix(2, -1 + 1e-9), True, True),
        (shift_matrix(2, -1.1), True, False),
        (MATRICES["turn"], True, False),
        (numpy.array([[1, 0, 0], [0, 1, 0], [1e-12, 0, 1]]), True, True),
        (numpy.array([[1, 0, 0], [0, 1, 0], [1e-3, 0, 1]]), False, False),
    ],
)
def test_which_matrices_have_linear_parts(matrix, linear, whole):
    assert has_linear_parts(matrix, (30, 30)) is linear
    assert is_whole_shift(matrix, (30, 30)) is whole
    assert not has_linear_parts(matrix, (30, 1))
