"""Every block of code in the README and on the pages of the documentation runs, or says why not.

The blocks of a page run one after the other, in a folder with the file that the pages speak of. A
comment ``<!-- skip: next "reason" -->`` before a block says why it cannot run here. The scripts of
`doc/examples` run when the documentation is built.
"""

import json
import os
import subprocess
import sys
import sysconfig
from contextlib import suppress
from pathlib import Path
from unittest import SkipTest

import h5py
import numpy
import pytest
from ewokscore import execute_graph
from scipy import ndimage

sybil = pytest.importorskip("sybil")
from sybil.parsers.myst import CodeBlockParser  # noqa: E402
from sybil.parsers.myst import PythonCodeBlockParser  # noqa: E402
from sybil.parsers.myst import SkipParser  # noqa: E402

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "doc").rglob("*.md"))]
LANGUAGES = {"bash", "json", "powershell", "python", "text"}

MOTION = [(0, 0), (1, 2), (3, 1), (2, -2), (0, -3), (-2, -1)]  # of the sample, px


def run_in_shell(example):
    if sys.platform == "win32":
        raise SkipTest("the blocks are for a POSIX shell")
    commands = Path(sysconfig.get_path("scripts"))
    subprocess.run(  # noqa: S603
        ["bash", "-e", "-c", example.parsed],  # noqa: S607
        check=True,
        env={**os.environ, "PATH": f"{commands}{os.pathsep}{os.environ['PATH']}"},
    )


def run_workflow(example):
    execute_graph(json.loads(example.parsed))


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """`maps.h5`: three channels of one sample, shifted by cubic splines of scipy."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "agg")
    scene = ndimage.gaussian_filter(numpy.random.default_rng(0).normal(size=(100, 100)), 2)
    images = numpy.array([ndimage.shift(scene, step)[18:82, 18:82] for step in MOTION])
    noise = numpy.random.default_rng(1).normal(size=images.shape)
    with h5py.File("maps.h5", "w") as file:
        file["entry/maps/Ca-K"] = numpy.exp(5 * images)
        file["entry/maps/Fe-K"] = images + 0.02 * noise
        file["entry/maps/Zn-K"] = 1 - images
        file["entry/shifts/Ca-K"] = numpy.add(MOTION, [(0, 0)] + [(0.5, -0.5)] * 5)
        file["entry/shifts/Fe-K"] = MOTION
        file["entry/shifts/Zn-K"] = [(0, 0)] * len(MOTION)
    return tmp_path


def name_page(page):
    return str(page.relative_to(ROOT))


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # of which the pages speak
@pytest.mark.parametrize("page", PAGES, ids=name_page)
def test_the_blocks_of_the_page_run(page, folder):
    parsers = [
        PythonCodeBlockParser(),
        CodeBlockParser(language="bash", evaluator=run_in_shell),
        CodeBlockParser(language="json", evaluator=run_workflow),
        SkipParser(),
    ]
    document = sybil.Sybil(parsers=parsers, pattern="*.md").parse(page)
    for example in document.examples():
        with suppress(SkipTest):  # as the page says
            example.evaluate()
    if pyplot := sys.modules.get("matplotlib.pyplot"):
        pyplot.close("all")


@pytest.mark.parametrize("page", PAGES, ids=name_page)
def test_every_block_says_its_language(page):
    """So that none escapes the test above; what is indented is a formula."""
    lines = page.read_text(encoding="utf-8").splitlines()
    fences = [line.strip()[3:] for line in lines if line.strip().startswith("```")]
    languages = {fence for fence in fences[::2] if not fence.startswith("{")}
    assert languages <= LANGUAGES


def test_the_readme_is_short():
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) < 120
