"""Which list of transformations registers best: stacks and transformations in, numbers out."""

from .eval_metrics import mse_eval
from .eval_metrics import smoothness_eval
from .evaluation import evaluate_stacks
from .evaluation import post_evaluation
from .result import Evaluation
from .result import ListEvaluation

__all__ = [
    "Evaluation",
    "ListEvaluation",
    "evaluate_stacks",
    "mse_eval",
    "post_evaluation",
    "smoothness_eval",
]
