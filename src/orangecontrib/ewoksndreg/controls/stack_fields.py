"""Fields for stacks, registrations and where to save, which several widgets have."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from .dialogs import choose_datasets
from .dialogs import choose_output_group
from .fields import ChoiceField
from .hdf5_datasets import is_stack
from .hdf5_datasets import is_transformations
from .text_fields import LineField
from .text_fields import LinesField
from .text_values import format_sources
from .text_values import format_url
from .text_values import read_output_url
from .text_values import read_stacks
from .text_values import read_transformations
from .text_values import summarize


class StackNameField(ChoiceField):
    """One of the stacks, or none of them.

    :param none: what the user reads when no stack is chosen.
    """

    def __init__(self, name: str, label: str, help: str, none: str) -> None:
        self._none = none
        super().__init__(name, label, help, {None: none})

    def offer(self, names: Iterable[str]) -> None:
        """Let the user choose one of these stacks."""
        self.set_choices({None: self._none, **{name: name for name in names}})


def make_stacks_field() -> LinesField:
    """The field of the input `image_stacks`."""
    return LinesField(
        "image_stacks",
        "Image stacks",
        "The datasets of the stacks, one URL per line, or JSON.",
        "maps.h5::/entry/maps/Ca-K\nmaps.h5::/entry/maps/Fe-K",
        read=read_stacks,
        write=format_sources,
        summarize=summarize,
        browse=partial(choose_datasets, what="stacks (3D)", accept=is_stack),
    )


def make_transformations_field() -> LinesField:
    """The field of the input `transformations`."""
    return LinesField(
        "transformations",
        "Transformations",
        "For each stack the dataset of its matrices or shifts, one URL per line and with the"
        " name of the stack, or JSON: a dictionary by stack name.",
        "shifts.h5::/entry/Ca-K\nshifts.h5::/entry/Fe-K",
        read=read_transformations,
        write=format_sources,
        summarize=summarize,
        browse=partial(choose_datasets, what="transformations", accept=is_transformations),
    )


def make_output_field(help: str) -> LineField:
    """The field of the input `output_root_uri`.

    :param help: a tool tip.
    """
    return LineField(
        "output_root_uri",
        "Save the aligned stacks in",
        help,
        "aligned.h5::/entry/aligned",
        read=read_output_url,
        write=format_url,
        summarize=format_url,
        browse=partial(choose_output_group, group="/entry/aligned"),
    )
