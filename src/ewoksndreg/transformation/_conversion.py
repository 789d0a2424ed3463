"""Convert the results of other programs to transformations. HDF5 is imported only for a URL."""

from __future__ import annotations

import os
from collections.abc import Collection
from collections.abc import Mapping
from collections.abc import Sequence
from numbers import Number
from typing import Any
from typing import Protocol
from typing import runtime_checkable

import numpy
from numpy.typing import NDArray

from .._messages import add_context
from .._messages import locate_errors
from .._messages import unknown_name
from .._stacks import as_array
from .._stacks import has_array_interface
from .._typing import is_url
from ._foreign import find_columns
from ._foreign import find_tool
from ._foreign import is_failure
from ._homography import Homography
from .base import Transformation


@runtime_checkable  # pydantic asks
class HasTransformations(Protocol):
    """The result of a registration or of a refinement."""

    @property
    def transformations(self) -> Sequence[Any]: ...


TransformationSource = Sequence[Any] | NDArray[Any] | str | os.PathLike[str] | HasTransformations
"""The forms in which the transformations of one stack can be given, see `as_transformations`. A
silx `DataUrl` and a table are accepted as well."""

Conventions = str | Mapping[str, str | None] | None
"""The convention of all registrations, or of each by name, see `as_transformations`."""


# What the numbers mean: they map a point of the aligned image to the image (passive), or a point of
# the image to the aligned image (active), in (row, column) or in (x, y) order.
_CONVENTIONS = {
    "passive": "passive",
    "active": "active",
    "passive xy": "passive xy",
    "active xy": "active xy",
    "scikit-image": "passive xy",
    "opencv": "active xy",
    "opencv inverse map": "passive xy",
    "pystackreg": "passive xy",
    "simpleitk": "passive xy",
    "phase_cross_correlation": "active",
}

CONVENTION_NAMES = tuple(_CONVENTIONS)

# No image registration finds a perspective of 1 % per pixel, but the translation in the last row
# of a transposed matrix is easily that large.
_LARGE_PERSPECTIVE = 0.01

_SHAPES = (3, 3), (2, 3), (2,)
_EXPECTED = (
    "expected (N, 3, 3) or (N, 2, 3) for matrices or (N, 2) for shifts, one for each of N images"
)


