"""The demo from end to end: files, registration, workflow, report."""

from __future__ import annotations

from importlib.resources import as_file
from importlib.resources import files as package_files
from pathlib import Path
from typing import Any

from ewokscore import execute_graph
from ewokscore.progress import TextProgress

from ..transformation import Homography
from ._files import DemoFiles
from ._report import format_table
from ._report import format_trust
from ._report import write_picture
from .registration import register
from .samples import make_sample
from .samples import true_error


def run(folder: Path) -> None:
    """Make stacks, register and rank them, and report on standard output.

    :param folder: receives the stacks, the results and a picture.
    :raises OSError: when the folder or a file cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files = DemoFiles.find_unused(folder)

    sample = make_sample("coins", images=12, size=256, step=2.5)
    urls = files.write_stacks(sample.stacks)
    print(f"{files.stacks}: {len(urls)} stacks of {len(sample.truth)} images of one moving sample")

    registrations = {name: register(stack) for name, stack in sample.stacks.items()}
    print("Every stack was registered by itself: phase_cross_correlation of scikit-image")

    outputs = _rank(urls, registrations, files.output_url)
    print(f"{files.results}: the aligned stacks and the scores\n")

    ranked = outputs["ranked_stack_names"]
    scores = outputs["scores"]
    shape = next(iter(sample.stacks.values())).shape[1:]
    errors = {name: true_error(found, sample.truth, shape) for name, found in registrations.items()}
    print(format_table(ranked, scores, errors))
    print(f"\n{format_trust(outputs['trust'])}")
    write_picture(files.picture, ranked, scores, errors, sample.stacks[ranked[0]], registrations)
    print(f"\n{files.picture}: before and after")


def _rank(
    urls: list[str], transformations: dict[str, list[Homography]], output_url: str
) -> dict[str, Any]:
    """Outputs of the workflow that ships with the package."""
    inputs = {
        "image_stacks": urls,
        "transformations": transformations,
        "output_root_uri": output_url,
    }
    with as_file(package_files("ewoksndreg.workflows") / "post_evaluation.json") as workflow:
        outputs: dict[str, Any] = execute_graph(
            str(workflow),
            inputs=[
                {"id": "post_evaluation", "name": name, "value": value}
                for name, value in inputs.items()
            ],
            task_options={"progress": TextProgress("Ranking")},
        )
    return outputs
