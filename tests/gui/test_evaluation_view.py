"""The whole view: every branch shows something, and all tabs show the same."""

# ruff: noqa: E402
from ..qt_available import require_qt

require_qt()

import h5py
import numpy
import pytest
from silx.gui import qt
from silx.gui.utils.testutils import QTest

from ewoksndreg.gui import EvaluationView
from ewoksndreg.gui._ranking_table import STACK
from ewoksndreg.io import InputStacks

from .conftest import BrokenStack
from .conftest import GatedStack
from .conftest import find_loaded_number


@pytest.fixture
def filled(show, result):
    return show(result.stacks, result.registrations, **result.arguments())


@pytest.fixture
def urls(tmp_path, result):
    with h5py.File(tmp_path / "maps.h5", "w") as file:
        for name, images in result.stacks.items():
            file[f"entry/{name}"] = images
    return [f"{tmp_path}/maps.h5::/entry/{name}" for name in result.stacks]


def click_row(view, name):
    table = view.ranking_tab.table
    model = table.model()
    (row,) = [n for n in range(model.rowCount()) if model.index(n, STACK).data() == name]
    position = table.visualRect(model.index(row, STACK)).center()
    QTest.mouseClick(table.viewport(), qt.Qt.LeftButton, pos=position)
    return position


def test_before_a_run_there_is_a_sentence(view):
    assert view.message.isVisible()
    assert view.message.text() == "There is nothing to show yet: run the ranking first."
    assert not view.tabs.isVisible()


def test_a_message_stands_above_the_last_result_which_is_grayed(filled, result, wait_until):
    shown = filled.summary.text()
    wait_until(lambda: find_loaded_number(filled) == 5)
    before = filled.tabs.grab().toImage()
    filled.show_message("The run was cancelled.")
    assert (filled.banner.text(), filled.banner.isVisible()) == ("The run was cancelled.", True)
    assert filled.tabs.isVisible()
    assert filled.summary.text() == shown
    assert filled.tabs.grab().toImage() != before
    filled.selection.select_image(2)
    wait_until(lambda: find_loaded_number(filled) == 2)
    filled.show_message("Running...", outdated=False)
    assert not filled._veil.isVisible()
    filled.show_result(result.stacks, result.registrations)
    assert filled.tabs.isVisible()
    assert not filled.banner.isVisible()


def test_clicks_reach_what_is_grayed(filled):
    filled.show_message("The run failed.")
    click_row(filled, "Ca-K")
    assert filled.selection.stack == "Ca-K"


def test_images_and_motion_can_be_looked_at_before_the_ranking_ends(view, result, wait_until):
    view.show_preview(result.stacks, result.registrations)
    assert view.summary.text() == "Not ranked yet: images and motion can be looked at."
    wait_until(lambda: find_loaded_number(view) == 5)


def test_it_begins_with_the_best_stack_and_the_last_image(filled):
    assert (filled.selection.stack, filled.selection.image) == ("Fe-K", 5)
    assert filled.summary.text() == (
        "The registration of 'Fe-K' is the best of 2. All stacks are aligned with it."
    )


def test_a_click_in_the_table_drives_all_tabs(filled, result, wait_until):
    click_row(filled, "Ca-K")
    wait_until(lambda: find_loaded_number(filled) == 5)
    assert filled.images_tab.loaded.name == "Ca-K"
    numpy.testing.assert_array_equal(
        filled.images_tab.loaded.before.image, result.stacks["Ca-K"][5]
    )
    best, ca = (result.evaluation.stack_names.index(name) for name in ("Fe-K", "Ca-K"))
    numpy.testing.assert_array_equal(
        filled.per_image_tab.plot.getCurve("Fe-K").getYData(),
        result.evaluation.relative_error_per_image[best, ca],
    )
    assert filled.motion_tab.legend.currentItem().text() == "Ca-K"
    assert filled.stack_choice.currentText() == "Ca-K"


def test_the_list_of_stacks_drives_all_tabs(filled):
    filled.stack_choice.setFocus()
    filled.stack_choice.setCurrentIndex(0)
    filled.stack_choice.textActivated.emit("Ca-K")
    (index,) = filled.ranking_tab.table.selectionModel().selectedRows(STACK)
    assert index.data() == "Ca-K"
    assert filled.selection.stack == "Ca-K"


