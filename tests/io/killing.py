"""Kill a process that writes into an HDF5 file, and look what is left.

Runs by itself, because a test runner should not fork. Prints what happened as JSON:

    python -m tests.io.killing every FOLDER GROUP earliest|latest STRIDE
    python -m tests.io.killing new FOLDER STRIDE
    python -m tests.io.killing random FOLDER KILLS
"""

import json
import os
import shutil
import signal
import sys
import time
from functools import partial
from pathlib import Path

import h5py
import numpy

from ewoksndreg._nexus import describe_evaluation
from ewoksndreg._nexus import make_plot
from ewoksndreg.io.output_stack import hdf5_output_context
from ewoksndreg.transformation import Homography

from .tracing import follow

IMAGES = numpy.random.default_rng(0).normal(size=(4, 40, 50)).astype(numpy.float32)
OLD_NAMES = ["Ca-K", "Fe-K", "Zn-K"]
OLD = {f"/entry/maps/{name}": IMAGES + n for n, name in enumerate(OLD_NAMES)}
OLD |= {f"/scan{n}/data": IMAGES * n for n in range(30)}


def make_file(path: Path, libver: str | None = None) -> None:
    with h5py.File(path, "w", libver=libver) as file:
        for name, images in OLD.items():
            file[name] = images


def old_content_is_there(path: Path) -> bool:
    """As any other program would read it."""
    try:
        with h5py.File(path, "r", locking=False) as file:
            return all(numpy.array_equal(file[name][()], images) for name, images in OLD.items())
    except (OSError, KeyError, RuntimeError):
        return False


def is_complete(path: Path, group: str) -> bool:
    try:
        with h5py.File(path, "r", locking=False) as file:
            evaluation = file["evaluation" if group == "/" else f"{group}_evaluation"]
            written = numpy.array_equal(file[group]["Ca-K"], IMAGES)
            return written and evaluation["scores/error"].shape == (9, 9)
    except (OSError, KeyError, RuntimeError):
        return False


def write(path: Path, group: str) -> None:
    with hdf5_output_context(f"{path}::{group}") as output:
        output.add_points("Ca-K", IMAGES)
        # More than eight items in some groups: HDF5 allocates their indices only in the flush.
        columns = {f"column{n}": numpy.zeros(9) for n in range(9)}
        results = {
            name: make_plot("Scores", {"error": numpy.zeros((9, 9))}, columns=columns)
            for name in ("scores", "per_image", "trust")
        }
        describe_evaluation(
            output, signal="Ca-K", inputs={}, results=results, matrices={"Ca-K": numpy.eye(3)[None]}
        )


