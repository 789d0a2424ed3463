"""The steps of the demo: files, ewoks tasks, report."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import cast

from ewokscore import Task
from ewokscore.progress import TextProgress

from .. import Evaluation
from .. import write_report
from ..tasks.reg2d_intensities import Reg2DIntensities
from ..tasks.reg2d_posteval import Reg2DPostEvaluation
from ._files import DemoFiles
from ._report import format_table
from ._report import format_trust
from ._report import write_picture
from .samples import make_sample
from .samples import true_error


def run(folder: Path) -> None:
    """Simulate stacks, register and rank them, and print the results.

    :param folder: folder for the stacks, the results, a figure and a report.
    :raises OSError: if the folder or a file cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files = DemoFiles.find_unused(folder)

    sample = make_sample("coins", images=12, size=256, step=2.5)
    urls = files.write_stacks(sample.stacks)
    print(f"{files.stacks}: {len(urls)} stacks of {len(sample.truth)} images of one moving sample")

    registering = Reg2DIntensities(
        inputs={"image_stacks": urls, "transformation_type": "translation"},
        progress=TextProgress("Registering"),
    )
    _execute(registering)
    print("Each stack was registered separately")
    registrations = registering.get_output_value("transformations")

    ranking = Reg2DPostEvaluation(
        inputs={
            "image_stacks": urls,
            "transformations": registrations,
            "output_root_uri": files.output_url,
        },
        progress=TextProgress("Ranking"),
    )
    _execute(ranking)
    print(f"{files.results}: the aligned stacks and the scores\n")

    evaluation = cast(Evaluation, ranking.evaluation)  # six registrations are always ranked
    shape = next(iter(sample.stacks.values())).shape[1:]
    errors = {name: true_error(found, sample.truth, shape) for name, found in registrations.items()}
    print(format_table(evaluation, errors))
    print(f"\n{format_trust(evaluation)}")
    write_picture(files.picture, evaluation, sample.stacks, registrations)
    print(f"\n{files.picture}: an image before and after alignment")
    write_report(files.report, evaluation, urls, registrations)
    print(f"{files.report}: the full report, to open in a browser")


def _execute(task: Task) -> None:
    """Execute a task and print its warnings; one stack has too few counts to be registered."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", RuntimeWarning)
        task.execute()
    for each in caught:
        print(each.message)
