"""From an empty canvas to an aligned file, by mouse and keyboard."""

# ruff: noqa: E402
from ..qt_available import require_qt

require_qt()


import h5py
import numpy
import pytest
from ewoksorange.gui.canvas.handler import OrangeCanvasHandler
from orangecanvas.application import canvasmain
from orangecanvas.document.editlinksdialog import EditLinksDialog
from orangecanvas.gui.test import mouseMove
from silx.gui import qt
from silx.gui.dialog.DataFileDialog import DataFileDialog
from silx.gui.utils.testutils import QTest
from silx.io.nxdata import get_default

_SOON = 50  # ms

# Channels that are linked
BOTH = [("image_stacks", "image_stacks"), ("transformations", "transformations")]
PLACE = [
    ("output_root_uri", "output_root_uri"),
    ("image_stacks_nxmetadata", "image_stacks_nxmetadata"),
]


@pytest.fixture
def hand(application, wait_until, monkeypatch, measured):
    # They would wait for an answer of the user.
    monkeypatch.setattr(
        canvasmain, "message_warning", lambda *_, details, **__: pytest.fail(details)
    )
    monkeypatch.chdir(measured.folder)
    with h5py.File("maps.h5", "a") as file:
        file.attrs.update({"NX_class": "NXroot", "default": "entry"})
        file["/entry"].attrs.update({"NX_class": "NXentry", "default": "maps"})
        file["/entry/maps"].attrs.update({"NX_class": "NXdata", "signal": "Ca-K"})
    with OrangeCanvasHandler() as handler:
        handler.canvas.resize(1100, 750)
        handler.canvas.show()
        application.processEvents()
        yield Hand(handler, wait_until)
        if hasattr(handler.scheme, "ewoks_finalize"):  # something has run
            handler.scheme.ewoks_finalize()


class Hand:
    """Works on the window of the canvas."""

    def __init__(self, canvas, wait_until):
        self.canvas = canvas
        self.wait_until = wait_until
        self.document = canvas.canvas.current_document()
        self.viewport = self.document.view().viewport()

    def answer(self, find, act, *, once=True):
        """When a dialog is there that waits for the user, act on it."""

        def look():
            dialog = find()
            if dialog is not None and dialog.isVisible():
                if once:
                    timer.stop()
                try:
                    act(dialog)
                except BaseException:
                    dialog.close()
                    raise

        timer = qt.QTimer(self.canvas.canvas)
        timer.setInterval(_SOON)
        timer.timeout.connect(look)
        timer.start()
        return timer

    def add(self, name, x, y):
        """Choose a widget in the menu of a double click, and return its node."""

        def choose(menu):
            QTest.keyClicks(menu.focusWidget() or menu, name)
            QTest.keyClick(menu.focusWidget() or menu, qt.Qt.Key_Return)

        self.answer(self.document.quickMenu, choose)
        _double_click(self.viewport, qt.QPoint(x, y))
        return self._take_last(name)

    def take(self, name):
        """Click on a widget in the tool box, and return its node."""
        buttons = self.canvas.canvas.findChildren(qt.QToolButton)
        (button,) = [each for each in buttons if _label(each) == name]
        QTest.mouseClick(button, qt.Qt.LeftButton)
        return self._take_last(name)

    def _take_last(self, name):
        node = self.canvas.scheme.nodes[-1]
        assert node.title == name
        return node

    def link(self, source, sink, channels):
        """Draw a line from one widget to another, and edit what it links."""
        view, scene = self.document.view(), self.document.scene()
        dialog = self.answer(
            lambda: next(
                filter(qt.QWidget.isVisible, self.document.findChildren(EditLinksDialog)), None
            ),
            lambda dialog: self._draw_channels(dialog, channels),
            once=False,  # the canvas may ask again
        )
        anchor = scene.item_for_node(source).outputAnchorItem
        start = anchor.mapToScene(anchor.shape().pointAtPercent(0.5))
        end = scene.item_for_node(sink).shapeItem.sceneBoundingRect().center()
        self.drag(self.viewport, view.mapFromScene(start), view.mapFromScene(end))
        if self._find_channels(source, sink) != set(channels):
            (link,) = self.canvas.scheme.find_links(source_node=source, sink_node=sink)
            line = scene.item_for_link(link).curveItem
            middle = line.mapToScene(line.curvePath().pointAtPercent(0.5))
            _double_click(self.viewport, view.mapFromScene(middle))
            self.wait_until(lambda: self._find_channels(source, sink) == set(channels))
        QTest.qWait(6 * _SOON)
        dialog.stop()

    def _find_channels(self, source, sink):
        links = self.canvas.scheme.find_links(source_node=source, sink_node=sink)
        return {(link.source_channel.name, link.sink_channel.name) for link in links}

    def _draw_channels(self, dialog, channels):
        editor, view = dialog.scene.editWidget, dialog.view

        def find(widget, name):
            anchors = {each.channel().name: each for each in widget.channelAnchors}
            place = anchors[name].mapToScene(anchors[name].boundingRect().center())
            return view.mapFromScene(place)

        drawn = {(output.name, input_.name) for output, input_ in editor.links()}
        for output, input_ in drawn ^ set(channels):
            start = find(editor.sourceNodeWidget, output)
            end = find(editor.sinkNodeWidget, input_)
            if (output, input_) in drawn:  # a click on a line removes it
                QTest.mouseClick(view.viewport(), qt.Qt.LeftButton, pos=(start + end) / 2)
            else:
                self.drag(view.viewport(), start, end)
        buttons = dialog.findChild(qt.QDialogButtonBox)
        QTest.mouseClick(buttons.button(qt.QDialogButtonBox.Ok), qt.Qt.LeftButton)

    def drag(self, viewport, start, end):
        QTest.mousePress(viewport, qt.Qt.LeftButton, pos=start)
        for n in range(1, 11):
            position = start + (end - start) * (n / 10)
            mouseMove(viewport, qt.Qt.LeftButton, pos=position)
        QTest.mouseRelease(viewport, qt.Qt.LeftButton, pos=end)

    def open(self, node):
        """Double-click on a widget, and return its window."""
        item = self.document.scene().item_for_node(node).shapeItem
        center = item.sceneBoundingRect().center()
        _double_click(self.viewport, self.document.view().mapFromScene(center))
        window = self.canvas.scheme.widget_for_node(node)
        self.wait_until(window.isVisible)
        return window

    def run(self, select, last):
        """Choose the file and one to save in, and run everything.

        :param last: the window that has to succeed.
        """
        window = self.open(select)
        self.browse(window.fields["input_root_uri"], "maps.h5", "entry")
        QTest.keyClicks(window.fields["output_root_uri"].editor, "aligned.h5")
        _press(window, "Trigger")
        self.wait_until(lambda: last.task_succeeded)

    def browse(self, field, *names):
        """Choose a group of a file in the dialog of a field: double-click on what leads to it."""

        def choose(dialog):
            view = dialog.findChild(qt.QWidget, "browser").currentWidget()
            for name in names:
                self.wait_until(lambda name=name: _find_row(view, name) is not None)
                center = view.visualRect(_find_row(view, name)).center()
                _double_click(view.viewport(), center)
            button = dialog.findChild(qt.QPushButton, "open")
            self.wait_until(button.isEnabled)
            QTest.mouseClick(button, qt.Qt.LeftButton)

        self.answer(lambda: field.findChild(DataFileDialog), choose)
        QTest.mouseClick(field._browse_button, qt.Qt.LeftButton)


