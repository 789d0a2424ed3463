"""Rank with the installed package, away from the sources: `tox -e dist`."""

from importlib.resources import files
from pathlib import Path

import numpy
from ewokscore import execute_graph

import ewoksndreg

SOURCES = Path(__file__).parent.parent


def main() -> None:
    assert SOURCES / "src" not in Path(ewoksndreg.__file__).parents
    sample = numpy.random.default_rng(0).normal(size=(60, 60)).cumsum(0).cumsum(1)
    stack = numpy.stack([sample[10 - n : 50 - n, 10:50] for n in range(3)])
    inputs = {
        "image_stacks": {"a": stack, "b": stack},
        "transformations": {"a": [(0, 0)] * 3, "b": [(n, 0) for n in range(3)]},
    }
    outputs = execute_graph(
        str(files("ewoksndreg.workflows") / "post_evaluation.json"),
        inputs=[{"name": name, "value": value} for name, value in inputs.items()],
    )
    assert outputs["ranked_stack_names"] == ["b", "a"], outputs
    print("1 passed, 0 failed")


if __name__ == "__main__":
    main()
