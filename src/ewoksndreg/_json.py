"""Convert any value to JSON, so that files record what a result was made from."""

from __future__ import annotations

import math
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from typing import Any

import numpy
from silx.io.url import DataUrl


def as_json(value: Any) -> Any:
    """Convert a value to JSON types: numbers, strings, lists and dictionaries with string keys.

    Arrays are kept completely. NaN and masked values become None. Infinite numbers, and values of
    other types, become strings.

    :raises ValueError: if it contains itself.

    >>> import numpy
    >>> as_json({("a", "b"): numpy.float32(0.5), numpy.int64(3): numpy.array([1, numpy.nan])})
    {"('a', 'b')": 0.5, '3': [1.0, None]}
    """
    try:
        return _as_json(value)
    except RecursionError:
        raise ValueError("cannot be saved: it contains itself, or is nested too deeply") from None


def _as_json(value: Any) -> Any:
    if value is numpy.ma.masked or type(value).__name__ in ("NAType", "NaTType"):
        return None
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, (float, numpy.floating)):
        number = float(value)
        return None if math.isnan(number) else str(number) if math.isinf(number) else number
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    if isinstance(value, Mapping):
        return {_key(key, value): _as_json(item) for key, item in value.items()}
    if isinstance(value, DataUrl):
        return value.path()
    names = getattr(getattr(value, "dtype", None), "names", None)
    if names:  # a table
        return {name: _as_json(value[name]) for name in names}
    if hasattr(value, "tolist"):  # an array or number of numpy or a similar package
        return _as_json(value.tolist())
    if hasattr(value, "to_dict"):  # a data frame
        return _as_json(value.to_dict())
    if hasattr(value, "__array__"):
        return _as_json(numpy.asarray(value).tolist())
    if isinstance(value, Iterable) and not isinstance(value, Iterator):
        return [_as_json(item) for item in value]
    return str(value)


def _key(key: Any, mapping: Mapping[Any, Any]) -> str:
    """Convert a key to a string; if that is another key already, add its type."""
    if isinstance(key, str):
        return key
    return f"{key} ({type(key).__name__})" if str(key) in mapping else str(key)
