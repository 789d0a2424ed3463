"""Image stacks and transformations as people type them. Needs no Qt and opens no file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

from silx.io.url import DataUrl

from ewoksndreg.io import as_data_url
from ewoksndreg.io import named_sources
from ewoksndreg.io import stack_names
from ewoksndreg.io import url_text
from ewoksndreg.transformation import as_registrations


def read_stacks(text: str) -> list[str] | dict[str, Any] | None:
    """Image stacks as text.

    :param text: URLs of datasets, one per line, or JSON: a list of URLs, or a dictionary of URLs
        or nested lists of pixels by stack name.
    :returns: the same as a value of the task input `image_stacks`; None for no text.
    :raises ValueError: when it is none of these, in one sentence.
    """
    value: list[str] | dict[str, Any] | None = _read(text)
    try:
        for source in named_sources(value or ()).values():
            if isinstance(source, (str, DataUrl)):
                as_data_url(source)
    except TypeError as error:
        raise ValueError(str(error)) from error
    return value


def read_transformations(text: str) -> dict[str, Any] | None:
    """Registrations as text.

    :param text: URLs of datasets of matrices or shifts, one per line, or JSON: a list of URLs, or a
        dictionary of URLs or nested lists by stack name. A list of URLs gets the names of
        :func:`.stack_names`, which are those of the datasets.
    :returns: the same as a value of the task input `transformations`; None for no text.
    :raises ValueError: when it is none of these, in one sentence.
    """
    value = _read(text)
    if value is None:
        return None
    if not isinstance(value, dict):
        if not all(isinstance(url, str) for url in value):
            raise ValueError("A registration holds URLs: give matrices by stack name")
        return dict(zip(stack_names([as_data_url(url) for url in value]), value, strict=True))
    numbers = {}
    for name, source in value.items():
        if isinstance(source, str):
            as_data_url(source)
        else:
            numbers[name] = source
    try:
        as_registrations(numbers)
    except TypeError as error:
        raise ValueError(str(error)) from error
    return value


def read_output_url(text: str) -> str | None:
    """The address of the group to save into as text.

    :returns: the text without spaces around it; None for no text.
    :raises ValueError: when it is no address, in one sentence.
    """
    text = text.strip()
    if not text:
        return None
    as_data_url(text)
    return text


def url_as_text(url: str | DataUrl | None) -> str:
    """The address as people write it; empty where there is none."""
    return url_text(url) if isinstance(url, DataUrl) else url or ""


def known_names(image_stacks: Any, transformations: Any) -> list[str]:
    """Names of all stacks of which there are images or transformations, as far as they can be
    told: values that are no stacks have no names."""
    names: dict[str, None] = {}
    for value in (image_stacks, transformations):
        try:
            names.update(dict.fromkeys(named_sources(value)))
        except (TypeError, ValueError):
            continue
    return list(names)


def typed_text(value: Any) -> str | None:
    """The text that :func:`read_stacks` or :func:`read_transformations` make a value of.

    :param value: as they return, or with `DataUrl` in place of text.
    :returns: None when the value cannot be typed, arrays for example.
    """
    if value is None:
        return ""
    value = _with_plain_urls(value)
    urls = list(value.values()) if isinstance(value, dict) else value
    if isinstance(urls, list) and urls and all(_is_plain_line(url) for url in urls):
        try:
            if value == urls or list(value) == stack_names([as_data_url(url) for url in urls]):
                return "\n".join(urls)
        except ValueError:  # a URL that is wrong, or two stacks of one name
            pass
    try:
        return json.dumps(value, indent=1)
    except (TypeError, ValueError):
        return None


def summary(value: Any) -> str:
    """What a link brought, one stack per line: its URL, its shape or how many things it holds."""
    if not isinstance(value, Mapping):
        if isinstance(value, Sequence) and not isinstance(value, str):
            return "\n".join(_source_summary(source) for source in value)
        return _source_summary(value)
    return "\n".join(f"{name}: {_source_summary(source)}" for name, source in value.items())


def _source_summary(source: Any) -> str:
    if isinstance(source, (str, DataUrl)):
        return str(_with_plain_urls(source))
    shape = getattr(source, "shape", None)
    if shape is not None:
        return " x ".join(str(length) for length in shape)
    if isinstance(source, Sequence):
        return f"{len(source)} images"
    return type(source).__name__


def _read(text: str) -> Any:
    text = text.strip()
    if not text:
        return None
    if text[0] not in "[{":
        return [line.strip() for line in text.splitlines() if line.strip()]
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(
            f"This is not JSON (line {error.lineno}, column {error.colno}: {error.msg})"
        ) from error


def _is_plain_line(url: Any) -> bool:
    """Whether a URL on a line of its own is read as it is."""
    return isinstance(url, str) and url == url.strip() and url != "" and url[0] not in "[{"


def _with_plain_urls(value: Any) -> Any:
    if isinstance(value, DataUrl):
        return url_text(value)
    if isinstance(value, Mapping):
        return {name: _with_plain_urls(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_with_plain_urls(item) for item in value]
    return value
