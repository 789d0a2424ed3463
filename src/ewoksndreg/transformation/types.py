"""Kinds of image transformations."""

from enum import Enum


class TransformationType(str, Enum):
    """How far a transformation may deform an image, least to most; each is also its name.

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
