"""A translation by an integer number of pixels only copies."""

import numpy
from hypothesis import given
from hypothesis import strategies as st

from ewoksndreg.transformation import Homography

from ..conftest import shift_matrix

_TYPES = ["?", "u1", "i2", "u4", "i8", "f2", "f4", "f8"]


@given(
    seed=st.integers(0, 2**32),
    shape=st.tuples(st.integers(1, 9), st.integers(1, 9)),
    shift=st.tuples(st.integers(-10, 10), st.integers(-10, 10)),
    dtype=st.sampled_from(_TYPES),
    scale=st.sampled_from([1, -1, 3, 0.1, 1e-6, 1e9]),
    order=st.integers(0, 5),
    invalid=st.booleans(),
)
def test_it_equals_slicing_bit_for_bit(seed, shape, shift, dtype, scale, order, invalid):
    rng = numpy.random.default_rng(seed)
    image = rng.integers(0, 2**16, shape).astype(dtype)
    if invalid and image.dtype.kind == "f":
        image[rng.random(shape) < 0.3] = numpy.nan
    expected = numpy.full(shape, numpy.nan)
    for row, column in numpy.ndindex(shape):
        source = row + shift[0], column + shift[1]
        if 0 <= source[0] < shape[0] and 0 <= source[1] < shape[1]:
            expected[row, column] = image[source]
    # A multiple of a matrix is the same transformation.
    transformation = Homography(scale * shift_matrix(*shift))
    moved = transformation.apply_data(image, interpolation_order=order)
    numpy.testing.assert_array_equal(moved, expected)


@given(
    seed=st.integers(0, 2**32),
    size=st.integers(2, 40),
    rows=st.integers(-12, 12),
    columns=st.integers(-12, 12),
)
def test_it_equals_numpy_slices(seed, size, rows, columns):
    image = numpy.random.default_rng(seed).normal(size=(size, size + 3))
    moved = Homography(shift_matrix(rows, columns)).apply_data(image)
    last = max(0, size + min(rows, 0)), max(0, size + 3 + min(columns, 0))
    cut = image[max(rows, 0) : last[0], max(columns, 0) : last[1]]
    inside = numpy.isfinite(moved)
    assert inside.sum() == cut.size
    numpy.testing.assert_array_equal(moved[inside], cut.ravel())
