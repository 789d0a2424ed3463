"""A window with a result in it, and time for what it does in the background."""

from __future__ import annotations

import sys
import threading
import time
import traceback
from collections.abc import Callable
from collections.abc import Iterator
from typing import Any

import numpy
import pytest
from numpy.typing import NDArray

from ewoksndreg._stacks import Stack
from ewoksndreg.evaluation import Evaluation
from ewoksndreg.evaluation import evaluate_stacks
from ewoksndreg.transformation import Homography

from ..conftest import shift_matrix
from ..conftest import smooth_image

_PATIENCE = 30  # s; what is waited for takes a fraction of a second on an idle machine

# Pixel p of image n shows the place p - motion of the sample.
MOTION = ((0, 0), (1, 2), (3, 1), (2, -2), (0, 3), (4, 0))
WRONG = ((0, 0), (2, 1), (1, 2), (0, 0), (3, 0), (0, 4))
SHAPE = (40, 44)


@pytest.fixture(scope="session")
def application() -> Any:
    from silx.gui import qt

    return qt.QApplication.instance() or qt.QApplication([])


@pytest.fixture(autouse=True)
def no_unseen_errors(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An error in what Qt calls fails the test; without this Qt would end the process."""
    errors: list[Any] = []
    monkeypatch.setattr(sys, "excepthook", lambda *error: errors.append(error))
    yield
    if errors:
        pytest.fail("\n".join("".join(traceback.format_exception(*error)) for error in errors))


@pytest.fixture
def wait_until(application: Any) -> Callable[[Callable[[], Any]], None]:
    """Let the application work until something is so."""

    def wait(condition: Callable[[], Any]) -> None:
        limit = time.monotonic() + _PATIENCE
        while not condition():
            if time.monotonic() > limit:
                pytest.fail("waited in vain")
            application.processEvents()
            time.sleep(0.002)
        application.processEvents()

    return wait


@pytest.fixture
def settle(application: Any) -> Callable[[], None]:
    """Let plots be drawn, which takes a moment after the last change."""

    def draw() -> None:
        end = time.monotonic() + 0.2
        while time.monotonic() < end:
            application.processEvents()

    return draw


@pytest.fixture
def view(application: Any) -> Iterator[Any]:
    from ewoksndreg.gui import EvaluationView

    widget = EvaluationView()
    widget.resize(1100, 750)
    widget.show()
    yield widget
    widget.close()
    widget.deleteLater()
    application.processEvents()


@pytest.fixture
def show(view: Any, wait_until: Any) -> Callable[..., Any]:
    """Show a result and wait until the images are there."""

    def show_and_wait(*args: Any, **kwargs: Any) -> Any:
        view.show_result(*args, **kwargs)
        wait_until(lambda: find_loaded_number(view) == view.selection.image)
        return view

    return show_and_wait


def find_loaded_number(view: Any) -> int | None:
    """Number of the image in the images tab; None while it is read."""
    loaded = view.images_tab.loaded
    if loaded is None or loaded.name != view.selection.stack:
        return None
    return int(loaded.number)


def contrast(color: Any, other: Any) -> float:
    """Contrast ratio of two colors of Qt, WCAG 2.2, 1 to 21."""

    def luminance(each: Any) -> float:
        c = numpy.array([each.red(), each.green(), each.blue()]) / 255
        linear = numpy.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)
        return float(linear @ [0.2126, 0.7152, 0.0722])

    low, high = sorted((luminance(color), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def moving_sample(number: int = 6, seed: int = 3) -> NDArray[Any]:
    sample = smooth_image(seed, (60, 64))
    height, width = SHAPE
    return numpy.stack(
        [sample[9 - r : 9 - r + height, 9 - c : 9 - c + width] for r, c in MOTION[:number]]
    )


def shifts(motion: Any) -> list[Homography]:
    """The registration that a registration returns which found this motion."""
    return [Homography(shift_matrix(*shift)) for shift in motion]


class Result:
    """Two stacks of which that of Fe-K was registered well."""

    def __init__(self, number: int = 6) -> None:
        images = moving_sample(number)
        self.stacks = {"Ca-K": numpy.exp(images), "Fe-K": images}
        self.registrations = {"Ca-K": shifts(WRONG[:number]), "Fe-K": shifts(MOTION[:number])}
        self.evaluation: Evaluation = evaluate_stacks(self.stacks, self.registrations)

    def arguments(self) -> dict[str, Any]:
        return {
            "evaluation": self.evaluation,
            "reference_stack": "Fe-K",
        }


@pytest.fixture(scope="session")
def result() -> Result:
    return Result()


class GatedStack(Stack):
    """Returns images only while `open` is set, and records which were requested."""

    def __init__(self, images: NDArray[Any]) -> None:
        super().__init__(images.shape, images.dtype)
        self._images = images
        self.open = threading.Event()
        self.asked: list[int] = []

    def _read(self, index: int) -> NDArray[Any]:
        self.asked.append(index)
        assert self.open.wait(_PATIENCE)
        return numpy.asarray(self._images[index])


class BrokenStack(Stack):
    """One image cannot be read."""

    def __init__(self, images: NDArray[Any], broken: int) -> None:
        super().__init__(images.shape, images.dtype)
        self._images = images
        self._broken = broken
        self.read: list[int] = []

    def _read(self, index: int) -> NDArray[Any]:
        self.read.append(index)
        if index == self._broken:
            raise OSError("the file has vanished")
        return numpy.asarray(self._images[index])
