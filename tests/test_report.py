"""One file that shows everything, whatever the names and wherever the stacks come from."""

import re
from dataclasses import replace
from html.parser import HTMLParser

import h5py
import numpy
import pytest
from matplotlib import pyplot

from ewoksndreg import evaluate_stacks
from ewoksndreg import open_stacks
from ewoksndreg import refine_registration
from ewoksndreg import write_report

from .evaluation.conftest import WatchedStackWithShape
from .test_plots import MOTION
from .test_plots import STACKS
from .test_plots import STILL
from .test_plots import moving

REGISTRATIONS = {"Ca": STILL, "Fe": MOTION}
HOSTILE = '<script>alert("&")</script>'


@pytest.fixture(scope="module")
def evaluation():
    return evaluate_stacks(STACKS, REGISTRATIONS, max_workers=0, trust=False)


class Page(HTMLParser):
    """Checks that all elements are closed, and collects images and text."""

    def __init__(self, path):
        super().__init__()
        self.content = path.read_text(encoding="utf-8")
        self.images, self.words, self.tags, self._open = [], "", set(), []
        self.feed(self.content)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        if tag == "img":
            self.images.append(dict(attributes))
        if tag not in ("img", "meta", "br"):
            self._open.append(tag)

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        if self._open and self._open[-1] != "style":
            self.words += data


def write(path, evaluation, stacks=STACKS, registrations=REGISTRATIONS):
    write_report(path, evaluation, stacks, registrations)
    assert path.stat().st_size < 3_000_000
    page = Page(path)
    # Nothing is loaded from elsewhere.
    assert all(image["src"].startswith("data:image/") for image in page.images)
    assert page.tags.isdisjoint({"script", "link", "iframe"})
    assert not re.search(r"url\(|@import", page.content)
    return page


def test_it_shows_everything(tmp_path, evaluation):
    page = write(
        tmp_path / "report.html",
        replace(
            evaluation,
            verdict="check",
            reasons=("Image 3 of 'Ca' is dark",),
            rivals={"Ca": 1.25},
            remaining_shift=0.123,
        ),
    )
    assert "check: the best registration is Fe. Remaining shift: 0.12 px." in page.words
    assert "Image 3 of 'Ca' is dark." in page.words
    assert "up to 1.2 px apart" in page.words
    # 2 tables of errors, the motion, the worst image of each stack and the last one of the first.
    assert len(page.images) in (5, 6)
    assert all(image["alt"] for image in page.images)
    assert "in memory" in page.words
    assert "(5, 40, 50)" in page.words


def test_what_was_refined_is_said_and_shown(tmp_path):
    off = [(r + 0.4 * (n > 0), c) for n, (r, c) in enumerate(MOTION)]
    registrations = {"Ca": STILL, "Fe": off}
    evaluation = evaluate_stacks(STACKS, registrations, max_workers=0, trust=False)
    refinement = refine_registration(STACKS, off, evaluation, max_workers=0)
    path = tmp_path / "refined.html"
    write_report(path, evaluation, STACKS, registrations, refinement=refinement)
    page = Page(path)
    assert "The best registration was refined on 1 of 2 stacks: moved by 0." in page.words
    chosen = write(tmp_path / "chosen.html", evaluation, registrations=registrations)
    assert page.images[-1] != chosen.images[-1]
    # The motion is that of the registrations that were ranked.
    assert page.images[2]["alt"] == chosen.images[2]["alt"]


def test_names_are_escaped(tmp_path):
    stacks = {HOSTILE: STACKS["Ca"], "b": STACKS["Fe"]}
    registrations = {HOSTILE: MOTION, "\udce9'\">": STILL}  # a byte that is not UTF-8
    evaluation = evaluate_stacks(stacks, registrations, max_workers=0, trust=False)
    page = write(tmp_path / "report.html", evaluation, stacks, registrations)
    assert HOSTILE in page.words
    assert any(HOSTILE in image["alt"] for image in page.images)
    assert "&#56553;" in page.content


