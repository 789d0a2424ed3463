"""Executors: the same numbers, errors from workers, and cancelling."""

from __future__ import annotations

import pickle
import threading
import time
from concurrent.futures import CancelledError
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import h5py
import numpy
import pytest

from ewoksndreg._progress import Reporter
from ewoksndreg._stacks import as_stack
from ewoksndreg.evaluation import _jobs as jobs_module
from ewoksndreg.evaluation import evaluate_stacks
from ewoksndreg.evaluation._candidates import Candidates
from ewoksndreg.evaluation._compare_stacks import make_jobs
from ewoksndreg.evaluation._jobs import Workers
from ewoksndreg.io import input_context
from ewoksndreg.kernels import find_kernel
from ewoksndreg.transformation import Homography
from ewoksndreg.workers import processes

from ..conftest import Foreign
from ..conftest import parametrize_sample
from ..conftest import rotation_matrix
from ..kernels.conftest import kernel_or_skip
from ..worker_stacks import DyingStack
from ..worker_stacks import LocalStack
from ..worker_stacks import SlowStack
from ..worker_stacks import UnreadableStack
from ..worker_stacks import wobble
from .conftest import WatchedStack
from .conftest import evaluate
from .conftest import moving_stack

pytestmark = pytest.mark.xdist_group("processes")  # they are started once

SHAPE = (30, 44)


@pytest.fixture
def small_jobs(monkeypatch):
    """So small that a few small images are several jobs, which are worth sharing."""
    monkeypatch.setattr(jobs_module, "_JOB_SIZE", 1)
    monkeypatch.setattr(jobs_module, "_LEAST_FOR_THREADS", 1)


@pytest.fixture(scope="module")
def pool():
    with processes(2) as executor:
        yield executor


@pytest.fixture(params=["threads", "processes"])
def executor(request, pool):
    if request.param == "processes":
        yield pool
        return
    with ThreadPoolExecutor(3) as threads:
        yield threads


