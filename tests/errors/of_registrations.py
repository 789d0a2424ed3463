"""Mistakes in the registrations, the names and the choices."""

from __future__ import annotations

from typing import Any

from .measurement import BAD
from .measurement import FOLDER
from .measurement import Mistake


def _list(title: str, kind: type[Exception], items: Any, said: str, near: str = "") -> Mistake:
    url = items if isinstance(items, str) and items.startswith(FOLDER) else ""
    return Mistake(
        title,
        kind,
        f"Registration 'Fe-K': {said}",
        {"transformations": {"Fe-K": items}},
        "evaluate_stacks",
        ("'Fe-K'", url, near),
    )


def _names(title: str, registrations: dict[str, Any], message: str, near: str = "") -> Mistake:
    return Mistake(title, ValueError, message, {"transformations": registrations}, "", (near,))


def _choice(title: str, kind: type[Exception], message: str, **inputs: Any) -> Mistake:
    return Mistake(title, kind, message, inputs)


_SHAPES = (
    "expected (N, 3, 3) or (N, 2, 3) for matrices or (N, 2) for shifts, one for each of N images"
)
_SHIFTS = [[0, 0], [1, 0], [2, 0]]
_IDENTITY = [[1, 0, 0], [0, 1, 0], [0, 0, 1]]

OF_LISTS = [
    _list(
        "Matrices of another shape",
        ValueError,
        [[[1, 0], [0, 1]]] * 3,
        f"the shape is (3, 2, 2), {_SHAPES}",
    ),
    _list(
        "A dataset of matrices of another shape",
        ValueError,
        f"{BAD}/matrices",
        f"{BAD}/matrices: the shape is (3, 4, 4), {_SHAPES}",
    ),
    _list(
        "A dataset that does not exist",
        ValueError,
        f"{BAD}/matrix",
        f"{BAD}/matrix: There is no dataset in '{BAD}' called 'matrix': did you mean 'matrices'?"
        " Available: 'complex', 'empty', 'matrices', 'narrow', 'number', 'one image', 'rgb',"
        " 'short', 'text'",
        "'matrices'",
    ),
    _list(
        "Matrices of different shapes",
        ValueError,
        [_IDENTITY, [[1, 0, 2], [0, 1, 0], [0, 0, 1]], [[1, 0, 4], [0, 1, 0]]],
        f"the matrix of image 2 has the shape (2, 3), that of image 1 (3, 3): {_SHAPES}",
    ),
    _list(
        "A matrix whose rows have different lengths",
        ValueError,
        [_IDENTITY, [[1, 0, 0], [0, 1]], _IDENTITY],
        "the rows of the matrix of image 1 differ in length",
    ),
    _list(
        "A transposed matrix",
        ValueError,
        [_IDENTITY, [[1, 0, 0], [0, 1, 0], [3, 4, 1]], _IDENTITY],
        "the matrix of image 1 has the last row [3.0, 4.0, 1.0], expected [0, 0, 1] or nearly so:"
        " it looks transposed, its translation belongs in the last column",
    ),
    _list(
        "The complete result of a tool, without a convention",
        TypeError,
        [([0.0, 0.0], 0.1), ([1.0, 0.0], 0.2), ([2.0, 0.0], 0.1)],
        "image 0 has the complete result of a tool, a tuple of list, float: give only the matrix or"
        " the shift, or name the tool, for example convention='phase_cross_correlation'",
    ),
    _list(
        "Columns whose names are neither rows nor columns",
        ValueError,
        [{"x": 0, "z": 0}] * 3,
        "image 0, dict: the columns are called 'x', 'z': shifts need two columns, 'row' and"
        " 'column' or 'y' and 'x'; give matrices without names",
    ),
    _list(
        "Strings instead of numbers",
        TypeError,
        [["0", "0"]] * 3,
        "image 0 needs a transformation or a matrix of real numbers, not list of strings",
    ),
    _list(
        "No transformations",
        ValueError,
        [],
        "there are no transformations, expected one for each image",
    ),
    _list(
        "A number instead of a registration",
        TypeError,
        5,
        "expected a sequence of transformations, an array or the URL of a dataset, not int",
    ),
    _list(
        "A string that is not a URL",
        ValueError,
        "translation",
        "The URL 'translation' does not say where in which file: write it as"
        " 'file.h5::/path/inside/the/file'",
    ),
    Mistake(
        "Transformations that are not a dictionary",
        TypeError,
        "The registrations must be a dictionary with a name for each, not list",
        {"transformations": [_SHIFTS, _SHIFTS]},
    ),
    Mistake(
        "Fewer transformations than images",
        ValueError,
        "Stack 'Fe-K' has 3 images, but its registration has 2 transformations: each image needs"
        " one",
        {"transformations": {"Fe-K": _SHIFTS[:2]}},
        "evaluate_stacks",
        ("'Fe-K'",),
    ),
]

