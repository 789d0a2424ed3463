"""Some images of a stack, to be sent to another process."""

from __future__ import annotations

from typing import Any

import numpy


def excerpt(images: Any, some: range) -> Any:
    """What is needed of a stack by whoever reads its first image and some others.

    :param images: N images; an array, a list and a tuple are cut, so that nothing else travels.
        Anything else is returned as it is.
    :param some: the numbers of the images that will be read, besides 0.
    :returns: gives image n when it is indexed with n.
    """
    if isinstance(images, (numpy.ndarray, list, tuple)):
        return _Excerpt(images[0], images[some.start : some.stop], some.start)
    return images


class _Excerpt:
    def __init__(self, first: Any, some: Any, start: int) -> None:
        self._first = first
        self._some = some
        self._start = start

    def __getitem__(self, index: int) -> Any:
        return self._first if index == 0 else self._some[index - self._start]
