"""The error of every image under every registration."""

# ruff: noqa: E402
from ..qt_available import require_qt

require_qt()

from dataclasses import replace

import numpy
import pytest
from silx.gui import qt
from silx.gui.utils.testutils import QTest

from ewoksndreg.evaluation import evaluate_stacks
from ewoksndreg.gui._error_table import make_error_colormap
from ewoksndreg.gui._per_image_tab import PerImageTab
from ewoksndreg.gui._per_image_tab import find_best_registration
from ewoksndreg.gui._result import RunResult
from ewoksndreg.gui._selection import Selection
from ewoksndreg.transformation import Homography

from ..conftest import shift_matrix
from ..evaluation.conftest import make_scores
from ..evaluation.conftest import rank_scores


def evaluation_of(number):
    """Two registrations; the best one, b, is bad at images 7 and 30."""
    rng = numpy.random.default_rng(0)
    aligned = numpy.stack([rng.uniform(0.5, 0.7, number), rng.uniform(0.09, 0.11, number)])
    aligned[:, 0] = numpy.nan
    aligned[1, [7, 30]] = 0.6, 0.4
    unaligned = numpy.full(number, 0.99)
    unaligned[0] = numpy.nan
    scores = make_scores(unaligned, aligned)
    stacks = {"a": scores, "b": scores}
    return rank_scores(stacks, {"a": 0.1, "b": 0.1})


@pytest.fixture
def selection(application):
    return Selection()


@pytest.fixture
def make_tab(selection, application):
    tabs = []

    def make(evaluation):
        tab = PerImageTab(selection)
        tab.resize(1000, 600)
        tab.show()
        tab.show_result(RunResult({}, {}, evaluation))
        number = 3 if evaluation is None else evaluation.relative_error_per_image.shape[2]
        selection.restart(
            {"a": number, "b": number}, ["a", "b"], stack="a", image=0, registration=None
        )
        application.processEvents()
        tabs.append(tab)
        return tab

    yield make
    for tab in tabs:
        tab.deleteLater()


def test_the_curve_is_the_best_registration_on_the_selected_stack(make_tab):
    evaluation = evaluation_of(40)
    tab = make_tab(evaluation)
    assert evaluation.ranked_names == ("b", "a")
    curve = tab.plot.getCurve("b")
    numpy.testing.assert_array_equal(curve.getYData(), evaluation.relative_error_per_image[1, 0])
    numpy.testing.assert_array_equal(curve.getXData(), numpy.arange(40))


def test_images_that_stand_out_are_marked_and_named(make_tab):
    tab = make_tab(evaluation_of(40))
    marks = tab.plot.getCurve("outliers")
    assert marks.getXData().tolist() == [7, 30]
    assert tab.message.text().startswith(
        "Thick curve: 'b', the best. Images 7 and 30 are outliers: "
    )


def test_where_nothing_stands_out_that_is_said(make_tab):
    scores = make_scores(numpy.ones(5), numpy.full((1, 5), 0.1), numpy.ones((1, 5)))
    evaluation = rank_scores({"a": scores}, {"a": 0.0})
    message = make_tab(evaluation).message.text()
    assert message == "Thick curve: 'a', the best. There are no outliers."


def test_a_click_on_the_curve_selects_the_image(make_tab, selection):
    tab = make_tab(evaluation_of(40))
    x, y = tab.plot.dataToPixel(30, 0.2)
    QTest.mouseClick(
        tab.plot.getWidgetHandle(), qt.Qt.LeftButton, pos=qt.QPoint(round(x), round(y))
    )
    assert selection.image == 30
    marker = tab.plot._getMarker("selected image")
    assert marker.getXPosition() == 30


def click_on_colors(tab, number, row):
    plot = tab.heat_map.plot
    x, y = plot.dataToPixel(number, row)
    QTest.mouseClick(plot.getWidgetHandle(), qt.Qt.LeftButton, pos=qt.QPoint(round(x), round(y)))


def test_a_click_on_the_colors_selects_the_image_and_the_registration(make_tab, selection):
    tab = make_tab(evaluation_of(40))
    click_on_colors(tab, 12, 1)
    assert (selection.image, selection.registration) == (12, "a")


