"""Pixels as floating point numbers."""

import numpy
import pytest

from ewoksndreg._pixels import as_floating


# numpy.finfo(float32).nmant is 23: float32 holds all integers of 16 bits and not all of 32 bits.
@pytest.mark.parametrize(
    ("dtype", "floating"),
    [
        ("bool", "float32"),
        ("int8", "float32"),
        ("uint8", "float32"),
        ("int16", "float32"),
        ("uint16", "float32"),
        ("int32", "float64"),
        ("uint32", "float64"),
        ("int64", "float64"),
        ("uint64", "float64"),
        ("float16", "float32"),
        ("float32", "float32"),
        ("float64", "float64"),
        ("longdouble", "float64"),
        (">i2", "float32"),
        ("<i2", "float32"),
        (">u4", "float64"),
        (">f2", "float32"),
        (">f4", "float32"),
        ("<f4", "float32"),
        (">f8", "float64"),
        ("<f8", "float64"),
    ],
)
def test_every_type_becomes_the_smaller_native_one_that_holds_its_values(dtype, floating):
    values = [[0, 1, 0], [1, 1, 0]]
    image = numpy.array(values, dtype=dtype)
    converted = as_floating(image)
    assert converted.dtype == numpy.dtype(floating)
    assert converted.dtype.isnative
    assert type(converted) is numpy.ndarray
    numpy.testing.assert_array_equal(converted, values)


@pytest.mark.parametrize(
    "dtype", ["int8", "uint8", "int16", "uint16", "int32", "uint32", "float16"]
)
def test_the_extreme_values_are_exact(dtype):
    info = numpy.finfo(dtype) if dtype == "float16" else numpy.iinfo(dtype)
    image = numpy.array([[info.min, info.max]], dtype=dtype)
    assert as_floating(image).tolist() == [[float(info.min), float(info.max)]]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_what_is_floating_already_is_not_copied(dtype):
    image = numpy.ones((3, 4), dtype=dtype)
    assert numpy.shares_memory(as_floating(image), image)


def test_a_nested_list_is_an_image():
    converted = as_floating([[1, 2], [3, 4]])
    assert converted.dtype == numpy.float64
    numpy.testing.assert_array_equal(converted, [[1, 2], [3, 4]])


@pytest.mark.parametrize("dtype", ["uint8", "int64", "float32", "float64", ">f4", "bool"])
def test_masked_pixels_are_nan(dtype):
    data = numpy.array([[1, 0], [1, 1]], dtype=dtype)
    image = numpy.ma.MaskedArray(data.copy(), mask=[[False, True], [False, False]])
    converted = as_floating(image)
    assert type(converted) is numpy.ndarray
    numpy.testing.assert_array_equal(converted, [[1, numpy.nan], [1, 1]])
    numpy.testing.assert_array_equal(image.data, data)
    assert image.mask.tolist() == [[False, True], [False, False]]


def test_a_masked_array_that_masks_nothing_is_its_data():
    image = numpy.ma.MaskedArray([[1.5, 2], [3, 4]])
    converted = as_floating(image)
    assert type(converted) is numpy.ndarray
    numpy.testing.assert_array_equal(converted, [[1.5, 2], [3, 4]])


@pytest.mark.parametrize("shape", [(), (3,), (1, 2, 3)])
def test_an_image_has_two_dimensions(shape):
    with pytest.raises(ValueError, match="two dimensions") as caught:
        as_floating(numpy.zeros(shape))
    assert str(shape) in str(caught.value)


@pytest.mark.parametrize(
    ("image", "named"),
    [
        (numpy.zeros((2, 2), dtype=complex), "complex128"),
        ([["a", "b"]], "<U1"),
        ([[None, 1]], "object"),
        (numpy.zeros((2, 2), dtype="datetime64[s]"), "datetime64"),
        (numpy.zeros((2, 2), dtype=[("a", float)]), "'a'"),
    ],
)
def test_pixels_that_are_no_real_numbers_are_refused_with_their_type(image, named):
    with pytest.raises(TypeError, match=f"real numbers.*{named}"):
        as_floating(image)
