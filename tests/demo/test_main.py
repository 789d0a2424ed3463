"""``python -m ewoksndreg.demo`` from end to end."""

import io
import re
import struct
import sys
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy
import pytest

from ewoksndreg.demo import _run as run
from ewoksndreg.demo.__main__ import main
from ewoksndreg.demo._files import DemoFiles
from ewoksndreg.demo.samples import make_sample

from ..conftest import run_python

pytestmark = pytest.mark.xdist_group("demo")  # it runs once

NAMES = {"Ca-K", "Fe-K", "S-K", "As-K", "Ar-K", "Compton"}


@dataclass(frozen=True)
class Finished:
    folder: Path
    printed: str

    @property
    def rows(self) -> list[list[str]]:
        """Rank, stack, score, relative error, smoothness, true error."""
        return [line.split() for line in self.printed.splitlines() if re.match(r" +\d  ", line)]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    folder = tmp_path_factory.mktemp("demo") / "new" / "with space"
    printed = io.StringIO()
    with redirect_stdout(printed):
        main([str(folder)])
    return Finished(folder, printed.getvalue())


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """A demo that takes no time."""

    def small_sample(picture: str, **_: Any) -> Any:
        return make_sample(picture, images=3, size=48)

    def small_report(path: Path, *_: Any) -> None:
        path.touch()

    monkeypatch.setattr(run, "make_sample", small_sample)
    monkeypatch.setattr(run, "write_report", small_report)


def default_plot(file: h5py.File) -> h5py.Group:
    """What a viewer opens first: https://manual.nexusformat.org/datarules.html"""
    group: Any = file
    while "default" in group.attrs:
        group = group[group.attrs["default"]]
    assert group.attrs["NX_class"] == "NXdata"
    return group


def test_the_table_is_sorted_by_score(demo: Finished) -> None:
    assert [row[0] for row in demo.rows] == ["1", "2", "3", "4", "5", "6"]
    assert {row[1] for row in demo.rows} == NAMES
    scores = [float(row[2]) for row in demo.rows]
    assert scores[:5] == sorted(scores[:5])
    assert numpy.isnan(scores[5])


def test_the_ranking_is_right(demo: Finished) -> None:
    errors = {row[1]: float(row[6]) for row in demo.rows}
    assert errors[demo.rows[0][1]] == min(errors.values()) < 0.03
    # The detector pattern stays where it is, and in the empty channel there is nothing to see.
    assert [row[1] for row in demo.rows[-2:]] == ["Ar-K", "As-K"]
    assert errors["Ar-K"] > 2
    assert errors["As-K"] == numpy.inf
    assert "Stack 'As-K': 11 of 12 images could not be registered" in demo.printed


def test_the_true_errors_are_those_of_the_registration(demo: Finished) -> None:
    truth = make_sample("coins", images=12, size=256, step=2.5).truth
    with h5py.File(demo.folder / "results.h5") as file:
        group = file["entry/aligned_evaluation/transformations"]
        registrations = {name: group[name][()] for name in NAMES - {"As-K"}}
    for _, name, *_, printed in demo.rows[:5]:
        # For shifts, the error does not depend on the pixel.
        offsets = [
            matrix[:2, 2] - true.passive_matrix[:2, 2]
            for matrix, true in zip(registrations[name][1:], truth[1:], strict=True)
        ]
        expected = numpy.sqrt(numpy.mean(numpy.sum(numpy.square(offsets), axis=1)))
        assert float(printed) == pytest.approx(expected, abs=0.006)


def test_it_says_what_it_wrote_and_shows_progress(demo: Finished) -> None:
    written = {"stacks.h5", "results.h5", "before_after.png", "report.html"}
    for name in written:
        assert str(demo.folder / name) in demo.printed
    assert re.search(r"Ranking: \[#+\] 100% DONE", demo.printed)
    assert {path.name for path in demo.folder.iterdir()} == written


def test_the_stacks_are_a_nexus_file(demo: Finished) -> None:
    with h5py.File(demo.folder / "stacks.h5") as file:
        group = default_plot(file)
        assert set(group) == NAMES
        assert {group[name].shape for name in NAMES} == {(12, 256, 256)}
        assert {group.attrs["signal"], *group.attrs["auxiliary_signals"]} == NAMES


def test_the_results_show_the_best_stack_aligned(demo: Finished) -> None:
    def spread(stack: numpy.ndarray) -> float:
        """Standard deviation along the images, where all are finite."""
        return float(numpy.nanmean(numpy.std(stack, axis=0)))

    with (
        h5py.File(demo.folder / "stacks.h5") as before,
        h5py.File(demo.folder / "results.h5") as after,
    ):
        group = default_plot(after)
        assert group.name == "/entry/aligned_evaluation/stacks"
        assert group.attrs["signal"] == demo.rows[0][1]
        aligned = group[group.attrs["signal"]][()]
        measured = before["entry/maps"][group.attrs["signal"]][()]
        assert aligned.shape == (12, 256, 256)
        assert spread(aligned) < 0.5 * spread(measured)


