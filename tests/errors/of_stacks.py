"""Mistakes in the image stacks."""

from __future__ import annotations

from typing import Any

from .measurement import BAD
from .measurement import FOLDER
from .measurement import IMAGES
from .measurement import MAPS
from .measurement import Mistake


def _url(
    title: str, kind: type[Exception], url: str, said: str, near: str = "", **others: Any
) -> Mistake:
    return Mistake(
        title,
        kind,
        f"Stack 'Fe-K' ({url}): {said}",
        {"image_stacks": {"Fe-K": url}},
        "input_context",
        ("'Fe-K'", url, near),
        **others,
    )


def _pixels(title: str, kind: type[Exception], source: Any, said: str) -> Mistake:
    return Mistake(
        title,
        kind,
        f"Stack 'Fe-K': {said}",
        {"image_stacks": {"Fe-K": source}},
        "input_context",
        ("'Fe-K'",),
    )


def _all(title: str, kind: type[Exception], sources: Any, said: str) -> Mistake:
    return Mistake(title, kind, said, {"image_stacks": sources}, "input_context")


_HOW = "write it as 'file.h5::/path/inside/the/file'"
_DIMENSIONS = "a stack needs three dimensions (images, rows, columns), this has the shape"
_FORMS = "Image stacks are a dictionary of arrays or URLs, or a list of URLs, not"

IN_FILES = [
    _url(
        "The file does not exist",
        FileNotFoundError,
        f"{FOLDER}/map.h5::/entry/maps/Fe-K",
        f"there is no file '{FOLDER}/map.h5': did you mean 'maps.h5'?",
        "'maps.h5'",
    ),
    _url(
        "The dataset does not exist",
        ValueError,
        f"{MAPS}/Fe_K",
        f"There is no dataset in '{MAPS}' called 'Fe_K': did you mean 'Fe-K'?"
        " Available: 'Ca-K', 'Fe-K'",
        "mean 'Fe-K'",
    ),
    _url(
        "The group does not exist",
        ValueError,
        f"{FOLDER}/maps.h5::/entry/map/Fe-K",
        f"There is no group in '{FOLDER}/maps.h5::/entry' called 'map': did you mean 'maps'?"
        " Available: 'bad', 'maps'",
        "mean 'maps'",
    ),
    _url(
        "A dataset instead of the group",
        ValueError,
        f"{MAPS}/Ca-K/Fe-K",
        f"'/entry/maps/Ca-K' in '{FOLDER}/maps.h5' is a dataset, not a group",
        "not a group",
    ),
    _url(
        "The URL names a group instead of a dataset",
        ValueError,
        MAPS,
        f"'/entry/maps' in '{FOLDER}/maps.h5' is a group, not a dataset: it contains 'Ca-K',"
        " 'Fe-K'",
        "'Fe-K'",
    ),
    _url(
        "The file is not HDF5",
        OSError,
        f"{FOLDER}/notes.txt::/entry",
        f"'{FOLDER}/notes.txt' is not an HDF5 file",
    ),
    _url(
        "The file is a folder",
        OSError,
        f"{FOLDER}::/entry",
        f"'{FOLDER}' is a folder, not an HDF5 file",
    ),
    _url(
        "No permission to read the file",
        PermissionError,
        f"{FOLDER}/private.h5::/entry/Fe-K",
        f"no permission to read '{FOLDER}/private.h5'",
        mode={"private.h5": 0o000},
    ),
    _pixels(
        "The URL has no dataset path",
        ValueError,
        f"{FOLDER}/maps.h5",
        f"The URL '{FOLDER}/maps.h5' does not say where in which file: {_HOW}",
    ),
    _pixels(
        "A web URL",
        ValueError,
        "https://data.org/maps.h5::/entry",
        "The URL 'https://data.org/maps.h5::/entry' is not the path of a file:"
        " write it as 'file.h5::/data'",
    ),
    _pixels(
        "A line break in the URL",
        ValueError,
        "maps.h5::/entry/\nFe-K",
        "The URL 'maps.h5::/entry/\\nFe-K' contains a line break or another control character",
    ),
    _pixels(
        "Bytes in the dataset path that are not Unicode",
        ValueError,
        "maps.h5::/entry/\udcff",
        "The URL 'maps.h5::/entry/\\udcff' has a dataset path that is not Unicode",
    ),
    _pixels(
        "An invalid slice",
        ValueError,
        f"{MAPS}/Fe-K&slice=0;3",
        f"The URL '{MAPS}/Fe-K&slice=0;3' has the slice '0;3', which is not valid",
    ),
    _url(
        "A slice that does not fit",
        ValueError,
        f"{MAPS}/Fe-K&slice=0,0,0,0",
        "the slice does not fit the shape (3, 32, 36) of the dataset",
    ),
    _url(
        "A slice beyond the end",
        ValueError,
        f"{BAD}/rgb&slice=...,3",
        "the slice has the index 3 for an axis of length 3",
    ),
]

