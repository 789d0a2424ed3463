"""The whole view: every branch shows something, and all tabs show the same."""

# ruff: noqa: E402
from ..qt_available import require_qt

require_qt()

import csv
import time

import h5py
import numpy
import pytest
from orangecanvas.styles import breeze_dark
from silx.gui import qt
from silx.gui.utils.testutils import QTest

from ewoksndreg import register_stack
from ewoksndreg.gui import EvaluationView
from ewoksndreg.gui._ranking_table import NAME
from ewoksndreg.gui._ranking_table import NOTE
from ewoksndreg.io import InputStacks

from .conftest import MOTION
from .conftest import BrokenStack
from .conftest import GatedStack
from .conftest import contrast
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
    (row,) = [n for n in range(model.rowCount()) if model.index(n, NAME).data() == name]
    position = table.visualRect(model.index(row, NAME)).center()
    QTest.mouseClick(table.viewport(), qt.Qt.LeftButton, pos=position)
    return position


def test_before_a_run_there_is_a_sentence(view):
    assert view.message.isVisible()
    assert view.message.text() == "There is nothing to show yet: run the ranking first."
    assert not view.tabs.isVisible()


def gray_level(view):
    """How much darker than white the darkest pixel of the text on top of the ranking is."""
    image = view.summary.grab().toImage()
    image = view.grab(qt.QRect(view.summary.mapTo(view, qt.QPoint(0, 0)), image.size())).toImage()
    return min(
        image.pixelColor(x, y).lightness()
        for x in range(0, min(200, image.width()))
        for y in range(image.height())
    )


def test_a_message_never_hides_a_result(filled, result, application, wait_until):
    application.processEvents()
    black = gray_level(filled)
    filled.show_message("The run was cancelled.")
    application.processEvents()
    assert (filled.banner.text(), filled.banner.isVisible()) == ("The run was cancelled.", True)
    assert filled.tabs.isVisible()
    assert gray_level(filled) > black + 60
    # It can still be looked at.
    filled.tabs.setCurrentWidget(filled.images_tab)
    filled.slider.slider.setValue(1)
    wait_until(lambda: find_loaded_number(filled) == 1)
    click_row(filled, "Ca-K")
    assert filled.selection.registration == "Ca-K"
    filled.show_result(result.stacks, result.registrations)
    assert filled.tabs.isVisible()
    assert not filled.banner.isVisible()
    wait_until(lambda: find_loaded_number(filled) == 1)


def test_a_result_that_is_still_valid_is_not_grayed(filled):
    filled.show_message("Saved in aligned.h5", outdated=False)
    assert filled.banner.isVisible()
    assert not filled._veil.isVisible()


def test_images_and_motion_can_be_looked_at_before_the_ranking_ends(view, result, wait_until):
    view.show_preview(result.stacks, result.registrations)
    assert view.summary.text() == "Not ranked yet: images and motion can be viewed."
    wait_until(lambda: find_loaded_number(view) == 5)


def test_it_begins_with_the_best_stack_and_the_last_image(filled):
    assert (filled.selection.stack, filled.selection.image) == ("Fe-K", 5)
    assert filled.summary.text() == (
        "The registration of 'Fe-K' is the best of 2. All stacks are aligned with it."
    )


def test_a_click_in_the_table_drives_all_tabs(filled, result, wait_until):
    click_row(filled, "Ca-K")
    assert filled.motion_tab.legend.currentItem().text() == "Ca-K"
    assert filled.images_tab.side_b.choice.currentData() == "Ca-K"
    assert filled.per_image_tab.plot.getCurve("Ca-K") is not None


def test_the_list_of_stacks_drives_images_and_errors(filled, result, wait_until):
    filled.stack_choice.setFocus()
    QTest.keyClick(filled.stack_choice, qt.Qt.Key_Up)
    wait_until(lambda: find_loaded_number(filled) == 5)
    assert filled.images_tab.loaded.name == "Ca-K"
    numpy.testing.assert_array_equal(
        filled.images_tab.loaded.pairs[0].image, result.stacks["Ca-K"][5]
    )
    best, ca = (result.evaluation.stack_names.index(name) for name in ("Fe-K", "Ca-K"))
    numpy.testing.assert_array_equal(
        filled.per_image_tab.plot.getCurve("Fe-K").getYData(),
        result.evaluation.relative_error_per_image[best, ca],
    )
    assert filled.stack_choice.currentText() == "Ca-K"


def test_the_slider_drives_all_tabs(filled):
    filled.slider.slider.setValue(2)
    for plot in (filled.per_image_tab.plot, *filled.motion_tab.plots.values()):
        assert plot._getMarker("selected image").getXPosition() == 2


