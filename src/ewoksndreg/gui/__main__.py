"""Show a saved result: ``python -m ewoksndreg.gui FILE[::GROUP]``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from ._application import make_application
from ._evaluation_view import EvaluationView
from ._saved_result import read_result

_SIZE = (1100, 750)


def open_window(url: str) -> EvaluationView:
    """Show a saved result in a new window.

    :param url: see :func:`.read_result`.
    """
    saved = read_result(url)
    view = EvaluationView()
    view.setWindowTitle(url)
    view.resize(*_SIZE)
    view.show_result(
        saved.image_stacks,
        saved.registrations,
        evaluation=saved.evaluation,
        reference_stack=saved.reference_stack,
        refinement=saved.refinement,
    )
    view.show()
    return view


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    :returns: 0, or 2 if the result cannot be shown.
    """
    parser = argparse.ArgumentParser(
        prog="python -m ewoksndreg.gui", description="Show the saved result of a ranking."
    )
    parser.add_argument(
        "result",
        metavar="FILE[::GROUP]",
        help="file that the ranking has saved; the group is needed if there are several results",
    )
    url = parser.parse_args(arguments).result
    try:
        application = make_application()
        view = open_window(url)
    except (KeyError, OSError, RuntimeError, TypeError, ValueError) as error:
        print(f"ewoksndreg.gui: {error}", file=sys.stderr)
        return 2
    application.exec()
    view.close_files()
    return 0


if __name__ == "__main__":
    sys.exit(main())
