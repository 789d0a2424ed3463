"""Stacks that show where they are read, for tests with several processes."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy

from ewoksndreg.transformation import Homography


class SlowStack(Sequence[Any]):
    """Each image takes a while, and each that is read leaves a file; may be sent to a process.

    :param folder: receives a file per image, with the time in it.
    :param seconds: that one image takes.
    """

    def __init__(self, folder: Path, number: int, seconds: float) -> None:
        self.folder, self.number, self.seconds = str(folder), number, seconds

    def __len__(self) -> int:
        return self.number

    def __getitem__(self, index: Any) -> Any:
        time.sleep(self.seconds)
        Path(self.folder, f"{os.getpid()}-{time.monotonic_ns()}").touch()
        return numpy.random.default_rng(index).random((20, 20))


class DyingStack(SlowStack):
    """The process that reads the last image ends at once, as when the system runs out of memory."""

    def __getitem__(self, index: Any) -> Any:
        if index == self.number - 1:
            os._exit(1)
        return super().__getitem__(index)


class UnreadableStack(SlowStack):
    """The last image cannot be read."""

    def __getitem__(self, index: Any) -> Any:
        if index == self.number - 1:
            raise OSError("the disk is gone")
        return super().__getitem__(index)


class LocalStack(SlowStack):
    """Cannot be sent to another process."""

    def __reduce__(self) -> Any:
        raise TypeError("cannot pickle 'LocalStack' object")


def wobble(number: int, seed: int) -> list[Homography]:
    rng = numpy.random.default_rng(seed)
    shifts = rng.normal(size=(number, 2))
    return [Homography([[1, 0, row], [0, 1, column], [0, 0, 1]]) for row, column in shifts]
