"""The files of the demo."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import astuple
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from .._nexus import describe_nxdata
from .._nexus import write_groups
from ..io import hdf5_output_context

_MAPS = "/entry/maps"
_ALIGNED = "/entry/aligned"


@dataclass(frozen=True)
class DemoFiles:
    """The files that one run of the demo writes.

    :param stacks: HDF5 file with the image stacks.
    :param results: HDF5 file with the aligned stacks and the scores.
    :param picture: PNG file with an image before and after alignment.
    :param report: HTML file.
    """

    stacks: Path
    results: Path
    picture: Path
    report: Path

    @classmethod
    def find_unused(cls, folder: Path) -> DemoFiles:
        """Find names of files that do not exist yet: a second run gets `stacks_2.h5` and so on."""
        for number in count(1):
            suffix = "" if number == 1 else f"_{number}"
            files = cls(
                stacks=folder / f"stacks{suffix}.h5",
                results=folder / f"results{suffix}.h5",
                picture=folder / f"before_after{suffix}.png",
                report=folder / f"report{suffix}.html",
            )
            if not any(path.exists() for path in astuple(files)):
                break
        return files

    @property
    def output_url(self) -> str:
        """URL of the group for the aligned stacks."""
        return f"{self.results}::{_ALIGNED}"

    def write_stacks(self, stacks: Mapping[str, NDArray[Any]]) -> list[str]:
        """Write image stacks as a NeXus file.

        :param stacks: by name, shape `(N, H, W)`; viewers open the first one.
        :returns: the URL of each stack.
        :raises FileExistsError: if the file exists.
        """
        if self.stacks.exists():
            raise FileExistsError(f"{str(self.stacks)!r} exists already")
        with hdf5_output_context(f"{self.stacks}::{_MAPS}", compress=False) as output:
            for name, stack in stacks.items():
                output.add_points(name, stack)
            shapes = {name: stack.shape for name, stack in stacks.items()}
            write_groups(output, describe_nxdata(dict.fromkeys(stacks), shapes, _MAPS))
        return [f"{self.stacks}::{_MAPS}/{name}" for name in stacks]
