"""The command ``ewoksndreg``, also ``python -m ewoksndreg``: from a file to an aligned file."""

from __future__ import annotations

import argparse
import json
import math
import os
import posixpath
import re
import sys
import warnings
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from contextlib import contextmanager
from typing import Any
from typing import NoReturn

import h5py

from . import __version__
from ._json import as_json
from ._messages import near_match
from ._messages import unknown_name
from .alignment import align_stacks
from .evaluation import Evaluation
from .evaluation import describe_shift
from .evaluation import evaluate_stacks
from .io import as_data_url
from .io import check_output
from .io import find_item
from .io import find_sources
from .io import hdf5_output_context
from .io import open_stacks
from .io import open_to_read
from .io import url_text
from .refinement import Refinement
from .refinement import refine_registration
from .registration import METHODS
from .registration import Method
from .registration import check_same_shapes
from .registration import register_each_stack
from .transformation import Transformation

GOOD, WRONG_INPUT, CHECK, INTERRUPTED = 0, 2, 3, 130
"""The exit status: see :func:`main`."""

_EXAMPLES = """examples:
  ewoksndreg run maps.h5::/entry/maps aligned.h5::/entry/aligned --crop --report report.html
  ewoksndreg run maps.h5::/entry/Ca-K maps.h5::/entry/Fe-K aligned.h5::/entry/aligned --type rigid
  ewoksndreg register maps.h5::/entry/maps shifts.h5::/registrations
  ewoksndreg rank maps.h5::/entry/maps shifts.h5::/registrations --json
  ewoksndreg align maps.h5::/entry/maps shifts.h5::/registrations/Fe-K aligned.h5::/entry/aligned

exit status: 0 good; 3 the result needs to be checked (verdict "check"); 2 wrong input
"""

# For N images: matrices, or shifts
_REGISTRATION_SHAPES = ((3, 3), (2, 3), (2,))

_INPUT = "URL of a group, whose 3D datasets are the stacks, or of a stack; several are allowed"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    :param arguments: command-line arguments; by default those of this process.
    :returns: the exit status: 0 good, 3 if the verdict is "check", 2 if an input is wrong.
    """
    options, unknown = _make_parser().parse_known_args(arguments)
    if unknown:
        names = re.findall("--[a-z-]+", options.command.format_usage())
        near = near_match(unknown[0].partition("=")[0], names)
        options.command.error(f"there is no option {unknown[0]!r}{near}")
    try:
        with _print_warnings():
            return int(options.action(options))
    except (ImportError, OSError, RuntimeError, TypeError, ValueError) as error:
        print(f"ewoksndreg: {error}", file=sys.stderr)
        return WRONG_INPUT
    except KeyboardInterrupt:
        print("ewoksndreg: interrupted; what was not complete was not saved", file=sys.stderr)
        return INTERRUPTED


class _Parser(argparse.ArgumentParser):
    """A parser whose errors are one sentence."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            epilog=_EXAMPLES,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
            **options,
        )

    def error(self, message: str) -> NoReturn:
        wrong = re.search(r"invalid choice: '(.*?)' \(choose from (.*)\)", message)
        if wrong:
            names = re.findall("[a-z]+", wrong[2])
            message = unknown_name("command", wrong[1], names)
        self.exit(WRONG_INPUT, f"{self.prog}: {message} ({self.prog} --help)\n")


def _make_parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="ewoksndreg",
        description="Register the images of several stacks that show one moving sample, find out"
        " which registration is best, and align all stacks with it.",
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(required=True, metavar="run | register | rank | align")

    def add(name: str, action: Callable[..., int], text: str) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=text, description=text)
        command.set_defaults(action=action, command=command)
        command.add_argument("stacks", nargs="+", metavar="STACKS", help=_INPUT)
        return command

    run = add("run", _run, "register, rank, refine, align and save")
    _add_output(run, "group in which the aligned stacks are saved; it must not have them yet")
    _add_registering(run)
    run.add_argument(
        "--no-refine", action="store_true", help="do not refine the best one on all stacks"
    )
    _add_crop(run)
    _add_reporting(run)

    register = add("register", _register, "register each stack and save the registrations")
    _add_output(register, "group in which one dataset of matrices is saved for each registration")
    _add_registering(register)

    rank = add("rank", _rank, "find out which registration is best")
    rank.add_argument(
        "registrations", metavar="REGISTRATIONS", help="URL of a group with one for each stack"
    )
    _add_reporting(rank)

    align = add("align", _align, "align all stacks with one registration and save them")
    align.add_argument("registration", metavar="REGISTRATION", help="URL of its dataset")
    _add_output(align, "group in which the aligned stacks are saved; it must not have them yet")
    _add_crop(align)
    return parser


