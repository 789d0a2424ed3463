"""The pictures before and after alignment: pixels, colors, slider and what is said of them."""

# ruff: noqa: E402
from ..qt_available import require_qt

require_qt()

import numpy
import pytest
from silx.gui import qt
from silx.gui.utils.testutils import QTest

from ewoksndreg.gui._image_modes import INVALID_COLOR
from ewoksndreg.gui._image_modes import Mode
from ewoksndreg.io import InputStacks

from .conftest import MOTION
from .conftest import BrokenStack
from .conftest import GatedStack
from .conftest import Result
from .conftest import find_loaded_number
from .conftest import moving_sample
from .conftest import shifts


@pytest.fixture
def images(show, result):
    view = show(result.stacks, result.registrations, **result.arguments())
    view.tabs.setCurrentWidget(view.images_tab)
    return view.images_tab


def align_by_hand(image, rows, columns):
    """Pixel p of the result is pixel p + shift of the image, NaN where there is none."""
    height, width = image.shape
    padded = numpy.pad(image, 10, constant_values=numpy.nan)
    return padded[10 + rows : 10 + rows + height, 10 + columns : 10 + columns + width]


def pixels(plot):
    (image,) = plot.getAllImages()
    return image.getData()


def choose(tab, mode):
    QTest.mouseClick(tab.mode_buttons[mode], qt.Qt.LeftButton)
    assert tab.mode is mode


def select(view, wait_until, number):
    view.images_tab.slider.slider.setValue(number)
    wait_until(lambda: find_loaded_number(view) == number)


def test_side_by_side_shows_the_image_as_measured_and_aligned(images, view, result, wait_until):
    choose(images, Mode.SIDE_BY_SIDE)
    for number in (5, 2, 0, 3):
        if number != view.selection.image:
            select(view, wait_until, number)
        measured = result.stacks["Fe-K"][number]
        numpy.testing.assert_array_equal(pixels(images.plots.before), measured)
        expected = align_by_hand(measured, *MOTION[number])
        numpy.testing.assert_array_equal(pixels(images.plots.after), expected)


def test_the_difference_is_to_image_0_before_and_after(images, view, result, wait_until):
    choose(images, Mode.DIFFERENCE)
    select(view, wait_until, 4)
    stack = result.stacks["Fe-K"]
    numpy.testing.assert_array_equal(pixels(images.plots.before), stack[4] - stack[0])
    after = pixels(images.plots.after)
    expected = align_by_hand(stack[4], *MOTION[4]) - stack[0]
    numpy.testing.assert_array_equal(after, expected)
    # They really are on top of each other.
    assert numpy.nanmax(numpy.abs(after)) < 1e-12


def test_the_overlay_is_gray_where_images_are_on_top_of_each_other(images):
    choose(images, Mode.OVERLAY)
    before, after = (
        pixels(plot)[..., :3].astype(int) for plot in (images.plots.before, images.plots.after)
    )
    invalid = (after == INVALID_COLOR).all(axis=2)
    assert 0 < invalid.mean() < 0.3
    assert (numpy.ptp(after[~invalid], axis=1) <= 1).all()
    assert (numpy.ptp(before, axis=2) > 30).mean() > 0.3


def test_blinking_alternates_both_images(images, view, result, wait_until):
    stack = result.stacks["Fe-K"]
    choose(images, Mode.BLINK)
    seen = set()

    def both_seen():
        picture = pixels(images.plots.before)
        title = images.plots.before_title.text()
        if numpy.array_equal(picture, stack[0]):
            assert title.startswith("Before: image 0\n")
            seen.add(0)
        else:
            numpy.testing.assert_array_equal(picture, stack[5])
            assert title.startswith("Before: image 5\n")
            seen.add(5)
        return seen == {0, 5}

    wait_until(both_seen)
    view.tabs.setCurrentWidget(view.ranking_tab)
    assert not images._blink.isActive()


def test_the_own_registration_of_the_stack_can_be_looked_at(images, view, result, wait_until):
    choose(images, Mode.SIDE_BY_SIDE)
    view.selection.select_stack("Ca-K")
    wait_until(lambda: find_loaded_number(view) == 5)
    stack = result.stacks["Ca-K"]
    expected = align_by_hand(stack[5], *MOTION[5])
    numpy.testing.assert_array_equal(pixels(images.plots.after), expected)
    assert images.chosen_registration.text() == "the chosen registration (Fe-K)"
    assert images.own_registration.text() == "its own registration (Ca-K)"
    images.own_registration.click()
    # What was registered from Ca-K is wrong: image 5 was moved by (0, 4).
    expected = align_by_hand(stack[5], 0, 4)
    wait_until(lambda: numpy.array_equal(pixels(images.plots.after), expected, equal_nan=True))


