"""The table and the picture of the demo."""

from dataclasses import replace
from pathlib import Path

import numpy
import pytest

from ewoksndreg import Evaluation
from ewoksndreg import evaluate_stacks
from ewoksndreg.demo._report import format_table
from ewoksndreg.demo._report import format_trust
from ewoksndreg.demo._report import write_picture
from ewoksndreg.transformation import Homography

from ..conftest import smooth_image

STACKS = {"a": numpy.stack([smooth_image(0, (16, 16))] * 2)}
REGISTRATIONS = {
    "diverged": [Homography(numpy.identity(3)), Homography(numpy.full((3, 3), numpy.nan))],
    "still": [Homography(numpy.identity(3))] * 2,
}


@pytest.fixture
def evaluation() -> Evaluation:
    with pytest.warns(RuntimeWarning, match="rank last"):
        return evaluate_stacks(STACKS, REGISTRATIONS)


def test_the_table(evaluation: Evaluation) -> None:
    errors = {"still": 0.126, "diverged": numpy.inf}
    header, first, last = format_table(evaluation, errors).splitlines()
    assert header.split("  ")[0] == "rank"
    assert first.split() == ["1", "still", "0.0000", "0.0000", "0.0000", "1.00", "0.13"]
    assert last.split()[:3] == ["2", "diverged", "nan"]
    assert last.split()[-1] == "inf"
    assert len(first) == len(last) == len(header)


def test_the_picture_is_a_new_file(evaluation: Evaluation, tmp_path: Path) -> None:
    path = tmp_path / "picture.png"
    write_picture(path, evaluation, STACKS, REGISTRATIONS)
    content = path.read_bytes()
    assert content.startswith(b"\x89PNG\r\n\x1a\n")
    with pytest.raises(FileExistsError):
        write_picture(path, evaluation, STACKS, REGISTRATIONS)
    assert path.read_bytes() == content


def test_what_is_known_about_the_best_registration(evaluation: Evaluation) -> None:
    checked = replace(
        evaluation,
        verdict="check",
        reasons=("A shift of 0.41 px remains between the aligned images",),
        remaining_shift=0.41,
        rivals={"a": 1.234},
        bad_images={"b": (3, 4)},
        silent_stacks=("a",),
    )
    assert format_trust(checked).splitlines() == [
        "The best registration: check",
        "    A shift of 0.41 px remains between the aligned images",
        "Remaining shift: 0.41 px",
        "Rival: a, 1.23 px from the best one",
        "Bad images of b: 3, 4",
        "Stacks without information: a",
    ]
