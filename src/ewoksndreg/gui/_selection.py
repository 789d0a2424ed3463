"""The selected stack and image, shared by all tabs."""

from __future__ import annotations

from collections.abc import Mapping

from silx.gui import qt


class Selection(qt.QObject):
    """The selected stack and its selected image."""

    sigStackChanged = qt.Signal(str)
    """Name of the stack that is now selected."""

    sigImageChanged = qt.Signal(int)
    """Number of the image that is now selected, from 0."""

    def __init__(self, parent: qt.QObject | None = None) -> None:
        super().__init__(parent)
        self._numbers: dict[str, int] = {}
        self._stack: str | None = None
        self._image = 0

    @property
    def stack(self) -> str | None:
        """Name of the selected stack; None if there are no stacks."""
        return self._stack

    @property
    def image(self) -> int:
        """Number of the selected image."""
        return self._image

    @property
    def number_of_images(self) -> int:
        """The number of images of the selected stack."""
        return 0 if self._stack is None else self._numbers[self._stack]

    def restart(self, numbers: Mapping[str, int], stack: str | None, image: int) -> None:
        """Replace the stacks, and notify all tabs.

        :param numbers: how many images each stack has.
        :param stack: the first selection; None if there are no stacks.
        :param image: the first selected image, or the nearest one that exists.
        """
        self._numbers = dict(numbers)
        self._stack = stack
        self._image = self._clip(image)
        if stack is not None:
            self.sigStackChanged.emit(stack)
            self.sigImageChanged.emit(self._image)

    def select_stack(self, name: str) -> None:
        """
        :raises ValueError: if there is no such stack.
        """
        if name not in self._numbers:
            raise ValueError(f"There is no stack {name!r} to select")
        if name == self._stack:
            return
        self._stack = name
        before, self._image = self._image, self._clip(self._image)
        self.sigStackChanged.emit(name)
        if self._image != before:
            self.sigImageChanged.emit(self._image)

    def select_image(self, number: int) -> None:
        """Select an image, or the nearest one if it does not exist."""
        number = self._clip(number)
        if number != self._image:
            self._image = number
            self.sigImageChanged.emit(number)

    def _clip(self, number: int) -> int:
        return max(0, min(int(number), self.number_of_images - 1))
