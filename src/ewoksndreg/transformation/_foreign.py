"""Transformation objects of other packages, none of which is imported here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from typing import NamedTuple

import numpy
from numpy.typing import NDArray


class Tool(NamedTuple):
    """A package that has transformation objects.

    :param convention: what the matrices of its objects mean, see :func:`.as_transformations`.
    :param matrix_of: the 3x3 matrix of an object; raises TypeError where there is none.
    """

    convention: str
    matrix_of: Callable[[Any], NDArray[Any]]


def find_tool(item: object) -> Tool | None:
    """The package that defines the class of an object, or a parent of it, if it is a known one."""
    if hasattr(item, "passive_matrix"):
        return _WITH_PASSIVE_MATRIX
    packages = (parent.__module__.partition(".")[0] for parent in type(item).__mro__)
    return next((_TOOLS[package] for package in packages if package in _TOOLS), None)


def _scikit_image_matrix(transform: Any) -> NDArray[Any]:
    # Not any 3x3 `params`: an essential matrix has them and does not map points to points.
    if "ProjectiveTransform" not in [parent.__name__ for parent in type(transform).__mro__]:
        raise TypeError("expected a scikit-image transform that a 3x3 matrix describes")
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
        raise TypeError("expected a linear transform, which a 3x3 matrix describes")
    # The images of the origin and the unit vectors define a linear transform, also where
    # it is composed of several or rotates about a center.
    corners = [transform.TransformPoint(point) for point in ((0.0, 0.0), (1.0, 0.0), (0.0, 1.0))]
    origin, x, y = numpy.array(corners)
    matrix = numpy.identity(3)
    matrix[:2] = numpy.stack([x - origin, y - origin, origin], axis=1)
    return matrix


_WITH_PASSIVE_MATRIX = Tool("passive", lambda item: numpy.asarray(item.passive_matrix))

_TOOLS = {
    "skimage": Tool("scikit-image", _scikit_image_matrix),
    "SimpleITK": Tool("simpleitk", _simpleitk_matrix),
}
