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
from ewoksndreg.workers import count_workers
from ewoksndreg.workers import dask_workers
from ewoksndreg.workers import may_start_processes

from .conftest import run_python
from .evaluation.conftest import evaluate
from .worker_stacks import DyingStack
from .worker_stacks import SlowStack
from .worker_stacks import UnreadableStack
from .worker_stacks import wobble

NAMES = ("a", "b", "c")
NOT_BETTER = "No registration is better than none"  # they are random numbers

pytestmark = pytest.mark.xdist_group("dask")


@pytest.fixture(scope="module")
def cluster():
    distributed = pytest.importorskip(
        "distributed", reason='pip install ".[dask]" in the folder of the sources'
    )
    with distributed.LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        processes=True,
        dashboard_address=":0",
    ) as cluster:
        yield cluster


@pytest.fixture
def scheduler(cluster):
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
    monkeypatch.setattr("ewoksndreg.evaluation._jobs._JOB_SIZE", 1)


def registrations():
    return {name: wobble(40, seed) for seed, name in enumerate(NAMES)}


@pytest.mark.parametrize("evaluate_on", ["all", "own"])
def test_dask_gives_the_same_bits(scheduler, urls, small_parts, evaluate_on):
    with input_context(urls) as stacks:
        options = {"evaluate_on": evaluate_on, "reference_image": 0, "trust": False}
        expected = evaluate(stacks, registrations(), **options)
        fractions = []
        with dask_workers(scheduler) as executor:
            actual = evaluate(
                stacks, registrations(), **options, executor=executor, progress=fractions.append
            )
    assert repr(actual.registrations) == repr(expected.registrations)
    assert actual.relative_error_per_image.tobytes() == expected.relative_error_per_image.tobytes()
    assert actual.overlap.tobytes() == expected.overlap.tobytes()
    # Three stacks of two jobs of 20 images
    assert fractions == pytest.approx([n / 6 for n in range(1, 7)])


def count_images_when_quiet(folder):
    """Images that were read, once nobody has read any for a while."""
    number = -1
    while number != len(list(folder.iterdir())):
        number = len(list(folder.iterdir()))
        time.sleep(0.5)
    return number


def test_cancelling_lets_the_jobs_of_a_cluster_end_that_have_begun(
    scheduler, tmp_path, small_parts
):
    """Few of 3 x 6 jobs of 16 images: on an idle machine two, and two that wait for a worker."""
    stacks = {name: SlowStack(tmp_path, 100, 0.03) for name in NAMES}
    transformations = {name: wobble(100, seed) for seed, name in enumerate(NAMES)}

    def should_stop():
        return len(list(tmp_path.iterdir())) > 3 + 5

    with (
        dask_workers(scheduler) as executor,
        pytest.raises(CancelledError, match="cancelled after"),
    ):
        evaluate_stacks(stacks, transformations, executor=executor, should_stop=should_stop)
    assert count_images_when_quiet(tmp_path) < 150


@pytest.mark.parametrize(
    ("kind", "error", "message"),
    [
        (UnreadableStack, OSError, r"^Stack '.', image 2: the disk is gone$"),
        # A cluster retries a job whose worker died, four times in all.
        (DyingStack, RuntimeError, r"A worker died while stack '.' was scored"),
    ],
)
def test_an_error_in_a_cluster_comes_back(scheduler, tmp_path, kind, error, message):
    stacks = {name: kind(tmp_path, 3, 0.0) for name in NAMES}
    transformations = {name: wobble(3, seed) for seed, name in enumerate(NAMES)}
    with dask_workers(scheduler) as executor, pytest.raises(error, match=message):
        evaluate_stacks(stacks, transformations, executor=executor)


def test_the_workers_may_be_those_of_the_cluster_that_runs_the_task(scheduler, urls, small_parts):
    """All workers of the cluster run a task that needs workers."""
    distributed = pytest.importorskip("distributed")
    with input_context(urls) as stacks:
        expected = evaluate(stacks, registrations())
    with distributed.Client(scheduler) as client:
        runs = [client.submit(_ranked_names, urls, scheduler, n, pure=False) for n in range(2)]
        assert client.gather(runs) == [list(expected.ranked_names)] * 2


def _ranked_names(urls, scheduler, _):
    task = Reg2DPostEvaluation(
        inputs={"image_stacks": urls, "transformations": registrations(), "scheduler": scheduler}
    )
    task.execute()
    return task.get_output_value("ranked_stack_names")


def test_a_whole_workflow_runs_on_a_cluster(scheduler, urls):
    """ewoksdask sends the task to a worker, where it ranks."""
    ewoks = pytest.importorskip("ewoks")
    pytest.importorskip("ewoksdask")
    matrices = {
        name: [each.passive_matrix.tolist() for each in items]
        for name, items in registrations().items()
    }
    inputs = [
        {"id": "post_evaluation", "name": "image_stacks", "value": urls},
        {"id": "post_evaluation", "name": "transformations", "value": matrices},
    ]
    with as_file(files("ewoksndreg.workflows") / "post_evaluation.json") as workflow:
        with pytest.warns(RuntimeWarning, match=NOT_BETTER):
            expected = ewoks.execute_graph(str(workflow), inputs=inputs)
        outputs = ewoks.execute_graph(
            str(workflow), inputs=inputs, engine="dask", scheduler=scheduler
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
        pytest.raises(ImportError, match=r'pip install "\.\[dask\]"'),
        dask_workers("tcp://127.0.0.1:8786"),
    ):
        pass


def test_less_than_minus_one_worker_is_refused():
    with pytest.raises(ValueError, match=r"not -2$"):
        count_workers(-2)


@pytest.mark.parametrize("max_workers", [None, -1])
def test_as_many_workers_as_this_process_may_use(max_workers):
    assert count_workers(max_workers) == len(os.sched_getaffinity(0))


@pytest.mark.parametrize(("max_workers", "number"), [(0, 1), (1, 1), (5, 5)])
def test_a_number_of_workers_is_that_number(max_workers, number):
    assert count_workers(max_workers) == number


def test_on_a_worker_of_a_cluster_its_own_threads_are_used(scheduler):
    distributed = pytest.importorskip("distributed")
    with distributed.Client(scheduler) as client:
        assert client.submit(count_workers, None, pure=False).result() == 1


def test_a_worker_process_has_no_processes_of_its_own():
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        assert pool.apply(may_start_processes) is False
    assert may_start_processes() is True


def test_a_script_without_guard_may_use_processes(tmp_path):
    """Processes that ran it again would start processes of their own."""
    script = tmp_path / "script.py"
    script.write_text(
        "from ewoksndreg.workers import processes\n"
        "print('begin')\n"
        "with processes(2) as executor:\n"
        "    print(list(executor.map(abs, [-1, -2])))\n"
        "print(__file__ == __import__('sys').argv[0], __spec__)\n"
    )
    done = run_python(script)
    assert done.stdout.splitlines() == ["begin", "[1, 2]", "True None"]
    assert done.stderr == ""