def case(number):
    rng = numpy.random.default_rng(number)
    motion = rng.normal(scale=1.5, size=(number, 2)).cumsum(axis=0)
    motion -= motion[0]
    stacks = {name: moving_stack(seed, motion, SHAPE) for seed, name in enumerate("abc")}
    stacks["b"][number // 2, 3:9, 4:11] = numpy.nan
    stacks["c"] = stacks["c"].astype(numpy.float32)
    turned = [Homography(rotation_matrix(0.3 * n, (15, 22))) for n in range(number)]
    registrations = {
        "a": wobble(number, 1),
        "b": turned,
        "c": [Foreign(each) for each in wobble(number, 2)],
    }
    return stacks, registrations


def in_file(stacks, folder, chunk, compression=None):
    with h5py.File(folder / f"stacks{chunk}.h5", "w") as file:
        for name, stack in stacks.items():
            chunks = None if chunk is None else (min(chunk, len(stack)), 8, 9)
            file.create_dataset(name, data=stack, chunks=chunks, compression=compression)
    return {name: f"{folder}/stacks{chunk}.h5::/{name}" for name in stacks}


def assert_same_bits(actual, expected):
    assert actual.ranked_names == expected.ranked_names
    for name, item in expected.registrations.items():
        # NaN equals NaN only as text.
        assert repr(actual.registrations[name]) == repr(item)
    for name in ("relative_error", "overlap", "stack_weights", "aligned_mse"):
        found, wanted = getattr(actual, name), getattr(expected, name)
        assert found.tobytes() == wanted.tobytes()
    assert actual.infinite_pixels == expected.infinite_pixels
    assert actual.warnings == expected.warnings
    assert repr(actual.trust()) == repr(expected.trust())


@parametrize_sample("number, evaluate_on", [1, 2, 7, 75], ["all", "own"], every=3)
def test_arrays_give_the_same_bits(executor, number, evaluate_on, small_jobs):
    stacks, registrations = case(number)
    options = {"evaluate_on": evaluate_on}
    expected = evaluate(stacks, registrations, max_workers=0, **options)
    assert_same_bits(evaluate(stacks, registrations, executor=executor, **options), expected)


def test_any_number_of_workers_gives_the_same_bits(small_jobs):
    stacks, registrations = case(35)
    expected = evaluate(stacks, registrations, max_workers=0)
    for max_workers in (None, -1, 1, 3):
        assert_same_bits(evaluate(stacks, registrations, max_workers=max_workers), expected)


def test_compiled_loops_give_the_same_bits_in_threads(small_jobs, monkeypatch):
    kernel = kernel_or_skip("numba")
    monkeypatch.setattr(jobs_module, "select_kernel", lambda _: kernel)
    stacks, registrations = case(75)
    expected = evaluate(stacks, registrations, max_workers=0)
    for max_workers in (2, 3):
        assert_same_bits(evaluate(stacks, registrations, max_workers=max_workers), expected)


@pytest.fixture(scope="module")
def case_of_files():
    """Stacks, registrations that can be sent to processes, and their ranking in this thread."""
    stacks, registrations = case(43)
    registrations["c"] = [each.wrapped for each in registrations["c"]]
    return stacks, registrations, evaluate(stacks, registrations, max_workers=0)


@parametrize_sample("chunk, compression", [None, 1, 5, 100], [None, "gzip"], every=3)
def test_files_give_the_same_bits(
    executor, tmp_path, chunk, compression, small_jobs, case_of_files
):
    stacks, registrations, expected = case_of_files
    with input_context(in_file(stacks, tmp_path, chunk, compression)) as lazy:
        assert_same_bits(evaluate(lazy, registrations, executor=executor), expected)


def test_the_library_chooses_processes(tmp_path, monkeypatch, small_jobs, case_of_files):
    monkeypatch.setattr(jobs_module, "_LEAST_FOR_PROCESSES", 1)
    stacks, registrations, expected = case_of_files
    with input_context(in_file(stacks, tmp_path, 5, "gzip")) as lazy:
        assert_same_bits(evaluate(lazy, registrations, max_workers=2), expected)


@pytest.mark.parametrize(
    ("compression", "kernel", "number", "foreign", "kind"),
    [
        (None, "numba", 2, False, "threads"),
        ("lzf", "numba", 2, False, "threads"),
        ("gzip", "numba", 2, False, "processes"),
        (None, "numpy", 2, False, "processes"),
        ("gzip", "numba", 2, True, "none"),
        ("gzip", "numba", 1, False, "none"),
        ("gzip", "numba", 0, False, "none"),
    ],
)
def test_processes_are_for_what_threads_cannot_share(
    compression, kernel, number, foreign, kind, tmp_path, monkeypatch
):
    """HDF5 decompresses under a lock, numpy makes short steps; what the running script defines is
    unknown to processes."""
    monkeypatch.setattr(OfScript, "__module__", "__main__")
    stacks, registrations = case(5)
    registrations = {name: wobble(5, 1) for name in registrations}
    if foreign:
        monkeypatch.setattr("__main__.OfScript", OfScript, raising=False)
        registrations["a"] = [OfScript(each) for each in registrations["a"]]
    with input_context(in_file(stacks, tmp_path, 1, compression)) as lazy:
        found = kind_of_executor(lazy, registrations, kernel, number, monkeypatch)
    assert found == {"threads": ThreadPoolExecutor, "processes": ProcessPoolExecutor}.get(kind)


def test_arrays_are_not_sent_to_processes(monkeypatch):
    stacks, registrations = case(5)
    stacks = {name: as_stack(stack) for name, stack in stacks.items()}
    for kernel, kind in (("numba", ThreadPoolExecutor), ("numpy", None)):
        assert kind_of_executor(stacks, registrations, kernel, 2, monkeypatch) is kind


def kind_of_executor(stacks, registrations, kernel, number, monkeypatch):
    """Of a large computation; None for this thread."""
    named = replace(find_kernel("numpy"), name=kernel)
    monkeypatch.setattr(jobs_module, "select_kernel", lambda _: named)
    monkeypatch.setattr(jobs_module, "_LEAST_FOR_THREADS", 1)
    monkeypatch.setattr(jobs_module, "_LEAST_FOR_PROCESSES", 1)
    scored = numpy.ones((len(registrations), len(stacks)), dtype=int)
    reporter = Reporter("evaluation", 1, None, None)
    with Workers(stacks, registrations, scored, reporter, number, None) as workers:
        return workers.executor and type(workers.executor)


class OfScript(Foreign):
    """As if the running script defined it."""


def test_what_is_small_is_done_in_this_thread():
    stacks, registrations = case(5)
    seen = set()

    class Noting(Foreign):
        def apply_data(self, image, **options):
            seen.add(threading.get_ident())
            return super().apply_data(image, **options)

    registrations["a"] = [Noting(each) for each in registrations["a"]]
    evaluate(stacks, registrations)
    assert seen == {threading.get_ident()}


def test_the_number_of_workers_is_checked_even_if_none_is_needed():
    stacks, registrations = case(2)
    with pytest.raises(ValueError, match="must be -1 or more, not -2"):
        evaluate_stacks(stacks, registrations, max_workers=-2)


def jobs_of(stacks, registrations):
    """As for an executor."""
    stacks = {name: as_stack(stack) for name, stack in stacks.items()}
    candidates = Candidates.of(stacks, registrations, None, None, "all")
    reporter = Reporter("evaluation", 1, None, None)
    with Workers(
        stacks,
        candidates.registrations,
        candidates.scored,
        reporter,
        0,
        ThreadPoolExecutor(1),
    ) as workers:
        return list(make_jobs(workers, candidates, 0))


def test_jobs_cover_each_image_once_and_begin_where_chunks_do(tmp_path, small_jobs):
    stacks, registrations = case(75)
    with input_context(in_file(stacks, tmp_path, 7)) as lazy:
        jobs = jobs_of(lazy, registrations)
        for images, _ in jobs:
            for image, n in zip(images.stack, images.indices, strict=True):
                numpy.testing.assert_array_equal(image, stacks[images.name][n])
    for name in "abc":
        parts = [images.indices for images, _ in jobs if images.name == name]
        assert [n for part in parts for n in part] == list(range(75))
        assert len(parts) > 2
        assert all(part.start % 7 == 0 for part in parts)
        assert all(len(part) >= 16 for part in parts[:-1])


def test_small_images_are_not_sent_in_small_jobs():
    """2 ** 22 pixels are 3178 images of 30 x 44."""
    for number, parts in ((1000, 1), (3178 * 2, 2)):
        stack = numpy.broadcast_to(numpy.float32(0), (number, *SHAPE))
        registrations = {"a": [Homography(numpy.identity(3))] * number}
        assert len(jobs_of({"a": stack}, registrations)) == parts


@pytest.mark.parametrize("form", [numpy.asarray, list, tuple])
def test_of_arrays_only_the_images_of_a_job_travel(form, small_jobs):
    stack = numpy.random.default_rng(0).random((64, 40, 50))
    jobs = jobs_of({"a": form(stack)}, {"a": wobble(64, 0)})
    assert len(jobs) == 4
    for images, compute in jobs:
        sent = pickle.dumps(compute)
        assert len(sent) < 1.2 * stack[:17].nbytes
        some, reference, *_ = pickle.loads(sent).args  # noqa: S301
        numpy.testing.assert_array_equal(reference.images.stack[0], stack[0])
        for n, image in zip(images.indices, some.stack, strict=True):
            numpy.testing.assert_array_equal(image, stack[n])


def test_of_files_only_the_address_travels(tmp_path):
    stacks, registrations = case(40)
    with input_context(in_file(stacks, tmp_path, None)) as lazy:
        for images, _ in jobs_of(lazy, registrations):
            assert len(pickle.dumps(images.stack)) < 2000
            arrived = pickle.loads(pickle.dumps(images.stack))  # noqa: S301
            with arrived:
                numpy.testing.assert_array_equal(arrived[3], stacks[images.name][3])
            del arrived  # as at the end of a job
            h5py.File(tmp_path / "stacksNone.h5", "r+").close()  # nobody reads it any more


def test_threads_read_the_first_image_once(small_jobs, monkeypatch):
    kernel = kernel_or_skip("numba")
    monkeypatch.setattr(jobs_module, "select_kernel", lambda _: kernel)
    stacks = {"a": WatchedStack(40, lambda n: numpy.random.default_rng(n).random((20, 20)))}
    evaluate(stacks, {"a": wobble(40, 0)}, max_workers=3, reference_image=0, trust=False)
    # The first one was looked at for its shape and is kept; two are looked at before.
    assert sorted(stacks["a"].read) == sorted([*range(40), 36])


def test_progress_never_decreases_and_ends_at_one(executor, small_jobs):
    stacks, registrations = case(40)
    told = []
    evaluate(stacks, registrations, executor=executor, progress=told.append)
    assert told == sorted(told)
    assert told[-1] == 1


def test_each_job_counts_once(executor, small_jobs):
    stacks, registrations = case(40)
    options = {"executor": executor, "reference_image": 0, "trust": False}
    told = []
    evaluate(stacks, registrations, progress=told.append, **options)
    # Three stacks of two jobs of 20 images: no less than 16, and of one size.
    assert told == pytest.approx([n / 6 for n in range(1, 7)])


def test_cancelling_lets_the_jobs_end_that_have_begun(executor, tmp_path, small_jobs):
    """Of 3 x 6 jobs of 16 images: those of three workers, and two that processes have waiting."""
    stacks = {name: SlowStack(tmp_path, 100, 0.01) for name in "abc"}
    registrations = {name: wobble(100, seed) for seed, name in enumerate("abc")}
    begun = 3 * (1 + 5)  # each stack was looked at for its shape and for what never changes

    with pytest.raises(CancelledError, match="cancelled after"):
        evaluate_stacks(
            stacks,
            registrations,
            executor=executor,
            should_stop=lambda: len(list(tmp_path.iterdir())) > begun + 5,
        )
    number = len(list(tmp_path.iterdir()))
    assert number <= begun + 5 * 17
    time.sleep(0.1)
    assert len(list(tmp_path.iterdir())) == number
    # The executor can be used again.
    stacks, registrations = case(5)
    assert_same_bits(
        evaluate(stacks, registrations, executor=executor),
        evaluate(stacks, registrations),
    )


def test_an_error_in_a_worker_comes_back_as_itself_and_stops_the_others(executor, tmp_path):
    stacks = {
        "bad": UnreadableStack(tmp_path, 60, 0.0),
        "good": SlowStack(tmp_path, 60, 0.05),
    }
    registrations = {name: wobble(60, seed) for seed, name in enumerate(stacks)}
    with pytest.raises(OSError, match=r"^Stack 'bad', image 59: the disk is gone$"):
        evaluate_stacks(stacks, registrations, executor=executor)
    number = len(list(tmp_path.iterdir()))
    assert number < 2 * (5 + 60)
    time.sleep(0.2)
    assert len(list(tmp_path.iterdir())) == number


def test_the_image_is_named_that_cannot_be_examined_for_pixels_that_never_change():
    def make(n):
        if n == 4:
            raise OSError("the disk is gone")
        return numpy.ones((20, 20))

    with pytest.raises(OSError, match=r"^Stack 'a', image 4: the disk is gone$"):
        evaluate_stacks({"a": WatchedStack(9, make)}, {"a": wobble(9, 0)})


def test_a_file_that_vanishes_is_told_with_the_stack(executor, tmp_path):
    stacks, registrations = case(5)
    urls = in_file(stacks, tmp_path, None)
    with input_context(urls) as lazy:
        sent = pickle.loads(pickle.dumps(dict(lazy)))  # noqa: S301
    (tmp_path / "stacksNone.h5").unlink()
    with pytest.raises(FileNotFoundError, match=r"^Stack '[abc]', image 0: .*there is no file"):
        evaluate_stacks(sent, registrations, executor=executor)


def test_a_worker_that_dies_is_told(tmp_path):
    stacks = {"good": SlowStack(tmp_path, 40, 0.0), "bad": DyingStack(tmp_path, 40, 0.0)}
    registrations = {name: wobble(40, seed) for seed, name in enumerate(stacks)}
    with (
        processes(2) as executor,
        pytest.raises(RuntimeError, match=r"A worker died while stack '.*' was scored.*memory"),
    ):
        evaluate_stacks(stacks, registrations, executor=executor)


def test_a_stack_that_cannot_be_sent_is_named(pool, tmp_path):
    stacks = {"there": numpy.zeros((2, 20, 20)), "here": LocalStack(tmp_path, 2, 0.0)}
    registrations = {name: wobble(2, seed) for seed, name in enumerate(stacks)}
    with pytest.raises(TypeError, match=r"Stack 'here' .* cannot be sent to another process"):
        evaluate_stacks(stacks, registrations, executor=pool)
