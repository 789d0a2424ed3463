"""The results of other packages: transformation objects, failures and tables of shifts. None of
these packages is imported here."""

from __future__ import annotations

import re
from collections.abc import Callable
from collections.abc import Mapping
from typing import Any
from typing import NamedTuple

import numpy
from numpy.typing import NDArray


class Tool(NamedTuple):
    """A package with transformation objects.

    :param convention: what the matrices of its objects mean, see :func:`.as_transformations`.
    :param matrix_of: gives the 3x3 matrix of an object; raises TypeError if it has none.
    """

    convention: str
    matrix_of: Callable[[Any], NDArray[Any]]


def find_tool(item: object) -> Tool | None:
    """Find the known package that defines the class of an object or one of its parents."""
    if hasattr(item, "passive_matrix"):
        return _WITH_PASSIVE_MATRIX
    packages = (parent.__module__.partition(".")[0] for parent in type(item).__mro__)
    return next((_TOOLS[package] for package in packages if package in _TOOLS), None)


def is_failure(item: object) -> bool:
    """Whether an item stands for an image that could not be registered: None, a `FailedEstimation`
    of scikit-image, or a missing number (NaN, masked, NA of pandas)."""
    if isinstance(item, (float, numpy.floating)):
        return bool(numpy.isnan(item))
    missing = ("FailedEstimation", "MaskedConstant", "NAType", "NaTType")
    return item is None or type(item).__name__ in missing


_MOTION = "d|t|delta|shift|offset|off|drift|motion|translation|position|pos"
_COLUMN_NAME = re.compile(
    rf"(?:(?:{_MOTION})[\s_-]*)?(?:(?P<row>y|r|rows?)|(?P<column>x|c|cols?|columns?))"
    rf"(?:[\s_-]*(?:{_MOTION}))?(?:[\s_-]*[(\[]?(?:px|pixels?)[)\]]?)?"
)


def find_columns(table: Any) -> tuple[Any, Any] | None:
    """Find the columns of a table that hold the rows and the columns of the shifts; None if the
    columns have no names, or none that is known.

    :param table: a data frame, a structured array or a dictionary of columns; or one row of these,
        or a named tuple.
    :raises ValueError: if there are other named columns.
    """
    if hasattr(table, "to_pandas") and getattr(table, "ndim", 0) == 2:  # of xarray
        table = table.to_pandas()
    names = _column_names(table)
    axes: dict[str, Any] = {}
    for name in names:
        match = _COLUMN_NAME.fullmatch(name.strip().lower())
        if match is not None and match.lastgroup is not None:
            axes.setdefault(match.lastgroup, name)
    if not names or (not axes and isinstance(table, (tuple, Mapping))):
        return None
    if len(axes) != 2 or len(names) != 2:
        raise ValueError(
            f"the columns are called {', '.join(map(repr, names))}: shifts need two columns, 'row'"
            " and 'column' or 'y' and 'x'; give matrices without names"
        )
    if isinstance(table, tuple):
        return getattr(table, axes["row"]), getattr(table, axes["column"])
    return table[axes["row"]], table[axes["column"]]


def _column_names(table: Any) -> list[str]:
    names: Any = ()
    if isinstance(table, Mapping):
        names = table
    elif getattr(getattr(table, "dtype", None), "names", None):
        names = table.dtype.names
    elif isinstance(table, tuple):
        names = getattr(table, "_fields", ())
    elif hasattr(table, "columns"):
        names = table.columns
    elif hasattr(table, "iloc"):  # a row of a data frame
        names = table.index
    names = list(names)
    return names if all(isinstance(name, str) for name in names) else []


def _scikit_image_matrix(transform: Any) -> NDArray[Any]:
    # An essential matrix has 3x3 `params`, too, but does not map points to points.
    if "ProjectiveTransform" not in [parent.__name__ for parent in type(transform).__mro__]:
        raise TypeError("expected a scikit-image transform with a 3x3 matrix")
    matrix = numpy.asarray(transform.params)
    if matrix.shape != (3, 3):
        raise TypeError(f"expected a 2D transform with a 3x3 matrix, not {matrix.shape}")
    return matrix


def _simpleitk_matrix(transform: Any) -> NDArray[Any]:
    if not hasattr(transform, "TransformPoint"):
        raise TypeError("expected a SimpleITK transform")
    if transform.GetDimension() != 2:
        raise TypeError(f"expected a 2D transform, not {transform.GetDimension()}D")
    if not transform.IsLinear():
        raise TypeError("expected a linear transform, which has a 3x3 matrix")
    # The origin and the unit vectors define any linear transform, even a composite one or a
    # rotation about a center.
    corners = [transform.TransformPoint(point) for point in ((0.0, 0.0), (1.0, 0.0), (0.0, 1.0))]
    origin, x, y = numpy.array(corners)
    matrix = numpy.identity(3)
    matrix[:2] = numpy.stack([x - origin, y - origin, origin], axis=1)
    return matrix


def _passive_matrix(transformation: Any) -> NDArray[Any]:
    matrix = numpy.asarray(transformation.passive_matrix)
    if matrix.shape != (3, 3) or matrix.dtype.kind not in "iuf":
        raise TypeError("its passive_matrix is not a 3x3 matrix of real numbers")
    return matrix


_WITH_PASSIVE_MATRIX = Tool("passive", _passive_matrix)

_TOOLS = {
    "skimage": Tool("scikit-image", _scikit_image_matrix),
    "SimpleITK": Tool("simpleitk", _simpleitk_matrix),
}