def as_transformations(
    value: TransformationSource, *, convention: str | None = None
) -> list[Transformation]:
    """Convert the result of any registration tool to the transformations of one stack.

    :param value: one of

        - a sequence with one item per image: a :class:`.Transformation`, a scikit-image transform
          with a 3x3 matrix, a linear 2D SimpleITK transform (its physical coordinates must be
          pixels: spacing 1, origin 0) or another object with a `passive_matrix`, in any mixture;
          or a matrix, `(3, 3)` or `(2, 3)`; or a shift, `(2,)`. For an image whose registration
          failed: None, a `FailedEstimation` of scikit-image or a matrix of NaN,
        - matrices, shape `(N, 3, 3)` or, without the last row `(0, 0, 1)`, `(N, 2, 3)`, as an array
          or nested lists,
        - shifts in px, shape `(N, 2)`, in the same forms. With the default convention, the sample
          appears in image n displaced by shift n (row, column),
        - shifts as a table (data frame, structured array, compound dataset, dictionary, named
          tuples) with the columns `row` and `column`, or `y` and `x`, in any order,
        - the URL of a dataset with matrices or shifts. The dataset is read completely; its
          attribute `convention` is used if `convention` is not given,
        - the result of :func:`.register_stack` or :func:`.refine_registration`, or another object
          with an attribute `transformations`.

        Masked and missing numbers (None) become NaN.
    :param convention: what the numbers mean, see :ref:`where-from`: `"passive"` (maps a point of
        the aligned image to its position in the image) or `"active"` (the inverse), both in (row,
        column) order; `"passive xy"` or `"active xy"`, in (x, y) order; or the name of a tool:
        `"scikit-image"`, `"opencv"`, `"opencv inverse map"`, `"pystackreg"`, `"simpleitk"`,
        `"phase_cross_correlation"`. Default: `"passive"` for numbers, and the tool's own convention
        for its objects. If given, an item may also be the complete tuple that a tool returns. The
        convention does not change a :class:`.Transformation`, nor the order of named columns.
    :returns: N transformations. A matrix that is singular or not finite is kept.
    :raises ValueError: if there are no transformations, the shape is wrong, a matrix is
        transposed, the convention is unknown or the dataset does not exist.
    :raises TypeError: if the numbers are not real, an object is of another kind, or an item is the
        tuple of a tool and `convention` is not given.
    :raises OSError: if a file is missing or cannot be read.

    >>> from ewoksndreg import as_transformations
    >>> first, second = as_transformations([(0, 0), (1.5, -2)], convention="active")
    >>> second.passive_matrix
    array([[ 1. ,  0. , -1.5],
           [ 0. ,  1. ,  2. ],
           [ 0. ,  0. ,  1. ]])
    """
    meaning = None if convention is None else _find_meaning(convention)
    if is_url(value):
        return _read(value, meaning)
    columns = find_columns(value)
    if columns is not None:
        value = _join(*columns)
        meaning = (meaning or "passive").removesuffix(" xy")  # the names give the order
    inner = getattr(value, "transformations", None)
    if isinstance(inner, Sequence):
        value = inner
    if not isinstance(value, Sequence) or isinstance(value, (bytes, bytearray, memoryview)):
        value = _divide(value)
    if len(value) == 0:
        raise ValueError("there are no transformations, expected one for each image")
    found = [_find_transformation(item, n, meaning) for n, item in enumerate(value)]
    _check_alike(value, found)
    return [
        each if isinstance(each, Transformation) else _homography(each, n, meaning or "passive")
        for n, each in enumerate(found)
    ]


def as_registrations(
    values: Mapping[str, TransformationSource], convention: Conventions = None
) -> dict[str, list[Transformation]]:
    """Apply :func:`as_transformations` to each registration; errors name it."""
    check_registrations_have_names(values)
    conventions = assign_conventions(convention, values)
    registrations: dict[str, list[Transformation]] = {}
    for name, value in values.items():
        try:
            found = as_transformations(value, convention=conventions[name])
        except Exception as error:  # objects of other packages may raise anything
            raise add_context(error, f"Registration {str(name)!r}") from error
        registrations[str(name)] = found
    return registrations


def check_registrations_have_names(values: Any) -> None:
    """:raises TypeError: if the registrations are not a dictionary, or a name is not a string."""
    if not isinstance(values, Mapping):
        kind = type(values).__name__
        raise TypeError(f"The registrations must be a dictionary with a name for each, not {kind}")
    for name in values:
        if not isinstance(name, str):
            raise TypeError(f"The name of a registration must be a string, not {name!r}")


def assign_conventions(convention: Conventions, names: Collection[str]) -> dict[str, str | None]:
    """Find the convention of each registration; None if it is not given.

    :raises ValueError: if a convention or the name of a registration is unknown.
    """
    by_name = convention if isinstance(convention, Mapping) else dict.fromkeys(names, convention)
    for name, each in by_name.items():
        if name not in names:
            raise ValueError(unknown_name("registration", name, names))
        if each is not None:
            _find_meaning(each)
    return {name: by_name.get(name) for name in names}


def _find_meaning(convention: str) -> str:
    meaning = _CONVENTIONS.get(str(convention).lower())
    if meaning is None:
        raise ValueError(unknown_name("convention", convention, _CONVENTIONS))
    return meaning


def _read(value: Any, meaning: str | None) -> list[Transformation]:
    from ..io import as_data_url
    from ..io import read_small_dataset
    from ..io import url_text

    url = as_data_url(value)
    with locate_errors(url_text(url)):
        numbers, attributes = read_small_dataset(url, _check_form)
        written = attributes.get("convention")
        if isinstance(written, bytes):
            written = written.decode()
        return as_transformations(numbers, convention=written if meaning is None else meaning)


