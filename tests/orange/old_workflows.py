"""Run the workflows of ewoksndreg 0.5.0: ``python -m tests.orange.old_workflows FOLDER``.

The folder is the unpacked source distribution, which is not part of this project::

    pip download --no-deps --no-binary :all: ewoksndreg==0.5.0
    tar -xf ewoksndreg-0.5.0.tar.gz
"""

from __future__ import annotations

import sys
import tempfile
import warnings
from pathlib import Path

import h5py
import numpy
from ewokscore import execute_graph
from ewokscore.task import TaskInputWarning
from ewoksorange.gui.workflows.owscheme import ows_to_ewoks

from ewoksndreg import open_stacks
from ewoksndreg.demo.steady_motion import make_steady_stacks

from ..tasks.nexus_file import add_group
from ..tasks.nexus_file import add_plot


def run(path: Path, maps: str) -> str:
    """Run a workflow; says how many tasks it has, and what the last ones have aligned.

    :param maps: a NeXus file, where the workflow needs one.
    """
    graph = ows_to_ewoks(str(path))
    nodes = graph.dump()["nodes"]
    reads = [each for each in nodes if each["task_identifier"].endswith("SelectNXdataImageStacks")]
    inputs = [{"id": each["id"], "name": "input_root_uri", "value": maps} for each in reads]
    with warnings.catch_warnings():
        # Inputs of older versions, which 0.5.0 does not know either
        warnings.simplefilter("ignore", TaskInputWarning)
        found = execute_graph(graph, inputs=inputs, outputs=[{"all": True}], merge_outputs=False)
    aligned = []
    for each in nodes:
        if each["task_identifier"].endswith("Reg2DTransform"):
            with open_stacks(found[each["id"]]["image_stacks"]) as stacks:
                shape = next(iter(stacks.values())).shape
                assert all(numpy.isfinite(stack[0]).any() for stack in stacks.values())
            aligned.append(f"{len(stacks)} x {shape}")
    return f"{len(nodes)} tasks, aligned: {', '.join(aligned)}"


def make_maps(path: Path) -> str:
    """Write two moving stacks, as an NXdata group."""
    stacks = make_steady_stacks("camera", "translation", stacks=2).stacks
    axes = {"energy": numpy.arange(4.0), "y": numpy.arange(200.0), "x": numpy.arange(220.0)}
    with h5py.File(path, "w") as file:
        plot = add_plot(add_group(file, "entry", "NXentry"), "maps", axes, list(stacks))
        for name, images in stacks.items():
            plot[name][...] = images
    return f"{path}::/entry"


def main() -> int:
    (folder,) = sys.argv[1:]
    failed = 0
    workflows = sorted(Path(folder).rglob("*.ows"))
    for path in workflows:
        with tempfile.TemporaryDirectory() as scratch:
            try:
                result = run(path, make_maps(Path(scratch) / "maps.h5"))
            except Exception as error:  # whatever goes wrong in one, the others run
                result = f"FAILED: {error}"
                failed += 1
            print(f"{path.name}: {result}", flush=True)
    print(f"{len(workflows) - failed} of {len(workflows)} run")
    return int(failed > 0 or not workflows)


if __name__ == "__main__":
    sys.exit(main())
