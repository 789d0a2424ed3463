"""Worker processes and Dask clusters."""

import multiprocessing
import os
import sys
import time
from concurrent.futures import CancelledError
from importlib.resources import as_file
from importlib.resources import files

import h5py
import numpy
import pytest

from ewoksndreg.evaluation import evaluate_stacks
from ewoksndreg.io import input_context
from ewoksndreg.tasks.reg2d_posteval import Reg2DPostEvaluation
from ewoksndreg.workers import dask_workers
from ewoksndreg.workers import processes

from .worker_stacks import DyingStack
from .worker_stacks import SlowStack
from .worker_stacks import UnreadableStack
from .worker_stacks import wobble

NAMES = ("a", "b", "c")


@pytest.fixture(scope="module")
def cluster():
    distributed = pytest.importorskip("distributed", reason='pip install ".[dask]"')
    with distributed.LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        processes=True,
        dashboard_address=None,
    ) as cluster:
        yield cluster


@pytest.fixture
def address(cluster):
    # A worker that a test killed is replaced.
    distributed = pytest.importorskip("distributed")
    with distributed.Client(cluster) as client:
        client.wait_for_workers(2, timeout=60)
    return cluster.scheduler_address


@pytest.fixture
def urls(tmp_path):
    rng = numpy.random.default_rng(0)
    with h5py.File(tmp_path / "stacks.h5", "w") as file:
        for name in NAMES:
            file[name] = rng.random((40, 24, 30)).astype(numpy.float32)
    return [f"{tmp_path}/stacks.h5::/{name}" for name in NAMES]


@pytest.fixture
def small_parts(monkeypatch):
    monkeypatch.setattr("ewoksndreg.evaluation.plan._FEWEST_PIXELS", 1)


def lists():
    return {name: wobble(40, seed) for seed, name in enumerate(NAMES)}


@pytest.mark.parametrize("evaluate_on", ["all", "own"])
def test_dask_gives_the_same_bits(address, urls, small_parts, evaluate_on):
    with input_context(urls) as stacks:
        expected = evaluate_stacks(stacks, lists(), evaluate_on=evaluate_on)
        told = []
        with dask_workers(address) as executor:
            actual = evaluate_stacks(
                stacks,
                lists(),
                evaluate_on=evaluate_on,
                executor=executor,
                progress=told.append,
            )
    assert repr(actual.lists) == repr(expected.lists)
    assert actual.relative_mse.tobytes() == expected.relative_mse.tobytes()
    assert actual.overlap.tobytes() == expected.overlap.tobytes()
    assert told == sorted(told)
    assert told[-1] == 1
    assert len(told) == 3 * 2


def test_cancelling_stops_the_workers_of_a_cluster_within_two_images(address, tmp_path):
    stacks = {name: SlowStack(tmp_path, 100, 0.1) for name in NAMES}
    transformations = {name: wobble(100, seed) for seed, name in enumerate(NAMES)}

    def should_stop():
        return len(list(tmp_path.iterdir())) > 9

    with (
        dask_workers(address) as executor,
        pytest.raises(CancelledError, match="cancelled after"),
    ):
        evaluate_stacks(stacks, transformations, executor=executor, should_stop=should_stop)
    number = len(list(tmp_path.iterdir()))
    assert number <= 10 + 2 * 2
    time.sleep(0.3)
    assert len(list(tmp_path.iterdir())) == number


def test_an_error_in_a_cluster_comes_back_as_itself(address, tmp_path):
    stacks = {name: UnreadableStack(tmp_path, 3, 0.0) for name in NAMES}
    transformations = {name: wobble(3, seed) for seed, name in enumerate(NAMES)}
    with (
        dask_workers(address) as executor,
        pytest.raises(OSError, match=r"^Stack '.', image 2: the disk is gone$"),
    ):
        evaluate_stacks(stacks, transformations, executor=executor)


def test_a_worker_of_a_cluster_that_dies_is_told(address, tmp_path):
    """A cluster tries a work again that ended with its worker, four times in all."""
    stacks = {name: DyingStack(tmp_path, 3, 0.0) for name in NAMES}
    transformations = {name: wobble(3, seed) for seed, name in enumerate(NAMES)}
    with (
        dask_workers(address) as executor,
        pytest.raises(RuntimeError, match=r"A worker died while stack '.' was judged"),
    ):
        evaluate_stacks(stacks, transformations, executor=executor)


def test_the_workers_may_be_those_of_the_cluster_that_runs_the_task(address, urls, small_parts):
    """All workers of the cluster run a task that needs workers."""
    distributed = pytest.importorskip("distributed")
    with input_context(urls) as stacks:
        expected = evaluate_stacks(stacks, lists())
    with distributed.Client(address) as client:
        runs = [client.submit(_ranked_names, urls, address, n, pure=False) for n in range(2)]
        assert client.gather(runs) == [list(expected.ranked_names)] * 2


def _ranked_names(urls, address, _):
    task = Reg2DPostEvaluation(
        inputs={"image_stacks": urls, "transformations": lists(), "scheduler": address}
    )
    task.execute()
    return task.get_output_value("ranked_stack_names")


def test_a_whole_workflow_runs_on_a_cluster(address, urls):
    """ewoksdask sends the task to a worker, where it ranks."""
    ewoks = pytest.importorskip("ewoks")
    pytest.importorskip("ewoksdask")
    matrices = {
        name: [each.passive_matrix.tolist() for each in items] for name, items in lists().items()
    }
    inputs = [
        {"id": "post_evaluation", "name": "image_stacks", "value": urls},
        {"id": "post_evaluation", "name": "transformations", "value": matrices},
    ]
    with as_file(files("ewoksndreg.workflows") / "post_evaluation.json") as workflow:
        expected = ewoks.execute_graph(str(workflow), inputs=inputs)
        outputs = ewoks.execute_graph(
            str(workflow), inputs=inputs, engine="dask", scheduler=address
        )
    assert outputs["scores"] == expected["scores"]


def test_a_missing_scheduler_is_told():
    pytest.importorskip("distributed")
    dask = pytest.importorskip("dask")
    with (
        dask.config.set({"distributed.comm.timeouts.connect": "0.2s"}),
        pytest.raises(OSError, match=r"There is no Dask scheduler at 'tcp://127.0.0.1:1'"),
        dask_workers("tcp://127.0.0.1:1"),
    ):
        pass


def test_without_dask_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with (
        pytest.raises(ImportError, match=r'pip install "ewoksndreg\[dask\]"'),
        dask_workers("tcp://127.0.0.1:8786"),
    ):
        pass


@pytest.mark.parametrize("number", [0, -2])
def test_a_number_of_workers_that_makes_no_sense_is_refused(number):
    with pytest.raises(ValueError, match=f"not {number}$"), processes(number):
        pass


def test_minus_one_is_one_worker_on_each_processor_that_may_be_used():
    allowed = len(os.sched_getaffinity(0))
    with processes(-1) as executor:
        assert executor._max_workers == allowed


def test_a_worker_process_is_told_that_it_cannot_have_workers():
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        assert "max_workers=0" in pool.apply(_why_not)


def _why_not():
    try:
        with processes(1):
            return ""
    except RuntimeError as error:
        return str(error)