def test_choosing_moves_the_mark_and_keeps_the_ranking(filled, result, wait_until):
    requested = []
    filled.sigReferenceStackRequested.connect(requested.append)
    click_row(filled, "Ca-K")
    start = time.perf_counter()
    QTest.mouseClick(filled.ranking_tab.choose, qt.Qt.LeftButton)
    assert time.perf_counter() - start < 1
    assert requested == ["Ca-K"]
    model = filled.ranking_tab.table.model()
    assert [model.index(row, NAME).data() for row in range(2)] == ["Fe-K", "Ca-K"]
    assert [model.index(row, NOTE).data() for row in range(2)] == ["best", "chosen"]
    assert filled.summary.text() == (
        "The registration of 'Fe-K' is the best of 2. All stacks are aligned with the registration"
        " of 'Ca-K'."
    )
    assert filled.images_tab.side_b.choice.currentText() == "✓ Ca-K"
    with pytest.raises(ValueError, match="There is no registration 'Zn' to choose"):
        filled.choose("Zn")


def test_a_double_click_and_the_return_key_choose(filled):
    requested = []
    filled.sigReferenceStackRequested.connect(requested.append)
    position = click_row(filled, "Ca-K")
    viewport = filled.ranking_tab.table.viewport()
    QTest.mouseDClick(viewport, qt.Qt.LeftButton, pos=position)
    click_row(filled, "Fe-K")
    QTest.keyClick(viewport, qt.Qt.Key_Return)
    assert requested == ["Ca-K", "Fe-K"]


def test_all_tabs_are_visible_beside_the_panel_of_inputs(show, settle, result):
    name = "Zn-K, measured with a very long name of a channel"
    images = result.stacks["Fe-K"]
    view = show({name: images}, {name: result.registrations["Fe-K"]})
    view.resize(780, 750)  # the panel of inputs in a window of 1100 px takes the rest
    settle()
    bar = view.tabs.tabBar()
    assert bar.tabRect(bar.count() - 1).right() <= bar.width()


def test_the_keys(filled, application, wait_until):
    table = filled.ranking_tab.table
    table.setFocus()
    QTest.keyClick(table, qt.Qt.Key_Left)
    QTest.keyClick(table, qt.Qt.Key_Left)
    QTest.keyClick(table, qt.Qt.Key_Right)
    assert filled.selection.image == 4
    QTest.keyClick(filled, qt.Qt.Key_Space)
    assert filled.tabs.currentWidget() is filled.images_tab
    assert filled.images_tab._blink.isActive()
    QTest.keyClick(filled, qt.Qt.Key_Space)
    assert not filled.images_tab._blink.isActive()
    for key, tab in (("K", filled.ranking_tab), ("M", filled.motion_tab), ("I", filled.images_tab)):
        QTest.keyClick(filled, key, qt.Qt.AltModifier)
        application.processEvents()
        assert filled.tabs.currentWidget() is tab


def test_every_key_with_alt_has_one_meaning(filled):
    keys = [
        text[text.index("&") + 1].upper()
        for widget in filled.findChildren(qt.QWidget)
        for text in [widget.text() if hasattr(widget, "text") else ""]
        if isinstance(widget, qt.QAbstractButton) or getattr(widget, "buddy", lambda: None)()
        if "&" in text
    ]
    keys.extend(
        text[text.index("&") + 1].upper()
        for text in map(filled.tabs.tabText, range(filled.tabs.count()))
    )
    assert len(keys) > 12
    visible_apart = {"D", "E"}  # of two tabs
    assert {key for key in keys if keys.count(key) > 1} <= visible_apart


def test_the_table_is_copied_with_tabs(filled, result, application):
    filled.ranking_tab.table.setFocus()
    QTest.keyClick(filled.ranking_tab.table, qt.Qt.Key_C, qt.Qt.ControlModifier)
    head, *rows = (line.split("\t") for line in application.clipboard().text().splitlines())
    assert [row[1] for row in rows] == ["Fe-K", "Ca-K"]
    for row in rows:
        copied = {key: float(value) for key, value in zip(head[2:-1], row[2:-1], strict=True)}
        assert copied == result.evaluation.scores()[row[1]]


def save_as(action, path):
    """Answer the dialog that an action opens."""

    def answer():
        (dialog,) = [
            each
            for each in qt.QApplication.topLevelWidgets()
            if isinstance(each, qt.QFileDialog) and each.isVisible()
        ]
        dialog.findChild(qt.QLineEdit).setText(str(path))
        dialog.accept()

    qt.QTimer.singleShot(300, answer)
    action.trigger()


def test_scores_and_the_chosen_registration_are_saved(filled, result, tmp_path):
    save_as(filled.save_scores, tmp_path / "scores")
    with open(tmp_path / "scores.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        for key, value in result.evaluation.scores()[row["registration"]].items():
            assert float(row[key]) == value
    save_as(filled.save_registration, tmp_path / "shifts.csv")
    saved = numpy.loadtxt(tmp_path / "shifts.csv", delimiter=",", skiprows=1)
    expected = [each.passive_matrix for each in result.registrations["Fe-K"]]
    numpy.testing.assert_array_equal(saved[:, 1:].reshape(-1, 3, 3), expected)


def test_a_report_is_saved(filled, tmp_path):
    save_as(filled.save_report, tmp_path / "report.html")
    assert "best registration is <strong>Fe-K</strong>" in (tmp_path / "report.html").read_text()
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]


