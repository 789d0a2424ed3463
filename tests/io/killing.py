"""Kill a process that writes into an HDF5 file, and look what is left.

Runs by itself, because a test runner should not fork: `python -m tests.io.killing every FOLDER` or
`... random FOLDER`. Prints what happened as JSON.
"""

import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import h5py
import numpy

from ewoksndreg.io import _journal as journal
from ewoksndreg.io import _pending_file as pending_file
from ewoksndreg.io.input_stack import input_context
from ewoksndreg.io.output_stack import hdf5_output_context
from ewoksndreg.tasks.reg2d_posteval import Reg2DPostEvaluation
from ewoksndreg.transformation import Homography

KILLS = 60
IMAGES = numpy.random.default_rng(0).normal(size=(4, 40, 50)).astype(numpy.float32)
OLD = {f"/entry/maps/{name}": IMAGES + n for n, name in enumerate(["Ca-K", "Fe-K", "Zn-K"])}
OLD |= {f"/scan{n}/data": IMAGES * n for n in range(30)}


def make_file(path: Path) -> None:
    with h5py.File(path, "w") as file:
        for name, images in OLD.items():
            file[name] = images


def old_content_is_there(path: Path) -> bool:
    """As any other program would read it."""
    try:
        with h5py.File(path, "r", locking=False) as file:
            return all(numpy.array_equal(file[name][()], images) for name, images in OLD.items())
    except (OSError, KeyError, RuntimeError):
        return False


def old_content_is_there_for_us(path: Path) -> bool:
    with input_context({name: f"{path}::{name}" for name in OLD}) as stacks:
        return all(numpy.array_equal(list(stacks[name]), images) for name, images in OLD.items())


def in_child(work: Callable[[], None]) -> int:
    """Start work in a child process; returns its number."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            work()
            status = 0
        finally:
            os._exit(status)
    return child


def write(path: Path, group: str) -> None:
    with hdf5_output_context(f"{path}::{group}") as output:
        output.add_points("Ca-K", IMAGES)
        output.describe(signal="Ca-K", inputs={}, results={})


def die_at_step(step: int) -> None:
    """Let this process kill itself instead of its `step`-th change of a file."""
    left = [step]

    def counted(function):
        def call(*args, **kwargs):
            left[0] -= 1
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return function(*args, **kwargs)

        return call

    pending_file.write_at = counted(pending_file.write_at)
    journal.write_at = counted(journal.write_at)
    for name in ("link", "replace", "remove", "fsync"):
        setattr(os, name, counted(getattr(os, name)))


def kill_at_every_step(folder: Path, group: str) -> dict[str, object]:
    """Repeat a write, each time killed one step later, until it lives."""
    original, path = folder / "original.h5", folder / "data.h5"
    make_file(original)
    step = 0
    lost, half_done, lost_for_us, not_again = [], [], [], []
    while True:
        step += 1
        shutil.copy(original, path)

        def work(step=step) -> None:
            die_at_step(step)
            write(path, group)

        _, status = os.waitpid(in_child(work), 0)
        if not old_content_is_there(path):
            (half_done if os.path.exists(journal.journal_path(str(path))) else lost).append(step)
        if not old_content_is_there_for_us(path):
            lost_for_us.append(step)
        if status == 0:
            break
        # The same can be run again at once, unless it was complete already.
        with h5py.File(path) as file:
            complete = group in file
        if complete:
            with h5py.File(path) as file:
                complete = numpy.array_equal(file[f"{group}/Ca-K"], IMAGES)
        else:
            _, again = os.waitpid(in_child(partial(write, path, group)), 0)
            complete = again == 0
        if not complete or not old_content_is_there(path):
            not_again.append(step)
    return {
        "steps": step,
        "lost": lost,
        "half done": half_done,
        "lost for us": lost_for_us,
        "not again": not_again,
    }


def kill_at_random(folder: Path) -> dict[str, object]:
    """Run the whole task into one file again and again, and kill it at any time."""
    path = folder / "data.h5"
    make_file(path)
    names = ["Ca-K", "Fe-K", "Zn-K"]
    registrations = {
        name: [Homography([[1, 0, 0.3 * k * n], [0, 1, 0], [0, 0, 1]]) for n in range(len(IMAGES))]
        for k, name in enumerate(names)
    }

    def run(number: int) -> None:
        Reg2DPostEvaluation(
            inputs={
                "image_stacks": [f"{path}::/entry/maps/{name}" for name in names],
                "transformations": registrations,
                "output_root_uri": f"{path}::/entry/result{number}",
            }
        ).execute()

    start = time.monotonic()
    os.waitpid(in_child(partial(run, 0)), 0)
    duration = time.monotonic() - start
    rng = numpy.random.default_rng(0)
    killed, finished, lost = 0, 0, 0
    while killed < KILLS:
        child = in_child(partial(run, killed + finished + 1))
        time.sleep(rng.uniform(0, duration))
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        if status == signal.SIGKILL:
            killed += 1
        else:
            finished += 1
        lost += not old_content_is_there(path)
    last = killed + finished + 1
    _, status = os.waitpid(in_child(partial(run, last)), 0)
    return {"killed": killed, "finished": finished, "lost": lost, "last run": status}


if __name__ == "__main__":
    mode, folder = sys.argv[1], Path(sys.argv[2])
    if mode == "random":
        print(json.dumps(kill_at_random(folder)))
    else:
        print(json.dumps(kill_at_every_step(folder, sys.argv[3])))
