"""The tools above a plot."""

from __future__ import annotations

from silx.gui import qt
from silx.gui.plot import PlotWidget
from silx.gui.plot.actions.control import ColormapAction
from silx.gui.plot.actions.control import ResetZoomAction
from silx.gui.plot.actions.io import CopyAction
from silx.gui.plot.actions.io import PrintAction
from silx.gui.plot.actions.io import SaveAction
from silx.gui.plot.Profile import ProfileToolBar

from ._colors import find_luminance

_ICON_SIZE = 16
_SHARP_ICON_SIZE = 64  # px, for any screen


class PlotToolBar(qt.QToolBar):
    """Reset the zoom, save, copy and print; for images also the color map and profiles.

    :param plot: what the tools work on.
    :param image: whether it shows an image.
    """

    def __init__(self, plot: PlotWidget, parent: qt.QWidget, *, image: bool = False) -> None:
        super().__init__(parent)
        self.setIconSize(qt.QSize(_ICON_SIZE, _ICON_SIZE))
        self.setStyleSheet("QToolBar {border: none; padding: 0; spacing: 0}")
        self.reset_zoom = ResetZoomAction(plot, parent=self)
        self.addAction(self.reset_zoom)
        if image:
            self.colormap = ColormapAction(plot, parent=self)
            self.addAction(self.colormap)
            self.profile = ProfileToolBar(plot=plot, parent=self)
            self.profile.hide()  # one button with a menu takes its place
            button = qt.QToolButton(self)
            menu = qt.QMenu(button)
            tools = self.profile
            for action in (
                tools.hLineAction,
                tools.vLineAction,
                tools.lineAction,
                tools.crossAction,
                tools.clearAction,
            ):
                menu.addAction(action)
            button.setMenu(menu)
            button.setIcon(tools.hLineAction.icon())
            button.setToolTip("Profile along a line")
            button.setPopupMode(qt.QToolButton.InstantPopup)
            self.profile_button = button
            self.addWidget(button)
        self.save = SaveAction(plot, parent=self)
        self.copy = CopyAction(plot, parent=self)
        self.print = PrintAction(plot, parent=self)
        for action in (self.save, self.copy, self.print):
            action.setShortcut(qt.QKeySequence())  # there are several plots in a window
            self.addAction(action)
        self._black_icons = {action: action.icon() for action in (self.save, self.print)}
        parent.installEventFilter(self)  # with a style sheet, a tool bar keeps its palette
        self._fit_icons(parent)

    def eventFilter(self, parent: qt.QObject, event: qt.QEvent) -> bool:
        if event.type() == qt.QEvent.PaletteChange:
            self._fit_icons(parent)
        return False

    def _fit_icons(self, parent: qt.QWidget) -> None:
        """Make black icons white in a dark window."""
        dark = find_luminance(parent.palette().color(qt.QPalette.Window)) < 0.18
        for action, icon in self._black_icons.items():
            image = icon.pixmap(_SHARP_ICON_SIZE).toImage()
            if dark:
                image.invertPixels()
            action.setIcon(qt.QIcon(qt.QPixmap.fromImage(image)))
