"""Every block of code in the README and on the pages of the documentation runs, or says why not.

The blocks of a page run one after the other, in a folder with the file that the pages speak of. A
comment ``<!-- skip: next "reason" -->`` before a block says why it cannot run here. The scripts of
`doc/examples` run when the documentation is built.
"""

import json
import re
import shlex
import sys
from contextlib import suppress
from pathlib import Path
from unittest import SkipTest

import h5py
import numpy
import pytest
from ewokscore import execute_graph

from ewoksndreg import evaluate_stacks
from ewoksndreg.command import main

sybil = pytest.importorskip("sybil")
from sybil.parsers.myst import CodeBlockParser  # noqa: E402
from sybil.parsers.myst import PythonCodeBlockParser  # noqa: E402
from sybil.parsers.myst import SkipParser  # noqa: E402

ROOT = Path(__file__).parent.parent
NOT_BUILT = ["README.md", "CONTRIBUTING.md"]
PAGES = [*(ROOT / name for name in NOT_BUILT), *sorted((ROOT / "doc").rglob("*.md"))]
LANGUAGES = {"bash", "json", "powershell", "python", "text"}


def run_command(example):
    """Every line is one command. It runs in this process, which has imported everything."""
    for line in example.parsed.splitlines():
        command, *arguments = shlex.split(line)
        assert command == "ewoksndreg"
        assert main(arguments) in (0, 3)  # 3: look at the result


def run_workflow(example):
    execute_graph(json.loads(example.parsed))


def parse(page, *parsers):
    return sybil.Sybil(parsers=parsers, pattern="*.md").parse(page).examples()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """With `maps.h5`, as the how-to guides make it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "agg")
    for example in parse(ROOT / "doc" / "how_to" / "index.md", PythonCodeBlockParser()):
        example.evaluate()
    return tmp_path


def name_page(page):
    return str(page.relative_to(ROOT))


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # of which the pages speak
@pytest.mark.parametrize("page", PAGES, ids=name_page)
def test_the_blocks_of_the_page_run(page, folder):
    parsers = [
        PythonCodeBlockParser(),
        CodeBlockParser(language="bash", evaluator=run_command),
        CodeBlockParser(language="json", evaluator=run_workflow),
        SkipParser(),
    ]
    for example in parse(page, *parsers):
        with suppress(SkipTest):  # as the page says
            example.evaluate()
    if pyplot := sys.modules.get("matplotlib.pyplot"):
        pyplot.close("all")


def test_a_script_that_knows_only_the_readme_ranks_every_form(folder):
    """The truth is the registration of Fe-K, see the how-to guides."""
    group = "maps.h5::/entry/maps"
    names = ["Ca-K", "Fe-K", "Zn-K"]
    urls = [f"{group}/{name}" for name in names]
    with h5py.File("maps.h5") as file:
        arrays = {name: file["entry/maps"][name][()] for name in names}
        shifts = {name: file["entry/shifts"][name][()] for name in names}
    matrices = numpy.tile(numpy.eye(3), (6, 1, 1))
    matrices[:, :2, 2] = shifts["Fe-K"]
    registrations = {
        "Ca-K": "maps.h5::/entry/shifts/Ca-K",
        "Fe-K": matrices,
        "Zn-K": shifts["Zn-K"],
    }

    tables = {
        str(evaluate_stacks(stacks, registrations))
        for stacks in (
            group,
            urls,
            dict(zip(names, urls, strict=True)),
            arrays,
            {**arrays, "Fe-K": urls[1]},
        )
    }
    (table,) = tables
    assert table.splitlines()[1].split()[:2] == ["1", "Fe-K"]

    three_tools = {
        "shifts": shifts["Ca-K"],
        "matrices": matrices,
        "opposite": [(-row, -column) for row, column in shifts["Fe-K"]],
    }
    for stacks in (urls[0], {"Ca-K": arrays["Ca-K"]}):
        evaluation = evaluate_stacks(
            stacks,
            three_tools,
            convention={"opposite": "active"},
            registered_from=dict.fromkeys(three_tools, "Ca-K"),
        )
        assert evaluation.ranked_names[2] == "shifts"
        assert "matrices" in str(evaluation)
        assert evaluation.verdict == "good"


@pytest.mark.parametrize("page", PAGES, ids=name_page)
def test_every_block_says_its_language(page):
    """So that none escapes the test above; what is indented is a formula."""
    lines = page.read_text(encoding="utf-8").splitlines()
    fences = [line.strip()[3:] for line in lines if line.strip().startswith("```")]
    languages = {fence for fence in fences[::2] if not fence.startswith("{")}
    assert languages <= LANGUAGES


def test_what_readme_and_contributing_name_exists():
    """The links of the other pages are checked when the documentation is built."""
    files = {path.as_posix() for path in ROOT.rglob("*") if ".tox" not in path.parts}
    content = "".join((ROOT / name).read_text(encoding="utf-8") for name in NOT_BUILT)
    named = re.findall(r"\]\(([\w./]+)\)|\b(\w+\.py)\b|`((?:src|tests|doc)/[\w./]+)`", content)
    for name in {"".join(each).strip("/") for each in named}:
        assert any(path.endswith(f"/{name}") for path in files), name


def test_the_readme_is_short():
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) < 120
