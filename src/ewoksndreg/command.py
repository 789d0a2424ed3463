"""The command ``ewoksndreg``, also ``python -m ewoksndreg``: from a file to an aligned file."""

from __future__ import annotations

import argparse
import json
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
from ewokscore.progress import BasePercentageProgress

from . import __version__
from ._json import as_json
from ._messages import near_match
from ._messages import unknown_name
from ._report import check_report
from ._report import write_report
from .evaluation import Evaluation
from .io import as_data_url
from .io import check_output
from .io import find_item
from .io import find_sources
from .io import hdf5_output_context
from .io import open_stacks
from .io import open_to_read
from .io import url_text
from .refinement import Refinement
from .registration import METHODS
from .registration import Method
from .registration import as_type
from .registration import check_same_shapes
from .tasks._cancellable import CancellableTask
from .tasks.reg2d_features import Reg2DFeatures
from .tasks.reg2d_intensities import Reg2DIntensities
from .tasks.reg2d_posteval import Reg2DPostEvaluation
from .tasks.reg2d_transform import Reg2DTransform
from .transformation import CONVENTION_NAMES
from .transformation import Transformation
from .transformation import as_transformations

GOOD, WRONG_INPUT, CHECK, INTERRUPTED, NOT_READ = 0, 2, 3, 130, 141
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
        options.command.error(_explain_unknown(unknown[0], options.command))
    try:
        with _print_warnings():
            status = int(options.action(options))
            sys.stdout.flush()
            return status
    except BrokenPipeError:  # `head` or a pager has seen enough; what was asked for is done
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # no second error at exit
        return NOT_READ
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
        message = re.sub("ignored explicit argument", "it takes no value, not", message)
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
    _add_convention(rank)
    _add_reporting(rank)

    align = add("align", _align, "align all stacks with one registration and save them")
    align.add_argument(
        "registration", metavar="REGISTRATION", help="URL of its dataset of matrices or shifts"
    )
    _add_output(align, "group in which the aligned stacks are saved; it must not have them yet")
    _add_convention(align)
    _add_crop(align)
    return parser


def _explain_unknown(argument: str, command: argparse.ArgumentParser) -> str:
    if not argument.startswith("-"):
        return f"unexpected argument {argument!r}: give all URLs next to each other"
    names = re.findall("--([a-z-]+)", command.format_usage())
    near = near_match(argument.partition("=")[0].strip("-"), names).replace("'", "'--", 1)
    return f"there is no option {argument!r}{near}"


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
        type=_parse_number,
        default=0,
        metavar="N",
        help="the image with which the others are aligned: its number, from 0, or from -1 at the"
        " end, or its relative position, from 0.0 to 1.0",
    )


def _parse_number(text: str) -> int | float:
    try:
        return float(text) if "." in text else int(text)
    except ValueError:
        message = f"expected the number of an image, or a position such as 0.5, not {text!r}"
        raise argparse.ArgumentTypeError(message) from None


def _add_convention(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--convention",
        metavar="NAME",
        help="what the numbers of the registrations mean: the program that found them, or the"
        f" direction and order: {', '.join(CONVENTION_NAMES)} (default: as the file says, else"
        " passive)",
    )


def _add_crop(command: argparse.ArgumentParser) -> None:
    command.add_argument("--crop", action="store_true", help="crop to what all images show")


def _add_reporting(command: argparse.ArgumentParser) -> None:
    command.add_argument("--report", metavar="FILE", help="write an HTML report")
    command.add_argument("--json", action="store_true", help="print JSON instead of a table")


def _run(options: argparse.Namespace) -> int:
    stacks = find_sources(options.stacks)
    check_output(options.output, stacks)
    if options.report is not None:
        check_report(options.report)
    with open_stacks(stacks) as opened:  # before the computation
        check_same_shapes(opened)
    names = _name_registrations(stacks, options)
    registrations, parameters = _register_all(stacks, names, options)
    ranking = _execute(
        "ranking" if options.no_refine else "ranking and refining",
        Reg2DPostEvaluation,
        image_stacks=stacks,
        transformations=registrations,
        registered_from={name: stack for name, (stack, _) in names.items()},
        refine=not options.no_refine,
    )
    best = ranking.evaluation.best
    shown, _ = names[best]
    _execute(
        "aligning",
        Reg2DTransform,
        image_stacks={shown: stacks[shown], **stacks},  # the first one is shown by viewers
        transformations=ranking.outputs.transformations,
        output_root_uri=options.output,
        crop=options.crop,
        output_configuration={**parameters[best], **ranking.outputs.output_configuration},
    )
    return _report(options, ranking, registrations, options.output)


def _register(options: argparse.Namespace) -> int:
    stacks = find_sources(options.stacks)
    names = _name_registrations(stacks, options)
    check_output(options.output, names)
    registrations, _ = _register_all(stacks, names, options)
    with hdf5_output_context(options.output, compress=False) as output:
        output.reserve(registrations)
        for name, registration in registrations.items():
            for transformation in registration:
                output.add_point(name, transformation.passive_matrix)
    print(f"saved in {options.output}: {', '.join(registrations)}")
    return GOOD


