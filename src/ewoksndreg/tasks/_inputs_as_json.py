"""The inputs of the task as they are saved with its results."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

import numpy
from silx.io.url import DataUrl

from ..io import as_data_url
from ..io import named_sources
from ..io import url_text
from ..transformation import Transformation
from ..transformation import TransformationSource


def inputs_as_json(
    inputs: Mapping[str, Any], registrations: Mapping[str, Sequence[Transformation]]
) -> dict[str, Any]:
    """The inputs of the task with a URL or a summary in place of pixels.

    :param inputs: by name; they name an output.
    :param registrations: the registrations that are not in a file.
    """
    values = dict(inputs)
    sources = values["image_stacks"]
    if not isinstance(sources, Mapping):
        sources = named_sources(sources)
    values["image_stacks"] = {name: _describe_stack(sources[name]) for name in sources}
    values["transformations"] = {
        name: _describe_registration(source, registrations.get(name, ()))
        for name, source in values["transformations"].items()
    }
    values["output_root_uri"] = url_text(as_data_url(values["output_root_uri"]))
    return values


def _describe_stack(source: Any) -> str:
    if isinstance(source, (str, DataUrl)):
        return url_text(as_data_url(source))
    shape = getattr(source, "shape", None) or (len(source), *numpy.shape(source[0]))
    return f"images in memory, shape {tuple(shape)}"


def _describe_registration(source: TransformationSource, items: Sequence[Transformation]) -> Any:
    if isinstance(source, DataUrl):
        return source.path()
    return source if isinstance(source, str) else [_describe_transformation(item) for item in items]


def _describe_transformation(transformation: Transformation) -> Any:
    try:
        return transformation.passive_matrix.tolist()
    except AttributeError:
        return repr(transformation)
