"""The motion under every registration, drawn."""

# ruff: noqa: E402
from ..qt_available import require_qt

require_qt()

import numpy
import pytest
from silx.gui import qt
from silx.gui.utils.testutils import QTest

from ewoksndreg.gui._motion_tab import find_far
from ewoksndreg.gui._motion_tab import find_vertical_limits
from ewoksndreg.transformation import Homography

from ..conftest import rotation_matrix
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
    view.selection.select_registration("Ca-K")
    plot = motion.plots["rows"]
    assert plot.getCurve("Fe-K").getLineWidth() > plot.getCurve("Ca-K").getLineWidth()
    assert [motion.legend.item(row).text() for row in range(2)] == ["★ Fe-K", "Ca-K"]


def test_a_click_in_the_legend_selects_the_registration(motion, view):
    item = motion.legend.visualItemRect(motion.legend.item(1))
    QTest.mouseClick(motion.legend.viewport(), qt.Qt.LeftButton, pos=item.center())
    assert view.selection.registration == "Ca-K"


def test_a_click_on_a_curve_selects_the_image(motion, view, application):
    application.processEvents()
    plot = motion.plots["columns"]
    x, y = plot.dataToPixel(2, -1)
    QTest.mouseClick(plot.getWidgetHandle(), qt.Qt.LeftButton, pos=qt.QPoint(round(x), round(y)))
    assert view.selection.image == 2
    for plot in motion.plots.values():
        assert plot._getMarker("selected image").getXPosition() == 2


def test_a_zoom_along_the_images_is_a_zoom_of_all_plots(motion):
    motion.plots["scale"].setGraphXLimits(1, 3)
    assert {plot.getGraphXLimits() for plot in motion.plots.values()} == {(1, 3)}


def test_a_registration_that_moves_ten_times_as_far_does_not_hide_the_others(show, result):
    jumps = [*result.registrations["Ca-K"][:-1], Homography([[1, 0, 500], [0, 1, 0], [0, 0, 1]])]
    registrations = {"Ca-K": jumps, "Fe-K": result.registrations["Fe-K"]}
    motion = show(result.stacks, registrations, **result.arguments()).motion_tab
    plot = motion.plots["rows"]
    low, high = plot.getGraphYLimits()
    assert -6 < low < -4  # the path of Fe-K goes from 0 to -4
    assert 0 < high < 2
    assert motion.message.text().endswith("Not fully visible: 'Ca-K'.")
    motion.show_all.click()
    assert plot.getGraphYLimits()[0] < -500


def test_nothing_is_far_but_what_moves_ten_times_as_far_as_all_others():
    assert find_far({"a": 40, "b": 5, "c": 4.1}, "b") == []
    assert find_far({"a": 51, "b": 5, "c": 0}, "b") == ["a"]
    assert find_far({"a": 900, "d": 51, "b": 5, "c": 0}, "b") == ["a", "d"]
    assert find_far({"a": 51, "b": 5}, "a") == []
    assert find_far({"a": 5, "b": 0, "c": 0}, "b") == []  # less than 10 px


def test_the_difference_to_the_best_one_is_in_pixels(motion):
    motion.difference.click()
    rows, columns = (numpy.array(WRONG, float) - numpy.array(MOTION, float)).T
    numpy.testing.assert_allclose(motion.plots["rows"].getCurve("Ca-K").getYData(), -rows)
    numpy.testing.assert_allclose(motion.plots["columns"].getCurve("Ca-K").getYData(), -columns)
    assert not motion.plots["rows"].getCurve("Fe-K").getYData().any()


def test_rotation_and_size_are_drawn_where_something_rotates(motion, show, result):
    assert not motion.plots["rotation"].isVisible()
    assert not motion.plots["scale"].isVisible()
    rotated = [Homography(rotation_matrix(n, (20, 22))) for n in range(6)]
    registrations = {"Ca-K": rotated, "Fe-K": result.registrations["Fe-K"]}
    motion = show(result.stacks, registrations, **result.arguments()).motion_tab
    assert motion.plots["rotation"].isVisible()
    assert not motion.plots["scale"].isVisible()
    drawn = motion.plots["rotation"].getCurve("Ca-K").getYData()
    numpy.testing.assert_allclose(numpy.abs(drawn), range(6), atol=1e-6)


def test_images_without_a_transformation_are_a_gap_and_are_named(show, result):
    diverged = [*result.registrations["Ca-K"]]
    diverged[2:5] = [Homography(numpy.full((3, 3), numpy.nan))] * 3
    registrations = {"Ca-K": diverged, "Fe-K": result.registrations["Fe-K"]}
    motion = show(result.stacks, registrations).motion_tab
    values = motion.plots["rows"].getCurve("Ca-K").getYData()
    assert numpy.flatnonzero(numpy.isnan(values)).tolist() == [2, 3, 4]
    assert motion.message.text() == (
        "The registration of 'Ca-K' has no transformation of images 2 to 4: singular or not finite."
    )


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
