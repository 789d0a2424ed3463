"""Rank registrations: which one is best, and how reliable is that."""

from ._bad_images import find_outliers
from ._bad_images import outlier_limit
from ._checks import check_registration_per_stack
from ._checks import check_same_image_shapes
from ._checks import check_same_number_of_images
from ._checks import check_stack_per_registration
from ._checks import check_transformation_per_image
from ._html import verdict_as_html
from ._jobs import Job
from ._jobs import Workers
from ._prepared_images import PreparedImages
from ._prepared_images import ReferenceImage
from ._ranking import MSE_FLOOR
from ._ranking import OPPOSITE
from ._ranking import SMOOTHNESS_WEIGHT
from ._ranking import WEIGHT_FLOOR
from ._result import Evaluation
from ._result import Limits
from ._result import RegistrationScore
from ._unchanging import choose_few
from ._unchanging import find_unchanging
from ._unchanging import leave_out_unchanging
from .eval_metrics import mse_eval
from .eval_metrics import smoothness_eval
from .evaluation import evaluate_stacks
from .evaluation import post_evaluation

__all__ = [
    "MSE_FLOOR",
    "OPPOSITE",
    "SMOOTHNESS_WEIGHT",
    "WEIGHT_FLOOR",
    "Evaluation",
    "Job",
    "Limits",
    "PreparedImages",
    "ReferenceImage",
    "RegistrationScore",
    "Workers",
    "check_registration_per_stack",
    "check_same_image_shapes",
    "check_same_number_of_images",
    "check_stack_per_registration",
    "check_transformation_per_image",
    "choose_few",
    "evaluate_stacks",
    "find_outliers",
    "find_unchanging",
    "leave_out_unchanging",
    "mse_eval",
    "outlier_limit",
    "post_evaluation",
    "smoothness_eval",
    "verdict_as_html",
]
