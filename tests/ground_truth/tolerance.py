"""Why two registrations that differ by a quarter of a pixel are equally right."""

import numpy
import skimage.data
from numpy.typing import NDArray
from scipy import ndimage

from ewoksndreg.demo.samples import PICTURES

# Beyond the reach of the edge of the picture.
_MARGIN = 10
_DIRECTIONS = 8


def interpolation_in_shifts(name: str, distance: float) -> float:
    """What linear interpolation alone changes in a picture, in units of what a shift changes.

    The RMS difference between linear interpolation half way between the pixels and the spline of
    order 5, over the RMS difference that a shift makes, which is done by the same spline.

    :param name: one of `PICTURES`.
    :param distance: of the shift in px; mean square over eight directions.
    """
    picture = _middle(name)
    half = (0.5, 0.5)
    blurred = _rms(_shift(picture, half, 1) - _shift(picture, half, 5))
    angles = numpy.arange(_DIRECTIONS) * 2 * numpy.pi / _DIRECTIONS
    steps = distance * numpy.stack((numpy.cos(angles), numpy.sin(angles)), axis=1)
    still = _shift(picture, (0, 0), 5)
    moved = _rms(numpy.stack([_shift(picture, step, 5) - still for step in steps]))
    return blurred / moved


def median_and_range(distance: float) -> tuple[float, float, float]:
    """Median, smallest and largest :func:`interpolation_in_shifts` of all pictures."""
    ratios = [interpolation_in_shifts(name, distance) for name in PICTURES]
    return float(numpy.median(ratios)), min(ratios), max(ratios)


def _middle(name: str) -> NDArray[numpy.float64]:
    picture = getattr(skimage.data, name)().astype(numpy.float64)
    if picture.ndim == 3:
        picture = picture[..., :3].mean(axis=2)
    rows, columns = (max(0, size // 2 - 95) for size in picture.shape)
    return picture[rows : rows + 190, columns : columns + 190]


def _shift(picture: NDArray[numpy.float64], shift: object, order: int) -> NDArray[numpy.float64]:
    moved = ndimage.shift(picture, shift, order=order, mode="mirror")
    return moved[_MARGIN:-_MARGIN, _MARGIN:-_MARGIN]


def _rms(values: NDArray[numpy.float64]) -> float:
    return float(numpy.sqrt(numpy.mean(values**2)))
