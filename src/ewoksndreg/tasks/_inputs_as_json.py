"""The inputs of the task in the form that is saved with its results."""

from __future__ import annotations

import os
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

from silx.io.url import DataUrl

from .._json import as_json
from .._stacks import Stack
from ..io import as_data_url
from ..io import url_text
from ..transformation import Transformation


def inputs_as_json(
    inputs: Mapping[str, Any],
    stacks: Mapping[str, Stack],
    registrations: Mapping[str, Sequence[Transformation]],
) -> dict[str, Any]:
    """Convert the inputs of the task to JSON, with a URL or a summary in place of pixels.

    :param inputs: the inputs by name, among them an output URL.
    :param stacks: the opened image stacks.
    :param registrations: the registrations that are not in a file.
    :raises ValueError: if an input contains itself; names the input.
    """
    values = dict(inputs)
    values["image_stacks"] = {name: stack.describe_sources() for name, stack in stacks.items()}
    values["transformations"] = {
        name: _url(source)
        or [_describe_transformation(item) for item in registrations.get(name, ())]
        for name, source in values["transformations"].items()
    }
    values["output_root_uri"] = _url(values["output_root_uri"])
    plain = {}
    for name, value in values.items():
        try:
            plain[name] = as_json(value)
        except ValueError as error:
            raise ValueError(f"Input {name!r} {error}") from None
    return plain


def _url(source: Any) -> str | None:
    """Format a URL as users write it; None if it is something else."""
    if isinstance(source, DataUrl):
        return url_text(as_data_url(source))
    return os.fspath(source) if isinstance(source, (str, os.PathLike)) else None


def _describe_transformation(transformation: Transformation) -> Any:
    try:
        return transformation.passive_matrix
    except AttributeError:
        return repr(transformation)
