"""Every type of pixels comes in exactly and goes out as the documented floating point type."""

import h5py
import numpy
import pytest

from ewoksndreg.io.input_stack import input_context
from ewoksndreg.tasks.reg2d_posteval import Reg2DPostEvaluation
from ewoksndreg.transformation import Homography

# What holds all values of a type, or float64 where nothing does.
WRITTEN_AS = {
    "bool": "f4",
    "i1": "f4",
    "u1": "f4",
    "i2": "f4",
    "u2": "f4",
    "i4": "f8",
    "u4": "f8",
    "i8": "f8",
    "u8": "f8",
    "f2": "f4",
    "f4": "f4",
    "f8": "f8",
}
TYPES = [f"{order}{name}" for order in "<>" for name in WRITTEN_AS if name != "bool"] + ["bool"]


def images_of(dtype):
    """Extreme values of the type among others."""
    dtype = numpy.dtype(dtype)
    rng = numpy.random.default_rng(0)
    if dtype.kind == "b":
        return rng.random((4, 16, 15)) < 0.5
    values = rng.normal(scale=30, size=(4, 16, 15))
    limits = numpy.finfo(dtype) if dtype.kind == "f" else numpy.iinfo(dtype)
    if dtype.kind == "u":
        values = numpy.abs(values)
    images = values.clip(-100, 100).astype(dtype)
    images[:, 0, 0] = limits.max
    images[:, 0, 1] = limits.min
    return images


def write(path, images):
    with h5py.File(path, "w") as file:
        file.create_dataset("a", data=images, chunks=(3, 5, 15), compression="gzip")
        file["a flat"] = images
    return f"{path}::/a"


@pytest.mark.parametrize("dtype", TYPES)
def test_values_and_type_come_in_exactly(tmp_path, dtype):
    images = images_of(dtype)
    url = write(tmp_path / "a.h5", images)
    data = {"chunks": url, "contiguous": f"{url} flat", "array": images, "list": list(images)}
    with input_context(data) as stacks:
        for form, stack in stacks.items():
            # The images of a list get one type, in the byte order of this machine.
            expected = images.dtype.newbyteorder("=") if form == "list" else images.dtype
            assert stack.dtype == expected
            assert {image.dtype for image in stack} == {expected}
            numpy.testing.assert_array_equal(numpy.stack(list(stack)), images)


def run(url, output, motion):
    matrices = numpy.tile(numpy.identity(3), (4, 1, 1))
    matrices[:, :2, 2] = motion
    registrations = {
        "a": [Homography(matrix) for matrix in matrices],
        "b": [Homography(numpy.linalg.inv(matrix)) for matrix in matrices],
    }
    task = Reg2DPostEvaluation(
        inputs={
            "image_stacks": {"a": url, "b": url},
            "transformations": registrations,
            "output_root_uri": output,
        }
    )
    with pytest.warns(RuntimeWarning) as caught:  # there is next to nothing in the images
        task.execute()
    assert [str(each.message) for each in caught] == [*task.warnings]
    return task.get_output_values()


@pytest.mark.parametrize("dtype", TYPES)
def test_the_task_writes_the_documented_type_with_exact_values(tmp_path, dtype):
    """Shifts by integers copy values, and those of the other registration copy the other
    way."""
    images = images_of(dtype)
    url = write(tmp_path / "a.h5", images)
    outputs = run(url, f"{tmp_path}/out.h5::/entry", [(0, 0), (1, 0), (0, 2), (1, -1)])
    assert sorted(outputs["ranked_stack_names"]) == ["a", "b"]
    written_as = WRITTEN_AS[dtype.lstrip("<>")]
    expected = numpy.full(images.shape, numpy.nan, written_as)
    expected[0] = images[0]
    expected[1, :-1] = images[1, 1:]
    expected[2, :, :-2] = images[2, :, 2:]
    expected[3, :-1, 1:] = images[3, 1:, :-1]
    with h5py.File(tmp_path / "out.h5") as file:
        assert file["entry/a"].dtype == numpy.dtype(written_as)
        numpy.testing.assert_array_equal(file["entry/a"][()], expected)


MASK = numpy.random.default_rng(1).random((4, 16, 15)) < 0.1


@pytest.mark.parametrize("dtype", TYPES)
def test_masked_pixels_are_nan(dtype):
    images = images_of(dtype)
    masked = numpy.ma.MaskedArray(images, MASK)
    data = {
        "array": masked,
        "list": list(masked),
        "list with some": [images[0], *masked[1:]],
        "no pixel masked": numpy.ma.MaskedArray(images),
    }
    some = MASK & (numpy.arange(4) > 0)[:, None, None]
    others = {"list with some": some, "no pixel masked": numpy.zeros_like(MASK)}
    with input_context(data) as stacks:
        for form, stack in stacks.items():
            missing = others.get(form, MASK)
            assert stack.dtype == numpy.dtype(WRITTEN_AS[dtype.lstrip("<>")])
            for n, image in enumerate(stack):
                assert type(image) is numpy.ndarray
                assert image.dtype == stack.dtype
                numpy.testing.assert_array_equal(numpy.isnan(image), missing[n])
                there = ~missing[n]
                numpy.testing.assert_array_equal(image[there], images[n][there].astype(stack.dtype))
    assert masked.dtype == images.dtype
    numpy.testing.assert_array_equal(masked.mask, MASK)


def test_masked_pixels_of_an_image_that_is_read_later_are_nan():
    class Files:
        def __len__(self):
            return 4

        def __getitem__(self, index):
            image = images_of("u2")[index]
            return numpy.ma.MaskedArray(image, MASK[index]) if index else image

    with input_context({"a": Files()}) as stacks:
        numpy.testing.assert_array_equal(numpy.isnan(stacks["a"][2]), MASK[2])