def test_a_click_on_the_slider_jumps(filled):
    slider = filled.slider.slider
    QTest.mouseClick(slider, qt.Qt.LeftButton, pos=qt.QPoint(3, slider.height() // 2))
    assert filled.selection.image == 0
    middle = qt.QPoint(slider.width() * 3 // 5, slider.height() // 2)
    QTest.mouseClick(slider, qt.Qt.LeftButton, pos=middle)
    assert filled.selection.image == 3


def test_play_goes_through_all_images_and_begins_again(filled, wait_until):
    seen = []
    filled.selection.sigImageChanged.connect(seen.append)
    QTest.mouseClick(filled.slider.play, qt.Qt.LeftButton)
    wait_until(lambda: len(seen) >= 7)
    QTest.mouseClick(filled.slider.play, qt.Qt.LeftButton)
    assert seen[:7] == [0, 1, 2, 3, 4, 5, 0]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_is_legible(filled, application, theme):
    if theme == "dark":
        filled.setPalette(breeze_dark())
    application.processEvents()
    checked = 0
    for widget in (*filled.findChildren(qt.QWidget), filled):
        palette = widget.palette()
        palette.setCurrentColorGroup(qt.QPalette.Active)
        for text, background in (
            (palette.windowText(), palette.window()),
            (palette.text(), palette.base()),
            (palette.text(), palette.alternateBase()),
            (palette.buttonText(), palette.button()),
        ):
            assert contrast(text.color(), background.color()) >= 4.5
            checked += 1
    for rows in (filled.ranking_tab.table, filled.motion_tab.legend):
        palette = rows.palette()
        assert contrast(palette.highlightedText().color(), palette.highlight().color()) >= 4.5
    filled.show_message("The run failed.")
    application.processEvents()
    image = filled.banner.grab().toImage()
    colors = [image.pixelColor(x, y) for x in range(100) for y in range(image.height())]
    lightest = max(colors, key=lambda color: color.lightness())
    darkest = min(colors, key=lambda color: color.lightness())
    assert contrast(lightest, darkest) >= 4.5
    assert checked > 100


def test_a_forced_registration_has_no_scores_but_everything_else(show, result):
    registrations = {"Fe-K": result.registrations["Fe-K"]}
    view = show(result.stacks, registrations, reference_stack="Fe-K")
    assert view.summary.text() == (
        "Nothing was ranked: all stacks are aligned with the registration of 'Fe-K', as requested."
    )
    assert view.ranking_tab.table.model().rowCount() == 2
    assert view.selection.stack == "Fe-K"
    assert len(view.images_tab.side_b.plot.getAllImages()) == 1
    assert view.motion_tab.plots["rows"].getCurve("Fe-K") is not None
    view.selection.select_stack("Ca-K")  # with the registration of another stack only
    assert view.images_tab.side_b.choice.currentData() == "Fe-K"
    assert view.images_tab.side_b.choice.count() == 1


def test_a_skipped_ranking_shows_each_stack_with_its_own_registration(show, result):
    view = show(result.stacks, result.registrations)
    assert (
        view.summary.text()
        == "Nothing was ranked: each stack keeps the registration that it was given."
    )
    assert view.selection.stack == "Ca-K"
    assert len(view.images_tab.side_b.plot.getAllImages()) == 1
    assert len(view.motion_tab.plots["rows"].getAllCurves()) == 2


def test_what_registering_returned_is_shown(show, result):
    view = show(result.stacks, {name: register_stack(s) for name, s in result.stacks.items()})
    rows, _ = numpy.array(MOTION, dtype=float).T
    shown = view.motion_tab.plots["rows"].getCurve("Fe-K").getYData()
    numpy.testing.assert_allclose(shown, -rows, atol=0.2)


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
    assert view.slider.slider.maximum() == 5


def test_stacks_of_different_shapes_are_shown(show, result, wait_until):
    stacks = {"Ca-K": result.stacks["Ca-K"][:3, :20], "Fe-K": result.stacks["Fe-K"]}
    registrations = {"Ca-K": result.registrations["Ca-K"][:3], "Fe-K": result.registrations["Fe-K"]}
    view = show(stacks, registrations)
    assert view.slider.slider.maximum() == 2
    view.selection.select_stack("Fe-K")
    wait_until(lambda: find_loaded_number(view) == 2)
    assert view.images_tab.side_b.choice.currentData() == "Fe-K"  # the only one that fits
    assert view.slider.slider.maximum() == 5
    assert view.images_tab.side_a.plot.getAllImages()[0].getData().shape[:2] == (40, 44)


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
    numpy.testing.assert_array_equal(
        view.images_tab.loaded.pairs[0].image, result.stacks["Fe-K"][5]
    )
    view.close_files()
    with h5py.File(tmp_path / "maps.h5", "r+"):  # HDF5 refuses what is open for reading
        pass
    # What is shown stays, and nobody reads what is closed.
    view.slider.slider.setValue(1)
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
        filled.images_tab.side_a.plot,
        filled.per_image_tab.plot,
        *filled.motion_tab.plots.values(),
    )
    for plot in plots:
        assert plot.getBackgroundColor().name() == "#1e1e1e"
        assert (plot.getForegroundColor().name() == "#e6e6e6") == plot.isAxesDisplayed()
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
