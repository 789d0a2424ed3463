"""The widget "NXdata stacks"."""

from __future__ import annotations

from collections.abc import Iterable

from ewoksndreg.tasks.select_nxdata import SelectNXdataImageStacks

from .controls.dialogs import choose_group
from .controls.fields import Field
from .controls.stack_fields import make_output_field
from .controls.status_widget import OWStatusWidget
from .controls.task_widget import make_input
from .controls.task_widget import make_output
from .controls.text_fields import LineField
from .controls.text_values import format_url
from .controls.text_values import read_output_url
from .controls.text_values import summarize

__all__ = ["OWSelectNXdataImageStacks"]


class OWSelectNXdataImageStacks(  # type: ignore[call-arg]  # ewoksorange has no types
    OWStatusWidget, ewokstaskclass=SelectNXdataImageStacks
):
    """Finds the stacks of a NeXus file."""

    name = "NXdata stacks"
    description = "Find the image stacks in the NXdata groups of a NeXus file"
    icon = "icons/select_nxdata.svg"
    keywords = ("registration", "alignment", "NeXus", "HDF5", "file")
    priority = 1

    explanation = "Finds the stacks in the NXdata groups of a NeXus file."

    class Inputs:
        input_root_uri = make_input("input_root_uri", default=True)
        output_root_uri = make_input("output_root_uri", explicit=True)

    class Outputs:
        image_stacks = make_output("image_stacks", dict, default=True)
        output_root_uri = make_output("output_root_uri", str)
        image_stacks_nxmetadata = make_output("image_stacks_nxmetadata", dict)

    def _make_fields(self) -> Iterable[Field]:
        return (
            LineField(
                "input_root_uri",
                "Find stacks in",
                "A group of a NeXus file: all 3D datasets of NXdata groups in it are stacks.",
                "maps.h5::/entry",
                read=read_output_url,
                write=format_url,
                summarize=format_url,
                browse=choose_group,
            ),
            make_output_field(
                "The group of an HDF5 file, for the widget that saves. Empty: beside the process"
                " that made the stacks."
            ),
        )

    def _show_result(self, task: SelectNXdataImageStacks) -> None:
        outputs = task.get_output_values()
        stacks = outputs["image_stacks"]
        self._show_status(
            f"{len(stacks)} stacks:\n{summarize(stacks)}\n"
            f"To be saved in {outputs['output_root_uri']}"
        )