OF_NAMES = [
    _names(
        "A registration is missing",
        {"Fe-K": None, "Ca-K": _SHIFTS},
        "There is no registration for stack 'Fe-K'. Available: 'Ca-K'",
        "'Fe-K'",
    ),
    _names(
        "A registration is misspelled",
        {"Fe-K": None, "Fe_K": _SHIFTS},
        "There is no registration for stack 'Fe-K': did you mean 'Fe_K'? Available: 'Ca-K', 'Fe_K'",
        "mean 'Fe_K'",
    ),
    _names(
        "A registration without a stack",
        {"Si": _SHIFTS},
        "There is no stack for the registration 'Si'. Available: 'Ca-K', 'Fe-K'",
    ),
    Mistake(
        "No stacks, but registrations",
        ValueError,
        "There is no stack for the registration 'Ca-K'. Available: none",
        {"image_stacks": {"Ca-K": None, "Fe-K": None}},
    ),
    _choice(
        "A reference stack that does not exist",
        ValueError,
        "There is no reference_stack 'Fe_K': did you mean 'Fe-K'? Available: 'Ca-K', 'Fe-K'",
        reference_stack="Fe_K",
    ),
    _choice(
        "A reference stack whose registration does not fit another stack",
        ValueError,
        "Registration 'Fe-K' has 2 transformations, but the stacks have 3 images: each image needs"
        " one",
        reference_stack="Fe-K",
        transformations={"Fe-K": _SHIFTS[:2]},
    ),
]

OF_CHOICES = [
    _choice(
        "An unknown convention",
        ValueError,
        "Input 'convention': There is no convention 'opencvv': did you mean 'opencv'?"
        " Available: 'passive', 'active', 'passive xy', 'active xy', 'scikit-image', 'opencv',"
        " 'opencv inverse map', 'pystackreg', 'simpleitk', 'phase_cross_correlation'",
        convention="opencvv",
    ),
    _choice(
        "A convention of a registration that does not exist",
        ValueError,
        "Input 'convention': There is no registration 'Fe_K': did you mean 'Fe-K'? Available:"
        " 'Ca-K', 'Fe-K'",
        convention={"Fe_K": "opencv"},
    ),
    _choice(
        "An unknown way of scoring",
        ValueError,
        "Input 'evaluate_on' should be 'all' or 'own', not 'owm': did you mean 'own'?",
        evaluate_on="owm",
    ),
    _choice(
        "A way of scoring that is not a string",
        ValueError,
        "Input 'evaluate_on' should be 'all' or 'own', not 5",
        evaluate_on=5,
    ),
    _choice(
        "A reference stack that is not a string",
        ValueError,
        "Input 'reference_stack' should be a valid string, not 5",
        reference_stack=5,
    ),
    _choice(
        "A switch that is neither on nor off",
        ValueError,
        "Input 'skip' should be a valid boolean, unable to interpret input, not 'perhaps'",
        skip="perhaps",
    ),
    _choice(
        "Parameters that are not a dictionary",
        ValueError,
        "Input 'output_configuration' should be a valid dictionary, not [1]",
        output_configuration=[1],
    ),
    _choice(
        "A number of workers that is not a number",
        ValueError,
        "Input 'max_workers' should be a valid integer, not 'two'",
        max_workers="two",
    ),
    _choice(
        "A number of workers below -1",
        ValueError,
        "Input 'max_workers' should be greater than or equal to -1, not -2",
        max_workers=-2,
    ),
    _choice(
        "Workers here and on a cluster",
        ValueError,
        "Inputs: give either 'scheduler' or 'max_workers', not both",
        max_workers=2,
        scheduler="tcp://localhost:8786",
    ),
]