def test_the_title_says_how_similar_the_images_are(images, view, result):
    choose(images, Mode.OVERLAY)
    first, image = result.stacks["Fe-K"][[0, 5]]
    low, high = numpy.percentile(result.stacks["Fe-K"], (1, 99.5))
    before = numpy.corrcoef(*(numpy.clip(x, low, high).ravel() for x in (first, image)))[0, 1]
    assert images.plots.before_title.text() == (
        f"Before: image 5 over image 0\ncorrelation with image 0: {before:.3f}"
    )
    assert images.plots.after_title.text() == (
        "After: image 5 over image 0\ncorrelation with image 0: 1.000"
    )


def test_the_color_scale_does_not_change_with_the_image(images, view, result, wait_until):
    expected = tuple(numpy.percentile(result.stacks["Fe-K"], (1, 99.5)))
    half = (expected[1] - expected[0]) / 2
    for mode, limits in (
        (Mode.SIDE_BY_SIDE, expected),
        (Mode.BLINK, expected),
        (Mode.DIFFERENCE, (-half, half)),
    ):
        choose(images, mode)
        for number in (1, 3, 5):
            select(view, wait_until, number)
            for plot in (images.plots.before, images.plots.after):
                (image,) = plot.getAllImages()
                assert image.getColormap().getVRange() == pytest.approx(limits)


@pytest.mark.parametrize("mode", [Mode.SIDE_BY_SIDE, Mode.BLINK, Mode.DIFFERENCE])
def test_invalid_pixels_have_a_color_that_no_value_has(images, mode):
    choose(images, mode)
    (image,) = images.plots.after.getAllImages()
    colors = image.getRgbaImageData(copy=False)[..., :3]
    invalid = numpy.isnan(image.getData())
    assert 0 < invalid.mean() < 0.3
    assert (colors[invalid] == INVALID_COLOR).all()
    every_color = image.getColormap().getNColors(256)[:, :3]
    assert not (every_color == INVALID_COLOR).all(axis=1).any()
    assert "invalid, or outside the image" in images.explanation.text()


def test_rows_run_down_and_pixels_are_square(images, application):
    choose(images, Mode.SIDE_BY_SIDE)
    application.processEvents()
    for plot in (images.plots.before, images.plots.after):
        left, top = plot.dataToPixel(0, 0, check=False)
        right, bottom = plot.dataToPixel(30, 30, check=False)
        assert bottom > top
        assert bottom - top == pytest.approx(right - left, rel=0.02)


def test_the_whole_image_is_in_sight_also_after_the_window_was_resized(
    images, view, wait_until, application
):
    def whole_image():
        left, right, top, bottom = limits = images.plots.before.limits()
        inside = max(left, top) <= -0.49 and right >= 43.49 and bottom >= 39.49
        tight = min((right - left) - 44, (bottom - top) - 40) < 0.1
        return inside and tight and limits == pytest.approx(images.plots.after.limits(), abs=0.1)

    wait_until(whole_image)
    view.resize(800, 900)
    wait_until(whole_image)
    view.resize(1400, 600)
    wait_until(whole_image)


def test_a_stack_of_another_shape_is_in_sight_as_a_whole(show, result, wait_until):
    images = result.stacks["Fe-K"]
    view = show({"Ca-K": images, "Fe-K": images[:, :15]}, result.registrations)
    view.selection.select_stack("Fe-K")  # while another tab is in front
    wait_until(lambda: find_loaded_number(view) == 5)
    view.tabs.setCurrentWidget(view.images_tab)
    plots = view.images_tab.plots

    def tight():
        # Square pixels leave no space beyond the width of the image.
        return plots.before.limits() == plots.after.limits() and plots.after.limits()[
            :2
        ] == pytest.approx((-0.5, 43.5), abs=0.5)

    wait_until(tight)


def test_both_pictures_are_zoomed_together_and_stay_so_at_the_next_image(
    images, view, wait_until, application
):
    before, after = images.plots.before, images.plots.after
    after.setLimits(10, 20, 12, 22)
    application.processEvents()
    zoomed = after.limits()
    assert zoomed[1] - zoomed[0] < 20
    assert before.limits() == pytest.approx(zoomed, abs=0.5)
    select(view, wait_until, 2)
    assert after.limits() == pytest.approx(zoomed, abs=0.5)
    images.plots.reset_zoom()
    assert before.limits()[0] <= -0.4


def test_the_pictures_keep_their_place_in_all_modes(images, application):
    sizes = set()
    for mode in Mode:
        choose(images, mode)
        application.processEvents()
        sizes.add((images.plots.before.width(), images.plots.after.width()))
    assert len(sizes) == 1


