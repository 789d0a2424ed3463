"""The base class of the widgets that register stacks."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .fields import Field
from .fields import NumberField
from .stack_fields import StackNameField
from .stack_fields import make_stacks_field
from .stack_fields import make_type_field
from .status_widget import OWStatusWidget
from .text_fields import LineField
from .text_values import format_json
from .text_values import read_reference_image


class OWRegisteringWidget(  # type: ignore[call-arg]  # ewoksorange has no types
    OWStatusWidget, openclass=True
):
    """Registers each stack separately, or one stack for all."""

    def _make_fields(self) -> Iterable[Field]:
        return (
            make_stacks_field(),
            make_type_field("Transformation type", "How the sample may move from image to image."),
            *self._make_method_fields(),
            LineField(
                "reference_image",
                "Reference image",
                "The image with which all others are aligned: its number from 0 (negative: from the"
                " end), or a relative position in the stack from 0.0 to 1.0.",
                "0",
                read=read_reference_image,
                write=format_json,
            ),
            StackNameField(
                "reference_stack",
                "Register",
                "Register each stack, or only one, whose transformations are used for all stacks.",
                "each stack separately",
            ),
            NumberField(
                "max_workers",
                "Workers",
                "Number of threads that register at the same time.",
                least=-1,
                most=256,
                least_means="one on each processor",
            ),
        )

    def _make_method_fields(self) -> Iterable[Field]:
        """The fields that only this method has."""
        raise NotImplementedError

    def _show_result(self, task: Any) -> None:
        found = task.registrations
        rows = [(name, f"{len(each.transformations)} images") for name, each in found.items()]
        self._show_rows("Registered:", rows)
        warnings = [
            f"Stack {name!r}: {each.warning}" for name, each in found.items() if each.warning
        ]
        self.Warning.of_task("\n".join(warnings), shown=bool(warnings))