def _join(rows: Any, columns: Any) -> NDArray[Any]:
    """Convert the columns of a table, or a row of it, to shifts, shape `(N, 2)`."""
    shifts = [_as_numbers(each).reshape(-1) for each in (rows, columns)]
    if len(shifts[0]) != len(shifts[1]):
        raise ValueError(f"the columns differ in length: {len(shifts[0])} and {len(shifts[1])}")
    return numpy.stack(shifts, axis=1)


def _divide(value: Any) -> list[Any]:
    """Divide an array into the items of the images."""
    if not has_array_interface(value) and not isinstance(value, memoryview):
        raise TypeError(
            "expected a sequence of transformations, an array or the URL of a dataset, not"
            f" {type(value).__name__}"
        )
    array = as_array(value)
    if array.dtype != object or array.ndim != 1:
        array = _as_numbers(array)
        _check_form(array.shape, array.dtype)
    return list(array)


def _homography(numbers: NDArray[Any], n: int, meaning: str) -> Homography:
    """Convert the matrix or shift of image `n`, in one of `_SHAPES`."""
    matrix = numpy.identity(3)
    if numpy.isnan(numbers).all():  # the registration failed
        matrix[:] = numpy.nan
    elif numbers.ndim == 1:
        matrix[:2, 2] = numbers
    else:
        matrix[: len(numbers)] = numbers
    _check_not_transposed(matrix, n)
    if "xy" in meaning:
        # By index: a product would spread NaN.
        matrix = matrix[[1, 0, 2]][:, [1, 0, 2]]
    homography = Homography(matrix)
    return Homography(homography.active_matrix) if "active" in meaning else homography


def _check_form(shape: tuple[int, ...], dtype: numpy.dtype[Any]) -> None:
    if dtype.names is not None and len(shape) == 1:
        return  # a table
    if dtype.kind not in "biuf":
        raise TypeError(f"expected real numbers, not {_describe_dtype(dtype)}")
    if shape[1:] not in _SHAPES:
        raise ValueError(f"the shape is {shape}, {_EXPECTED}")
    if shape[0] == 0:
        raise ValueError(f"there are no transformations: the shape is {shape}, {_EXPECTED}")


def _check_not_transposed(matrix: NDArray[numpy.float64], n: int) -> None:
    large = numpy.abs(matrix[2, :2]).max() > _LARGE_PERSPECTIVE * abs(matrix[2, 2])
    if large and not matrix[:2, 2].any() and matrix[2, 2] != 0:
        raise ValueError(
            f"the matrix of image {n} has the last row {matrix[2].tolist()}, expected [0, 0, 1] or"
            " nearly so: it looks transposed, its translation belongs in the last column"
        )


def _find_transformation(item: Any, n: int, meaning: str | None) -> Transformation | NDArray[Any]:
    """Return the transformation of one image, or the numbers of its matrix or shift."""
    if isinstance(item, Transformation):
        return item
    if is_failure(item):
        return numpy.full((3, 3), numpy.nan)
    try:
        tool = find_tool(item)
        if tool is not None:
            matrix_of, own_meaning = tool
            return _homography(matrix_of(item), n, meaning or own_meaning)
        if find_columns(item) is not None:
            found = as_transformations(item, convention=meaning)
            if len(found) > 1:
                raise ValueError(f"expected one row with a shift, not {len(found)} rows")
            return found[0]
    except Exception as error:  # objects of other packages may raise anything
        raise add_context(error, f"image {n}, {type(item).__name__}") from error
    if isinstance(item, (list, tuple)):
        picked = _unpack(item, n, meaning)
        if picked is not item:
            return _find_transformation(picked, n, meaning)
    try:
        numbers = _as_numbers(item)
    except ValueError:
        raise ValueError(f"the rows of the matrix of image {n} differ in length") from None
    if numbers.dtype.kind not in "biuf":
        kind = type(item).__name__
        if isinstance(item, (Sequence, numpy.ndarray)) and not isinstance(item, (str, bytes)):
            kind += f" of {_describe_dtype(numbers.dtype)}"
        raise TypeError(f"image {n} needs a transformation or a matrix of real numbers, not {kind}")
    return numbers


