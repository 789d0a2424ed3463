"""Convert the results of other programs to transformations.

The URL of a dataset of matrices is accepted wherever transformations are. HDF5 is imported only
when there is a URL.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any
from typing import NamedTuple

import numpy
from numpy.typing import NDArray

from .._messages import add_context
from .._messages import unknown_name
from ._foreign import find_tool
from ._homography import Homography
from .base import Transformation

TransformationSource = Sequence[Any] | NDArray[Any] | str
"""The forms in which the transformations of one stack are given, see `as_transformations`; a URL
may also be a silx `DataUrl`."""


class _Convention(NamedTuple):
    active: bool  # from the image to the aligned image, in the frame of the reference image
    xy: bool  # (x, y) = (column, row)


_CONVENTIONS = {
    "passive": _Convention(active=False, xy=False),
    "active": _Convention(active=True, xy=False),
    "passive xy": _Convention(active=False, xy=True),
    "active xy": _Convention(active=True, xy=True),
    "scikit-image": _Convention(active=False, xy=True),
    "opencv": _Convention(active=True, xy=True),
    "opencv inverse map": _Convention(active=False, xy=True),
    "pystackreg": _Convention(active=False, xy=True),
    "simpleitk": _Convention(active=False, xy=True),
    "phase_cross_correlation": _Convention(active=True, xy=False),
}

# No registration of images has a perspective of 1 % per pixel, but the translation in the last row
# of a transposed matrix easily is that large.
_LARGE_PERSPECTIVE = 0.01

_EXPECTED = (
    "expected (N, 3, 3) or (N, 2, 3) for matrices or (N, 2) for shifts, one for each of N images"
)


def as_transformations(
    value: TransformationSource, *, convention: str | None = None
) -> list[Transformation]:
    """The transformations of one stack, from whatever registered it.

    :param value: one of

        - a sequence of :class:`.Transformation`, of scikit-image transforms with a 3x3 matrix and
          of linear 2D SimpleITK transforms, also mixed; the physical coordinates of SimpleITK must
          be pixels (spacing 1, origin 0),
        - matrices, shape `(N, 3, 3)` or, without the last row `(0, 0, 1)`, `(N, 2, 3)`, as an array
          or nested lists,
        - shifts in px, shape `(N, 2)`, as an array or nested lists: translations. With the default
          convention image n shows the sample moved by shift n (row, column),
        - the URL of a dataset with matrices or shifts, see :func:`.as_data_url`. It is read as a
          whole.
    :param convention: what the numbers mean, see :ref:`where-from`: `"passive"` (a point of the
        aligned image to its place in the image), `"active"` (the inverse), both in (row, column)
        order, `"passive xy"` and `"active xy"` in (x, y) order, or the name of a tool,
        `"scikit-image"`, `"opencv"`, `"opencv inverse map"`, `"pystackreg"`, `"simpleitk"`,
        `"phase_cross_correlation"`. Not given: `"passive"` for numbers, and for the objects of a
        tool that tool's. A :class:`.Transformation` is taken as it is.
    :returns: N transformations. A matrix that is singular or not finite is kept.
    :raises ValueError: when there are no transformations, the shape does not fit, registrations
        have different lengths, a matrix is transposed, the convention is unknown or there is no
        such dataset.
    :raises TypeError: when these are not real numbers, or an object is of another kind.
    :raises OSError: when a file is missing or cannot be read.

    >>> from ewoksndreg import as_transformations
    >>> first, second = as_transformations([(0, 0), (1.5, -2)], convention="active")
    >>> second.passive_matrix
    array([[ 1. ,  0. , -1.5],
           [ 0. ,  1. ,  2. ],
           [ 0. ,  0. ,  1. ]])
    """
    rule = None if convention is None else _find_convention(convention)
    if is_url(value):
        return _from_url(value, rule)
    is_sequence = isinstance(value, Sequence) and not isinstance(value, (bytes, bytearray))
    if not is_sequence and hasattr(value, "__array__"):
        numbers = numpy.asarray(value)
        if numbers.dtype != object or numbers.ndim != 1:
            return _from_numbers(numbers, rule)
        value = list(numbers)
    elif not is_sequence:
        raise TypeError(
            "expected a sequence of transformations, an array or the URL of a dataset, not"
            f" {type(value).__name__}"
        )
    items = list(value)
    if any(isinstance(item, Transformation) or find_tool(item) for item in items):
        return [_from_object(item, n, rule) for n, item in enumerate(items)]
    return _from_numbers(_stack(items), rule)


def is_url(value: object) -> bool:
    """Whether it is a string or a silx `DataUrl`."""
    return isinstance(value, str) or hasattr(value, "data_path")


def as_registrations(
    values: Mapping[str, TransformationSource],
) -> dict[str, list[Transformation]]:
    """:func:`as_transformations` for each stack; what it raises names the stack."""
    registrations = {}
    for name, value in values.items():
        try:
            registrations[name] = as_transformations(value)
        except (OSError, TypeError, ValueError) as error:
            raise add_context(error, f"Transformations of stack {name!r}") from error
    return registrations


def _find_convention(convention: str) -> _Convention:
    rule = _CONVENTIONS.get(str(convention).lower())
    if rule is None:
        raise ValueError(unknown_name("convention", convention, _CONVENTIONS))
    return rule


def _from_url(value: Any, rule: _Convention | None) -> list[Transformation]:
    from ..io._small_dataset import read_small_dataset
    from ..io._urls import as_data_url
    from ..io._urls import url_text

    url = as_data_url(value)
    try:
        return _from_numbers(read_small_dataset(url, _check_form), rule)
    except (OSError, TypeError, ValueError) as error:
        raise add_context(error, url_text(url)) from error


def _from_numbers(numbers: NDArray[Any], rule: _Convention | None) -> list[Transformation]:
    _check_form(numbers.shape, numbers.dtype)
    matrices = numpy.tile(numpy.identity(3), (len(numbers), 1, 1))
    if numbers.ndim == 2:
        matrices[:, :2, 2] = numbers
    else:
        matrices[:, : numbers.shape[1]] = numbers
    _check_not_transposed(matrices)
    return [_make_homography(matrix, rule or _CONVENTIONS["passive"]) for matrix in matrices]


def _make_homography(matrix: NDArray[Any], rule: _Convention) -> Homography:
    if rule.xy:
        # By index: a product would spread NaN.
        matrix = matrix[[1, 0, 2]][:, [1, 0, 2]]
    homography = Homography(matrix)
    return Homography(homography.active_matrix) if rule.active else homography


def _check_form(shape: tuple[int, ...], dtype: numpy.dtype[Any]) -> None:
    if dtype.kind not in "biuf":
        raise TypeError(f"expected real numbers, not {_describe_dtype(dtype)}")
    matrices = len(shape) == 3 and shape[1:] in ((3, 3), (2, 3))
    shifts = len(shape) == 2 and shape[1] == 2
    if not matrices and not shifts:
        raise ValueError(f"the shape is {shape}, {_EXPECTED}")
    if shape[0] == 0:
        raise ValueError(f"there are no transformations: the shape is {shape}, {_EXPECTED}")


def _check_not_transposed(matrices: NDArray[numpy.float64]) -> None:
    perspective = numpy.abs(matrices[:, 2, :2]).max(axis=1)
    large = perspective > _LARGE_PERSPECTIVE * numpy.abs(matrices[:, 2, 2])
    transposed = large & (matrices[:, :2, 2] == 0).all(axis=1) & (matrices[:, 2, 2] != 0)
    if transposed.any():
        n = int(transposed.argmax())
        raise ValueError(
            f"the matrix of image {n} has the last row {matrices[n, 2].tolist()}, expected"
            " [0, 0, 1] or nearly so: it looks transposed, its translation belongs in the last"
            " column"
        )


def _stack(items: list[Any]) -> NDArray[Any]:
    """Stack one matrix or shift per image into one array.

    :raises ValueError: when shapes differ.
    :raises TypeError: when there are no real numbers. Both name the first such image.
    """
    if not items:
        raise ValueError("there are no transformations, expected one for each image")
    arrays: list[NDArray[Any]] = []
    for n, item in enumerate(items):
        try:
            array = numpy.asarray(item)
        except ValueError:
            raise ValueError(f"the rows of the matrix of image {n} differ in length") from None
        if array.dtype.kind not in "biuf":
            raise _make_type_error(n, item, array.dtype)
        if arrays and array.shape != arrays[0].shape:
            raise ValueError(
                f"the matrix of image {n} has the shape {array.shape}, that of image 0"
                f" {arrays[0].shape}: {_EXPECTED}"
            )
        arrays.append(array)
    return numpy.stack(arrays)


def _make_type_error(n: int, item: Any, dtype: numpy.dtype[Any]) -> TypeError:
    if item is None:
        return TypeError(
            f"image {n} has no transformation (None): give a matrix of NaN where a registration"
            " failed"
        )
    found = type(item).__name__
    if isinstance(item, (Sequence, numpy.ndarray)) and not isinstance(item, (str, bytes)):
        found += f" of {_describe_dtype(dtype)}"
    return TypeError(f"image {n} needs a transformation or a matrix of real numbers, not {found}")


def _describe_dtype(dtype: numpy.dtype[Any]) -> str:
    kinds = {"c": "complex numbers", "U": "strings", "S": "strings", "O": "objects"}
    return kinds.get(dtype.kind, str(dtype))


def _from_object(item: Any, n: int, rule: _Convention | None) -> Transformation:
    if isinstance(item, Transformation):
        return item
    tool = find_tool(item)
    if tool is None:
        raise TypeError(
            f"image {n} needs a transformation object like the other images, not"
            f" {type(item).__name__}"
        )
    try:
        return _make_homography(tool.matrix_of(item), rule or _CONVENTIONS[tool.convention])
    except TypeError as error:
        raise add_context(error, f"image {n}, {type(item).__name__}") from error
