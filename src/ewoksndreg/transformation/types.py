"""Kinds of image transformations."""

from enum import Enum


class TransformationType(Enum):
    """How far a transformation may deform an image, least to most."""

    identity = "identity"
    translation = "translation"
    rigid = "rigid"
    similarity = "similarity"
    affine = "affine"
    projective = "projective"
    bspline = "bspline"
    displacement_field = "displacement_field"
    composite = "composite"
