"""Image stacks and transformations as users type them. Needs no Qt and opens no file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from silx.io.url import DataUrl

from ewoksndreg.io import as_data_url
from ewoksndreg.io import name_sources
from ewoksndreg.io import stack_names
from ewoksndreg.io import url_text
from ewoksndreg.transformation import as_registrations


def read_stacks(typed: str) -> list[str] | dict[str, Any] | None:
    """Read what a user typed as image stacks.

    :param typed: URLs of datasets, one per line, or JSON: a list of URLs, or a dictionary of URLs
        or nested lists of pixels by stack name.
    :returns: the same as a value of the task input `image_stacks`; None if nothing was typed.
    :raises ValueError: if it is none of these, in one sentence.
    """
    value: list[str] | dict[str, Any] | None = _read(typed)
    try:
        for source in name_sources(value or ()).values():
            if isinstance(source, (str, DataUrl)):
                as_data_url(source)
    except TypeError as error:
        raise ValueError(str(error)) from error
    return value


def read_transformations(typed: str) -> dict[str, Any] | None:
    """Read what a user typed as registrations.

    :param typed: URLs of datasets of matrices or shifts, one per line, or JSON: a list of URLs, or
        a dictionary of URLs or nested lists by stack name. A list of URLs gets the names of
        :func:`.stack_names`, which are those of the datasets.
    :returns: the same as a value of the task input `transformations`; None if nothing was typed.
    :raises ValueError: if it is none of these, in one sentence.
    """
    value = _read(typed)
    if value is None:
        return None
    if not isinstance(value, dict):
        if not all(isinstance(url, str) for url in value):
            raise ValueError(
                "A list of registrations holds URLs: give matrices and shifts in a dictionary by"
                " stack name"
            )
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


def read_output_url(typed: str) -> str | None:
    """Read what a user typed as the URL of the group to save into.

    :returns: the URL without spaces around it; None if nothing was typed.
    :raises ValueError: if it is not a URL, in one sentence.
    """
    typed = typed.strip()
    if not typed:
        return None
    as_data_url(typed)
    return typed


def read_input_url(typed: str) -> str | None:
    """:func:`read_output_url`, where the path of a file is the URL of its root group."""
    typed = typed.strip()
    read_output_url(typed if "::" in typed or not typed else f"{typed}::/")
    return typed or None


def read_options(typed: str) -> dict[str, Any] | None:
    """Read what a user typed as options by name.

    :returns: the options; None if nothing was typed.
    :raises ValueError: if it is not a JSON object, in one sentence.
    """
    value = _read_json(typed) if typed.strip() else None
    if not isinstance(value, dict | None):
        raise ValueError('Enter the options as JSON, for example {"apply_filter": "median"}')
    return value


def read_reference_image(typed: str) -> int | float | None:
    """Read what a user typed as the reference image.

    :returns: the number of an image, or a part of the stack as a float; None if nothing was
        typed.
    :raises ValueError: if it is not a number, in one sentence.
    """
    value = typed.strip()
    for kind in (int, float):
        try:
            return kind(value) if value else None
        except ValueError:
            continue
    raise ValueError(
        f"Enter the index of an image, or a relative position from 0.0 to 1.0, not {value!r}"
    )


def read_shape(typed: str) -> list[int] | None:
    """Read what a user typed as the shape of images, in JSON or without brackets.

    :returns: the numbers of rows and columns; None if nothing was typed.
    :raises ValueError: if it is not two positive integers, in one sentence.
    """
    if not typed.strip():
        return None
    try:
        rows, columns = (int(number) for number in typed.strip().strip("[]()").split(","))
    except ValueError:
        rows = columns = 0
    if rows < 1 or columns < 1:
        raise ValueError(f"Enter the numbers of rows and columns, as in '200, 220', not {typed!r}")
    return [rows, columns]


def format_json(value: Any) -> str | None:
    """The inverse of :func:`read_options`, :func:`read_reference_image` and :func:`read_shape`.

    :returns: None if the value cannot be typed.
    """
    try:
        return "" if value is None else json.dumps(value)
    except (TypeError, ValueError):
        return None


def format_url(url: str | DataUrl | None) -> str:
    """Format a URL as users write it; an empty string if there is none."""
    return url_text(url) if isinstance(url, DataUrl) else url or ""


def list_names(image_stacks: Any, transformations: Any) -> list[str]:
    """List the names of all stacks with images or transformations, as far as these are valid."""
    names: dict[str, None] = {}
    for value in (image_stacks, transformations):
        try:
            names.update(dict.fromkeys(name_sources(value)))
        except (TypeError, ValueError):
            continue
    return list(names)


def format_sources(value: Any) -> str | None:
    """The inverse of :func:`read_stacks` and :func:`read_transformations`.

    :param value: as they return, or with `DataUrl` in place of strings.
    :returns: None if the value cannot be typed, arrays for example.
    """
    if value is None:
        return ""
    value = _replace_urls(value)
    urls = list(value.values()) if isinstance(value, dict) else value
    if isinstance(urls, list) and urls and all(_is_plain_line(url) for url in urls):
        try:
            if value == urls or list(value) == stack_names([as_data_url(url) for url in urls]):
                return "\n".join(urls)
        except ValueError:  # a wrong URL, or two stacks with the same name
            pass
    try:
        return json.dumps(value, indent=1)
    except (TypeError, ValueError):
        return None


def elide(name: str, longest: int) -> str:
    """Remove the middle of a name that is too long.

    :param longest: number of characters.
    """
    if len(name) <= longest:
        return name
    half = longest // 2
    return f"{name[: half - 1]}…{name[-half:]}"


def _read(typed: str) -> Any:
    typed = typed.strip()
    if not typed:
        return None
    if typed[0] not in "[{":
        return [line.strip() for line in typed.splitlines() if line.strip()]
    return _read_json(typed)


def _read_json(typed: str) -> Any:
    try:
        return json.loads(typed)
    except json.JSONDecodeError as error:
        raise ValueError(
            f"This is not JSON (line {error.lineno}, column {error.colno}: {error.msg})"
        ) from error


def _is_plain_line(url: Any) -> bool:
    """Whether a URL can be typed on its own line."""
    return isinstance(url, str) and url == url.strip() and url != "" and url[0] not in "[{"


def _replace_urls(value: Any) -> Any:
    if isinstance(value, DataUrl):
        return url_text(value)
    if isinstance(value, Mapping):
        return {name: _replace_urls(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_replace_urls(item) for item in value]
    return value
