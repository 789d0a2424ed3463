"""Which registration is best: stacks and registrations in, numbers out."""

from .checks import check_registration_per_stack
from .checks import check_stack_per_registration
from .checks import check_transformation_per_image
from .eval_metrics import mse_eval
from .eval_metrics import smoothness_eval
from .evaluation import evaluate_stacks
from .evaluation import post_evaluation
from .outliers import find_outliers
from .outliers import outlier_limit
from .ranking import SMOOTHNESS_WEIGHT
from .result import Evaluation
from .result import RegistrationScore

__all__ = [
    "SMOOTHNESS_WEIGHT",
    "Evaluation",
    "RegistrationScore",
    "check_registration_per_stack",
    "check_stack_per_registration",
    "check_transformation_per_image",
    "evaluate_stacks",
    "find_outliers",
    "mse_eval",
    "outlier_limit",
    "post_evaluation",
    "smoothness_eval",
]
