"""The table of the ranking: sorted, clicked and looked at."""

# ruff: noqa: E402
from ..qt_available import require_qt

require_qt()

from dataclasses import replace

import numpy
import pytest
from silx.gui import qt
from silx.gui.utils.testutils import QTest

from ewoksndreg.gui._colors import RELATIVE_ERROR
from ewoksndreg.gui._colors import SMOOTHNESS
from ewoksndreg.gui._ranking_tab import RankingTab
from ewoksndreg.gui._ranking_table import BARS
from ewoksndreg.gui._ranking_table import COLUMNS
from ewoksndreg.gui._ranking_table import NAME
from ewoksndreg.gui._ranking_table import NOTE
from ewoksndreg.gui._ranking_table import RANK
from ewoksndreg.gui._ranking_table import SCORE
from ewoksndreg.gui._result import RunResult
from ewoksndreg.gui._selection import Selection

from ..evaluation.conftest import make_scores
from ..evaluation.conftest import rank_scores
from .conftest import contrast

# Sorted as strings the scores would be in the wrong order; the last registration diverged.
ERRORS = {"b": 0.1, "D": 1.0, "a": 0.02, "c": 0.5}
SMOOTH = {"b": 0.02, "D": 0.9, "a": 0.1, "c": numpy.nan}


@pytest.fixture(scope="module")
def evaluation():
    aligned = numpy.array([[numpy.nan, error, error] for error in ERRORS.values()])
    scores = make_scores(numpy.array([numpy.nan, 0.99, 0.99]), aligned)
    with pytest.warns(RuntimeWarning, match="Cannot be scored"):
        return rank_scores(dict.fromkeys(ERRORS, scores), SMOOTH, failed={"c": (1, 2)})


@pytest.fixture
def selection(application):
    return Selection()


@pytest.fixture
def tab(selection, evaluation, application):
    tab = RankingTab(selection)
    tab.resize(1000, 500)
    tab.show()
    tab.show_result(RunResult({}, {}, evaluation, "a"))
    selection.restart(dict.fromkeys(ERRORS, 3), list(ERRORS), stack="a", image=0, registration="a")
    application.processEvents()
    yield tab
    tab.deleteLater()


def column(tab, number):
    model = tab.table.model()
    return [model.index(row, number).data() for row in range(model.rowCount())]


def click_header(tab, number):
    header = tab.table.horizontalHeader()
    x = header.sectionViewportPosition(number) + header.sectionSize(number) // 2
    QTest.mouseClick(header.viewport(), qt.Qt.LeftButton, pos=qt.QPoint(x, 5))


def cell(tab, row, number):
    return tab.table.visualRect(tab.table.model().index(row, number))


def test_it_begins_with_the_best_registration_and_marks_it(tab):
    assert column(tab, RANK) == ["★ 1", "2", "3", "4"]
    assert column(tab, NAME) == ["a", "b", "D", "c"]
    fonts = [tab.table.model().index(row, NAME).data(qt.Qt.FontRole) for row in range(4)]
    assert fonts[0].bold()
    assert fonts[1:] == [None] * 3


@pytest.mark.parametrize(
    ("number", "ascending", "descending"),
    [
        (SCORE, "abDc", "Dbac"),
        (RANK, "abDc", "cDba"),
        (NAME, "abcD", "Dcba"),
        (COLUMNS.index("smoothness"), "baDc", "Dabc"),
    ],
)
def test_a_click_on_a_header_sorts_by_number_with_missing_ones_last(
    tab, number, ascending, descending
):
    if number == RANK:  # it is sorted by rank already, so that a click would turn it round
        click_header(tab, SCORE)
    click_header(tab, number)
    assert "".join(column(tab, NAME)) == ascending
    click_header(tab, number)
    assert "".join(column(tab, NAME)) == descending


def test_numbers_that_are_missing_are_a_dash_and_the_remark_says_why(tab):
    assert column(tab, SCORE)[3] == "–"  # noqa: RUF001
    assert column(tab, NOTE) == ["best, chosen", "", "", "no score"]
    notes = [tab.table.model().index(row, NOTE).data(qt.Qt.ToolTipRole) for row in range(4)]
    assert "best; chosen for all stacks" in notes[0]
    assert "no score: 2 of its 3 transformations are singular or not finite" in notes[3]


def test_all_notes_are_readable_in_a_narrow_window(tab, application):
    tab.resize(690, 500)  # beside the panel of fields in a window of 1100 px
    application.processEvents()
    for row in range(4):
        index = tab.table.model().index(row, NOTE)
        font = index.data(qt.Qt.FontRole) or tab.table.font()
        font.setPixelSize(tab.table.fontInfo().pixelSize())
        width = qt.QFontMetrics(font).horizontalAdvance(index.data())
        assert width < tab.table.columnWidth(NOTE)
    assert not tab.table.horizontalScrollBar().isVisible()
    assert tab.table.columnWidth(NAME) > 50


