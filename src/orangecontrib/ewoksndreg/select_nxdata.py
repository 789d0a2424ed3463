"""The widget "NXdata stacks"."""

from __future__ import annotations

from collections.abc import Iterable

from silx.gui import qt

from ewoksndreg.tasks.select_nxdata import SelectNXdataImageStacks

from .controls.check_list_field import CheckListField
from .controls.dialogs import choose_group
from .controls.fields import Field
from .controls.hdf5_datasets import describe_stacks
from .controls.messages import extract_sentence
from .controls.stack_fields import OutputField
from .controls.status_widget import OWStatusWidget
from .controls.task_widget import make_inputs
from .controls.task_widget import make_outputs
from .controls.text_fields import READING_DELAY
from .controls.text_fields import LineField
from .controls.text_values import format_url
from .controls.text_values import read_input_url

__all__ = ["OWSelectNXdataImageStacks"]


class OWSelectNXdataImageStacks(  # type: ignore[call-arg]  # ewoksorange has no types
    OWStatusWidget, ewokstaskclass=SelectNXdataImageStacks
):
    """Finds the stacks of a NeXus file, of which the user ticks some."""

    name = "NXdata stacks"
    description = "Find the image stacks in the NXdata groups of a NeXus file"
    icon = "icons/select_nxdata.svg"
    keywords = ("registration", "alignment", "NeXus", "HDF5", "file")
    priority = 1

    explanation = "Finds the stacks in the NXdata groups of a NeXus file."

    Inputs = make_inputs(SelectNXdataImageStacks, "input_root_uri")
    Outputs = make_outputs(SelectNXdataImageStacks, "image_stacks")

    def __init__(self) -> None:
        self._soon = qt.QTimer()
        self._soon.setSingleShot(True)
        self._soon.setInterval(READING_DELAY)
        self._soon.timeout.connect(self._look)
        super().__init__()

    def _make_fields(self) -> Iterable[Field]:
        return (
            LineField(
                "input_root_uri",
                "Find stacks in",
                "A NeXus file, or a group of it: all 3D datasets of NXdata groups in it are"
                " stacks.",
                "maps.h5::/entry",
                read=read_input_url,
                write=format_url,
                browse=choose_group,
            ),
            CheckListField("stack_names", "Stacks", "Untick the stacks that are not needed."),
            OutputField(
                "A file or a group of one, for the widget that saves. Empty: beside the process"
                " that made the stacks.",
                read_input_url,
            ),
        )

    def _show_inputs(self) -> None:
        super()._show_inputs()
        self._soon.start()

    def _look(self) -> None:
        """List the stacks before the task runs."""
        self._soon.stop()
        place = self.get_task_input_value("input_root_uri", None)
        found = {}
        if place is not None and not self.fields["input_root_uri"].problem:
            task = SelectNXdataImageStacks(inputs={"input_root_uri": place})
            try:
                task.execute()
            except RuntimeError as error:
                self.fields["input_root_uri"].show_problem(extract_sentence(error))
            else:
                found = dict(describe_stacks(task.get_output_values()["image_stacks"]))
        self.fields["stack_names"].offer(found)

    def _find_problem(self) -> str:
        self._look()
        return super()._find_problem()

    def _show_result(self, task: SelectNXdataImageStacks) -> None:
        outputs = task.get_output_values()
        number = len(outputs["image_stacks"])
        self._show_status(
            f"{number} stacks found. The aligned ones will be saved in {outputs['output_root_uri']}"
        )

    def onDeleteWidget(self) -> None:
        """Look into no more files."""
        self._soon.stop()
        super().onDeleteWidget()