def _label(button):
    action = button.defaultAction()
    return action and action.text()


def _double_click(widget, position):
    """What Qt receives of a mouse; `mouseDClick` alone never lets go of the button."""
    QTest.mouseClick(widget, qt.Qt.LeftButton, pos=position)
    QTest.mouseDClick(widget, qt.Qt.LeftButton, pos=position)
    QTest.mouseRelease(widget, qt.Qt.LeftButton, pos=position)


def _find_row(view, name):
    model, root = view.model(), view.rootIndex()
    rows = [model.index(n, 0, root) for n in range(model.rowCount(root))] if model else []
    return next((index for index in rows if index.data() == name), None)


def _tick(field):
    box = field.editor
    QTest.mouseClick(box, qt.Qt.LeftButton, pos=qt.QPoint(8, box.height() // 2))
    assert box.isChecked()


def _press(window, label):
    (button,) = [b for b in window.findChildren(qt.QPushButton) if b.text() == label]
    QTest.mouseClick(button, qt.Qt.LeftButton)


def _assert_aligned(path, shape):
    with h5py.File(path) as file:
        plot = get_default(file)
        assert plot.signal.name == "/entry/align/Ca-K"
        assert plot.signal.shape == shape
        aligned = file["/entry/align/Fe-K"][()]
    numpy.testing.assert_allclose(aligned, aligned[:1].repeat(4, 0), rtol=0, atol=0.02)


@pytest.mark.full
def test_stacks_and_shifts_of_a_file_become_an_aligned_file(hand):
    select = hand.add("NXdata stacks", 150, 250)
    rank = hand.add("Post-Registration Evaluation", 400, 90)
    align = hand.add("2D Transformation", 650, 250)
    hand.link(select, rank, BOTH[:1])
    hand.link(select, align, PLACE)
    hand.link(rank, align, BOTH)
    ranking = hand.open(rank)
    hand.browse(ranking.fields["transformations"], "maps.h5", "entry", "fits")
    aligning = hand.open(align)
    _tick(aligning.fields["crop"])
    hand.run(select, aligning)
    # The motion is up to 3 rows and 2 columns to either side.
    _assert_aligned("aligned.h5", (4, 37, 40))


@pytest.mark.full
def test_stacks_of_a_file_are_registered_and_become_an_aligned_file(hand):
    select = hand.take("NXdata stacks")
    register = hand.add("2D Intensity-Based Registration", 270, 350)
    rank = hand.add("Post-Registration Evaluation", 480, 350)
    align = hand.add("2D Transformation", 690, 150)
    hand.link(select, register, BOTH[:1])
    hand.link(register, rank, BOTH)
    hand.link(rank, align, BOTH)
    hand.link(select, align, PLACE)
    registering = hand.open(register)
    ranking = hand.open(rank)
    aligning = hand.open(align)
    _tick(aligning.fields["crop"])
    hand.run(select, aligning)
    hand.wait_until(lambda: "is the best of 2" in ranking.view.summary.text())
    assert registering.task_succeeded
    table = ranking.view.ranking_tab.table
    second = table.visualRect(table.model().index(1, 1)).center()
    QTest.mouseClick(table.viewport(), qt.Qt.LeftButton, pos=second)
    QTest.mouseClick(ranking.view.ranking_tab.choose, qt.Qt.LeftButton)
    hand.wait_until(lambda: "/entry/align_2:" in aligning._status.text())
    with h5py.File("aligned.h5") as file:
        _, rows, columns = file["/entry/align/Ca-K"].shape
        assert set(file["/entry/align_2"]) >= {"Ca-K", "Fe-K"}
    # 0.01 px more than the motion cost a row or column at each side.
    assert 35 <= rows <= 37
    assert 38 <= columns <= 40
    _assert_aligned("aligned.h5", (4, rows, columns))
