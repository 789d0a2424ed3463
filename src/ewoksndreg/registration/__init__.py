"""Register stacks: find the transformations that align the images of a stack."""

from ._gauss_newton import BASES
from ._gauss_newton import make_pyramid
from ._gauss_newton import refine_image
from ._gauss_newton import rescale
from ._intensities import CoarseSearch
from ._intensities import count_levels
from ._preprocess import FILTERS
from ._preprocess import preprocess
from ._preselect import check_same_shapes
from ._preselect import rank_before_registering
from ._register import as_type
from ._register import keep_informative
from ._register import register_each_stack
from ._register import register_stack
from ._register import register_stacks
from ._register_images import METHODS
from ._register_images import Method
from ._result import Features
from ._result import Registration

__all__ = [
    "BASES",
    "FILTERS",
    "METHODS",
    "CoarseSearch",
    "Features",
    "Method",
    "Registration",
    "as_type",
    "check_same_shapes",
    "count_levels",
    "keep_informative",
    "make_pyramid",
    "preprocess",
    "rank_before_registering",
    "refine_image",
    "register_each_stack",
    "register_stack",
    "register_stacks",
    "rescale",
]
