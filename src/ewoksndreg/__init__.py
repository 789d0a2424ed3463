"""Rank the image registrations of several stacks and pass the best one on."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING
from typing import Any

if TYPE_CHECKING:
    from .evaluation import Evaluation
    from .evaluation import evaluate_stacks
    from .evaluation import mse_eval
    from .evaluation import smoothness_eval
    from .io import open_stacks
    from .refinement import refine_registration
    from .registration import register_stack
    from .registration import register_stacks
    from .transformation import Homography
    from .transformation import Transformation
    from .transformation import as_transformations

__version__ = "1.0.0.dev0"

__all__ = [
    "Evaluation",
    "Homography",
    "Transformation",
    "as_transformations",
    "evaluate_stacks",
    "mse_eval",
    "open_stacks",
    "refine_registration",
    "register_stack",
    "register_stacks",
    "smoothness_eval",
]

# Nothing is imported before it is used, and HDF5 only for `open_stacks`.
_PACKAGES = {
    **dict.fromkeys(("Evaluation", "evaluate_stacks", "mse_eval", "smoothness_eval"), "evaluation"),
    **dict.fromkeys(("Homography", "Transformation", "as_transformations"), "transformation"),
    **dict.fromkeys(("register_stack", "register_stacks"), "registration"),
    "open_stacks": "io",
    "refine_registration": "refinement",
}


def __getattr__(name: str) -> Any:
    if name in _PACKAGES:
        return getattr(importlib.import_module(f".{_PACKAGES[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
