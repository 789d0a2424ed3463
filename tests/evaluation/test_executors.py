"""Whoever does the work, the numbers are the same, errors are told and cancelling stops it."""

from __future__ import annotations

import pickle
import threading
import time
from concurrent.futures import CancelledError
from concurrent.futures import ThreadPoolExecutor

import h5py
import numpy
import pytest

from ewoksndreg.evaluation import evaluate_stacks
from ewoksndreg.evaluation.plan import works_of_stacks
from ewoksndreg.io import input_context
from ewoksndreg.transformation import Homography
from ewoksndreg.workers import processes

from ..conftest import Foreign
from ..conftest import rotation_matrix
from ..worker_stacks import DyingStack
from ..worker_stacks import LocalStack
from ..worker_stacks import SlowStack
from ..worker_stacks import UnreadableStack
from ..worker_stacks import wobble
from .conftest import moving_stack

SHAPE = (30, 44)


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
    lists = {
        "a": wobble(number, 1),
        "b": turned,
        "c": [Foreign(each) for each in wobble(number, 2)],
    }
    return stacks, lists


def in_file(stacks, folder, chunk):
    with h5py.File(folder / f"stacks{chunk}.h5", "w") as file:
        for name, stack in stacks.items():
            chunks = None if chunk is None else (min(chunk, len(stack)), 8, 9)
            file.create_dataset(name, data=stack, chunks=chunks)
    return {name: f"{folder}/stacks{chunk}.h5::/{name}" for name in stacks}


def assert_same_bits(actual, expected):
    assert actual.ranked_names == expected.ranked_names
    for name, item in expected.lists.items():
        # NaN equals NaN only as text.
        assert repr(actual.lists[name]) == repr(item)
    for name in ("relative_mse", "overlap", "stack_weights"):
        found, wanted = getattr(actual, name), getattr(expected, name)
        assert found.tobytes() == wanted.tobytes()
    assert actual.infinite_pixels == expected.infinite_pixels


@pytest.mark.parametrize("evaluate_on", ["all", "own"])
@pytest.mark.parametrize("number", [1, 2, 7, 75])
@pytest.mark.filterwarnings("ignore:No list can be judged")
def test_arrays_give_the_same_bits(executor, number, evaluate_on, monkeypatch):
    """75 small images would be one part, so parts are made small."""
    monkeypatch.setattr("ewoksndreg.evaluation.plan._FEWEST_PIXELS", 1)
    monkeypatch.setattr("ewoksndreg.evaluation.plan._FEWEST_IMAGES", 3)
    stacks, lists = case(number)
    expected = evaluate_stacks(stacks, lists, evaluate_on=evaluate_on)
    actual = evaluate_stacks(stacks, lists, evaluate_on=evaluate_on, executor=executor)
    assert_same_bits(actual, expected)


@pytest.mark.parametrize("chunk", [None, 1, 5, 100])
def test_files_give_the_same_bits(executor, tmp_path, chunk, monkeypatch):
    monkeypatch.setattr("ewoksndreg.evaluation.plan._FEWEST_PIXELS", 1)
    monkeypatch.setattr("ewoksndreg.evaluation.plan._FEWEST_IMAGES", 4)
    stacks, lists = case(23)
    expected = evaluate_stacks(stacks, lists)
    with input_context(in_file(stacks, tmp_path, chunk)) as lazy:
        assert_same_bits(evaluate_stacks(lazy, lists, executor=executor), expected)


def test_parts_cover_each_image_once_and_begin_where_chunks_do(tmp_path, monkeypatch):
    monkeypatch.setattr("ewoksndreg.evaluation.plan._FEWEST_PIXELS", 1)
    stacks, lists = case(75)
    judged = numpy.ones((3, 3), dtype=bool)
    with input_context(in_file(stacks, tmp_path, 7)) as lazy:
        works = works_of_stacks(lazy, lists, judged, in_parts=True)
    for name in "abc":
        parts = [work.images for work in works if work.name == name]
        assert [n for part in parts for n in part] == list(range(75))
        assert len(parts) > 2
        assert all(part.start % 7 == 0 for part in parts)
        assert all(len(part) >= 16 for part in parts[:-1])


def test_small_images_are_not_sent_in_small_parts():
    """2 ** 22 pixels are 3178 images of 30 x 44."""
    judged = numpy.ones((1, 1), dtype=bool)
    for number, parts in ((1000, 1), (3178 * 2, 2)):
        stack = numpy.broadcast_to(numpy.float32(0), (number, *SHAPE))
        lists = {"a": [Homography(numpy.identity(3))] * number}
        assert len(works_of_stacks({"a": stack}, lists, judged, in_parts=True)) == parts


