"""Change several pages of a file so that a process that is killed in between does no harm.

The new pages are first written to a journal beside the file. If the process dies before all of them
are in place, the next one that opens the file through this library finishes the work.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from io import FileIO

from ._positioned import read_at
from ._positioned import write_at


def journal_path(path: str) -> str:
    """Where the journal of a file is while its pages are being changed."""
    folder, name = os.path.split(os.path.abspath(path))
    return os.path.join(folder, f".{name}.ewoksndreg-journal")


def write_journal(file: FileIO, path: str, pages: Mapping[int, bytes]) -> None:
    """Decide that pages of a file will change; :func:`finish_changes` does it.

    :param file: open for reading and writing.
    :param path: of the file.
    :param pages: new content by offset in the file.
    :raises OSError: when the journal cannot be written; nothing will change.
    """
    offsets = sorted(pages)
    old = [read_at(file, offset, len(pages[offset])) for offset in offsets]
    header = {"offsets": offsets, "lengths": [len(pages[offset]) for offset in offsets]}
    unfinished = f"{journal_path(path)}.unfinished"
    try:
        with open(unfinished, "wb") as journal:
            journal.write(json.dumps(header).encode() + b"\n")
            journal.write(b"".join(old))
            journal.write(b"".join(pages[offset] for offset in offsets))
            journal.flush()
            os.fsync(journal.fileno())
        os.replace(unfinished, journal_path(path))
    except BaseException:
        with suppress(FileNotFoundError):
            os.remove(unfinished)
        raise


def finish_changes(file: FileIO, path: str) -> None:
    """Do what a journal says, if there is one.

    :param file: open for reading and writing.
    :param path: of the file.
    :raises OSError: when another program changed the file since the journal was written.
    """
    journal = journal_path(path)
    try:
        with open(journal, "rb") as entries:
            header = json.loads(entries.readline())
            old = [entries.read(length) for length in header["lengths"]]
            new = [entries.read(length) for length in header["lengths"]]
    except FileNotFoundError:
        return
    places = list(zip(header["offsets"], old, new, strict=True))
    for offset, before, after in places:
        if read_at(file, offset, len(before)) not in (before, after):
            raise OSError(
                f"{path!r} was changed by another program after a run that was killed: check the"
                f" file, then delete {journal!r}"
            )
    # In the order of the file: the first page says where HDF5 data ends, and may say so too early.
    for offset, _, after in places:
        write_at(file, offset, after)
    os.fsync(file.fileno())
    os.remove(journal)