def write_again(path: Path, group: str) -> str | None:
    """The same once more in another process; what it says if it does not work."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            write(path, group)
        except OSError as error:
            os.write(writer, str(error).encode())
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as said:
        message = said.read()
    os.waitpid(child, 0)
    return message or None


def kill_at_every_step(folder: Path, group: str, libver: str, stride: int) -> dict[str, object]:
    """Repeat a write into an existing file, each time killed one or `stride` steps later; in the
    closing flush at every step."""
    original, path = folder / "original.h5", folder / "data.h5"
    make_file(original, libver)
    size = original.stat().st_size
    superblock = original.read_bytes()[:48]

    shutil.copy(original, path)
    changes, status = follow(partial(write, path, group))
    assert status == 0
    assert is_complete(path, group)
    # Writes that touch old bytes, but for the superblock (its size and flags)
    touching = [
        step
        for step, change in enumerate(changes, 1)
        if change.name == "pwrite64" and change.path == str(path) and 96 <= change.start < size
    ]
    writes = sum(change.name == "pwrite64" and change.path == str(path) for change in changes)
    lost, half_done, flagged, wrong_sentence, not_again = [], [], [], [], []
    steps = range(1, len(changes) + 1)
    for step in steps:
        if step % stride and step < min(touching, default=0) - 3:
            continue
        shutil.copy(original, path)
        for leftover in folder.glob(".*.tmp"):  # removing it would be a step
            leftover.unlink()
        _, status = follow(partial(write, path, group), kill_before=step)
        assert status == signal.SIGKILL
        if libver == "latest" and path.read_bytes()[11] & 1:
            # HDF5 lets nobody open it before `h5clear -s` gave back the flag.
            flagged.append(step)
            said = write_again(path, group) or ""
            if f"`h5clear -s {path}`" not in said or "killed while it saved there" not in said:
                wrong_sentence.append([step, said])
            with path.open("r+b") as file:
                file.write(superblock)
            if not old_content_is_there(path):
                lost.append(step)
            continue
        if not old_content_is_there(path):
            lost.append(step)
        elif not is_complete(path, group):
            # The same can be run again at once.
            said = write_again(path, group)
            if said or not is_complete(path, group) or not old_content_is_there(path):
                (half_done if step > touching[0] else not_again).append([step, said])
    return {
        "steps": len(steps),
        "writes": writes,
        "touching": touching,
        "lost": lost,
        "half done": half_done,
        "flagged": len(flagged),
        "wrong sentence": wrong_sentence,
        "not again": not_again,
    }


def kill_new(folder: Path, stride: int) -> dict[str, object]:
    """A file that does not exist yet: at each step there is all of it or nothing."""
    path = folder / "new" / "data.h5"
    group = "/entry/aligned"
    changes, _ = follow(partial(write, path, group))
    partly, not_again = [], []
    for step in range(1, len(changes) + 1):
        if step % stride and step < len(changes) - 3:
            continue
        shutil.rmtree(folder / "new")
        follow(partial(write, path, group), kill_before=step)
        if path.exists():
            if not is_complete(path, group):
                partly.append(step)
        elif write_again(path, group) or not is_complete(path, group):
            not_again.append(step)
    return {"steps": len(changes), "partly": partly, "not again": not_again}


def kill_at_random(folder: Path, kills: int) -> dict[str, object]:
    """Run the whole task into one file again and again, and kill it at any time."""
    from ewoksndreg.tasks.reg2d_posteval import Reg2DPostEvaluation  # slow, and only needed here

    path = folder / "data.h5"
    make_file(path)
    registrations = {
        name: [Homography([[1, 0, 0.3 * k * n], [0, 1, 0], [0, 0, 1]]) for n in range(len(IMAGES))]
        for k, name in enumerate(OLD_NAMES)
    }

    def run(number: int) -> None:
        Reg2DPostEvaluation(
            inputs={
                "image_stacks": [f"{path}::/entry/maps/{name}" for name in OLD_NAMES],
                "transformations": registrations,
                "output_root_uri": f"{path}::/entry/result{number}",
            }
        ).execute()

    def start(number: int) -> int:
        child = os.fork()
        if child == 0:
            status = 1
            try:
                run(number)
                status = 0
            finally:
                os._exit(status)
        return child

    begin = time.monotonic()
    os.waitpid(start(0), 0)
    duration = time.monotonic() - begin
    rng = numpy.random.default_rng(0)
    killed, finished, lost = 0, 0, 0
    while killed < kills:
        child = start(killed + finished + 1)
        time.sleep(rng.uniform(0, duration))
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        if status == signal.SIGKILL:
            killed += 1
        else:
            finished += 1
        lost += not old_content_is_there(path)
    _, status = os.waitpid(start(killed + finished + 1), 0)
    with h5py.File(path, "r") as file:
        results = sum(
            len(file[f"entry/{name}"]) == 3
            for name in file["entry"]
            if "result" in name and "evaluation" not in name
        )
    return {
        "killed": killed,
        "finished": finished,
        "lost": lost,
        "last run": status,
        "results": results,
    }


if __name__ == "__main__":
    mode, folder = sys.argv[1], Path(sys.argv[2])
    if mode == "random":
        found = kill_at_random(folder, int(sys.argv[3]))
    elif mode == "new":
        found = kill_new(folder, int(sys.argv[3]))
    else:
        found = kill_at_every_step(folder, sys.argv[3], sys.argv[4], int(sys.argv[5]))
    print(json.dumps(found))
