"""HDF5 files to rank: a sample that moves, seen through several channels."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy
from scipy import ndimage

from .case import Case


def write_stacks(case: Case, folder: Path) -> Path:
    """The file of a case, which is written if it is missing."""
    nan = "-nan" if case.invalid else ""
    name = f"{case.stacks}x{case.images}x{case.size}-{case.storage}{nan}.h5"
    path = folder / name
    if path.exists():
        return path
    unfinished = path.with_suffix(".tmp")
    with h5py.File(unfinished, "w") as file:
        for k in range(case.stacks):
            _write_stack(file, f"stack{k}", case, k)
    unfinished.rename(path)
    return path


def _write_stack(file: h5py.File, name: str, case: Case, seed: int) -> None:
    rng = numpy.random.default_rng(seed)
    margin = 48
    scene = ndimage.gaussian_filter(rng.normal(size=2 * (case.size + margin,)), 2)
    noise = rng.normal(scale=0.02, size=2 * (case.size,))
    options = {}
    if case.storage == "bitshuffle":
        import hdf5plugin

        options = {"chunks": (1, case.size, case.size), **hdf5plugin.Bitshuffle()}
    if case.storage == "gzip":
        options = {"chunks": (1, case.size, case.size), "compression": "gzip"}
    dead = rng.random(2 * (case.size,)) < 0.001
    dead[:8], dead[:, -8:] = True, True
    shape = (case.images, case.size, case.size)
    dataset = file.create_dataset(name, shape, dtype=numpy.float32, **options)
    for n in range(case.images):
        row, column = n % 40, (2 * n) % 40
        image = scene[row : row + case.size, column : column + case.size]
        image = image + numpy.roll(noise, 17 * n, axis=n % 2)
        dataset[n] = numpy.where(dead, numpy.nan, image) if case.invalid else image