def _unpack(item: Sequence[Any], n: int, meaning: str | None) -> Any:
    """Pick the matrix, shift or transform from the result of a tool, such as a shift with its
    error; None if it failed. A shift, or the rows of a matrix, are returned as they are."""
    parts = [numpy.identity(3) if find_tool(each) else _try_numbers(each) for each in item]
    if {part.ndim for part in parts} in ({0}, {1}, set()):
        return item
    what = f"{type(item).__name__} of {', '.join(type(each).__name__ for each in item)}"
    if meaning is None:
        raise TypeError(
            f"image {n} has the complete result of a tool, a {what}: give only the matrix or the"
            " shift, or name the tool, for example convention='phase_cross_correlation'"
        )
    candidates = [
        each
        for each, part in zip(item, parts, strict=True)
        if part.shape in _SHAPES and part.dtype.kind in "iuf"
    ]
    if not candidates and any(map(is_failure, item)):
        return None
    if len(candidates) != 1:
        raise TypeError(f"image {n} has a {what}: give only the matrix or the shift")
    return candidates[0]


def _try_numbers(value: Any) -> NDArray[Any]:
    try:
        return _as_numbers(value)
    except ValueError:  # rows of different lengths
        return numpy.empty((0, 0))


def _check_alike(items: Sequence[Any], found: Sequence[Transformation | NDArray[Any]]) -> None:
    """Require that all items are matrices, or all shifts, or all objects. The identity, and NaN for
    a registration that failed, mean the same in each form and may be mixed with any."""
    definite = {n: each for n, each in enumerate(found) if not _means_the_same(each)}
    arrays = {n: each for n, each in definite.items() if not isinstance(each, Transformation)}
    if not arrays:
        return
    first = min(arrays)
    if len(arrays) < len(definite):
        raise TypeError(
            f"image {first} needs a transformation object like the other images, not"
            f" {type(items[first]).__name__}"
        )
    expected = arrays[first].shape
    for n, numbers in arrays.items():
        if numbers.shape != expected:
            raise ValueError(
                f"the matrix of image {n} has the shape {numbers.shape}, that of image {first}"
                f" {expected}: {_EXPECTED}"
            )
    _check_form((len(found), *expected), arrays[first].dtype)


def _means_the_same(found: Transformation | NDArray[Any]) -> bool:
    numbers = numpy.asarray(getattr(found, "passive_matrix", found))
    if numbers.shape not in _SHAPES:
        return False
    identity = numpy.zeros(2) if numbers.ndim == 1 else numpy.identity(3)[: len(numbers)]
    return bool((numbers == identity).all() or numpy.isnan(numbers).all())


def _as_numbers(value: Any) -> NDArray[Any]:
    """Convert to an array of numbers; masked and missing ones become NaN."""
    if isinstance(value, numpy.ma.MaskedArray) and value.dtype.kind in "biuf":
        floating: Any = value.astype(numpy.float64)
        return numpy.asarray(floating.filled(numpy.nan))
    if isinstance(value, (list, tuple)):
        return numpy.asarray([_as_numbers(each) for each in value])
    array = numpy.asarray(as_array(value))
    if array.dtype == object:
        values = [numpy.nan if is_failure(each) else each for each in array.flat]
        plain = all(isinstance(each, (Number, numpy.bool_)) for each in values)
        array = numpy.array(values, dtype=None if plain else object).reshape(array.shape)
    return array


def _describe_dtype(dtype: numpy.dtype[Any]) -> str:
    kinds = {"c": "complex numbers", "U": "strings", "S": "strings", "O": "objects"}
    return kinds.get(dtype.kind, str(dtype))