def test_all_forms_of_stacks_and_transformations(tmp_path, evaluation):
    path = tmp_path / "maps.h5"
    with h5py.File(path, "w") as file:
        for name, stack in STACKS.items():
            file[f"/maps/{name}"] = stack
        file["/shifts/Fe"] = MOTION
    url = f"{path}::/maps"
    registrations = {"Ca": numpy.array(STILL), "Fe": f"{path}::/shifts/Fe"}
    page = write(tmp_path / "url.html", evaluation, url, registrations)
    assert f"{url}/Ca" in page.words
    assert f"{path}::/shifts/Fe" in page.words
    with open_stacks(url) as stacks:
        assert f"{url}/Ca" in write(tmp_path / "open.html", evaluation, stacks).words
    with h5py.File(path) as file:
        stacks = [file["/maps/Ca"], file["/maps/Fe"]]
        assert f"{url}/Ca" in write(tmp_path / "datasets.html", evaluation, stacks).words


def test_only_the_images_shown_are_read(tmp_path):
    motion = [(n, 0) for n in range(9)]
    images = moving(motion, (30, 30))
    registrations = {"a": motion, "b": [(0, 0)] * 9}
    stacks = {"a": images, "b": images}
    evaluation = evaluate_stacks(stacks, registrations, max_workers=0, trust=False)
    watched = {
        name: WatchedStackWithShape(9, lambda n: images[n], (30, 30), float) for name in stacks
    }
    write(tmp_path / "report.html", evaluation, watched, registrations)
    # Two pictures of one stack and one of the other, each with the reference image.
    assert sorted(len(each.read) for each in watched.values()) in ([2, 2], [2, 4])


def test_own_scores_and_registrations_without_score(tmp_path):
    diverged = [numpy.identity(3), *[numpy.full((3, 3), numpy.nan)] * 4]
    registrations = {"Ca": diverged, "Fe": MOTION}
    with pytest.warns(RuntimeWarning, match="rank last"):
        evaluation = evaluate_stacks(STACKS, registrations, evaluate_on="own", trust=False)
    page = write(tmp_path / "report.html", evaluation, registrations=registrations)
    assert "no score: 4 of its 5 transformations" in page.words


@pytest.mark.full
def test_twelve_noisy_stacks_with_long_names_make_a_small_file(tmp_path):
    rng = numpy.random.default_rng(0)
    names = [f"{HOSTILE} {n} {'long' * 20}" for n in range(12)]
    stacks = {name: rng.normal(size=(3, 400, 400)).astype("f4") for name in names}
    registrations = {name: rng.normal(size=(3, 2)) for name in names}
    small = {name: stack[:, :50, :50] for name, stack in stacks.items()}
    evaluation = evaluate_stacks(small, registrations, max_workers=0, trust=False)
    page = write(tmp_path / "report.html", evaluation, stacks, registrations)
    assert "The 4 of 12 stacks" in page.words


def test_nothing_is_overwritten_and_no_figure_is_left_open(tmp_path, evaluation):
    path = tmp_path / "report.html"
    path.write_text("mine")
    with pytest.raises(FileExistsError, match=r"report\.html' exists: choose another name"):
        write_report(path, evaluation, STACKS, REGISTRATIONS)
    assert path.read_text() == "mine"
    write(tmp_path / "new.html", evaluation)
    assert pyplot.get_fignums() == []


def test_what_is_missing_is_named_and_nothing_is_written(tmp_path, evaluation):
    path = tmp_path / "report.html"
    with pytest.raises(ValueError, match="no stack 'Fe'"):
        write_report(path, evaluation, {"Ca": STACKS["Ca"]}, REGISTRATIONS)
    with pytest.raises(ValueError, match="no registration 'Fe'"):
        write_report(path, evaluation, STACKS, {"Ca": STILL})
    with pytest.raises(FileNotFoundError, match=r"There is no folder '.*missing' for the report"):
        write_report(tmp_path / "missing" / "report.html", evaluation, STACKS, REGISTRATIONS)
    with pytest.raises(ValueError, match="The report needs the name of a file"):
        write_report("", evaluation, STACKS, REGISTRATIONS)
    assert list(tmp_path.iterdir()) == []
