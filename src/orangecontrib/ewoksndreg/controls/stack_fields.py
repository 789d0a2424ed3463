"""Fields for stacks, registrations and where to save, which several widgets have."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Collection
from collections.abc import Iterable
from functools import partial

from silx.gui import qt

from ewoksndreg.io import as_data_url
from ewoksndreg.transformation import CONVENTION_NAMES

from .dialogs import choose_datasets
from .dialogs import choose_output_group
from .fields import ChoiceField
from .hdf5_datasets import describe_registrations
from .hdf5_datasets import describe_stacks
from .hdf5_datasets import find_free_group
from .hdf5_datasets import is_stack
from .hdf5_datasets import is_transformations
from .text_fields import LineField
from .text_fields import SourcesField
from .text_values import format_sources
from .text_values import format_url
from .text_values import read_output_url
from .text_values import read_stacks
from .text_values import read_transformations

# Bspline and displacement fields can be neither found nor made.
_TYPES = ("translation", "rigid", "similarity", "affine", "projective", "identity")


class StackNameField(ChoiceField):
    """One of the stacks, or none of them.

    :param none: the text for no stack.
    """

    other = "{} (not among the inputs)"

    def __init__(self, name: str, label: str, help: str, none: str) -> None:
        self._none = none
        super().__init__(name, label, help, {None: none})

    def offer(self, names: Iterable[str]) -> None:
        """Let the user choose one of these stacks."""
        self.set_choices({None: self._none, **{name: name for name in names}})


def make_type_field(label: str, help: str) -> ChoiceField:
    """The field of the input `transformation_type`."""
    return ChoiceField("transformation_type", label, help, {name: name for name in _TYPES})


def make_stacks_field() -> SourcesField:
    """The field of the input `image_stacks`."""
    return SourcesField(
        "image_stacks",
        "Image stacks",
        "The datasets of the stacks, one URL per line, or JSON.",
        "maps.h5::/entry/maps/Ca-K\nmaps.h5::/entry/maps/Fe-K",
        describe=describe_stacks,
        read=read_stacks,
        write=format_sources,
        browse=partial(choose_datasets, what="stacks (3D)", accept=is_stack),
    )


def make_registrations_field() -> SourcesField:
    """The field of the input `transformations`."""
    return SourcesField(
        "transformations",
        "Registrations",
        "For each stack the dataset of its registration, matrices or shifts, one URL per line and"
        " with the name of the stack, or JSON: a dictionary by stack name.",
        "shifts.h5::/entry/Ca-K\nshifts.h5::/entry/Fe-K",
        describe=describe_registrations,
        read=read_transformations,
        write=format_sources,
        browse=partial(choose_datasets, what="registrations", accept=is_transformations),
    )


def make_convention_field() -> ChoiceField:
    """The field of the input `convention`."""
    return ChoiceField(
        "convention",
        "Their matrices and shifts are",
        "What the numbers of the registrations mean: the convention, or the tool that found them.",
        {None: "passive, in (row, column) order", **{name: name for name in CONVENTION_NAMES}},
    )


class OutputField(LineField):
    """The field of the input `output_root_uri`. If the group has such stacks already, it offers the
    next free name.

    :param help: a tool tip.
    :param read: see :class:`.TextField`.
    """

    def __init__(self, help: str, read: Callable[[str], str | None] = read_output_url) -> None:
        super().__init__(
            "output_root_uri",
            "Save the aligned stacks in",
            help,
            "aligned.h5::/entry/aligned",
            read=read,
            write=format_url,
            browse=partial(choose_output_group, group="/entry/aligned"),
        )
        self.next_free = qt.QPushButton()
        self.next_free.setAutoDefault(False)
        self.next_free.clicked.connect(self._use_next_free)
        self.next_free.hide()
        self.layout().addWidget(self.next_free)

    def offer_next_free(self, stacks: Collection[str]) -> None:
        """Offer another group if the chosen one has such stacks already.

        :param stacks: names of the stacks to save; empty if they are unknown.
        """
        place = self.value() if self.editor.isEnabled() else None
        free = None if place is None else find_free_group(place, stacks)
        if free is not None:
            self._set_note("This group exists, and nothing is overwritten", is_problem=True)
            self.next_free.setText(f"Use {as_data_url(free).data_path()}")
            self.next_free.setToolTip(free)
            self.next_free.show()

    def _set_note(self, note: str, *, is_problem: bool = False) -> None:
        super()._set_note(note, is_problem=is_problem)
        self.next_free.hide()

    def _use_next_free(self) -> None:
        self._write_text(self.next_free.toolTip())
