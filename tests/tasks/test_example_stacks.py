"""The task that makes something to rank."""

import subprocess
import sys

import numpy
import pytest
from ewokscore.progress import BasePercentageProgress

from ewoksndreg.tasks.example_stacks import ExampleStacks


def _execute(**inputs):
    task = ExampleStacks(inputs=inputs)
    task.execute()
    return task.get_output_values()


def test_the_stacks_and_registrations_are_those_of_the_demo():
    pytest.importorskip("skimage")
    from ewoksndreg.demo.registration import register
    from ewoksndreg.demo.samples import make_sample

    outputs = _execute(picture="camera", motion="rigid", images=3, size=48, step=1.5, seed=2)
    sample = make_sample("camera", motion="rigid", images=3, size=48, step=1.5, seed=2)
    assert list(outputs["image_stacks"]) == list(sample.stacks)
    for name, stack in sample.stacks.items():
        assert numpy.array_equal(outputs["image_stacks"][name], stack)
        assert outputs["transformations"][name] == register(stack)


def test_without_inputs_a_registration_that_found_the_motion_ranks_first():
    pytest.importorskip("skimage")
    from ewoksndreg.demo.samples import make_sample
    from ewoksndreg.demo.samples import true_error
    from ewoksndreg.tasks.reg2d_posteval import Reg2DPostEvaluation

    outputs = _execute()
    ranking = Reg2DPostEvaluation(inputs=outputs)
    ranking.execute()
    best = ranking.get_output_value("reference_stack")
    truth = make_sample("coins", images=12, size=256, step=2.5).truth
    assert true_error(outputs["transformations"][best], truth, (256, 256)) < 0.1  # px


def test_a_wrong_picture_is_told_with_the_near_match():
    pytest.importorskip("skimage")
    with pytest.raises(RuntimeError) as caught:
        _execute(picture="coin", images=1)
    assert "There is no picture 'coin': did you mean 'coins'?" in str(caught.value)


def test_cancelling_stops_it_and_leaves_no_output():
    pytest.importorskip("skimage")

    class CancelsAtOnce(BasePercentageProgress):
        def _update(self):
            task.cancel()

    task = ExampleStacks(inputs={"images": 2, "size": 32}, progress=CancelsAtOnce())
    with pytest.raises(RuntimeError) as caught:
        task.execute()
    assert str(caught.value.__cause__) == "The example was cancelled before stack 'Fe-K'"
    assert not task.succeeded


def test_without_scikit_image_the_task_can_be_listed_and_says_what_to_install():
    code = (
        "import sys\n"
        "sys.modules['skimage'] = None\n"
        "from ewoksndreg.tasks.example_stacks import ExampleStacks\n"
        "try:\n"
        "    ExampleStacks(inputs={}).execute()\n"
        "except RuntimeError as error:\n"
        "    print(error.__cause__)\n"
    )
    process = subprocess.run(  # noqa: S603
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    )
    assert process.stdout.strip() == (
        'The example needs scikit-image: pip install ".[demo]" in the folder of the sources'
    )