OF_IMAGES = [
    _url("RGB images", ValueError, f"{BAD}/rgb", f"{_DIMENSIONS} (3, 32, 36, 3)"),
    _url("One image", ValueError, f"{BAD}/one image", f"{_DIMENSIONS} (32, 36)"),
    _url("A number", ValueError, f"{BAD}/number", f"{_DIMENSIONS} ()"),
    _url(
        "Complex data",
        TypeError,
        f"{BAD}/complex",
        "images need real numbers, not pixels of type complex128",
    ),
    _url("Strings", TypeError, f"{BAD}/text", "images need real numbers, not pixels of type |S3"),
    _url("No images", ValueError, f"{BAD}/empty", "there are no images"),
    _pixels("An array that is one image", ValueError, IMAGES[0], f"{_DIMENSIONS} (32, 36)"),
    _pixels("An empty list", ValueError, [], "there are no images"),
    _pixels(
        "A list of rows",
        ValueError,
        [[0, 0, 0], [1, 1, 1]],
        "image 0 has the shape (3,), an image needs rows and columns",
    ),
    _pixels(
        "Rows of different lengths",
        ValueError,
        [[[1, 2], [3]]],
        "the rows of image 0 have different lengths",
    ),
    _pixels(
        "Images of different shapes in one stack",
        ValueError,
        [IMAGES[0], IMAGES[1], IMAGES[2, :, :30]],
        "image 2 has the shape (32, 30), image 0 (32, 36): all images of a stack need the same"
        " shape",
    ),
    _pixels(
        "A string instead of pixels",
        TypeError,
        [[["1", "2"]]] * 3,
        "images need real numbers, not pixels of type <U1",
    ),
    _pixels(
        "A dictionary instead of images",
        TypeError,
        {"0": IMAGES},
        "expected arrays or a URL, not dict",
    ),
    _pixels("A number instead of images", TypeError, 5, "expected arrays or a URL, not int"),
]

OF_THEIR_FORM = [
    _all("A number instead of the stacks", TypeError, 5, f"{_FORMS} int"),
    _all(
        "A list of arrays",
        TypeError,
        [IMAGES, IMAGES],
        "A list of image stacks holds URLs of datasets, not ndarray: give arrays as a dictionary"
        " with names",
    ),
    _all(
        "A name that is not a string",
        TypeError,
        {1: IMAGES},
        "The name of a stack must be a string, not 1",
    ),
    Mistake(
        "The same URL twice in a list",
        ValueError,
        f"Input 'image_stacks': The stack '{MAPS}/Fe-K' is given 2 times",
        {"image_stacks": [f"{MAPS}/Fe-K"] * 2},
        names=(f"{MAPS}/Fe-K",),
    ),
]

BETWEEN_STACKS = [
    Mistake(
        "Stacks with different numbers of images",
        ValueError,
        "Stack 'Fe-K' has 2 images and stack 'Ca-K' has 3: one registration must fit all stacks",
        {
            "image_stacks": {"Fe-K": f"{BAD}/short"},
            "transformations": {"Fe-K": [[0, 0], [0, 1]]},
        },
        "evaluate_stacks",
        ("'Fe-K'", "'Ca-K'"),
    ),
    Mistake(
        "Stacks whose images have different shapes, scored on all of them",
        ValueError,
        "The images of stack 'Fe-K' have the shape (32, 30) and those of stack 'Ca-K' (32, 36):"
        " give stacks of the same shape, or score each registration on its own stack only"
        " (evaluate_on='own')",
        {"image_stacks": {"Fe-K": f"{BAD}/narrow"}},
        "evaluate_stacks",
        ("'Fe-K'", "'Ca-K'"),
    ),
]
