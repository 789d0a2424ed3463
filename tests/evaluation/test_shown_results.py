"""An evaluation in a notebook and as a data frame."""

import sys
from dataclasses import replace

import numpy
import pytest

from ewoksndreg import evaluate_stacks

from .conftest import moving_stack
from .conftest import translations

MOTION = [(0, 0), (2, 1), (3, -2)]
STILL = [(0, 0)] * 3


@pytest.fixture(scope="module")
def evaluation():
    stacks = {"Ca": moving_stack(0, MOTION, (30, 40)), "Fe": moving_stack(1, MOTION, (30, 40))}
    registrations = {"Ca": translations(STILL), "<b>&\"'": translations(MOTION)}
    return evaluate_stacks(stacks, registrations, max_workers=0, trust=False)


def test_a_notebook_shows_the_verdict_on_top_and_escapes_names(evaluation):
    good = replace(evaluation, verdict="good", remaining_shift=0.04)
    page = good._repr_html_()
    name = "<strong>&lt;b&gt;&amp;&quot;&#x27;</strong>"
    told = f"<strong>good</strong>: the best registration is {name}."
    assert f"{told} Remaining shift: 0.04 px." in page
    assert page.index("good") < page.index("<table>")
    assert "<b>" not in page


def test_bars_are_as_long_as_the_scores(evaluation):
    page = evaluation._repr_html_()
    for item in evaluation.registrations.values():
        assert f"{item.score:.4f}" in page
        assert f"width: {100 * min(item.score, 1):.1f}%" in page


def test_why_it_is_to_be_checked_and_what_cannot_be_told_apart(evaluation):
    check = replace(
        evaluation,
        verdict="check",
        reasons=("Two stacks <do> not move together",),
        rivals={"Ca": 1.234},
        remaining_shift=1.2,
    )
    page = check._repr_html_()
    assert "<p>Two stacks &lt;do&gt; not move together.</p>" in page
    assert "not distinguishable from the best, up to 1.2 px apart" in page
    assert "Remaining shift: 1 px or more." in page


def test_without_a_verdict_there_is_none(evaluation):
    page = replace(evaluation, verdict=None, remaining_shift=numpy.nan)._repr_html_()
    assert "<p>The best registration is <strong>" in page
    assert "Remaining" not in page


def test_a_data_frame_has_a_row_per_registration(evaluation):
    pytest.importorskip("pandas")
    table = replace(evaluation, rivals={"Ca": 1.5}).to_dataframe()
    assert list(table.index) == list(evaluation.ranked_names)
    for name, item in evaluation.registrations.items():
        assert table.loc[name, "score"] == item.score
        assert table.loc[name, "min_overlap"] == item.min_overlap
    assert table.loc["Ca", "rival"] == 1.5
    assert table["rival"].isna().sum() == 1
    assert table["reason"].isna().all()


def test_a_data_frame_has_a_row_per_image(evaluation):
    pytest.importorskip("pandas")
    table = replace(evaluation, bad_images={"Fe": (2,)}).to_dataframe("image")
    assert table.index.names == ["registration", "stack", "image"]
    assert len(table) == 2 * 2 * 3
    row = table.loc["Ca", "Fe", 1]
    assert row["relative_error"] == evaluation.relative_error_per_image[0, 1, 1]
    assert row["overlap"] == evaluation.overlap[0, 1, 1]
    bad = table.index[table["bad"]]
    assert set(bad) == {(name, "Fe", 2) for name in evaluation.registrations}
    with pytest.raises(ValueError, match="no table per 'images': did you mean 'image'"):
        evaluation.to_dataframe("images")


def test_without_pandas_it_says_what_to_install(evaluation, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ModuleNotFoundError, match="pip install pandas"):
        evaluation.to_dataframe()
