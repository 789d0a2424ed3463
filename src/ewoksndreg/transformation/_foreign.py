"""The results of other packages: transformation objects, failures and tables of shifts. None of
these packages is imported here."""

from __future__ import annotations

import re
from collections.abc import Callable
from collections.abc import Mapping
from typing import Any

import numpy
from numpy.typing import NDArray


def find_tool(item: object) -> tuple[Callable[[Any], NDArray[Any]], str] | None:
    """Find how to get the 3x3 matrix of an object of another package, or of a class derived from
    it, and what that means ("passive xy": see :func:`.as_transformations`).

    :returns: a function that gives the matrix, or raises TypeError if there is none; the meaning.
    """
    if hasattr(item, "passive_matrix"):
        return _passive_matrix, "passive"
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
    if hasattr(table, "_asdict"):  # a named tuple
        table = table._asdict()
    names = _column_names(table)
    axes: dict[str, Any] = {}
    for name in names:
        match = _COLUMN_NAME.fullmatch(name.strip().lower())
        if match is not None and match.lastgroup is not None:
            axes.setdefault(match.lastgroup, name)
    if not names or (not axes and isinstance(table, Mapping)):
        return None
    if len(axes) != 2 or len(names) != 2:
        raise ValueError(
            f"the columns are called {', '.join(map(repr, names))}: shifts need two columns, 'row'"
            " and 'column' or 'y' and 'x'; give matrices without names"
        )
    return table[axes["row"]], table[axes["column"]]


def _column_names(table: Any) -> list[str]:
    names: Any = getattr(getattr(table, "dtype", None), "names", None)
    if not names:
        # A row of a data frame has keys, too.
        names = table.keys() if hasattr(table, "keys") else getattr(table, "columns", ())
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


_TOOLS = {
    "skimage": (_scikit_image_matrix, "passive xy"),
    "SimpleITK": (_simpleitk_matrix, "passive xy"),
}