def test_the_slider_drives_all_tabs(filled):
    filled.images_tab.slider.slider.setValue(2)
    for plot in (filled.per_image_tab.plot, *filled.motion_tab.plots.values()):
        assert plot._getMarker("selected image").getXPosition() == 2


def test_a_double_click_asks_and_then_requests_the_registration(filled, application):
    requested = []
    filled.sigReferenceStackRequested.connect(requested.append)
    position = click_row(filled, "Ca-K")
    viewport = filled.ranking_tab.table.viewport()
    QTest.mouseDClick(viewport, qt.Qt.LeftButton, pos=position)
    (box,) = [box for box in filled.findChildren(qt.QMessageBox) if box.isVisible()]
    QTest.mouseClick(box.button(qt.QMessageBox.Yes), qt.Qt.LeftButton)
    application.processEvents()
    assert requested == ["Ca-K"]


def test_a_forced_registration_has_no_scores_but_everything_else(show, result):
    registrations = {"Fe-K": result.registrations["Fe-K"]}
    view = show(result.stacks, registrations, chosen=result.chosen, reference_stack="Fe-K")
    assert view.summary.text() == (
        "Nothing was ranked: all stacks are aligned with the registration of 'Fe-K', as requested."
    )
    assert view.ranking_tab.table.model().rowCount() == 2
    assert view.selection.stack == "Fe-K"
    assert len(view.images_tab.plots.after.getAllImages()) == 1
    assert view.motion_tab.plots["rows"].getCurve("Fe-K") is not None
    view.selection.select_stack("Ca-K")  # with the registration of another stack only
    assert view.images_tab.chosen_registration.isEnabled()
    assert not view.images_tab.own_registration.isEnabled()


def test_a_skipped_ranking_shows_each_stack_with_its_own_registration(show, result):
    view = show(result.stacks, result.registrations)
    assert (
        view.summary.text()
        == "Nothing was ranked: each stack keeps the registration that it was given."
    )
    assert view.selection.stack == "Ca-K"
    assert len(view.images_tab.plots.after.getAllImages()) == 1
    assert len(view.motion_tab.plots["rows"].getAllCurves()) == 2


def test_stacks_that_cannot_be_opened_are_explained_and_the_numbers_are_shown(
    view, result, tmp_path
):
    url = f"{tmp_path}/vanished.h5::/entry/Fe-K"
    view.show_result([url], result.registrations, **result.arguments())
    view.tabs.setCurrentWidget(view.images_tab)
    error = view.images_tab.error
    assert error.isVisible()
    assert error.text().startswith(f"Stack 'Fe-K' ({url}): there is no file")
    assert view.ranking_tab.table.model().rowCount() == 2
    assert view.per_image_tab.plot.getCurve("Fe-K") is not None
    assert "there is no file" in view.motion_tab.message.text()
    assert view.images_tab.slider.slider.maximum() == 5


def test_stacks_of_different_shapes_are_shown(show, result, wait_until):
    stacks = {"Ca-K": result.stacks["Ca-K"][:3, :20], "Fe-K": result.stacks["Fe-K"]}
    registrations = {"Ca-K": result.registrations["Ca-K"][:3], "Fe-K": result.registrations["Fe-K"]}
    view = show(stacks, registrations)
    assert view.images_tab.slider.slider.maximum() == 2
    view.selection.select_stack("Fe-K")
    wait_until(lambda: find_loaded_number(view) == 2)
    assert view.images_tab.slider.slider.maximum() == 5
    assert view.images_tab.plots.before.getAllImages()[0].getData().shape[:2] == (40, 44)


def test_a_new_result_stays_with_the_stack_and_the_image_that_were_looked_at(
    filled, result, wait_until
):
    filled.selection.select_stack("Ca-K")
    filled.selection.select_image(2)
    filled.show_result(result.stacks, result.registrations)
    assert (filled.selection.stack, filled.selection.image) == ("Ca-K", 2)
    wait_until(lambda: find_loaded_number(filled) == 2)
    stacks = {"Ca-K": result.stacks["Ca-K"][:2]}
    filled.show_result(stacks, {"Ca-K": result.registrations["Ca-K"][:2]})
    assert (filled.selection.stack, filled.selection.image) == ("Ca-K", 1)


