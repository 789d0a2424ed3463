"""Mistakes in where the result is written."""

from __future__ import annotations

from typing import Any

from .measurement import FOLDER
from .measurement import IMAGES
from .measurement import MAPS
from .measurement import OUTPUT
from .measurement import Mistake


def _output(
    title: str, kind: type[Exception] | None, url: Any, message: str, **others: Any
) -> Mistake:
    return Mistake(
        title,
        kind,
        message,
        {"output_root_uri": url},
        "output_context",
        (str(url),) if kind is FileExistsError else (),
        **others,
    )


def _input(title: str, kind: type[Exception], url: Any, message: str) -> Mistake:
    return Mistake(title, kind, message, {"output_root_uri": url})


OF_OUTPUTS = [
    _input(
        "The URL has no path inside the file",
        ValueError,
        f"{FOLDER}/out.h5",
        f"Input 'output_root_uri': The URL '{FOLDER}/out.h5' does not say where in which file:"
        " write it as 'file.h5::/path/inside/the/file'",
    ),
    _input(
        "Not a URL",
        TypeError,
        5,
        "Input 'output_root_uri' must be the URL of a group (string, path or silx DataUrl), not"
        " int",
    ),
    _output(
        "The URL has a slice",
        ValueError,
        f"{OUTPUT}&slice=0",
        f"The output URL '{OUTPUT}&slice=0' must name a group, without a slice, for example"
        f" '{FOLDER}/out.h5::/entry/aligned'",
    ),
    _input(
        "The URL names a folder",
        ValueError,
        f"{FOLDER}/new/::/entry",
        f"The output URL '{FOLDER}/new/::/entry' names a folder, not a file",
    ),
    Mistake(
        "One stack is called like a group that another one needs",
        ValueError,
        "Stacks 'K' and 'K/Ca' cannot be saved together: one is a dataset where the other needs"
        " a group",
        {
            "image_stacks": {"K": IMAGES, "K/Ca": IMAGES},
            "transformations": {"K": [[0, 0]] * 3, "K/Ca": [[0, 0], [1, 0], [2, 0]]},
        },
        names=("'K'", "'K/Ca'"),
    ),
    Mistake(
        "A stack whose name leads out of the output group",
        ValueError,
        "A stack called '/Fe-K' cannot be saved: parts of a name, between slashes, must not be"
        " empty, '.' or '..' and must not contain control characters",
        {"image_stacks": {"/Fe-K": IMAGES}, "transformations": {"/Fe-K": [[0, 0]] * 3}},
        names=("'/Fe-K'",),
    ),
    _output(
        "The group is a dataset",
        FileExistsError,
        f"{MAPS}/Ca-K",
        f"The output URL '{MAPS}/Ca-K' goes through '/entry/maps/Ca-K', which is a dataset: choose"
        " another group",
    ),
    _output(
        "The group is behind a link to another file",
        ValueError,
        f"{FOLDER}/links.h5::/1.1/aligned",
        f"The output URL '{FOLDER}/links.h5::/1.1/aligned' goes through a link to another file:"
        f" choose a group of '{FOLDER}/maps.h5', where it leads",
    ),
    _output(
        "The file is being written under SWMR, or was when its writer crashed",
        OSError,
        f"{FOLDER}/swmr.h5::/entry/aligned",
        f"Cannot write to '{FOLDER}/swmr.h5': it is being written by another program (SWMR), or"
        " that program crashed: choose another output file; only if no program writes it anymore,"
        f" run `h5clear -s {FOLDER}/swmr.h5`",
    ),
    _output(
        "Results exist already",
        FileExistsError,
        MAPS,
        f"'{MAPS}/Ca-K' exists already: choose another output URL",
    ),
    _output(
        "The output file is not HDF5",
        OSError,
        f"{FOLDER}/notes.txt::/entry",
        f"'{FOLDER}/notes.txt' is not an HDF5 file",
    ),
    _output(
        "The output file is a folder",
        OSError,
        f"{FOLDER}::/entry",
        f"Cannot write to '{FOLDER}': Is a directory",
    ),
    _output(
        "The output folder is a file",
        OSError,
        f"{FOLDER}/notes.txt/out.h5::/entry",
        f"Cannot write to '{FOLDER}/notes.txt/out.h5': Not a directory",
    ),
    _output(
        "No permission to write to the folder",
        PermissionError,
        OUTPUT,
        f"Cannot write to '{FOLDER}/out.h5': Permission denied",
        mode={".": 0o555},
    ),
    _output(
        "No permission to write to the file",
        PermissionError,
        f"{FOLDER}/maps.h5::/entry/aligned",
        f"Cannot write to '{FOLDER}/maps.h5': Permission denied",
        mode={"maps.h5": 0o444},
    ),
    _output(
        "The disk is full",
        OSError,
        OUTPUT,
        f"Cannot write to '{FOLDER}/out.h5': No space left on device",
        full=True,
    ),
]
