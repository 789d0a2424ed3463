"""Parse URLs of HDF5 datasets, and derive the names of stacks from them."""

from __future__ import annotations

import os
import posixpath
import re
from collections import Counter
from collections.abc import Sequence

from silx.io.url import DataUrl
from silx.io.url import slice_sequence_to_string

_SCHEME = re.compile(r"^silx:(//)?")
_OTHER_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
Url = str | os.PathLike[str] | DataUrl

# Control characters, and invalid Unicode; U+DC80 to U+DCFF are bytes of a file name.
_NOT_IN_NAMES = re.compile("[\x00-\x1f\x7f\ud800-\udc7f\udd00-\udfff]")
_NOT_UNICODE = re.compile("[\ud800-\udfff]")
# Between file and data. A `?` inside a name is not followed by these, and a slice may contain `::`.
_SEPARATOR = re.compile(r"::|\?(?=/|path=|slice=)")
_SLICE_LAST = re.compile(r"^(?:(?:path=)?(?P<path>.*)&)?slice=(?P<slice>[^&/]*)$")
_SLICE_FIRST = re.compile(r"^slice=(?P<slice>[^&/]*)&path=(?P<path>.*)$")


def as_data_url(url: Url) -> DataUrl:
    """Parse the URL of an item in an HDF5 file.

    Strings are not parsed with silx, which treats them as web addresses: ``#``, ``+`` and ``%`` are
    ordinary characters in the names of files and datasets.

    :param url: ``file.h5::/entry/data`` or ``file.h5?/entry/data``, optionally with the prefix
        ``silx:`` and the suffix ``&slice=0:10``; or ``file.h5?path=/entry/data&slice=0:10``. ``~``
        or ``~user`` as the first folder is the home directory, as in a shell.
    :returns: a URL with an absolute data path, without a trailing slash.
    :raises ValueError: if the file or the path inside it is missing, or the slice is invalid.
    :raises TypeError: if it is neither a string, a path nor a `DataUrl`.
    """
    if isinstance(url, DataUrl):
        # Any other "scheme" is the beginning of a file name that contains a colon.
        if url.scheme() in ("fabio", "http", "https"):
            raise ValueError(f"The URL {url.path()!r} is not that of an HDF5 file")
        string = url.path()
    elif isinstance(url, (str, os.PathLike)):
        string = str(os.fsdecode(url))
    else:
        raise TypeError(f"A URL is a string, a path or a silx DataUrl, not {type(url).__name__}")
    if _NOT_IN_NAMES.search(string):
        raise ValueError(f"The URL {string!r} contains a line break or another control character")
    parts = _exact_parts(url) if isinstance(url, DataUrl) else None
    file_path, data_path, data_slice = parts or _split(string)
    if _OTHER_SCHEME.match(file_path):
        raise ValueError(
            f"The URL {string!r} is not the path of a file: write it as 'file.h5::/data'"
        )
    if not file_path or not data_path:
        raise ValueError(
            f"The URL {string!r} does not say where in which file:"
            " write it as 'file.h5::/path/inside/the/file'"
        )
    if _NOT_UNICODE.search(data_path):
        raise ValueError(f"The URL {string!r} has a dataset path that is not Unicode")
    return DataUrl(
        file_path=os.path.expanduser(file_path),
        data_path="/" + posixpath.normpath(data_path).strip("/"),
        data_slice=data_slice,
    )


def url_text(url: DataUrl) -> str:
    """Format a URL as users write it: ``file.h5::/entry/data&slice=0:10``."""
    data_slice = url.data_slice()
    suffix = "" if data_slice is None else f"&slice={slice_sequence_to_string(data_slice)}"
    return f"{url.file_path()}::{url.data_path()}{suffix}"


def stack_names(urls: Sequence[DataUrl]) -> list[str]:
    """Derive names for stacks that are given as URLs only.

    A name is the path of the dataset relative to the HDF5 group that all have in common, or the
    last part of the path of a single URL. If two names were the same, they are preceded by the name
    of the file.

    :raises ValueError: if two stacks still have the same name.

    >>> from silx.io.url import DataUrl
    >>> from ewoksndreg.io import stack_names
    >>> stack_names([DataUrl("maps.h5::/entry/Ca/data"), DataUrl("maps.h5::/entry/Fe/data")])
    ['Ca/data', 'Fe/data']
    """
    paths = [str(url.data_path()) for url in urls]
    common = posixpath.commonpath([posixpath.dirname(path) for path in paths]) if paths else "/"
    names = [posixpath.relpath(path, common) for path in paths]
    counts = Counter(names)
    names = [
        f"{os.path.basename(str(url.file_path()))}/{name}" if counts[name] > 1 else name
        for name, url in zip(names, urls, strict=True)
    ]
    for name, count in Counter(names).items():
        if count > 1:
            pairs = zip(urls, names, strict=True)
            same = [repr(url_text(url)) for url, other in pairs if other == name]
            if len(set(same)) == 1:
                raise ValueError(f"The stack {same[0]} is given {count} times")
            raise ValueError(
                f"{count} stacks would be called {name!r}: {', '.join(same)};"
                " give the stacks as a dictionary with unique names"
            )
    return names


def _exact_parts(url: DataUrl) -> tuple[str, str, tuple[int | slice, ...] | None] | None:
    """Return the parts of a `DataUrl` if they are equivalent to its string.

    They always are if it was made from parts, which may contain the separators of the string.
    """
    file_path, data_path, data_slice = url.file_path(), url.data_path(), url.data_slice()
    if not file_path or not data_path or not data_path.startswith("/"):
        return None
    rebuilt = DataUrl(
        file_path=file_path, data_path=data_path, data_slice=data_slice, scheme=url.scheme()
    )
    if url.scheme() not in (None, "silx") or rebuilt.path() != url.path():
        return None
    if data_slice is not None and not isinstance(data_slice, (tuple, list)):
        data_slice = (data_slice,)
    return file_path, data_path, None if data_slice is None else tuple(data_slice)


def _split(string: str) -> tuple[str, str | None, tuple[int | slice, ...] | None]:
    url = _SCHEME.sub("", string)
    separator = _SEPARATOR.search(url)
    if separator is not None:
        file_path, inside = url[: separator.start()], url[separator.end() :]
    else:
        file_path, _, inside = url.partition("?")
    match = _SLICE_LAST.match(inside) or _SLICE_FIRST.match(inside)
    if match is None:
        return file_path, inside.removeprefix("path="), None
    parsed = DataUrl(f"file?path=data&slice={match['slice']}")
    if not parsed.is_valid():
        raise ValueError(f"The URL {string!r} has the slice {match['slice']!r}, which is not valid")
    return file_path, match["path"], parsed.data_slice()