def test_bars_are_as_long_as_the_parts_of_the_scores_in_any_order(tab, evaluation, application):
    click_header(tab, SCORE)
    click_header(tab, SCORE)
    application.processEvents()
    image = tab.table.viewport().grab().toImage()
    lengths = {}
    for row, name in enumerate(column(tab, NAME)):
        place = cell(tab, row, BARS)
        y = place.center().y()
        colors = [image.pixelColor(x, y).name() for x in range(place.left(), place.right())]
        lengths[name] = (colors.count(RELATIVE_ERROR), colors.count(SMOOTHNESS))
    assert lengths["c"] == (0, 0)
    pixels_per_unit = sum(lengths["D"]) / evaluation.registrations["D"].score
    assert pixels_per_unit > 50
    for name in "abD":
        item = evaluation.registrations[name]
        assert lengths[name][0] == pytest.approx(pixels_per_unit * item.relative_error, abs=2)
        assert lengths[name][1] == pytest.approx(pixels_per_unit * 0.6 * item.smoothness, abs=2)


def test_a_click_on_a_row_selects_its_registration(tab, selection):
    QTest.mouseClick(tab.table.viewport(), qt.Qt.LeftButton, pos=cell(tab, 2, SCORE).center())
    assert selection.registration == "D"


def test_a_registration_that_is_selected_elsewhere_is_the_selected_row(tab, selection):
    selection.select_registration("c")
    (index,) = tab.table.selectionModel().selectedRows(NAME)
    assert index.data() == "c"


def test_the_button_chooses_what_is_not_chosen_yet(tab, selection):
    asked = []
    tab.sigChoose.connect(lambda: asked.append(selection.registration))
    assert not tab.choose.isEnabled()  # "a" is chosen
    QTest.mouseClick(tab.table.viewport(), qt.Qt.LeftButton, pos=cell(tab, 1, NAME).center())
    QTest.mouseClick(tab.choose, qt.Qt.LeftButton)
    assert asked == ["b"]


def test_every_error_is_shown_on_its_color_in_legible_text(tab, evaluation):
    model = tab.errors.model()
    names = list(evaluation.registrations)
    for row, name in enumerate(evaluation.ranked_names):
        for column_number in range(4):
            index = model.index(row, column_number)
            value = evaluation.relative_error[names.index(name), column_number]
            if numpy.isnan(value):
                assert index.data() == "–"  # noqa: RUF001
                continue
            assert float(index.data()) == pytest.approx(value, abs=0.0006)
            background = index.data(qt.Qt.BackgroundRole).color()
            assert contrast(background, index.data(qt.Qt.ForegroundRole).color()) >= 4.5
    assert model.headerData(0, qt.Qt.Horizontal).splitlines() == [
        evaluation.stack_names[0],
        f"weight {evaluation.stack_weights[0]:.2f}",
    ]


def test_a_click_on_an_error_selects_its_registration_and_its_stack(tab, selection, evaluation):
    place = tab.errors.visualRect(tab.errors.model().index(2, 1))
    QTest.mouseClick(tab.errors.viewport(), qt.Qt.LeftButton, pos=place.center())
    assert selection.registration == evaluation.ranked_names[2]
    assert selection.stack == evaluation.stack_names[1]


def test_the_verdict_ties_and_silent_stacks_are_on_top(tab, evaluation):
    uncertain = replace(
        evaluation,
        verdict="check",
        reasons=("The registrations <b> and 'a' tie",),
        rivals={"b": 0.3},
        silent_stacks=("a", "D"),  # a reason may have the same name in it
    )
    tab.show_result(RunResult({}, {}, uncertain, "a"))
    said = tab.verdict.toPlainText().splitlines()
    assert said[0].startswith("⚠ check: the best registration is a.")
    assert "The registrations <b> and 'a' tie." in said
    assert "Silent, because no registration from elsewhere improves them: 'a', 'D'." in said
    assert column(tab, RANK) == ["★ 1 =", "1 =", "3", "4"]
    assert "silent" in tab.errors.model().headerData(1, qt.Qt.Horizontal)


def test_every_column_says_what_it_means(tab):
    model = tab.table.model()
    for number in range(len(COLUMNS)):
        assert model.headerData(number, qt.Qt.Horizontal)
        assert model.headerData(number, qt.Qt.Horizontal, qt.Qt.ToolTipRole)