def test_the_results_hold_the_scores_of_the_table(demo: Finished) -> None:
    with h5py.File(demo.folder / "results.h5") as file:
        scores = file["entry/aligned_evaluation/scores"]
        names = scores["registration"].asstr()[()].tolist()
        assert names == [row[1] for row in demo.rows]
        for column, name in ((2, "score"), (3, "mean_relative_error"), (4, "smoothness")):
            printed = [float(row[column]) for row in demo.rows]
            numpy.testing.assert_allclose(scores[name][()], printed, atol=6e-4)


def test_the_picture_is_a_png_with_something_in_it(demo: Finished) -> None:
    content = (demo.folder / "before_after.png").read_bytes()
    assert content.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", content[16:24])
    assert width > 2 * height > 600
    # Photographs do not compress to little.
    assert len(content) > 100_000


def test_the_report_is_about_the_stacks_in_the_file(demo: Finished) -> None:
    page = (demo.folder / "report.html").read_text()
    assert page.count("<img ") >= 6
    for name in NAMES:
        assert f"{demo.folder / 'stacks.h5'}::/entry/maps/{name}" in page


@pytest.mark.usefixtures("small")
def test_a_second_run_overwrites_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main([str(tmp_path)])
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    # One file of a numbered set is enough to make the number taken.
    (tmp_path / "results_2.h5").write_text("mine")
    capsys.readouterr()
    main([str(tmp_path)])
    new = {"stacks_3.h5", "results_3.h5", "before_after_3.png", "report_3.html"}
    assert {path.name for path in tmp_path.iterdir()} == {*before, "results_2.h5", *new}
    for name, content in before.items():
        assert (tmp_path / name).read_bytes() == content
    printed = capsys.readouterr().out
    assert all(str(tmp_path / name) in printed for name in new)


def test_a_file_that_appears_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    files = DemoFiles.find_unused(tmp_path)
    files.stacks.write_text("mine")
    with pytest.raises(FileExistsError):
        files.write_stacks({"Ca-K": numpy.zeros((2, 3, 4))})
    assert files.stacks.read_text() == "mine"


@pytest.mark.usefixtures("small")
def test_the_folder_has_a_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    main([])
    assert (tmp_path / "ewoksndreg_demo" / "results.h5").exists()


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SystemExit) as caught:
        main([str(tmp_path / "file")])
    assert str(caught.value.code).startswith("The demo cannot write to")
    assert str(tmp_path / "file") in str(caught.value.code)


def test_the_help_says_that_nothing_is_overwritten(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    printed = " ".join(capsys.readouterr().out.split())
    assert "Nothing is ever overwritten" in printed
    assert "default: ewoksndreg_demo" in printed


@pytest.fixture
def without_demo_modules(monkeypatch: pytest.MonkeyPatch) -> None:
    """The next import of the demo really imports."""
    for name in list(sys.modules):
        if name.startswith("ewoksndreg.demo."):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.delattr("ewoksndreg.demo._run")


@pytest.mark.usefixtures("without_demo_modules")
@pytest.mark.parametrize("package", ["skimage", "matplotlib"])
def test_without_the_extra_it_says_what_to_install(
    package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in list(sys.modules):
        if name.startswith(f"{package}."):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(SystemExit) as caught:
        main([str(tmp_path / "folder")])
    assert caught.value.code == (
        'The demo needs scikit-image and matplotlib: pip install ".[demo]" in the folder of the'
        " sources"
    )
    assert not (tmp_path / "folder").exists()


@pytest.mark.usefixtures("without_demo_modules")
def test_another_missing_package_is_not_hidden(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ewokscore.progress", None)
    with pytest.raises(ModuleNotFoundError, match="ewokscore"):
        main([str(tmp_path)])


def test_without_the_extra_the_command_ends_with_one_sentence(tmp_path: Path) -> None:
    program = (
        "import runpy, sys; sys.modules['skimage'] = None;"
        " runpy.run_module('ewoksndreg.demo', run_name='__main__')"
    )
    ended = run_python("-c", program, cwd=tmp_path, check=False)
    assert ended.returncode == 1
    assert ended.stdout == ""
    assert ended.stderr == (
        'The demo needs scikit-image and matplotlib: pip install ".[demo]" in the folder of the'
        " sources\n"
    )
