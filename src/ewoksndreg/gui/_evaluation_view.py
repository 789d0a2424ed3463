"""The result of a ranking in one widget."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

from silx.gui import qt

from .._stacks import Stack
from ..evaluation import Evaluation
from ..io import input_context
from ..transformation import Transformation
from ._image_loader import ImageLoader
from ._images_tab import ImagesTab
from ._labels import make_heading
from ._labels import make_label
from ._motion_tab import MotionTab
from ._per_image_tab import PerImageTab
from ._ranking_tab import RankingTab
from ._result import RunResult
from ._selection import Selection
from ._veil import Veil

_NOTHING_YET = "There is nothing to show yet: run the ranking first."
_NO_STACKS = "There are no image stacks to show."


class EvaluationView(qt.QWidget):
    """Shows why a registration was chosen: ranking, images, errors per image and motion.

    The tabs share the selected stack and the selected image.
    """

    sigReferenceStackRequested = qt.Signal(str)
    """The user wants all stacks to be aligned with the registration of this stack, and has
    confirmed."""

    def __init__(self, parent: qt.QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Post-Registration Evaluation")
        self.selection = Selection(self)
        self._files = ExitStack()
        self._loader = ImageLoader()

        self.ranking_tab = RankingTab(self.selection, self)
        self.images_tab = ImagesTab(self.selection, self._loader, self)
        self.per_image_tab = PerImageTab(self.selection, self)
        self.motion_tab = MotionTab(self.selection, self)
        self.tabs = qt.QTabWidget(self)
        self.tabs.addTab(self.ranking_tab, "Ranking")
        self.tabs.addTab(self.images_tab, "Images")
        self.tabs.addTab(self.per_image_tab, "Per image")
        self.tabs.addTab(self.motion_tab, "Motion")

        self.summary = make_label(self)
        self.stack_choice = qt.QComboBox(self)
        self.stack_choice.setSizeAdjustPolicy(qt.QComboBox.AdjustToContents)
        self.stack_choice.setMaximumWidth(260)
        self.message = make_heading(self)
        self.banner = make_heading(self)
        self.banner.setMargin(6)
        self.banner.setFrameShape(qt.QFrame.StyledPanel)
        self.banner.hide()
        self._arrange()

        self.ranking_tab.sigRegistrationRequested.connect(self.sigReferenceStackRequested)
        self.stack_choice.textActivated.connect(self.selection.select_stack)
        self.selection.sigStackChanged.connect(self.stack_choice.setCurrentText)
        self.show_message(_NOTHING_YET)

    def _arrange(self) -> None:
        top = qt.QHBoxLayout()
        top.addWidget(self.summary, 1)
        top.addWidget(qt.QLabel("Stack", self))
        top.addWidget(self.stack_choice)
        result = qt.QWidget(self)
        layout = qt.QVBoxLayout(result)
        layout.setContentsMargins(6, 6, 6, 6)
        layout.addWidget(self.banner)
        layout.addLayout(top)
        layout.addWidget(self.tabs, 1)
        self._veil = Veil(self.tabs)
        self._pages = qt.QStackedLayout(self)
        self._pages.addWidget(self.message)
        self._pages.addWidget(result)

    def show_result(
        self,
        image_stacks: Any,
        registrations: Mapping[str, Sequence[Transformation]],
        *,
        evaluation: Evaluation | None = None,
        chosen: Mapping[str, Sequence[Transformation]] | None = None,
        reference_stack: str | None = None,
    ) -> None:
        """Show the result of a run, in place of the previous one.

        Stacks that cannot be opened are not an error: the images tab says why, and the other tabs
        show what is possible without images.

        :param image_stacks: any form that :func:`ewoksndreg.io.input_context` accepts. Images are
            read when they are displayed; files stay open until the next result or until
            :meth:`close_files`.
        :param registrations: the registration that was found from each stack; may be missing or
            empty for some stacks.
        :param evaluation: the result of :func:`ewoksndreg.evaluation.evaluate_stacks`; None if
            nothing was ranked.
        :param chosen: the registration with which each stack is aligned; by default
            `registrations`.
        :param reference_stack: the stack whose registration was chosen for all stacks; None if each
            stack has its own.
        """
        self._release_files()
        unreadable = None
        stacks: Mapping[str, Stack] = {}
        try:
            stacks = self._files.enter_context(input_context(image_stacks))
        except (OSError, TypeError, ValueError) as error:
            unreadable = str(error)
        result = RunResult(
            stacks,
            registrations,
            registrations if chosen is None else chosen,
            evaluation,
            reference_stack,
            unreadable,
        )
        if not result.names:
            self.show_message(unreadable or _NO_STACKS)
            self._pages.setCurrentIndex(0)
            return
        for tab in (self.ranking_tab, self.images_tab, self.per_image_tab, self.motion_tab):
            tab.show_result(result)
        self.banner.hide()
        self._veil.hide()
        self.summary.setText(_summarize(result))
        self.stack_choice.clear()
        self.stack_choice.addItems(result.names)
        self._select(result)
        self._pages.setCurrentIndex(1)

    def show_preview(
        self, image_stacks: Any, registrations: Mapping[str, Sequence[Transformation]]
    ) -> None:
        """Show images and motion while the ranking runs; the parameters are those of
        :meth:`show_result`."""
        self.show_result(image_stacks, registrations)
        self.summary.setText("Not ranked yet: images and motion can be looked at.")

    def show_message(self, sentence: str, *, outdated: bool = True) -> None:
        """Show a sentence about the run: running, failed, cancelled. It is above the last result,
        or in its place if there is none.

        :param outdated: whether to gray out the last result.
        """
        self.message.setText(sentence)
        self.banner.setText(sentence)
        self.banner.show()
        self._veil.setVisible(outdated)

    def close_files(self) -> None:
        """Close all files once the current image is read. No other image can be displayed
        afterwards."""
        self._release_files().result()

    def _release_files(self) -> Any:
        self.images_tab.forget_stacks()
        files, self._files = self._files, ExitStack()
        return self._loader.close_when_idle(files.close)

    def _select(self, result: RunResult) -> None:
        """Keep the selection of the user, or begin with the best stack and its last image, which
        has usually moved furthest."""
        stack = self.selection.stack
        if stack in result.names:
            image = self.selection.image
        else:
            stack = result.best if result.best in result.names else result.names[0]
            image = result.number_of_images(stack) - 1
        numbers = {name: result.number_of_images(name) for name in result.names}
        self.selection.restart(numbers, stack, image)

    def closeEvent(self, event: qt.QCloseEvent) -> None:
        self.close_files()
        super().closeEvent(event)


def _summarize(result: RunResult) -> str:
    reference, evaluation = result.reference_stack, result.evaluation
    if evaluation is None:
        if reference is None:
            return "Nothing was ranked: each stack keeps the registration that it was given."
        return (
            "Nothing was ranked: all stacks are aligned with the registration of"
            f" {reference!r}, as requested."
        )
    best = evaluation.ranked_names[0]
    if not evaluation.registrations[best].scored:
        sentence = f"No registration can be scored; that of {best!r} is the smoothest."
    else:
        sentence = f"The registration of {best!r} is the best of {len(evaluation.stack_names)}."
    if reference is not None:
        which = "it" if reference == best else f"the registration of {reference!r}"
        sentence += f" All stacks are aligned with {which}."
    return sentence