def _add_output(command: argparse.ArgumentParser, text: str) -> None:
    command.add_argument("output", metavar="OUTPUT", help=f"URL of the {text}")


def _add_registering(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--type",
        default="translation",
        metavar="TYPE",
        help="how the sample moves: translation (default), rigid, similarity or affine",
    )
    command.add_argument(
        "--method",
        action="append",
        metavar="METHOD",
        help=f"{', '.join(METHODS)} (default: {METHODS[0]}); given more than once, methods compete",
    )
    command.add_argument(
        "--reference-image",
        type=int,
        default=0,
        metavar="N",
        help="number of the image with which the others are aligned, from 0, or from -1 at the end",
    )


def _add_crop(command: argparse.ArgumentParser) -> None:
    command.add_argument("--crop", action="store_true", help="crop to what all images show")


def _add_reporting(command: argparse.ArgumentParser) -> None:
    command.add_argument("--report", metavar="FILE", help="write an HTML report")
    command.add_argument("--json", action="store_true", help="print JSON instead of a table")


def _run(options: argparse.Namespace) -> int:
    stacks = find_sources(options.stacks)
    check_output(options.output, stacks)
    _check_report(options.report)
    with open_stacks(stacks) as opened:  # before the computation
        check_same_shapes(opened)
    registrations, sources = _register_all(stacks, options)
    with _show_progress("ranking") as progress:
        evaluation = evaluate_stacks(
            stacks, registrations, registered_from=sources, progress=progress
        )
    best, refinement = registrations[evaluation.best], None
    if not options.no_refine:
        with _show_progress("refining") as progress:
            refinement = refine_registration(stacks, best, evaluation, progress=progress)
        best = refinement.transformations
    shown = sources[evaluation.best]  # first by viewers
    stacks = {shown: stacks[shown], **stacks}
    with _show_progress("aligning") as progress:
        align_stacks(stacks, best, options.output, crop=options.crop, progress=progress)
    return _report(options, evaluation, stacks, registrations, refinement, options.output)


def _register(options: argparse.Namespace) -> int:
    stacks = find_sources(options.stacks)
    check_output(options.output, _name_registrations(stacks, options))
    registrations, _ = _register_all(stacks, options)
    with hdf5_output_context(options.output, compress=False) as output:
        output.reserve(registrations)
        for name, registration in registrations.items():
            for transformation in registration:
                output.add_point(name, transformation.passive_matrix)
    print(f"saved in {options.output}: {', '.join(registrations)}")
    return GOOD


def _rank(options: argparse.Namespace) -> int:
    _check_report(options.report)
    stacks = find_sources(options.stacks)
    registrations = _find_registrations(options.registrations)
    with _show_progress("ranking") as progress:
        evaluation = evaluate_stacks(stacks, registrations, progress=progress)
    return _report(options, evaluation, stacks, registrations)


def _align(options: argparse.Namespace) -> int:
    stacks = find_sources(options.stacks)
    with _show_progress("aligning") as progress:
        align_stacks(
            stacks, options.registration, options.output, crop=options.crop, progress=progress
        )
    print(f"saved in {options.output}: {', '.join(stacks)}")
    return GOOD


def _register_all(
    stacks: Mapping[str, Any], options: argparse.Namespace
) -> tuple[dict[str, Sequence[Transformation]], dict[str, str]]:
    """Return the registrations by name, and the stack from which each was found."""
    names = _name_registrations(stacks, options)
    found = {}
    for method in dict.fromkeys(method for _, method in names.values()):
        with _show_progress(f"registering ({method})") as progress:
            found[method] = register_each_stack(
                stacks,
                options.type,
                method=method,
                reference_image=options.reference_image,
                progress=progress,
            )
    registrations: dict[str, Sequence[Transformation]] = {
        name: found[method][stack].transformations for name, (stack, method) in names.items()
    }
    return registrations, {name: stack for name, (stack, _) in names.items()}


