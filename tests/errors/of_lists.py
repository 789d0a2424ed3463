"""Mistakes in the lists of transformations, the names and the choices."""

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
        f"Transformations of stack 'Fe-K': {said}",
        {"transformations": {"Fe-K": items}},
        "evaluate_stacks",
        ("'Fe-K'", url, near),
    )


def _names(title: str, lists: dict[str, Any], message: str, near: str = "") -> Mistake:
    return Mistake(
        title, ValueError, message, {"transformations": lists}, "evaluate_stacks", (near,)
    )


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
        [_IDENTITY, [[1, 0, 0], [0, 1, 0]], _IDENTITY],
        f"the matrix of image 1 has the shape (2, 3), that of image 0 (3, 3): {_SHAPES}",
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
        " it looks transposed, its translation belongs into the last column",
    ),
    _list(
        "An image without transformation",
        TypeError,
        [[0, 0], None, [1, 1]],
        "image 1 has no transformation (None): give a matrix of NaN where a registration failed",
    ),
    _list(
        "Text in place of numbers",
        TypeError,
        [["0", "0"]] * 3,
        "image 0 needs a transformation or a matrix of real numbers, not list of text",
    ),
    _list(
        "No transformations",
        ValueError,
        [],
        "there are no transformations, expected one for each image",
    ),
    _list(
        "A number in place of a list",
        TypeError,
        5,
        "expected a list of transformations, an array or the URL of a dataset, not int",
    ),
    _list(
        "Text that is no URL",
        ValueError,
        "translation",
        "The URL 'translation' does not say where in which file: write it as"
        " 'file.h5::/path/inside/the/file'",
    ),
    Mistake(
        "No dictionary",
        TypeError,
        "The transformations are a dictionary of lists by stack name, not list",
        {"transformations": [_SHIFTS, _SHIFTS]},
    ),
    Mistake(
        "Fewer transformations than images",
        ValueError,
        "Stack 'Fe-K' has 3 images, but its list has 2 transformations: each image needs one",
        {"transformations": {"Fe-K": _SHIFTS[:2]}},
        "evaluate_stacks",
        ("'Fe-K'",),
    ),
]

OF_NAMES = [
    _names(
        "A list is missing",
        {"Fe-K": None, "Ca-K": _SHIFTS},
        "There is no list of transformations for stack 'Fe-K'. Available: 'Ca-K'",
        "'Fe-K'",
    ),
    _names(
        "A list is misspelt",
        {"Fe-K": None, "Fe_K": _SHIFTS},
        "There is no list of transformations for stack 'Fe-K': did you mean 'Fe_K'?"
        " Available: 'Ca-K', 'Fe_K'",
        "mean 'Fe_K'",
    ),
    _names(
        "A list too many",
        {"Si": _SHIFTS},
        "There is no stack for the list of transformations 'Si'. Available: 'Ca-K', 'Fe-K'",
    ),
    Mistake(
        "No stacks, but lists of transformations",
        ValueError,
        "There is no stack for the list of transformations 'Ca-K'. Available: none",
        {"image_stacks": {"Ca-K": None, "Fe-K": None}},
    ),
    _choice(
        "A reference stack that does not exist",
        ValueError,
        "There is no reference_stack 'Fe_K': did you mean 'Fe-K'? Available: 'Ca-K', 'Fe-K'",
        reference_stack="Fe_K",
    ),
]

OF_CHOICES = [
    _choice(
        "An unknown way of judging",
        ValueError,
        "Input 'evaluate_on': There is no choice 'owm': did you mean 'own'?"
        " Available: 'all', 'own'",
        evaluate_on="owm",
    ),
    _choice(
        "A way of judging that is not text",
        TypeError,
        "Input 'evaluate_on' is 'all' or 'own', not int",
        evaluate_on=5,
    ),
    _choice(
        "A reference stack that is not text",
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
        "A number of workers that is none",
        TypeError,
        "Input 'max_workers' is a whole number, not str",
        max_workers="two",
    ),
    _choice(
        "A number of workers below -1",
        ValueError,
        "Input 'max_workers': the number of workers is 0 or more, or -1, not -2",
        max_workers=-2,
    ),
    _choice(
        "Workers here and on a cluster",
        ValueError,
        "Input 'scheduler': either a scheduler or max_workers decides who ranks, not both",
        max_workers=2,
        scheduler="tcp://localhost:8786",
    ),
]