@pytest.mark.parametrize("form", [numpy.asarray, list, tuple, "input_context"])
def test_of_arrays_only_the_images_of_a_part_travel(form, monkeypatch):
    monkeypatch.setattr("ewoksndreg.evaluation.plan._FEWEST_PIXELS", 1)
    stack = numpy.random.default_rng(0).random((64, 40, 50))
    lists = {"a": wobble(64, 0)}
    judged = numpy.ones((1, 1), dtype=bool)
    with input_context({"a": stack}) as opened:
        source = opened["a"] if form == "input_context" else form(stack)
        works = works_of_stacks({"a": source}, lists, judged, in_parts=True)
    assert len(works) == 4
    for work in works:
        sent = pickle.dumps(work)
        assert len(sent) < 1.2 * stack[:17].nbytes
        arrived = pickle.loads(sent)  # noqa: S301
        for n in (0, *work.images):
            numpy.testing.assert_array_equal(arrived.stack[n], stack[n])


def test_of_files_only_the_address_travels(tmp_path):
    stacks, lists = case(40)
    judged = numpy.ones((3, 3), dtype=bool)
    with input_context(in_file(stacks, tmp_path, None)) as lazy:
        for work in works_of_stacks(lazy, lists, judged, in_parts=True):
            assert len(pickle.dumps(work.stack)) < 1000
            arrived = pickle.loads(pickle.dumps(work.stack))  # noqa: S301
            with arrived as stack:
                numpy.testing.assert_array_equal(stack[3], stacks[work.name][3])
            with pytest.raises(ValueError, match="closed"):
                stack[3]


def test_progress_never_decreases_and_ends_at_one(executor, monkeypatch):
    monkeypatch.setattr("ewoksndreg.evaluation.plan._FEWEST_PIXELS", 1)
    stacks, lists = case(40)
    told = []
    evaluate_stacks(stacks, lists, executor=executor, progress=told.append)
    assert told == sorted(told)
    assert told[-1] == 1
    assert len(told) == 3 * 2  # parts


def test_cancelling_stops_all_workers_within_two_images(executor, tmp_path):
    """An image takes 0.1 s, and there are 3 x 100. Each worker may finish the image that it has
    begun and, since the workers are asked between images, one more."""
    stacks = {name: SlowStack(tmp_path, 100, 0.1) for name in "abc"}
    lists = {name: wobble(100, seed) for seed, name in enumerate("abc")}
    stopped = threading.Event()

    def should_stop():
        if len(list(tmp_path.iterdir())) > 9:
            stopped.set()
        return stopped.is_set()

    with pytest.raises(CancelledError, match="cancelled after"):
        evaluate_stacks(stacks, lists, executor=executor, should_stop=should_stop)
    number = len(list(tmp_path.iterdir()))
    assert number <= 10 + 3 * 2
    time.sleep(0.3)
    assert len(list(tmp_path.iterdir())) == number
    # The executor can be used again.
    stacks, lists = case(5)
    assert_same_bits(
        evaluate_stacks(stacks, lists, executor=executor), evaluate_stacks(stacks, lists)
    )


def test_an_error_in_a_worker_comes_back_as_itself_and_stops_the_others(executor, tmp_path):
    stacks = {
        "bad": UnreadableStack(tmp_path, 60, 0.0),
        "good": SlowStack(tmp_path, 60, 0.05),
    }
    lists = {name: wobble(60, seed) for seed, name in enumerate(stacks)}
    with pytest.raises(OSError, match=r"^Stack 'bad', image 59: the disk is gone$"):
        evaluate_stacks(stacks, lists, executor=executor)
    number = len(list(tmp_path.iterdir()))
    assert number < 120
    time.sleep(0.2)
    assert len(list(tmp_path.iterdir())) == number


def test_a_file_that_vanishes_is_told_with_the_stack(executor, tmp_path):
    stacks, lists = case(5)
    urls = in_file(stacks, tmp_path, None)
    with input_context(urls) as lazy:
        sent = pickle.loads(pickle.dumps(dict(lazy)))  # noqa: S301
    (tmp_path / "stacksNone.h5").unlink()
    closed = {name: _KnowsItsLength(stack, 5) for name, stack in sent.items()}
    with pytest.raises(FileNotFoundError, match=r"^Stack '[abc]': there is no file"):
        evaluate_stacks(closed, lists, executor=executor)


class _KnowsItsLength:
    """As a stack of a file that another process has opened."""

    def __init__(self, closed, number):
        self.closed, self.number = closed, number

    def __len__(self):
        return self.number

    def excerpt(self, images):
        return self.closed


def test_a_worker_that_dies_is_told(tmp_path):
    stacks = {"good": SlowStack(tmp_path, 40, 0.0), "bad": DyingStack(tmp_path, 40, 0.0)}
    lists = {name: wobble(40, seed) for seed, name in enumerate(stacks)}
    with (
        processes(2) as executor,
        pytest.raises(RuntimeError, match=r"A worker died while stack '.*' was judged.*memory"),
    ):
        evaluate_stacks(stacks, lists, executor=executor)


def test_a_stack_that_cannot_be_sent_is_named(pool, tmp_path):
    stacks = {"there": numpy.zeros((2, 9, 9)), "here": LocalStack(tmp_path, 2, 0.0)}
    lists = {name: wobble(2, seed) for seed, name in enumerate(stacks)}
    with pytest.raises(TypeError, match=r"Stack 'here' .* cannot be sent to another process"):
        evaluate_stacks(stacks, lists, executor=pool)