def test_a_click_on_a_name_selects_the_registration(make_tab, selection):
    tab = make_tab(evaluation_of(40))
    names = tab.heat_map._names
    place = qt.QPoint(names.width() // 2, names.height() - 5)
    QTest.mouseClick(names, qt.Qt.LeftButton, pos=place)
    assert selection.registration == "a"


def test_the_selected_registration_is_drawn_beside_the_best_one(make_tab, selection):
    evaluation = evaluation_of(40)
    tab = make_tab(evaluation)
    assert tab.plot.getCurve("a") is None
    selection.select_registration("a")
    numpy.testing.assert_array_equal(
        tab.plot.getCurve("a").getYData(), evaluation.relative_error_per_image[0, 0]
    )
    assert tab.plot.getCurve("b").getLineWidth() > tab.plot.getCurve("a").getLineWidth()
    assert "thin curve: 'a', which is selected" in tab.message.text()


def test_bad_images_are_marked_and_named(make_tab):
    tab = make_tab(replace(evaluation_of(40), bad_images={"a": (3,)}))
    assert tab.plot.getCurve("outliers").getXData().tolist() == [3, 7, 30]
    assert tab.message.text().endswith("Image 3 resembles no other image of the stack.")


def draw_colors(tab, settle):
    settle()
    return tab.heat_map.plot.grab().toImage()


def test_colors_are_above_their_images_and_the_best_registration_on_top(make_tab, settle):
    tab = make_tab(evaluation_of(40))
    values = evaluation_of(40).relative_error_per_image
    image = draw_colors(tab, settle)
    plot = tab.heat_map.plot
    for number in (7, 29, 31):
        for row, k in ((0, 1), (1, 0)):
            expected = make_error_colormap().applyToData(values[[k], 0, number])[0]
            x, y = plot.dataToPixel(number, row)
            drawn = image.pixelColor(round(x), round(y))
            assert (drawn.red(), drawn.green(), drawn.blue()) == tuple(expected[:3])
        # Above the image, in the plot below
        x, _ = plot.dataToPixel(number, 0)
        below, _ = tab.plot.dataToPixel(number, 0.2)
        left = plot.mapTo(tab, qt.QPoint(0, 0)).x() - tab.plot.mapTo(tab, qt.QPoint(0, 0)).x()
        assert x + left == pytest.approx(below, abs=1.5)


def test_no_image_gets_lost_where_there_are_more_images_than_pixels(make_tab, settle):
    tab = make_tab(evaluation_of(4000))
    image = draw_colors(tab, settle)
    _, y = tab.heat_map.plot.dataToPixel(0, 0)
    # The brighter, the worse: green grows along viridis.
    usual = make_error_colormap().applyToData(numpy.array([0.115]))[0][1]
    green = [image.pixelColor(x, round(y)).green() for x in range(2, 40)]
    assert sum(each > usual + 20 for each in green) >= 2


def test_colors_follow_the_zoom_of_the_curve(make_tab):
    tab = make_tab(evaluation_of(40))
    tab.plot.setGraphXLimits(6.5, 7.5)
    assert tab.heat_map.plot.getGraphXLimits() == (6.5, 7.5)


def test_a_registration_scored_on_its_own_stack_only_is_the_best_one_there(make_tab, selection):
    rng = numpy.random.default_rng(0)
    stacks = {name: rng.normal(size=(3, 20, 20)) for name in "ab"}
    registrations = {
        name: [Homography(shift_matrix(n * step, 0)) for n in range(3)]
        for name, step in (("a", 0.1), ("b", 0.2))
    }
    with pytest.warns(RuntimeWarning, match="No registration is better than none"):
        evaluation = evaluate_stacks(stacks, registrations, evaluate_on="own")
    for name in "ab":
        drawn, values = find_best_registration(evaluation, name)
        assert drawn == name
        assert numpy.isfinite(values[1:]).all()
    tab = make_tab(evaluation)
    best, other = evaluation.ranked_names
    selection.select_stack(other)
    assert tab.message.text().startswith(f"Thick curve: {other!r}, the best one that")
    assert tab.plot.getCurve(other) is not None
    assert tab.plot.getCurve(best) is None


def test_without_a_ranking_that_is_said(make_tab):
    tab = make_tab(None)
    assert tab.message.text() == "Nothing was ranked, so there are no errors per image."
    assert not tab.plot.isVisible()
    assert not tab.heat_map.isVisible()


def test_one_image_is_drawn_too(make_tab):
    scores = make_scores(numpy.zeros(1), numpy.zeros((1, 1)), numpy.ones((1, 1)))
    with pytest.warns(RuntimeWarning, match="there is only one image"):
        evaluation = rank_scores({"a": scores}, {"a": 0.0})
    tab = make_tab(evaluation)
    assert tab.plot.getCurve("a").getXData().tolist() == [0]
    assert tab.plot.getGraphXLimits() == (-0.5, 0.5)
