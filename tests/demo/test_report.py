"""The table and the picture of the demo."""

from pathlib import Path

import numpy
import pytest

from ewoksndreg.demo._report import average
from ewoksndreg.demo._report import format_table
from ewoksndreg.demo._report import format_trust
from ewoksndreg.demo._report import write_picture
from ewoksndreg.transformation import Homography

NAMES = ["b", "a"]
SCORES = {
    "a": {"score": numpy.nan, "relative_error": 1.0, "smoothness": numpy.inf},
    "b": {"score": 0.12345, "relative_error": 0.1, "smoothness": 0.0782},
}
ERRORS = {"a": numpy.inf, "b": 0.126}


def test_the_table() -> None:
    header, first, last = format_table(NAMES, SCORES, ERRORS).splitlines()
    assert header.split("  ")[0] == "rank"
    assert first.split() == ["1", "b", "0.1235", "0.1000", "0.0782", "0.13"]
    assert last.split() == ["2", "a", "nan", "1.0000", "inf", "inf"]
    assert len(first) == len(last) == len(header)


def test_the_average_is_over_the_pixels_that_are_there() -> None:
    images = [
        numpy.array([[1.0, numpy.nan], [numpy.nan, 4.0]]),
        numpy.array([[3.0, 5.0], [numpy.nan, numpy.inf]]),
    ]
    numpy.testing.assert_array_equal(average(images), [[2, 5], [numpy.nan, 4]])


def test_a_registration_that_diverged_can_be_drawn(tmp_path: Path) -> None:
    registrations = {
        "a": [Homography(numpy.identity(3)), Homography(numpy.full((3, 3), numpy.nan))],
        "b": [Homography(numpy.identity(3))] * 2,
    }
    stack = numpy.arange(2 * 8 * 8).reshape(2, 8, 8)
    path = tmp_path / "picture.png"
    write_picture(path, NAMES, SCORES, ERRORS, stack, registrations)
    content = path.read_bytes()
    assert content.startswith(b"\x89PNG\r\n\x1a\n")
    with pytest.raises(FileExistsError):
        write_picture(path, NAMES, SCORES, ERRORS, stack, registrations)
    assert path.read_bytes() == content


def test_what_is_known_about_the_best_registration() -> None:
    trust = {
        "verdict": "check",
        "reasons": ["The aligned images still lie about 0.4 px apart"],
        "remaining_shift": 0.41,
        "rivals": {"a": 1.234},
        "bad_images": {"b": [3, 4]},
        "silent_stacks": ["a"],
    }
    assert format_trust(trust).splitlines() == [
        "The best registration: check",
        "    The aligned images still lie about 0.4 px apart",
        "Remaining shift: 0.41 px",
        "Rival: a, 1.23 px from the best one",
        "Bad images of b: 3, 4",
        "Stacks that say nothing: a",
    ]
