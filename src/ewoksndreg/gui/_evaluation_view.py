"""The result of a ranking in one widget."""

from __future__ import annotations

import os
from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

from silx.gui import qt

from .._report import write_report
from .._stacks import Stack
from ..evaluation import Evaluation
from ..io import InputStacks
from ..io import open_stacks
from ..refinement import Refinement
from ..transformation import Transformation
from ..transformation import TransformationSource
from ..transformation import as_registrations
from ._application import check_application
from ._exports import list_scores
from ._exports import list_transformations
from ._exports import write_csv
from ._image_loader import ImageLoader
from ._image_slider import ImageSlider
from ._images_tab import ImagesTab
from ._labels import make_heading
from ._labels import make_label
from ._motion_tab import MotionTab
from ._per_image_tab import PerImageTab
from ._ranking_tab import RankingTab
from ._result import RunResult
from ._selection import Selection

_NOTHING_YET = "There is nothing to show yet: run the ranking first."
_NO_STACKS = "There are no image stacks to show."

_OPACITY = 140  # of 255


class EvaluationView(qt.QWidget):
    """Why a registration was chosen: ranking, images, errors per image and motion.

    The tabs share the selected stack, the selected image and the selected registration.

    :raises RuntimeError: when there is no `QApplication`, without which Qt would end the process.
    """

    sigReferenceStackRequested = qt.Signal(str)
    """The user has chosen this registration for all stacks."""

    def __init__(self, parent: qt.QWidget | None = None) -> None:
        check_application()
        super().__init__(parent)
        self.setWindowTitle("Post-Registration Evaluation")
        self.selection = Selection(self)
        self._result = RunResult({}, {})
        self._files = ExitStack()
        self._loader = ImageLoader()

        self.ranking_tab = RankingTab(self.selection, self)
        self.images_tab = ImagesTab(self.selection, self._loader, self)
        self.per_image_tab = PerImageTab(self.selection, self)
        self.motion_tab = MotionTab(self.selection, self)
        self._tabs = (self.ranking_tab, self.images_tab, self.per_image_tab, self.motion_tab)
        self.tabs = qt.QTabWidget(self)
        for tab, title in zip(
            self._tabs, ("Ran&king", "&Images", "&Per image", "&Motion"), strict=True
        ):
            self.tabs.addTab(tab, title)

        self.summary = self.ranking_tab.summary
        self.stack_choice = qt.QComboBox(self)
        self.stack_choice.setSizeAdjustPolicy(qt.QComboBox.AdjustToContents)
        self.stack_choice.setMaximumWidth(150)
        self.slider = ImageSlider(self.selection, lambda: self._loader.loading, self)
        self.message = make_heading(self)
        self.banner = make_label(self)
        self._arrange()
        self._add_keys()
        self._add_exports()

        self.ranking_tab.sigChoose.connect(self._choose_selected)
        self.stack_choice.textActivated.connect(self.selection.select_stack)
        self.selection.sigStackChanged.connect(self._on_stack_changed)
        self.show_message(_NOTHING_YET)

    def _arrange(self) -> None:
        corner = qt.QWidget(self)
        row = qt.QHBoxLayout(corner)
        row.setContentsMargins(0, 0, 0, 2)
        label = qt.QLabel("S&tack", self)
        label.setBuddy(self.stack_choice)
        row.addWidget(label)
        row.addWidget(self.stack_choice)
        row.addWidget(self.slider, 1)
        self.tabs.setCornerWidget(corner)
        self.banner.setMargin(6)
        self.banner.setAutoFillBackground(True)
        self.banner.setStyleSheet("background: #ffe9a8; color: black")
        self.banner.hide()
        result = qt.QWidget(self)
        self._veil = _Veil(self.tabs)
        layout = qt.QVBoxLayout(result)
        layout.setContentsMargins(2, 2, 2, 2)
        layout.addWidget(self.banner)
        layout.addWidget(self.tabs, 1)
        self._pages = qt.QStackedLayout(self)
        self._pages.addWidget(self.message)
        self._pages.addWidget(result)

    def _add_keys(self) -> None:
        def add(key: Any, action: Callable[[], object]) -> None:
            shortcut = qt.QShortcut(qt.QKeySequence(key), self)
            shortcut.setContext(qt.Qt.WidgetWithChildrenShortcut)
            shortcut.activated.connect(action)

        add(qt.Qt.Key_Left, lambda: self.slider.step(-1))
        add(qt.Qt.Key_Right, lambda: self.slider.step(1))
        add(qt.Qt.Key_Space, self._on_space)
        add(qt.Qt.Key_Return, self._on_return)
        add(qt.Qt.Key_Enter, self._on_return)
        add(qt.QKeySequence.Copy, self.ranking_tab.copy_table)

    def _add_exports(self) -> None:
        menu = qt.QMenu(self)
        self.save_scores = menu.addAction("&Scores (CSV)...")
        self.save_registration = menu.addAction("Chosen &registration (CSV)...")
        self.save_report = menu.addAction("Re&port (HTML)...")
        self.save_scores.triggered.connect(self._save_scores)
        self.save_registration.triggered.connect(self._save_registration)
        self.save_report.triggered.connect(self._save_report)
        self.ranking_tab.save.setMenu(menu)

    def show_result(
        self,
        image_stacks: Any,
        registrations: Mapping[str, TransformationSource],
        *,
        evaluation: Evaluation | None = None,
        reference_stack: str | None = None,
        refinement: Refinement | None = None,
    ) -> None:
        """Show the result of a run and forget the previous one.

        Stacks that cannot be opened are not an error: the images tab says why, the other tabs
        show what they can without images.

        :param image_stacks: any form that :func:`ewoksndreg.open_stacks` takes. Images are read
            when they are displayed; files stay open until the next result or until
            :meth:`close_files`.
        :param registrations: by name, usually the one that was found from each stack, in any form
            that :func:`ewoksndreg.as_transformations` takes; may be missing for some.
        :param evaluation: what :func:`ewoksndreg.evaluate_stacks` returned; None when nothing was
            ranked.
        :param reference_stack: the registration that is chosen for all stacks; None when each stack
            has its own.
        :param refinement: what :func:`ewoksndreg.refine_registration` made of the chosen one.
        """
        self._release_files()
        unreadable = None
        stacks: Mapping[str, Stack] = {}
        try:
            stacks = self._files.enter_context(open_stacks(image_stacks))
        except (OSError, TypeError, ValueError) as error:
            unreadable = str(error)
        refined: dict[str, Sequence[Transformation]] = {}
        given = reference_stack or (None if evaluation is None else evaluation.best)
        if refinement is not None and refinement.accepted and given is not None:
            refined = {given: refinement.transformations}
        result = RunResult(
            stacks,
            as_registrations(registrations),
            evaluation,
            reference_stack,
            refined,
            {given: str(refinement)} if refinement is not None and given is not None else {},
            unreadable,
        )
        if not result.stack_names:
            self._result = result
            self.show_message(unreadable or _NO_STACKS)
            return
        self._result = result
        for tab in self._tabs:
            tab.show_result(result)
        self.stack_choice.clear()
        self.stack_choice.addItems(result.stack_names)
        self._select(result)
        self._update_exports()
        self.banner.hide()
        self._veil.hide()
        self._pages.setCurrentIndex(1)

    def show_preview(
        self, image_stacks: Any, registrations: Mapping[str, Sequence[Transformation]]
    ) -> None:
        """Show images and motion while the ranking runs; the parameters are those of
        :meth:`show_result`."""
        self.show_result(image_stacks, registrations)
        self.summary.setText("Not ranked yet: images and motion can be viewed.")

    def show_message(self, sentence: str, *, outdated: bool = True) -> None:
        """Show a sentence about the run: running, failed, cancelled. It stands above the last
        result, or in its place where there is none.

        :param outdated: whether the last result is grayed; it can still be viewed.
        """
        self.message.setText(sentence)
        self.banner.setText(sentence)
        shown = bool(self._result.stack_names)
        self.banner.setVisible(shown)
        self._veil.setVisible(shown and outdated)
        self._pages.setCurrentIndex(1 if shown else 0)

    def choose(self, name: str) -> None:
        """Use a registration for all stacks. The ranking stays as it is.

        :param name: of the registration.
        :raises ValueError: when there is no such registration.
        """
        if name not in self._result.registrations:
            raise ValueError(f"There is no registration {name!r} to choose")
        if name == self._result.reference_stack:
            return
        self._result = replace(self._result, reference_stack=name)
        for tab in (self.ranking_tab, self.images_tab):
            tab.update_choice(self._result)
        self.selection.select_registration(self._result.find_applied(self.selection.stack or ""))
        self._update_exports()
        self.sigReferenceStackRequested.emit(name)

    def close_files(self) -> None:
        """Close all files, after the image that is being read. No other image can be shown
        afterwards."""
        self._release_files().result()

    def _release_files(self) -> Any:
        self.images_tab.forget_stacks()
        files, self._files = self._files, ExitStack()
        return self._loader.close_when_idle(files.close)

    def _select(self, result: RunResult) -> None:
        """Keep what the user had selected, or begin with the best stack and its last image, which
        has usually moved furthest, and the registration that is chosen."""
        stack, names = self.selection.stack, result.stack_names
        if stack in names:
            image = self.selection.image
        else:
            stack = result.best if result.best in names else names[0]
            image = result.number_of_images(stack) - 1
        numbers = {name: result.number_of_images(name) for name in names}
        shown = result.shown
        self.selection.restart(
            numbers, shown, stack=stack, image=image, registration=result.find_applied(stack)
        )

    def _on_stack_changed(self, name: str) -> None:
        self.stack_choice.setCurrentText(name)
        if self._result.best is None:  # each stack has its own
            self.selection.select_registration(name)

    def _choose_selected(self) -> None:
        name = (self.selection.registration or "").removesuffix(", refined")
        if name in self._result.registrations:
            self.choose(name)

    def _on_return(self) -> None:
        focused = qt.QApplication.focusWidget()
        if isinstance(focused, qt.QAbstractSpinBox):
            focused.interpretText()
        elif isinstance(focused, qt.QPushButton):
            focused.click()
        else:
            self._choose_selected()

    def _on_space(self) -> None:
        focused = qt.QApplication.focusWidget()
        if isinstance(focused, qt.QAbstractButton):
            focused.click()
        else:
            self.tabs.setCurrentWidget(self.images_tab)
            self.images_tab.toggle_blinking()

    def _update_exports(self) -> None:
        result = self._result
        self.save_scores.setEnabled(result.evaluation is not None)
        self.save_report.setEnabled(result.evaluation is not None and bool(result.stacks))
        self.save_registration.setEnabled(bool(result.best))

    def _save_scores(self) -> None:
        rows = list_scores(self._result)
        self._save("Save the scores", "csv", lambda path: write_csv(path, rows))

    def _save_registration(self) -> None:
        name = self._result.find_applied(self.selection.stack or "")
        registration = self._result.shown[name]
        self._save(
            f"Save the registration {name!r}",
            "csv",
            lambda path: write_csv(path, list_transformations(registration)),
        )

    def _save_report(self) -> None:
        self._save("Save a report", "html", self._write_report)

    def _write_report(self, path: str) -> None:
        result = self._result
        if result.evaluation is None:
            raise ValueError("Nothing was ranked, so there is no report")
        # The user was asked whether a file that exists may be replaced.
        new = f"{path}.new"
        write_report(new, result.evaluation, InputStacks(result.stacks), result.registrations)
        os.replace(new, path)

    def _save(self, title: str, suffix: str, write: Callable[[str], None]) -> None:
        dialog = qt.QFileDialog(self, title, "", f"{suffix.upper()} (*.{suffix})")
        dialog.setAcceptMode(qt.QFileDialog.AcceptSave)
        dialog.setDefaultSuffix(suffix)
        if not dialog.exec():
            return
        qt.QApplication.setOverrideCursor(qt.Qt.WaitCursor)
        try:
            write(dialog.selectedFiles()[0])
        except (AttributeError, ImportError, OSError, TypeError, ValueError) as error:
            qt.QMessageBox.warning(self, title, str(error))
        finally:
            qt.QApplication.restoreOverrideCursor()

    def closeEvent(self, event: qt.QCloseEvent) -> None:
        self.close_files()
        super().closeEvent(event)


class _Veil(qt.QWidget):
    """Grays out what is outdated; clicks go through. Qt's opacity effect garbles plots and tables.

    :param covered: the widget.
    """

    def __init__(self, covered: qt.QWidget) -> None:
        super().__init__(covered)
        self.setAttribute(qt.Qt.WA_TransparentForMouseEvents)
        covered.installEventFilter(self)
        self.hide()

    def eventFilter(self, covered: qt.QObject, event: qt.QEvent) -> bool:
        if event.type() == qt.QEvent.Resize:
            self.resize(event.size())
        return False

    def showEvent(self, event: qt.QShowEvent) -> None:
        super().showEvent(event)
        self.resize(self.parentWidget().size())
        self.raise_()

    def paintEvent(self, event: qt.QPaintEvent) -> None:
        color = self.palette().color(qt.QPalette.Window)
        color.setAlpha(_OPACITY)
        qt.QPainter(self).fillRect(self.rect(), color)
