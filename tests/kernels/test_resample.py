"""Linear interpolation against scipy."""

import numpy
import pytest
from scipy import ndimage

from ewoksndreg.kernels import is_pixel_shift
from ewoksndreg.kernels import resample_linear
from ewoksndreg.kernels._geometry import find_translation

from ..conftest import rotation_matrix
from ..conftest import shift_matrix

NAN = numpy.nan

# Several blocks of 32 768 pixels; and images that are wide, high and small.
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


@each_shape
@each_matrix
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_pixels_are_those_of_scipy(dtype, matrix, shape):
    image = numpy.random.default_rng(0).random(shape).astype(dtype)
    result = resample_linear(image, matrix)
    assert result.dtype == dtype
    expected = ndimage.affine_transform(image.astype(float), matrix, order=1, cval=NAN)
    # At the very edge of the image, rounding decides what is inside.
    both = numpy.isfinite(result) & numpy.isfinite(expected)
    different = numpy.isfinite(result) != numpy.isfinite(expected)
    places = matrix @ numpy.stack([*numpy.indices(shape).reshape(2, -1), numpy.ones(image.size)])
    limits = numpy.array(shape).reshape(2, 1) - 1
    from_edge = numpy.minimum(abs(places[:2]), abs(places[:2] - limits)).min(axis=0)
    assert (from_edge.reshape(shape)[different] < 1e-6).all()
    numpy.testing.assert_allclose(result[both], expected[both], atol=1e-6)


@pytest.mark.parametrize(
    ("matrix", "translation", "whole"),
    [
        (shift_matrix(2, -1), True, True),
        (shift_matrix(2, -1 + 1e-9), True, True),
        (shift_matrix(2, -1.1), True, False),
        (MATRICES["turn"], False, False),
        (numpy.array([[1, 0, 0], [0, 1, 0], [1e-12, 0, 1]]), True, True),
        (numpy.array([[1, 0, 0], [0, 1, 0], [1e-3, 0, 1]]), False, False),
        (shift_matrix(NAN, 0), False, False),
    ],
)
def test_which_matrices_shift(matrix, translation, whole):
    assert (find_translation(matrix, (30, 30)) is not None) is translation
    assert is_pixel_shift(matrix, (30, 30)) is whole
