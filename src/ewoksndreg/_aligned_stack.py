"""Stacks whose images are aligned when they are requested."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import BrokenExecutor
from contextlib import ExitStack
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy
from numpy.typing import NDArray

from ._crop import Rectangle
from ._messages import locate_errors
from ._stacks import Stack
from ._typing import FloatImage
from .io import open_stacks
from .transformation import Transformation

# None for an image that could not be registered
Registration = list[Transformation | None]


class AlignedStack(Stack):
    """Images that are aligned when they are accessed; :func:`.align_stacks` makes them."""

    def __init__(self, source: Source, registration: Registration, resampling: Resampling) -> None:
        """
        :param source: where the measured images come from.
        :param registration: N transformations.
        """
        super().__init__((len(registration), *resampling.rectangle.shape), resampling.dtype)
        self._source = source
        self.registration = registration
        self.resampling = resampling

    @property
    def offset(self) -> tuple[int, int]:
        """The first row and column of the frame that the images show."""
        return self.resampling.rectangle.offset

    def __enter__(self) -> AlignedStack:
        self._source.__enter__()
        return self

    def __exit__(self, *exception: object) -> None:
        self._source.__exit__(*exception)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        if copy is False:
            raise ValueError("aligned images are computed: they cannot be an array without a copy")
        images = numpy.empty(self.shape, dtype or self.dtype)
        with self:
            for n, image in enumerate(self):
                images[n] = image
        return images

    def _read(self, index: int) -> NDArray[Any]:
        with self._source as images, explain_errors(self._source.name, index):
            transformation = self.registration[index]
            image = None if transformation is None else images[index]
            return self.resampling(image, transformation)


class Source:
    """A stack that is open while it is used.

    :param images: a stack, or a form of it that :func:`.open_stacks` accepts.
    """

    def __init__(self, name: str, images: Any) -> None:
        self.name = name
        self._images = images
        self._users = 0
        self._context = ExitStack()
        self._opened: Stack | None = None
        self._lock = threading.Lock()

    def __reduce__(self) -> tuple[type[Source], tuple[str, Any]]:
        return Source, (self.name, self._images)

    def __enter__(self) -> Stack:
        with self._lock:
            if self._opened is None:
                stacks = self._context.enter_context(open_stacks({self.name: self._images}))
                self._opened = self._context.enter_context(stacks[self.name])
            self._users += 1
            return self._opened

    def __exit__(self, *exception: object) -> None:
        with self._lock:
            self._users -= 1
            if self._users == 0:
                self._opened = None
                self._context.close()


@dataclass(frozen=True)
class Resampling:
    """Aligns an image; can be sent to another process."""

    order: int
    rectangle: Rectangle
    dtype: numpy.dtype[Any]

    def __call__(
        self, image: NDArray[Any] | None, transformation: Transformation | None
    ) -> FloatImage:
        if image is None or transformation is None:
            return numpy.full(self.rectangle.shape, numpy.nan, dtype=self.dtype)
        aligned = transformation.apply_data(image, interpolation_order=self.order)
        part = aligned[self.rectangle.slices]
        return numpy.ascontiguousarray(part, dtype=self.dtype)


@contextmanager
def explain_errors(name: str, n: int) -> Iterator[None]:
    try:
        with locate_errors(f"Stack {name!r}, image {n}"):
            yield
    except BrokenExecutor as error:
        raise RuntimeError(
            f"Stack {name!r}, image {n}: a worker died, perhaps for lack of memory; run again with"
            " fewer workers"
        ) from error
