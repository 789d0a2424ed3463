"""The selected stack, image and registration, shared by all tabs."""

from __future__ import annotations

from collections.abc import Collection
from collections.abc import Mapping

from silx.gui import qt


class Selection(qt.QObject):
    """The selected stack, the selected image of it and the selected registration."""

    sigStackChanged = qt.Signal(str)
    """Name of the stack that is now selected."""

    sigImageChanged = qt.Signal(int)
    """Number of the image that is now selected, from 0."""

    sigRegistrationChanged = qt.Signal(str)
    """Name of the registration that is now selected."""

    def __init__(self, parent: qt.QObject | None = None) -> None:
        super().__init__(parent)
        self._numbers: dict[str, int] = {}
        self._registrations: Collection[str] = ()
        self.stack: str | None = None
        """Name of the selected stack; None when there are no stacks."""
        self.image = 0
        """Number of the selected image."""
        self.registration: str | None = None
        """Name of the selected registration; None when there are no registrations."""

    @property
    def number_of_images(self) -> int:
        """Of the selected stack."""
        return 0 if self.stack is None else self._numbers[self.stack]

    def restart(
        self,
        numbers: Mapping[str, int],
        registrations: Collection[str],
        *,
        stack: str | None,
        image: int,
        registration: str | None,
    ) -> None:
        """Replace the stacks and the registrations, and notify all tabs.

        :param numbers: how many images each stack has.
        :param registrations: their names.
        :param stack: the first selection; None when there are no stacks.
        :param image: the first selected image, or the nearest one that exists.
        :param registration: the first selected one; None where it does not exist.
        """
        self._numbers = dict(numbers)
        self._registrations = registrations
        self.stack = stack
        self.image = self._clip(image)
        self.registration = registration if registration in registrations else None
        if self.registration is not None:
            self.sigRegistrationChanged.emit(self.registration)
        if stack is not None:
            self.sigStackChanged.emit(stack)
            self.sigImageChanged.emit(self.image)

    def select_stack(self, name: str) -> None:
        """
        :raises ValueError: when there is no such stack.
        """
        if name not in self._numbers:
            raise ValueError(f"There is no stack {name!r} to select")
        if name == self.stack:
            return
        self.stack = name
        before, self.image = self.image, self._clip(self.image)
        self.sigStackChanged.emit(name)
        if self.image != before:
            self.sigImageChanged.emit(self.image)

    def select_image(self, number: int) -> None:
        """Select an image, or the nearest one where the stack has no such image."""
        number = self._clip(number)
        if number != self.image:
            self.image = number
            self.sigImageChanged.emit(number)

    def select_registration(self, name: str) -> None:
        """Select a registration; nothing happens where it cannot be looked at."""
        if name in self._registrations and name != self.registration:
            self.registration = name
            self.sigRegistrationChanged.emit(name)

    def _clip(self, number: int) -> int:
        return max(0, min(int(number), self.number_of_images - 1))
