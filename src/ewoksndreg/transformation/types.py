"""Kinds of image transformations."""

from enum import Enum


class TransformationType(str, Enum):
    """The kinds of transformations, from the most restricted to the most general. Each kind equals
    its name.

    >>> from ewoksndreg.transformation.types import TransformationType
    >>> TransformationType.rigid == "rigid"
    True
    """

    __str__ = str.__str__

    identity = "identity"
    translation = "translation"
    rigid = "rigid"
    similarity = "similarity"
    affine = "affine"
    projective = "projective"
    bspline = "bspline"
    displacement_field = "displacement_field"
    composite = "composite"