@pytest.mark.parametrize(("stacks", "number"), [(2, 6), (5, 2), (1, 3), (3, 1)])
def test_the_slider_has_one_place_for_each_image(show, stacks, number):
    names = [f"stack {n}" for n in range(stacks)]
    view = show(
        {name: moving_sample(number) for name in names},
        {name: shifts(MOTION[:number]) for name in names},
    )
    slider = view.images_tab.slider
    for widget in (slider.slider, slider.number):
        assert (widget.minimum(), widget.maximum()) == (0, number - 1)
        assert widget.value() == view.selection.image == number - 1
        assert widget.isEnabled() == (number > 1)
    assert view.stack_choice.count() == stacks


def test_slider_and_number_move_together(images, view, wait_until):
    QTest.keyClick(images.slider.slider, qt.Qt.Key_Home)
    assert (images.slider.number.value(), view.selection.image) == (0, 0)
    QTest.keyClick(images.slider.slider, qt.Qt.Key_Right)
    assert (images.slider.number.value(), view.selection.image) == (1, 1)
    QTest.keyClick(images.slider.number, qt.Qt.Key_Up)
    assert (images.slider.slider.value(), view.selection.image) == (2, 2)
    wait_until(lambda: find_loaded_number(view) == 2)


def test_a_slow_stack_does_not_hold_up_the_window(view, result, wait_until):
    slow = GatedStack(result.stacks["Fe-K"])
    stacks = InputStacks({"Ca-K": slow, "Fe-K": slow})
    view.show_result(stacks, result.registrations, **result.arguments())
    view.tabs.setCurrentWidget(view.images_tab)
    wait_until(lambda: view.images_tab.reading.text() == "reading image 5…")
    # The window goes on.
    view.images_tab.slider.slider.setValue(3)
    view.selection.select_stack("Ca-K")
    QTest.mouseClick(view.images_tab.mode_buttons[Mode.DIFFERENCE], qt.Qt.LeftButton)
    wait_until(lambda: view.images_tab.reading.text() == "reading image 3…")
    assert view.ranking_tab.table.selectionModel().selectedRows(1)[0].data() == "Ca-K"
    assert view.images_tab.loaded is None
    slow.open.set()
    wait_until(lambda: find_loaded_number(view) == 3)
    assert view.images_tab.reading.text() == ""


def test_an_image_that_cannot_be_read_is_explained_and_the_next_one_is_shown(
    view, result, wait_until
):
    stacks = InputStacks({"Fe-K": BrokenStack(result.stacks["Fe-K"], broken=5)})
    view.show_result(stacks, {"Fe-K": result.registrations["Fe-K"]})
    view.tabs.setCurrentWidget(view.images_tab)
    error = view.images_tab.error
    wait_until(lambda: error.text() == "Stack 'Fe-K', image 5: the file has vanished")
    assert error.isVisible()
    assert not view.images_tab.plots.isVisible()
    select(view, wait_until, 4)
    assert view.images_tab.plots.isVisible()
    assert not error.isVisible()


def test_a_stack_without_a_registration_shows_what_was_measured(show, result):
    registrations = {"Ca-K": [], "Fe-K": result.registrations["Fe-K"]}
    view = show(result.stacks, registrations)
    images = view.images_tab
    assert not images.chosen_registration.isEnabled()
    assert not images.own_registration.isEnabled()
    assert images.plots.after_title.text() == "After: there is no registration"
    assert len(images.plots.before.getAllImages()) == 1
    assert images.plots.after.getAllImages() == []


def test_images_that_must_not_be_written_are_shown(show, result):
    images = result.stacks["Fe-K"].astype(numpy.float32)
    images.flags.writeable = False
    view = show({"Fe-K": images}, {"Fe-K": result.registrations["Fe-K"]})
    choose(view.images_tab, Mode.SIDE_BY_SIDE)
    (image,) = view.images_tab.plots.before.getAllImages()
    assert image.getRgbaImageData(copy=False).shape == (40, 44, 4)
    numpy.testing.assert_array_equal(image.getData(), images[5])


def test_names_are_text_and_neither_html_nor_keys(show):
    name = "<b>Fe</b> & 'K'"
    result = Result()
    view = show(
        {name: result.stacks["Fe-K"]}, {name: result.registrations["Fe-K"]}, reference_stack=name
    )
    assert view.images_tab.own_registration.text() == "its own registration (<b>Fe</b> && 'K')"
    assert view.summary.textFormat() == qt.Qt.PlainText
    assert repr(name) in view.summary.text()
