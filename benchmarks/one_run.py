"""One process that runs the task and prints its time and memory as JSON.

It runs in the environment of this library as well as in that of 0.5.0, and imports nothing of this
folder: ``python one_run.py '{"environment": ..., ...}'``.
"""

import json
import math
import os
import resource
import sys
import time
from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any

Job = dict[str, Any]


def main() -> None:
    job = json.loads(sys.argv[1])
    with_plugin = job["storage"] == "bitshuffle"
    if job["name"] == "reading":
        print(json.dumps(read(job, with_plugin)))
        return
    started = time.perf_counter()
    from ewoksndreg.tasks.reg2d_posteval import Reg2DPostEvaluation

    imported = time.perf_counter() - started
    optional = ("numba", "distributed", "matplotlib", "skimage", "SimpleITK", "Orange")
    brought = [name for name in optional if name in sys.modules]
    if with_plugin:
        import hdf5plugin  # noqa: F401
    inputs: dict[str, Any] = {
        "image_stacks": [f"{job['path']}::/stack{k}" for k in range(job["stacks"])],
        "transformations": make_transformations(job),
    }
    if job["backend"] is None:
        inputs["evaluate_on"] = job["evaluate_on"]
        inputs["max_workers"] = job["max_workers"]
        # Nothing is aligned here, so that others would be tried.
        inputs["reference_image"] = 0
        if not job["trust"]:
            leave_out_trust()
    if job["loaded"]:
        from ewoksndreg.kernels import find_kernel

        find_kernel("numba")
    task = Reg2DPostEvaluation(inputs=inputs)
    memory, cpu, started = measure_memory(), measure_cpu_time(), time.perf_counter()
    task.execute()
    result = {
        "wall": time.perf_counter() - started,
        "cpu": measure_cpu_time() - cpu,
        "memory": measure_memory() - memory,
        "import": imported,
        "brought": brought,
    }
    task = Reg2DPostEvaluation(inputs=inputs)
    started = time.perf_counter()
    task.execute()
    result["second"] = time.perf_counter() - started
    names = task.get_output_value("ranked_stack_names")
    assert len(names) == job["stacks"], names
    print(json.dumps(result))


def leave_out_trust() -> None:
    from ewoksndreg.evaluation import evaluate_stacks
    from ewoksndreg.tasks import reg2d_posteval

    vars(reg2d_posteval)["evaluate_stacks"] = partial(evaluate_stacks, trust=False)


def read(job: Job, with_plugin: bool) -> Job:
    """Read every image once and take one sum over it."""
    import h5py

    if with_plugin:
        import hdf5plugin  # noqa: F401
    memory, cpu, started = measure_memory(), measure_cpu_time(), time.perf_counter()
    with h5py.File(job["path"], "r") as file:
        for k in range(job["stacks"]):
            stack = file[f"stack{k}"]
            for n in range(job["images"]):
                stack[n].sum()
    wall = time.perf_counter() - started
    memory, cpu = measure_memory() - memory, measure_cpu_time() - cpu
    return {"wall": wall, "second": wall, "cpu": cpu, "memory": memory}


def make_transformations(job: Job) -> dict[str, list[Any]]:
    """Registrations that differ a little from stack to stack."""
    make = find_class(job["backend"], job["motion"])
    center = job["size"] / 2
    return {
        f"stack{k}": [make(make_matrix(job["motion"], n, k, center)) for n in range(job["images"])]
        for k in range(job["stacks"])
    }


def find_class(backend: str | None, motion: str) -> Callable[[Any], Any]:
    if backend is None:
        from ewoksndreg.transformation import Homography

        return Homography

    for name in ("numpy", "scipy", "scikitimage"):
        module = import_module(f"ewoksndreg.transformation.{name}_backend")
        if hasattr(module, backend):
            return partial(getattr(module, backend), transfo_type=motion)
    raise ValueError(backend)


def make_matrix(motion: str, n: int, k: int, center: float) -> Any:
    """A drift of a few px, and for other motions a rotation and a stretch that grow with it."""
    import numpy

    shift = (0.37 * (n % 40) + 0.1 * k * (n > 0), -0.53 * (n % 40))
    linear = numpy.identity(2)
    if motion != "translation":
        angle = math.radians(0.05 * (n % 40) + 0.01 * k * (n > 0))
        cos, sin = math.cos(angle), math.sin(angle)
        linear = numpy.array([[cos, -sin], [sin, cos]])
    if motion == "affine":
        linear = linear @ numpy.diag([1 + 1e-4 * (n % 40), 1 - 5e-5 * (n % 40)])
    result = numpy.identity(3)
    result[:2, :2] = linear
    result[:2, 2] = center - linear @ (center, center) + shift
    return result


def measure_memory() -> float:
    """Peak memory of this process, in MiB."""
    try:
        # On Linux `getrusage` counts the memory of the parent process.
        with open("/proc/self/status", encoding="ascii") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 2**10
    except (OSError, StopIteration):
        unit = 2**20 if sys.platform == "darwin" else 2**10
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def measure_cpu_time() -> float:
    """CPU time of this process and of the workers that have ended, in s."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


if __name__ == "__main__":
    main()
