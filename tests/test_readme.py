"""What the README shows must work."""

import json
import re
from pathlib import Path

import h5py
import numpy
from ewokscore import execute_graph

from ewoksndreg.transformation import Homography

README = (Path(__file__).parent.parent / "README.md").read_text()


def _blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def test_the_python_examples_print_what_their_comments_say(capsys):
    examples = [block for block in _blocks("python") if "evaluate_stacks" in block]
    names: dict[str, object] = {}
    for example in examples:
        exec(compile(example, "README.md", "exec"), names)  # noqa: S102
        comment = re.search(r"# (.*)$", example.strip())[1]
        assert capsys.readouterr().out.strip().splitlines()[-1] == comment
    assert len(examples) == 2


def test_the_workflow_runs_with_transformations_as_an_input(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (workflow,) = _blocks("json")
    Path("post_evaluation.json").write_text(workflow)
    (urls,) = [
        item["value"]
        for item in json.loads(workflow)["nodes"][0]["default_inputs"]
        if item["name"] == "image_stacks"
    ]
    sample = numpy.random.default_rng(0).normal(size=(40, 40))
    with h5py.File("maps.h5", "w") as file:
        for url in urls:
            file[url.split("::")[1]] = numpy.stack([sample[2:34, 2:34], sample[4:36, 2:34]])
    transformations = {
        "Ca-K": [Homography(numpy.identity(3))] * 2,
        "Fe-K": [Homography(numpy.identity(3)), Homography([[1, 0, -2], [0, 1, 0], [0, 0, 1]])],
    }
    (example,) = [block for block in _blocks("python") if "execute_graph" in block]
    names = {"transformations": transformations, "execute_graph": execute_graph}
    exec(compile(example, "README.md", "exec"), names)  # noqa: S102
    assert capsys.readouterr().out.startswith("['Fe-K', 'Ca-K'] {'Fe-K': {'score': 0.")
    with h5py.File("aligned.h5") as file:
        assert file["/entry/aligned"].attrs["signal"] == "Fe-K"