def test_files_are_read_while_they_are_shown_and_closed_then(
    show, result, urls, tmp_path, wait_until
):
    view = show(urls, result.registrations, **result.arguments())
    numpy.testing.assert_array_equal(view.images_tab.loaded.before.image, result.stacks["Fe-K"][5])
    view.close_files()
    with h5py.File(tmp_path / "maps.h5", "r+"):  # HDF5 refuses what is open for reading
        pass
    # What is shown stays, and nobody reads what is closed.
    view.images_tab.slider.slider.setValue(1)
    view.selection.select_stack("Ca-K")
    wait_until(lambda: True)
    assert view.images_tab.error.text() == ""


def test_files_are_closed_with_the_window(show, result, urls, tmp_path):
    view = show(urls, result.registrations, **result.arguments())
    view.close()
    with h5py.File(tmp_path / "maps.h5", "r+"):
        pass


def test_an_image_that_cannot_be_read_any_more_is_explained(view, result, wait_until):
    stacks = {**result.stacks, "Ca-K": BrokenStack(result.stacks["Ca-K"], 0)}
    view.show_result(InputStacks(stacks), result.registrations, **result.arguments())
    view.selection.select_stack("Ca-K")
    wait_until(lambda: view.images_tab.error.text())
    assert view.images_tab.error.text().startswith("Stack 'Ca-K', image 0: ")


def test_images_of_a_result_that_was_replaced_do_not_arrive(view, result, wait_until):
    slow = GatedStack(result.stacks["Fe-K"])
    view.show_result(InputStacks({"Fe-K": slow}), {"Fe-K": result.registrations["Fe-K"]})
    wait_until(lambda: slow.asked)
    view.show_message("The run failed.")
    slow.open.set()
    view.close_files()
    wait_until(lambda: True)
    assert view.images_tab.loaded is None


def test_a_result_without_stacks_is_a_sentence(view):
    view.show_result({}, {})
    assert view.message.text() == "There are no image stacks to show."
    assert view.message.isVisible()
    view.show_result(3, {})
    assert view.message.text().startswith("Image stacks are a dictionary of arrays or URLs")


def test_a_dark_window_has_dark_plots(filled, application):
    dark = qt.QPalette(filled.palette())
    for role, color in (("Base", "#1e1e1e"), ("Text", "#e6e6e6"), ("WindowText", "#e6e6e6")):
        dark.setColor(getattr(qt.QPalette, role), qt.QColor(color))
    filled.setPalette(dark)
    application.processEvents()
    plots = (
        filled.images_tab.plots.before,
        filled.per_image_tab.plot,
        *filled.motion_tab.plots.values(),
    )
    for plot in plots:
        assert plot.getBackgroundColor().name() == "#1e1e1e"
        assert plot.getForegroundColor().name() == "#e6e6e6"
    legend = filled.motion_tab.legend.palette()
    assert legend.color(qt.QPalette.Base).name() == "#1e1e1e"
    assert legend.color(qt.QPalette.HighlightedText).name() == "#e6e6e6"


def test_it_can_be_made_inside_a_dark_window(application):
    window = qt.QWidget()
    dark = qt.QPalette()
    dark.setColor(qt.QPalette.Base, qt.QColor("#1e1e1e"))
    window.setPalette(dark)
    view = EvaluationView(window)
    assert view.per_image_tab.plot.getBackgroundColor().name() == "#1e1e1e"
    window.deleteLater()


def test_it_is_a_widget_that_needs_no_parent(application):
    view = EvaluationView()
    assert view.windowTitle() == "Post-Registration Evaluation"
    view.deleteLater()


def test_a_view_may_vanish_while_an_image_is_read(application, result, wait_until):
    slow = GatedStack(result.stacks["Fe-K"])
    view = EvaluationView()
    view.show_result(InputStacks({"Fe-K": slow}), {"Fe-K": result.registrations["Fe-K"]})
    wait_until(lambda: slow.asked)
    loader = view._loader
    view.deleteLater()
    application.sendPostedEvents(None, qt.QEvent.DeferredDelete)
    del view
    slow.open.set()
    loader.close_when_idle(lambda: None).result()
    wait_until(lambda: True)
