"""A widget, files to give it, and time for what it does in the background."""

from __future__ import annotations

import time
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy
import pytest
from numpy.typing import NDArray

from ..conftest import smooth_image
from ..gui.conftest import no_unseen_errors  # noqa: F401  (a fixture)
from ..gui.conftest import wait_until  # noqa: F401  (a fixture)

MOTION = ((0, 0), (1, 2), (3, 1), (2, -2))
WRONG = ((0, 0), (2, 1), (1, 2), (0, 0))


def _make_moving(sample: NDArray[Any]) -> NDArray[Any]:
    return numpy.stack([sample[9 - r : 49 - r, 9 - c : 53 - c] for r, c in MOTION])


@dataclass(frozen=True)
class Measured:
    """Stacks of a sample that moved, in a file, and registrations of which that of Fe-K is
    right."""

    folder: Path
    stacks: dict[str, NDArray[Any]]
    registrations: dict[str, list[list[int]]]

    @property
    def urls(self) -> list[str]:
        return [f"{self.folder}/maps.h5::/entry/maps/{name}" for name in self.stacks]

    @property
    def registration_urls(self) -> list[str]:
        return [f"{self.folder}/maps.h5::/entry/fits/{name}" for name in self.registrations]


@pytest.fixture
def measured(tmp_path: Path) -> Measured:
    sample = smooth_image(3, (60, 64))
    stacks = {"Ca-K": numpy.exp(_make_moving(sample)), "Fe-K": _make_moving(sample)}
    registrations = {
        "Ca-K": [list(step) for step in WRONG],
        "Fe-K": [list(step) for step in MOTION],
    }
    with h5py.File(tmp_path / "maps.h5", "w") as file:
        for name in stacks:
            file[f"/entry/maps/{name}"] = stacks[name]
            file[f"/entry/fits/{name}"] = numpy.array(registrations[name], dtype=float)
    return Measured(tmp_path, stacks, registrations)


class SlowImages(Sequence[NDArray[Any]]):
    """Images that take a while to read, so that there is time to look at the progress."""

    def __init__(self, images: NDArray[Any], seconds: float = 0.02) -> None:
        self._images = images
        self._seconds = seconds

    def __len__(self) -> int:
        return len(self._images)

    def __getitem__(self, index: Any) -> Any:
        time.sleep(self._seconds)
        return self._images[index]


def messages(widget: Any) -> list[str]:
    """What stands in Orange's message bar."""
    return [
        "\n".join(filter(None, (message.text, message.informativeText)))
        for message in widget.message_bar.messages()
    ]


@pytest.fixture(scope="session")
def application(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The Qt application; its settings go into a temporary folder."""
    from silx.gui import qt

    with pytest.MonkeyPatch.context() as environment:
        for name in ("XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"):
            environment.setenv(name, str(tmp_path_factory.mktemp(name)))
        yield qt.QApplication.instance() or qt.QApplication([])


@pytest.fixture
def canvas(application: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The canvas; a warning, which would wait for an answer of the user, fails the test."""
    from ewoksorange.gui.canvas.handler import OrangeCanvasHandler
    from orangecanvas.application import canvasmain

    monkeypatch.setattr(
        canvasmain, "message_warning", lambda *_, details, **__: pytest.fail(details)
    )
    with OrangeCanvasHandler() as handler:
        yield handler


@pytest.fixture
def make_widget(application: Any) -> Iterator[Callable[..., Any]]:
    """Make widgets as the canvas does, with the settings that were saved."""
    widgets = []

    def make(kind: type[Any], settings: dict[str, Any] | None = None) -> Any:
        widget = kind.__new__(kind, stored_settings=settings)
        widget.__init__()
        widget.resize(1100, 750)
        widget.show()
        widgets.append(widget)
        return widget

    yield make
    for widget in widgets:
        if widget.task_executor is not None:  # else it was removed already
            widget.onDeleteWidget()
        widget.deleteLater()
    application.processEvents()
