"""The pictures before and after alignment: pixels, colors, slider and what is said of them."""

# ruff: noqa: E402
from ..qt_available import require_qt

require_qt()

from types import SimpleNamespace

import numpy
import pytest
from silx.gui import qt
from silx.gui.utils.testutils import QTest

from ewoksndreg.gui._colors import INVALID
from ewoksndreg.gui._image_modes import Mode
from ewoksndreg.io import InputStacks

from .conftest import MOTION
from .conftest import BrokenStack
from .conftest import GatedStack
from .conftest import Result
from .conftest import contrast
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


def click(button):
    """On its box; the place beside its words does nothing."""
    QTest.mouseClick(button, qt.Qt.LeftButton, pos=qt.QPoint(8, button.height() // 2))


def choose(tab, mode):
    click(tab.mode_buttons[mode])
    assert tab._display.mode is mode


def select(view, wait_until, number):
    view.slider.slider.setValue(number)
    wait_until(lambda: find_loaded_number(view) == number)


def test_alone_the_image_is_shown_as_measured_and_aligned(images, view, result, wait_until):
    choose(images, Mode.IMAGE)
    for number in (5, 2, 0, 3):
        if number != view.selection.image:
            select(view, wait_until, number)
        measured = result.stacks["Fe-K"][number]
        numpy.testing.assert_array_equal(pixels(images.side_a.plot), measured)
        expected = align_by_hand(measured, *MOTION[number])
        numpy.testing.assert_array_equal(pixels(images.side_b.plot), expected)


def test_the_difference_is_to_image_0_before_and_after(images, view, result, wait_until):
    choose(images, Mode.DIFFERENCE)
    select(view, wait_until, 4)
    stack = result.stacks["Fe-K"]
    numpy.testing.assert_array_equal(pixels(images.side_a.plot), stack[4] - stack[0])
    after = pixels(images.side_b.plot)
    expected = align_by_hand(stack[4], *MOTION[4]) - stack[0]
    numpy.testing.assert_array_equal(after, expected)
    # They really are on top of each other.
    assert numpy.nanmax(numpy.abs(after)) < 1e-12


def test_the_overlay_is_gray_where_images_are_on_top_of_each_other(images):
    choose(images, Mode.OVERLAY)
    before, after = (
        pixels(plot)[..., :3].astype(int) for plot in (images.side_a.plot, images.side_b.plot)
    )
    invalid = (after == INVALID).all(axis=2)
    assert 0 < invalid.mean() < 0.3
    assert (numpy.ptp(after[~invalid], axis=1) <= 1).all()
    assert (numpy.ptp(before, axis=2) > 30).mean() > 0.3


def test_blinking_alternates_both_images(images, view, result, wait_until):
    stack = result.stacks["Fe-K"]
    choose(images, Mode.BLINK)
    seen = set()

    def both_seen():
        picture = pixels(images.side_a.plot)
        if numpy.array_equal(picture, stack[0]):
            seen.add(0)
        else:
            numpy.testing.assert_array_equal(picture, stack[5])
            seen.add(5)
        return seen == {0, 5}

    wait_until(both_seen)
    view.tabs.setCurrentWidget(view.ranking_tab)
    assert not images._blink.isActive()


def choose_from(choice, name):
    """Two clicks: on the list and on an item of it."""
    QTest.mouseClick(choice, qt.Qt.LeftButton)
    items = choice.view()
    QTest.qWait(qt.QApplication.doubleClickInterval() + 100)  # else it is one double click
    place = items.visualRect(choice.model().index(choice.findData(name), 0))
    QTest.mouseClick(items.viewport(), qt.Qt.LeftButton, pos=place.center())


def test_any_two_registrations_are_compared_on_any_stack(images, view, result, wait_until):
    choose(images, Mode.IMAGE)
    view.selection.select_stack("Ca-K")
    wait_until(lambda: find_loaded_number(view) == 5)
    stack = result.stacks["Ca-K"]
    numpy.testing.assert_array_equal(pixels(images.side_a.plot), stack[5])
    numpy.testing.assert_array_equal(
        pixels(images.side_b.plot), align_by_hand(stack[5], *MOTION[5])
    )
    # What was registered from Ca-K is wrong: image 5 was moved by (0, 4).
    wrong = align_by_hand(stack[5], 0, 4)
    choose_from(images.side_b.choice, "Ca-K")
    wait_until(lambda: numpy.array_equal(pixels(images.side_b.plot), wrong, equal_nan=True))
    assert view.selection.registration == "Ca-K"
    choose_from(images.side_a.choice, "Fe-K")
    good = align_by_hand(stack[5], *MOTION[5])
    wait_until(lambda: numpy.array_equal(pixels(images.side_a.plot), good, equal_nan=True))
    numpy.testing.assert_array_equal(pixels(images.side_b.plot), wrong)


def test_the_refined_registration_can_be_looked_at(show, result, wait_until):
    moved = shifts([(r, c + 1) for r, c in MOTION])
    refinement = SimpleNamespace(accepted=True, transformations=moved)
    view = show(result.stacks, result.registrations, **result.arguments(), refinement=refinement)
    images = view.images_tab
    choose(images, Mode.IMAGE)
    expected = align_by_hand(result.stacks["Fe-K"][5], 4, 1)
    numpy.testing.assert_array_equal(pixels(images.side_b.plot), expected)
    assert [images.side_b.choice.itemText(n) for n in range(3)] == [
        "✓ Fe-K, refined",
        "★ Fe-K",
        "Ca-K",
    ]
    difference = view.motion_tab.plots["columns"]
    view.motion_tab.difference.setChecked(True)
    numpy.testing.assert_allclose(
        difference.getCurve("Fe-K, refined").getYData(), [0] * 6, atol=1e-9
    )


def test_the_title_says_how_similar_the_images_are(images, view, result):
    first, image = result.stacks["Fe-K"][[0, 5]]
    low, high = numpy.percentile(result.stacks["Fe-K"], (1, 99.5))
    before = numpy.corrcoef(*(numpy.clip(x, low, high).ravel() for x in (first, image)))[0, 1]
    assert images.correlations[0].text() == f"A: r = {before:.3f}"
    assert images.correlations[1].text() == "B: r = 1.000"


def share_of_window(view, plot):
    height, width = pixels(plot).shape[:2]
    left, top = plot.dataToPixel(-0.5, -0.5, check=False)
    right, bottom = plot.dataToPixel(width - 0.5, height - 0.5, check=False)
    assert 0 <= left < right <= plot.width() + 1
    assert 0 <= top < bottom <= plot.height() + 1
    return (right - left) * (bottom - top) / (view.width() * view.height())


@pytest.mark.parametrize("shape", [(400, 520), (2048, 2048)])
def test_pictures_fill_the_window(show, settle, shape):
    stack = numpy.zeros((2, *shape), numpy.uint8)
    stack[:, ::7] = 1
    view = show({"a": stack}, {"a": shifts([(0, 0), (1, 0)])})
    images = view.images_tab
    view.tabs.setCurrentWidget(images)
    settle()
    assert (view.width(), view.height()) == (1100, 750)
    for side in (images.side_a, images.side_b):
        assert share_of_window(view, side.plot) >= 0.2
        assert not side.plot.isAxesDisplayed()
    for button, side in zip(images.side_buttons[1:], (images.side_a, images.side_b), strict=True):
        click(button)
        settle()
        assert share_of_window(view, side.plot) >= 0.45
    click(images.side_buttons[0])
    settle()
    assert images.side_a.isVisible()
    assert images.side_b.isVisible()


@pytest.mark.parametrize("shape", [(300, 900), (200, 1000)])
def test_wide_pictures_are_above_each_other(show, settle, shape):
    stack = numpy.zeros((2, *shape), numpy.uint8)
    view = show({"a": stack}, {"a": shifts([(0, 0), (1, 0)])})
    view.tabs.setCurrentWidget(view.images_tab)
    settle()
    for side in view.images_tab.plots.sides:
        assert share_of_window(view, side.plot) >= 0.2
    first, second = (side.geometry() for side in view.images_tab.plots.sides)
    assert first.bottom() < second.top()
    view.resize(1366, 500)
    settle()
    first, second = (side.geometry() for side in view.images_tab.plots.sides)
    assert (first.bottom() < second.top()) == (shape == (200, 1000))


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_nothing_is_beside_the_pictures(images, settle, theme):
    if theme == "dark":
        palette = images.palette()
        palette.setColor(qt.QPalette.Base, qt.QColor("black"))
        palette.setColor(qt.QPalette.Text, qt.QColor("white"))
        images.setPalette(palette)
    settle()
    picture = images.side_a.plot.getWidgetHandle().grab().toImage()
    _, top = images.side_a.plot.dataToPixel(-0.5, -0.5, check=False)
    colors = {
        picture.pixelColor(x, y).name() for x in range(picture.width()) for y in range(int(top) - 2)
    }
    assert colors == {images.palette().color(qt.QPalette.Base).name()}


def test_the_color_bar_is_hidden_beside_red_and_blue(images):
    for mode in Mode:
        choose(images, mode)
        assert images.color_bar.isVisible() == (mode is not Mode.OVERLAY)


def test_the_mouse_shows_the_values_in_both_pictures(images, view, result, application):
    plot = images.side_b.plot
    x, y = plot.dataToPixel(7, 12)
    QTest.mouseMove(plot.getWidgetHandle(), qt.QPoint(round(x), round(y)))
    application.processEvents()
    stack = result.stacks["Fe-K"]
    image, first = stack[5], stack[0]
    aligned = align_by_hand(image, *MOTION[5])
    assert images.values.text().split("   |   ") == [
        "row 12, column 7",
        f"A: image {image[12, 7]:.6g}, reference {first[12, 7]:.6g}",
        f"B: image {aligned[12, 7]:.6g}, reference {first[12, 7]:.6g}",
    ]


def drag(plot, start, end):
    widget = plot.getWidgetHandle()
    (x0, y0), (x1, y1) = (map(round, plot.dataToPixel(*place)) for place in (start, end))
    QTest.mouseMove(widget, qt.QPoint(x0, y0))
    QTest.mousePress(widget, qt.Qt.LeftButton, pos=qt.QPoint(x0, y0))
    for x, y in ((x0 + (x1 - x0) // 2, y0), (x1, y1)):
        QTest.mouseMove(widget, qt.QPoint(x, y))
    QTest.mouseRelease(widget, qt.Qt.LeftButton, pos=qt.QPoint(x1, y1))


def test_the_line_between_the_images_is_dragged_in_both_pictures(images, result, settle):
    choose(images, Mode.SWIPE)
    settle()
    drag(images.side_a.plot, (21.5, 20), (10, 20))
    settle()
    lines = {
        side.plot._getMarker("swipe").getXPosition() for side in (images.side_a, images.side_b)
    }
    (column,) = lines
    assert column == pytest.approx(10, abs=0.6)
    stack, shown = result.stacks["Fe-K"], pixels(images.side_a.plot)
    numpy.testing.assert_array_equal(shown[:, :9], stack[0][:, :9])
    numpy.testing.assert_array_equal(shown[:, 12:], stack[5][:, 12:])


def test_differences_four_times_as_strong_and_images_on_their_own_scales(images, result):
    choose(images, Mode.DIFFERENCE)
    (image,) = images.side_a.plot.getAllImages()
    low, high = image.getColormap().getVRange()
    click(images.amplified)
    assert image.getColormap().getVRange() == pytest.approx((low / 4, high / 4))
    choose(images, Mode.OVERLAY)
    before = pixels(images.side_a.plot)
    click(images.own_scale)
    first, last = (
        (each - low) / (high - low)
        for each in result.stacks["Fe-K"][[0, 5]]
        for low, high in [numpy.percentile(each, (1, 99.5))]
    )
    shown = pixels(images.side_a.plot)
    assert (shown != before).any()
    for channel, expected in ((0, first), (2, last)):
        numpy.testing.assert_allclose(
            shown[..., channel], 255 * numpy.clip(expected, 0, 1), atol=0.51
        )


def test_colors_that_the_user_has_set_stay_at_the_next_image(images, view, wait_until):
    choose(images, Mode.IMAGE)
    (image,) = images.side_a.plot.getAllImages()
    image.getColormap().setName("viridis")
    image.getColormap().setVRange(0.1, 0.2)
    select(view, wait_until, 2)
    for side in (images.side_a, images.side_b):
        (image,) = side.plot.getAllImages()
        assert (image.getColormap().getName(), image.getColormap().getVRange()) == (
            "viridis",
            (0.1, 0.2),
        )


def test_every_picture_has_the_tools_that_silx_users_reach_for(images, application):
    choose(images, Mode.IMAGE)
    for side in (images.side_a, images.side_b):
        tools = side.tools
        tools.copy.trigger()
        assert not application.clipboard().image().isNull()
        for action in (tools.reset_zoom, tools.colormap, tools.save, tools.copy, tools.print):
            assert action.isEnabled()
        assert [a for a in tools.profile_button.menu().actions() if a.isEnabled()]


def test_a_profile_is_drawn(images, settle, application):
    choose(images, Mode.IMAGE)
    side = images.side_a
    side.tools.profile_button.menu().actions()[0].trigger()
    x, y = side.plot.dataToPixel(10, 12)
    QTest.mouseClick(
        side.plot.getWidgetHandle(), qt.Qt.LeftButton, pos=qt.QPoint(round(x), round(y))
    )
    settle()
    manager = side.tools.profile.getProfileManager()
    assert manager.getRoiManager().getRois()
    manager.clearProfile()


def test_the_color_scale_does_not_change_with_the_image(images, view, result, wait_until):
    expected = tuple(numpy.percentile(result.stacks["Fe-K"], (1, 99.5)))
    half = (expected[1] - expected[0]) / 2
    for mode, limits in (
        (Mode.IMAGE, expected),
        (Mode.BLINK, expected),
        (Mode.DIFFERENCE, (-half, half)),
    ):
        choose(images, mode)
        for number in (1, 3, 5):
            select(view, wait_until, number)
            for plot in (images.side_a.plot, images.side_b.plot):
                (image,) = plot.getAllImages()
                assert image.getColormap().getVRange() == pytest.approx(limits)


def test_icons_are_visible_on_light_and_on_dark_windows(images, application, request):
    before = application.palette()
    request.addfinalizer(lambda: application.setPalette(before))
    for window in ("#efefef", "#31363b", "#efefef"):
        palette = qt.QPalette(before)
        palette.setColor(qt.QPalette.Window, qt.QColor(window))
        application.setPalette(palette)
        application.processEvents()
        tools = images.side_a.tools
        for action in tools.actions():
            icon = action.icon().pixmap(16).toImage()
            colors = [icon.pixelColor(x, y) for x in range(icon.width()) for y in range(16)]
            best = max(
                (contrast(color, qt.QColor(window)) for color in colors if color.alpha() > 200),
                default=21,  # a button with a menu, or disabled
            )
            assert best > 3, (window, action.text())


def test_invalid_pixels_have_a_color_that_no_value_has(images):
    for mode in (Mode.IMAGE, Mode.BLINK, Mode.DIFFERENCE):
        choose(images, mode)
        (image,) = images.side_b.plot.getAllImages()
        colors = image.getRgbaImageData(copy=False)[..., :3]
        invalid = numpy.isnan(image.getData())
        assert 0 < invalid.mean() < 0.3
        assert (colors[invalid] == INVALID).all()
        every_color = image.getColormap().getNColors(256)[:, :3]
        assert not (every_color == INVALID).all(axis=1).any()
        assert "invalid, or outside the image" in images.explanation.text()


def test_rows_run_down_and_pixels_are_square(images, application):
    choose(images, Mode.IMAGE)
    application.processEvents()
    for plot in (images.side_a.plot, images.side_b.plot):
        left, top = plot.dataToPixel(0, 0, check=False)
        right, bottom = plot.dataToPixel(30, 30, check=False)
        assert bottom > top
        assert bottom - top == pytest.approx(right - left, rel=0.02)


def test_the_whole_image_is_in_sight_also_after_the_window_was_resized(
    images, view, wait_until, application
):
    def whole_image():
        left, right, top, bottom = limits = images.side_a.plot.limits()
        inside = max(left, top) <= -0.49 and right >= 43.49 and bottom >= 39.49
        tight = min((right - left) - 44, (bottom - top) - 40) < 0.1
        return inside and tight and limits == pytest.approx(images.side_b.plot.limits(), abs=0.1)

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
        left, right = (side.plot.limits() for side in plots.sides)
        return left == right and right[:2] == pytest.approx((-0.5, 43.5), abs=0.5)

    wait_until(tight)


def test_both_pictures_are_zoomed_together_and_stay_so_at_the_next_image(
    images, view, wait_until, application
):
    before, after = images.side_a.plot, images.side_b.plot
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
        sizes.add((images.side_a.plot.width(), images.side_b.plot.width()))
    assert len(sizes) == 1


@pytest.mark.parametrize(("stacks", "number"), [(2, 6), (5, 2), (1, 3), (3, 1)])
def test_the_slider_has_one_place_for_each_image(show, stacks, number):
    names = [f"stack {n}" for n in range(stacks)]
    view = show(
        {name: moving_sample(number) for name in names},
        {name: shifts(MOTION[:number]) for name in names},
    )
    slider = view.slider
    for widget in (slider.slider, slider.number):
        assert (widget.minimum(), widget.maximum()) == (0, number - 1)
        assert widget.value() == view.selection.image == number - 1
        assert widget.isEnabled() == (number > 1)
    assert view.stack_choice.count() == stacks


def test_slider_and_number_move_together(images, view, wait_until):
    QTest.keyClick(view.slider.slider, qt.Qt.Key_Home)
    assert (view.slider.number.value(), view.selection.image) == (0, 0)
    QTest.keyClick(view.slider.slider, qt.Qt.Key_Right)
    assert (view.slider.number.value(), view.selection.image) == (1, 1)
    QTest.keyClick(view.slider.number, qt.Qt.Key_Up)
    assert (view.slider.slider.value(), view.selection.image) == (2, 2)
    wait_until(lambda: find_loaded_number(view) == 2)


def test_a_slow_stack_does_not_hold_up_the_window(view, result, wait_until):
    slow = GatedStack(result.stacks["Fe-K"])
    stacks = InputStacks({"Ca-K": slow, "Fe-K": slow})
    view.show_result(stacks, result.registrations, **result.arguments())
    view.tabs.setCurrentWidget(view.images_tab)
    wait_until(lambda: view.images_tab.values.text() == "reading image 5…")
    # The window goes on.
    view.slider.slider.setValue(3)
    view.selection.select_stack("Ca-K")
    choose(view.images_tab, Mode.DIFFERENCE)
    wait_until(lambda: view.images_tab.values.text() == "reading image 3…")
    assert view.stack_choice.currentText() == "Ca-K"
    assert view.images_tab.loaded is None
    slow.open.set()
    wait_until(lambda: find_loaded_number(view) == 3)
    assert view.images_tab.values.text() == ""


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
    view = show(result.stacks, {"Fe-K": result.registrations["Fe-K"]})
    images = view.images_tab
    numpy.testing.assert_array_equal(images.loaded.pairs[0].image, result.stacks["Ca-K"][5])
    assert images.side_b.choice.count() == 1


def test_images_that_must_not_be_written_are_shown(show, result):
    images = result.stacks["Fe-K"].astype(numpy.float32)
    images.flags.writeable = False
    view = show({"Fe-K": images}, {"Fe-K": result.registrations["Fe-K"]})
    choose(view.images_tab, Mode.IMAGE)
    (image,) = view.images_tab.side_a.plot.getAllImages()
    assert image.getRgbaImageData(copy=False).shape == (40, 44, 4)
    numpy.testing.assert_array_equal(image.getData(), images[5])


def test_names_are_text_and_neither_html_nor_keys(show):
    name = "<b>Fe</b> & 'K'"
    result = Result()
    view = show(
        {name: result.stacks["Fe-K"]}, {name: result.registrations["Fe-K"]}, reference_stack=name
    )
    assert view.images_tab.side_b.choice.currentText() == f"✓ ★ {name}"
    assert view.summary.textFormat() == qt.Qt.PlainText
    assert repr(name) in view.summary.text()
