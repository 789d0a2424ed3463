"""The task from and into files as they are found, against the same stacks as arrays."""

import subprocess
import sys
from functools import partial

import h5py
import numpy
import pytest

from ewoksndreg.tasks.reg2d_posteval import Reg2DPostEvaluation

from ..conftest import parametrize_sample
from .conftest import WRONG
from .conftest import run_task
from .conftest import shift_images

run = partial(run_task, Reg2DPostEvaluation)


def options_of(compression):
    if compression == "gzip":
        return {"compression": "gzip", "shuffle": True}
    if compression in ("lzf", None):
        return {"compression": compression}
    hdf5plugin = pytest.importorskip("hdf5plugin")
    return dict(hdf5plugin.Blosc2() if compression == "blosc2" else hdf5plugin.Bitshuffle())


def store(how, path, stacks):
    """Write stacks in some way; returns their URLs."""
    if how in ("lzf", "gzip", "bitshuffle", "blosc2"):
        with h5py.File(path, "w") as file:
            for name, images in stacks.items():
                chunks = (3, *images.shape[1:])
                file.create_dataset(f"maps/{name}", data=images, chunks=chunks, **options_of(how))
        return {name: f"{path}::/maps/{name}" for name in stacks}
    if how == "slices":
        names = list(stacks)
        cube = numpy.stack([stacks[name][::-1] for name in names], axis=1)
        cube = numpy.pad(cube, [(0, 0), (0, 0), (2, 1), (0, 3)])
        with h5py.File(path, "w") as file:
            file.create_dataset("cube", data=cube, chunks=(2, 2, 10, 31))
        return {name: f"{path}::/cube&slice=::-1,{n},2:-1,:-3" for n, name in enumerate(names)}
    with h5py.File(path, "w") as file:
        for n, (name, images) in enumerate(stacks.items()):
            with h5py.File(path.with_name(f"é #{n}.h5"), "w") as source:
                source["entry/data"] = images
            if how == "external links":
                file[f"entry/{name}"] = h5py.ExternalLink(f"é #{n}.h5", "/entry/data")
            else:
                layout = h5py.VirtualLayout(images.shape, images.dtype)
                layout[:] = h5py.VirtualSource(f"é #{n}.h5", "entry/data", images.shape)
                file.create_virtual_dataset(f"entry/{name}", layout)
    return {name: f"{path}::/entry/{name}" for name in stacks}


@parametrize_sample(
    "how, same_file",
    ["lzf", "gzip", "bitshuffle", "blosc2", "slices", "external links", "virtual"],
    [False, True],
    every=3,
)
def test_the_result_is_that_of_the_arrays(tmp_path, stacks, transformations, how, same_file):
    if how == "slices":  # of one dataset, so of one type
        stacks = {name: images.astype(float) for name, images in stacks.items()}
    urls = store(how, tmp_path / "a b#1.h5", stacks)
    output = f"{tmp_path}/{'a b#1.h5' if same_file else 'out.h5'}::/entry/aligned"
    outputs = run(image_stacks=urls, transformations=transformations, output_root_uri=output)
    expected = run(image_stacks=stacks, transformations=transformations)
    assert outputs["scores"] == expected["scores"]
    with h5py.File(output.split("::")[0]) as file:
        for name, images in stacks.items():
            numpy.testing.assert_array_equal(
                file["entry/aligned"][name], shift_images(images, WRONG[name])
            )
    # The input reads as before.
    again = run(image_stacks=urls, transformations=transformations)
    assert again["scores"] == expected["scores"]


HOLD = "import sys, h5py; file = h5py.File(sys.argv[1], 'a'); print(flush=True); sys.stdin.read()"


def test_the_stacks_may_be_in_a_file_that_another_process_writes(tmp_path, stacks, transformations):
    urls = store("gzip", tmp_path / "a.h5", stacks)
    command = [sys.executable, "-c", HOLD, str(tmp_path / "a.h5")]
    with subprocess.Popen(  # noqa: S603
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        other.stdout.readline()
        outputs = run(
            image_stacks=urls,
            transformations=transformations,
            output_root_uri=f"{tmp_path}/out.h5::/entry",
        )
        other.stdin.close()
    expected = run(image_stacks=stacks, transformations=transformations)
    assert outputs["scores"] == expected["scores"]


@pytest.mark.parametrize("save", [False, True])
def test_infinite_and_masked_pixels_are_invalid(tmp_path, stacks, transformations, save):
    """One warning for the whole run, and the numbers are those of NaN in their place."""
    dead = numpy.zeros((4, 24, 28), dtype=bool)
    dead[1:, 3:6, 20:24] = True
    nan = {name: numpy.where(dead, numpy.nan, images) for name, images in stacks.items()}
    stacks["Fe-K"] = numpy.where(dead, numpy.inf, stacks["Fe-K"])
    stacks["Ca-K"] = numpy.ma.MaskedArray(stacks["Ca-K"], dead)
    stacks["Zn-K"] = numpy.where(dead, numpy.nan, stacks["Zn-K"])
    output = f"{tmp_path}/out.h5::/entry" if save else None
    with pytest.warns(RuntimeWarning) as caught:
        outputs = run(image_stacks=stacks, transformations=transformations, output_root_uri=output)
    assert [str(item.message) for item in caught] == [
        f"Infinite pixels are invalid: {dead.sum()} in stack 'Fe-K'"
    ]
    expected = run(image_stacks=nan, transformations=transformations)
    assert outputs["ranked_stack_names"] == expected["ranked_stack_names"]
    for name, numbers in expected["scores"].items():
        assert outputs["scores"][name] == pytest.approx(numbers, rel=1e-5)
    if save:
        with h5py.File(tmp_path / "out.h5") as file:
            invalid = ~numpy.isfinite(file["entry/Ca-K"][()])
        aligned = shift_images(nan["Ca-K"], WRONG["Ca-K"])
        numpy.testing.assert_array_equal(invalid, numpy.isnan(aligned))
