"""Rank the image registrations of several stacks and pass the best one on."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING
from typing import Any

if TYPE_CHECKING:
    from . import plots
    from ._report import write_report
    from .alignment import align_stacks
    from .evaluation import Evaluation
    from .evaluation import evaluate_stacks
    from .evaluation import mse_eval
    from .evaluation import smoothness_eval
    from .io import open_stacks
    from .refinement import refine_registration
    from .registration import register_each_stack
    from .registration import register_stack
    from .registration import register_stacks
    from .transformation import Homography
    from .transformation import Transformation
    from .transformation import as_transformations

__version__ = "1.0.0rc1"

__all__ = [
    "Evaluation",
    "Homography",
    "Transformation",
    "align_stacks",
    "as_transformations",
    "evaluate_stacks",
    "mse_eval",
    "open_stacks",
    "plots",
    "refine_registration",
    "register_each_stack",
    "register_stack",
    "register_stacks",
    "smoothness_eval",
    "write_report",
]

# Nothing is imported before it is used; HDF5 and matplotlib only where they are needed.
_PACKAGES = {
    **dict.fromkeys(("Evaluation", "evaluate_stacks", "mse_eval", "smoothness_eval"), "evaluation"),
    **dict.fromkeys(("Homography", "Transformation", "as_transformations"), "transformation"),
    "align_stacks": "alignment",
    **dict.fromkeys(("register_each_stack", "register_stack", "register_stacks"), "registration"),
    "open_stacks": "io",
    "write_report": "_report",
    "refine_registration": "refinement",
}


def __getattr__(name: str) -> Any:
    if name == "plots":
        return importlib.import_module(".plots", __name__)
    if name in _PACKAGES:
        return getattr(importlib.import_module(f".{_PACKAGES[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
