"""The task and a whole workflow, ranked by several workers."""

import os
import threading
import time
from concurrent.futures import CancelledError

import pytest
from ewokscore import execute_graph

from ewoksndreg.tasks.reg2d_posteval import Reg2DPostEvaluation

from ..worker_stacks import SlowStack
from ..worker_stacks import wobble
from .conftest import Progress

pytestmark = pytest.mark.xdist_group("dask")


def run(**inputs):
    task = Reg2DPostEvaluation(inputs=inputs)
    task.execute()
    return task


def test_workers_rank_as_this_thread_does(stacks_url, stacks, transformations, tmp_path):
    urls = {name: f"{stacks_url}/{name}" for name in stacks}
    inputs = {"image_stacks": urls, "transformations": transformations}
    expected = run(**inputs)
    progress = Progress()
    task = Reg2DPostEvaluation(
        inputs={**inputs, "max_workers": 2, "output_root_uri": f"{tmp_path}/out.h5::/entry"},
        progress=progress,
    )
    task.execute()
    assert task.get_output_value("scores") == expected.get_output_value("scores")
    assert progress.values == sorted(progress.values)
    assert progress.values[-1] == 100


def test_a_task_with_workers_can_be_cancelled(tmp_path):
    stacks = {name: SlowStack(tmp_path, 100, 0.05) for name in "ab"}
    registrations = {name: wobble(100, seed) for seed, name in enumerate("ab")}
    task = Reg2DPostEvaluation(
        inputs={"image_stacks": stacks, "transformations": registrations, "max_workers": 2}
    )

    def cancel_when_begun():
        while not list(tmp_path.iterdir()):
            time.sleep(0.01)
        task.cancel()

    thread = threading.Thread(target=cancel_when_begun)
    thread.start()
    with pytest.raises(RuntimeError) as caught:
        task.execute()
    thread.join()
    assert isinstance(caught.value.__cause__, CancelledError)
    number = len(list(tmp_path.iterdir()))
    time.sleep(0.2)
    assert len(list(tmp_path.iterdir())) == number < 20


@pytest.mark.parametrize("scheduler", ["multiprocessing", "multithreading", "sequential"])
def test_the_shipped_workflow_runs_under_the_dask_engine(
    scheduler, stacks_url, stacks, transformations
):
    ewoks = pytest.importorskip("ewoks")
    pytest.importorskip("ewoksdask")
    urls = {name: f"{stacks_url}/{name}" for name in stacks}
    matrices = {
        name: [each.passive_matrix.tolist() for each in items]
        for name, items in transformations.items()
    }
    inputs = [
        {"id": "post_evaluation", "name": "image_stacks", "value": urls},
        {"id": "post_evaluation", "name": "transformations", "value": matrices},
    ]
    workflow = os.path.join(os.path.dirname(__file__), "../../src/ewoksndreg/workflows")
    path = os.path.join(workflow, "post_evaluation.json")
    expected = execute_graph(path, inputs=inputs)
    outputs = ewoks.execute_graph(path, inputs=inputs, engine="dask", scheduler=scheduler)
    assert outputs["scores"] == expected["scores"]
    assert outputs["ranked_stack_names"] == expected["ranked_stack_names"]