def _name_registrations(
    stacks: Iterable[str], options: argparse.Namespace
) -> dict[str, tuple[str, Method]]:
    """Return the stack and the method of each registration, by its name."""
    methods = list(dict.fromkeys(options.method or METHODS[:1]))
    for method in methods:
        if method not in METHODS:
            raise ValueError(unknown_name("--method", method, METHODS))
    if len(methods) == 1:
        return {stack: (stack, methods[0]) for stack in stacks}
    return {f"{stack}, {method}": (stack, method) for method in methods for stack in stacks}


def _find_registrations(text: str) -> dict[str, str]:
    """Find the registrations in a group of a file, or the one in a dataset, by name."""
    url = as_data_url(text)
    path, root = str(url.file_path()), str(url.data_path() or "/")
    with open_to_read(path) as file:
        item = find_item(file, root)
        members = {root: item}
        if isinstance(item, h5py.Group):
            members = {posixpath.join(root, name): item.get(name) for name in item}
        found = {
            posixpath.basename(place): f"{path}::{place}"
            for place, each in members.items()
            if isinstance(each, h5py.Dataset) and each.shape[1:] in _REGISTRATION_SHAPES
        }
    if not found:
        raise ValueError(
            f"There are no registrations in {url_text(url)}, which are datasets of matrices, shape"
            " (N, 3, 3) or (N, 2, 3), or shifts, (N, 2)"
        )
    return found


def _check_report(path: str | None) -> None:
    """Check, before the computation, whether the report can be written."""
    if path is not None:
        from . import plots  # noqa: F401  (says how to get matplotlib)

        if os.path.exists(path):
            raise FileExistsError(f"{path!r} exists: choose another name or remove it")
        folder = os.path.dirname(path) or "."
        if not os.access(folder, os.W_OK):
            what = "written" if os.path.isdir(folder) else "found"
            raise OSError(f"The folder {folder!r} for the report cannot be {what}")


def _report(
    options: argparse.Namespace,
    evaluation: Evaluation,
    stacks: Mapping[str, Any],
    registrations: Mapping[str, Any],
    refinement: Refinement | None = None,
    output: str | None = None,
) -> int:
    if options.report is not None:
        from ._report import write_report

        write_report(options.report, evaluation, stacks, registrations, refinement=refinement)
    if options.json:
        found = {
            "best": evaluation.best,
            **evaluation.trust(),
            "scores": evaluation.scores(),
            "refined": None if refinement is None else str(refinement),
            "output": output,
            "report": options.report,
        }
        print(json.dumps(as_json(found), indent=2))
    else:
        print(evaluation)
        print(f"\n{evaluation.best}: {evaluation.verdict}")
        for reason in evaluation.reasons:
            print(f"  {reason}")
        if not math.isnan(evaluation.remaining_shift):
            print(f"  remaining shift: {describe_shift(evaluation.remaining_shift)}")
        for what, value in (
            ("", refinement),
            ("saved in ", output),
            ("report in ", options.report),
        ):
            if value is not None:
                print(f"  {what}{value}")
    return GOOD if evaluation.verdict == "good" else CHECK


@contextmanager
def _print_warnings() -> Iterator[None]:
    """Print each warning in one line, without its position in the code."""

    def show(message: Warning | str, *_: Any, **__: Any) -> None:
        print(f"ewoksndreg: {message}", file=sys.stderr)

    with warnings.catch_warnings():
        warnings.simplefilter("always", RuntimeWarning)
        warnings.showwarning = show
        yield


@contextmanager
def _show_progress(what: str) -> Iterator[Callable[[float], None]]:
    """Show a progress bar if there is a terminal and tqdm is installed, else a line every 10 %."""
    if sys.stderr.isatty():
        try:
            from tqdm import tqdm
        except ImportError:
            pass
        else:
            with tqdm(total=100, desc=what, unit="%", bar_format="{l_bar}{bar}| {elapsed}") as bar:
                yield lambda fraction: bar.update(int(100 * fraction) - bar.n)
            return
    printed = 0

    def report(fraction: float) -> None:
        nonlocal printed
        if int(10 * fraction) > printed:
            printed = int(10 * fraction)
            print(f"{what}: {10 * printed} %", file=sys.stderr)

    yield report
