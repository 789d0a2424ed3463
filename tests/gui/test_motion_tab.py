"""The motion under every registration, drawn."""

# ruff: noqa: E402
from ..qt_available import require_qt

require_qt()

import numpy
import pytest
from silx.gui import qt
from silx.gui.utils.testutils import QTest

from ewoksndreg.gui._motion_tab import find_vertical_limits
from ewoksndreg.transformation import Homography

from .conftest import MOTION
from .conftest import WRONG


@pytest.fixture
def motion(show, result):
    view = show(result.stacks, result.registrations, **result.arguments())
    view.tabs.setCurrentWidget(view.motion_tab)
    return view.motion_tab


def test_all_registrations_are_drawn_over_the_images(motion):
    for name, path in (("Fe-K", MOTION), ("Ca-K", WRONG)):
        rows, columns = numpy.array(path, dtype=float).T
        numpy.testing.assert_allclose(motion.plots["rows"].getCurve(name).getYData(), -rows)
        numpy.testing.assert_allclose(motion.plots["columns"].getCurve(name).getYData(), -columns)
        for what in ("rotation", "scale"):
            values = motion.plots[what].getCurve(name).getYData()
            numpy.testing.assert_allclose(values, 0, atol=1e-9)


def test_the_best_registration_is_drawn_thickest_and_marked_in_the_legend(motion, view):
    view.selection.select_stack("Ca-K")
    plot = motion.plots["rows"]
    assert plot.getCurve("Fe-K").getLineWidth() > plot.getCurve("Ca-K").getLineWidth()
    assert [motion.legend.item(row).text() for row in range(2)] == ["★ Fe-K", "Ca-K"]


def test_a_click_in_the_legend_selects_the_stack(motion, view):
    item = motion.legend.visualItemRect(motion.legend.item(1))
    QTest.mouseClick(motion.legend.viewport(), qt.Qt.LeftButton, pos=item.center())
    assert view.selection.stack == "Ca-K"


def test_a_click_on_a_curve_selects_the_image(motion, view, application):
    application.processEvents()
    plot = motion.plots["rotation"]
    x, y = plot.dataToPixel(2, 0.01)
    QTest.mouseClick(plot.getWidgetHandle(), qt.Qt.LeftButton, pos=qt.QPoint(round(x), round(y)))
    assert view.selection.image == 2
    for plot in motion.plots.values():
        assert plot._getMarker("selected image").getXPosition() == 2


def test_a_zoom_along_the_images_is_a_zoom_of_all_plots(motion):
    motion.plots["scale"].setGraphXLimits(1, 3)
    assert {plot.getGraphXLimits() for plot in motion.plots.values()} == {(1, 3)}


def test_it_can_be_zoomed_to_the_best_registration(show, result):
    jumps = [*result.registrations["Ca-K"][:-1], Homography([[1, 0, 500], [0, 1, 0], [0, 0, 1]])]
    registrations = {"Ca-K": jumps, "Fe-K": result.registrations["Fe-K"]}
    motion = show(result.stacks, registrations, **result.arguments()).motion_tab
    plot = motion.plots["rows"]
    low, high = plot.getGraphYLimits()
    assert low < -500
    motion.zoom_on_best.click()
    low, high = plot.getGraphYLimits()
    assert -6 < low < -4  # the path of Fe-K goes from 0 to -4
    assert 0 < high < 2


def test_a_registration_that_diverged_has_a_gap_and_is_named(show, result):
    diverged = [*result.registrations["Ca-K"]]
    diverged[2] = Homography(numpy.full((3, 3), numpy.nan))
    registrations = {"Ca-K": diverged, "Fe-K": result.registrations["Fe-K"]}
    motion = show(result.stacks, registrations).motion_tab
    values = motion.plots["rows"].getCurve("Ca-K").getYData()
    assert numpy.flatnonzero(numpy.isnan(values)).tolist() == [2]
    assert motion.message.text() == "The registration of 'Ca-K' diverged at image 2."


def test_registrations_that_were_not_read_are_named(show, result):
    motion = show(result.stacks, {"Fe-K": result.registrations["Fe-K"]}).motion_tab
    assert motion.message.text() == "Not needed and not read: the registration of 'Ca-K'."


def test_where_there_is_nothing_to_draw_that_is_said(show, result):
    motion = show(result.stacks, {}).motion_tab
    assert motion.message.text() == "There are no registrations to show."
    assert not motion.plots["rows"].isVisible()


def test_limits_leave_a_margin_around_all_curves():
    low, high = find_vertical_limits(
        [numpy.array([0.0, numpy.nan, 10.0]), numpy.array([-5.0])], 1.0
    )
    assert (low, high) == pytest.approx((-5 - 0.08 * 15, 10 + 0.08 * 15))


def test_rounding_errors_look_like_nothing():
    assert find_vertical_limits([numpy.array([1e-15, -1e-15])], 0.2) == pytest.approx((-0.1, 0.1))


def test_no_finite_value_still_has_limits():
    assert find_vertical_limits([numpy.array([numpy.nan])], 2.0) == (-1, 1)
    assert find_vertical_limits([], 2.0) == (-1, 1)