def _rank(options: argparse.Namespace) -> int:
    if options.report is not None:
        check_report(options.report)
    stacks = find_sources(options.stacks)
    registrations = _find_registrations(options.registrations)
    sources = {_name(stack, method): stack for method in METHODS for stack in stacks}
    sources |= {stack: stack for stack in stacks}
    ranking = _execute(
        "ranking",
        Reg2DPostEvaluation,
        image_stacks=stacks,
        transformations=registrations,
        registered_from={name: sources.get(name) for name in registrations},
        convention=options.convention,
    )
    return _report(options, ranking, registrations)


def _align(options: argparse.Namespace) -> int:
    stacks = find_sources(options.stacks)
    registration = as_transformations(options.registration, convention=options.convention)
    _execute(
        "aligning",
        Reg2DTransform,
        image_stacks=stacks,
        transformations=dict.fromkeys(stacks, registration),
        output_root_uri=options.output,
        crop=options.crop,
    )
    print(f"saved in {options.output}: {', '.join(stacks)}")
    return GOOD


def _name_registrations(
    stacks: Iterable[str], options: argparse.Namespace
) -> dict[str, tuple[str, Method]]:
    """Return the stack and the method of each registration, by its name."""
    methods = list(dict.fromkeys(options.method or METHODS[:1]))
    for method in methods:
        as_type(options.type, method)  # before any method computes
    if len(methods) == 1:
        return {stack: (stack, methods[0]) for stack in stacks}
    return {_name(stack, method): (stack, method) for method in methods for stack in stacks}


def _name(stack: str, method: Method) -> str:
    """Name a registration when methods compete."""
    return f"{stack}, {method}"


def _register_all(
    stacks: Mapping[str, Any], names: Mapping[str, tuple[str, Method]], options: argparse.Namespace
) -> tuple[dict[str, list[Transformation]], dict[str, dict[str, Any]]]:
    """Return the registrations, and the parameters of each, by name."""
    registrations, parameters = {}, {}
    for method in dict.fromkeys(method for _, method in names.values()):
        by_features = {"detector": f"{method}-SciKitImage"} if method != "intensities" else {}
        outputs = _execute(
            f"registering ({method})",
            Reg2DFeatures if by_features else Reg2DIntensities,
            image_stacks=stacks,
            transformation_type=options.type,
            reference_image=options.reference_image,
            **by_features,
        ).outputs
        for name, (stack, found_by) in names.items():
            if found_by == method:
                registrations[name] = outputs.transformations[stack]
                parameters[name] = outputs.output_configuration
    return registrations, parameters


def _execute(what: str, task_class: type[CancellableTask], **inputs: Any) -> Any:
    """Execute a task, show its progress, and return it.

    :param what: what is printed with the progress.
    :raises: what the task raises, without what ewoks adds to the message.
    """
    with _show_progress(what) as show:
        task = task_class(inputs=inputs, progress=_Progress(show))
        try:
            task.execute()
        except RuntimeError as error:
            raise error.__cause__ or error from None
    return task


class _Progress(BasePercentageProgress):  # type: ignore[misc]  # ewokscore has no types
    """Passes the progress of a task, in percent, to a function."""

    def __init__(self, show: Callable[[int], object]) -> None:
        super().__init__()
        self._show = show

    def _update(self) -> None:
        self._show(self.progress)


def _find_registrations(text: str) -> dict[str, str]:
    """Find the registrations in a group of a file, or the one in a dataset, by name."""
    url = as_data_url(text)
    path, root = str(url.file_path()), str(url.data_path())
    with open_to_read(path) as file:
        group = find_item(file, root)
        if not isinstance(group, h5py.Group):  # reading it says what is wrong with it
            return {posixpath.basename(root): text}
        names = [name for name in group if _may_be_registration(find_item(group, name))]
        others = [repr(name) for name in group if name not in names]
    if not names:
        raise ValueError(
            f"There are no registrations in {url_text(url)}, which are datasets of matrices, shape"
            " (N, 3, 3) or (N, 2, 3), or shifts, (N, 2)"
        )
    if others:
        what = f"{url_text(url)}: ignored, not a registration: {', '.join(others)}"
        warnings.warn(what, RuntimeWarning, stacklevel=2)
    return {name: f"{path}::{posixpath.join(root, name)}" for name in names}


def _may_be_registration(item: Any) -> bool:
    return isinstance(item, h5py.Dataset) and (
        item.dtype.names is not None or item.shape[1:] in _REGISTRATION_SHAPES
    )


def _report(
    options: argparse.Namespace,
    ranking: Any,
    registrations: Mapping[str, Any],
    output: str | None = None,
) -> int:
    evaluation: Evaluation = ranking.evaluation
    refinement: Refinement | None = ranking.refinement
    if options.report is not None:
        stacks = ranking.outputs.image_stacks
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
        if shift := evaluation.describe_remaining_shift():
            print(f"  remaining shift: {shift}")
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
def _show_progress(what: str) -> Iterator[Callable[[int], object]]:
    """Show a progress bar if there is a terminal and tqdm is installed, else a line every 10 %."""
    if sys.stderr.isatty():
        try:
            from tqdm import tqdm
        except ImportError:
            pass
        else:
            with tqdm(total=100, desc=what, unit="%", bar_format="{l_bar}{bar}| {elapsed}") as bar:
                yield lambda percent: bar.update(percent - bar.n)
            return
    printed = 0

    def show(percent: int) -> None:
        nonlocal printed
        if percent // 10 > printed:
            printed = percent // 10
            print(f"{what}: {10 * printed} %", file=sys.stderr)

    yield show
