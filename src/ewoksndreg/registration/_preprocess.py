"""Filter the images of a stack before they are registered."""

from __future__ import annotations

import math
import numbers
from collections.abc import Callable
from typing import Any

import numpy
from numpy.typing import NDArray
from scipy import ndimage

from .._messages import unknown_name
from .._pixels import as_floating
from .._stacks import Stack
from .._typing import FloatImage

_Filter = Callable[[FloatImage, float], FloatImage]


def _ridges(name: str) -> _Filter:
    def apply(image: FloatImage, sigma: float) -> FloatImage:
        try:
            from skimage import filters
        except ModuleNotFoundError as error:
            raise ModuleNotFoundError(
                f'The filter {name!r} needs scikit-image: pip install ".[register]" in the folder'
                " of the sources",
                name=error.name,
            ) from error
        return numpy.asarray(getattr(filters, name)(image, sigmas=[sigma]))

    return apply


_FILTERS: dict[str, _Filter] = {
    "gaussian": ndimage.gaussian_filter,
    "median": lambda image, _: ndimage.median_filter(image, 3),
    "sobel": lambda image, _: numpy.hypot(ndimage.sobel(image, 0), ndimage.sobel(image, 1)),
    "sato": _ridges("sato"),
    "meijering": _ridges("meijering"),
}

FILTERS = tuple(_FILTERS)


def preprocess(
    stack: Stack,
    *,
    apply_filter: str | None = None,
    filter_parameter: float = 1,
    apply_low_pass: float | None = None,
    apply_high_pass: float | None = None,
) -> Stack:
    """Wrap a stack so that its images are filtered when they are read.

    Invalid pixels stay invalid; for the filters they are replaced with the mean.

    :param apply_filter: `"gaussian"`, `"median"` (3 x 3), `"sobel"`, `"sato"` or `"meijering"`.
    :param filter_parameter: standard deviation (px) of the filter, if it has one.
    :param apply_low_pass: standard deviation (px) of a Gaussian that is applied; None or 0: none.
    :param apply_high_pass: standard deviation (px) of a Gaussian that is subtracted; None or
        0: none.
    :raises ValueError: if the filter is unknown, or a standard deviation is negative.

    >>> import numpy
    >>> from ewoksndreg import open_stacks
    >>> from ewoksndreg.registration import preprocess
    >>> images = numpy.zeros((1, 5, 5))
    >>> images[0, 2, 2] = 1  # a hot pixel
    >>> with open_stacks({"Ca": images}) as stacks:
    ...     float(preprocess(stacks["Ca"], apply_filter="median")[0].max())
    0.0
    """
    if apply_filter is not None and apply_filter not in FILTERS:
        raise ValueError(unknown_name("filter", apply_filter, FILTERS))
    apply_low_pass, apply_high_pass = apply_low_pass or None, apply_high_pass or None
    widths = {
        "filter_parameter": filter_parameter,
        "apply_low_pass": apply_low_pass,
        "apply_high_pass": apply_high_pass,
    }
    for name, width in widths.items():
        positive = isinstance(width, numbers.Real) and math.isfinite(width) and width > 0
        if width is not None and (isinstance(width, bool) or not positive):
            raise ValueError(f"{name} is a standard deviation in px above 0, not {width!r}")

    def apply(image: FloatImage) -> FloatImage:
        if apply_filter is not None:
            image = _FILTERS[apply_filter](image, filter_parameter)
        if apply_low_pass is not None:
            image = ndimage.gaussian_filter(image, apply_low_pass)
        if apply_high_pass is not None:
            image = image - ndimage.gaussian_filter(image, apply_high_pass)
        return image

    return _FilteredStack(stack, apply)


class _FilteredStack(Stack):
    def __init__(self, stack: Stack, apply: Callable[[FloatImage], FloatImage]) -> None:
        super().__init__(stack.shape, numpy.dtype(numpy.float64))
        self._source = stack
        self._apply = apply

    def _read(self, index: int) -> NDArray[Any]:
        image = as_floating(self._source[index]).astype(numpy.float64)
        valid = numpy.isfinite(image)
        if not valid.any():
            return image
        filtered = self._apply(numpy.where(valid, image, image[valid].mean()))
        return numpy.where(valid, filtered, numpy.nan)

    def _together(self, index: int) -> range:
        return self._source.stored_together(index)

    def __enter__(self) -> Stack:
        self._source.__enter__()
        return self

    def __exit__(self, *exception: object) -> None:
        self._source.__exit__(*exception)
