"""``python -m ewoksndreg.demo``: rank stacks whose true motion is known."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

_DEFAULT_FOLDER = "ewoksndreg_demo"

_EPILOG = """Nothing is ever overwritten: if the folder has the files of an earlier run, the
files of this run get a number (stacks_2.h5, results_2.h5, report_2.html)."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the demo.

    :param arguments: command-line arguments; by default those of this process.
    :raises SystemExit: if the arguments are wrong, the folder cannot be written or a package of the
        extra `demo` is missing.
    """
    parser = argparse.ArgumentParser(
        prog="python -m ewoksndreg.demo",
        description="Simulate six image stacks of one moving sample, register each stack"
        " separately, rank the registrations with the ewoks task of ewoksndreg, and compare the"
        " ranking with the true motion of the simulation.",
        epilog=_EPILOG,
    )
    parser.add_argument(
        "folder",
        nargs="?",
        type=Path,
        default=Path(_DEFAULT_FOLDER),
        help="output folder, which is created if it does not exist (default: %(default)s)",
    )
    folder = parser.parse_args(arguments).folder
    try:
        from ._run import run
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("matplotlib", "skimage"):
            raise
        sys.exit(
            'The demo needs scikit-image and matplotlib: pip install ".[demo]" in the folder of the'
            " sources"
        )
    try:
        run(folder)
    except OSError as error:
        sys.exit(f"The demo cannot write to {str(folder)!r}: {error}")


if __name__ == "__main__":
    main()
