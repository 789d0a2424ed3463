"""Each row of what 0.5.0's example task takes and gives, with its defects mended."""

from functools import partial

import numpy
import pytest

from ewoksndreg import align_stacks
from ewoksndreg.tasks.example2d_stacks import Example2DStacks

from ..conftest import run_python
from .conftest import find_cause
from .conftest import run_task

skimage = pytest.importorskip("skimage")

# Passive matrices of image 1 for (200, 220), which 0.5.0 puts out.
OF_0_5_0 = {
    "identity": [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
    "translation": [[1, 0, -3], [0, 1, -2], [0, 0, 1]],
    "rigid": [
        [0.99756405, -0.06975647, 7.91680709],
        [0.06975647, 0.99756405, -6.70769289],
        [0, 0, 1],
    ],
    "similarity": [[1 / 1.05, 0, 4.76190476], [0, 1 / 1.05, 5.23809524], [0, 0, 1]],
    "affine": [[1, 0, 0], [0.06992681, 1, -6.99268119], [0, 0, 1]],
}


run = partial(run_task, Example2DStacks, name="camera", transformation_type="identity")
cause_of = partial(find_cause, run)


def test_the_identifier_names_and_defaults_are_those_of_0_5_0():
    name = "ewoksndreg.tasks.example2d_stacks.Example2DStacks"
    assert Example2DStacks.class_registry_name() == name
    assert Example2DStacks.required_input_names() == {"name", "transformation_type"}
    assert Example2DStacks.optional_input_names() == {
        "shape",
        "nimages",
        "nstacks",
        "noise",
        "seed",
    }
    outputs = run()
    assert list(outputs["image_stacks"]) == ["stack_0", "stack_1", "stack_2"]
    assert {stack.shape for stack in outputs["image_stacks"].values()} == {(4, 200, 220)}
    assert list(outputs["transformations"]) == ["stack_0", "stack_1", "stack_2"]
    first, *others = outputs["transformations"].values()
    assert others == [first] * 2
    assert Example2DStacks.output_names() == {"image_stacks", "transformations"}
    fields = Example2DStacks.input_model().model_fields
    assert {fields[name].default for name in ("shape", "nimages", "nstacks", "noise")} == {None}


@pytest.mark.parametrize("kind", [*OF_0_5_0, "projective"])
def test_the_transformations_are_those_of_0_5_0_and_align_the_images(kind):
    outputs = run(transformation_type=kind, nstacks=1)
    transformations = outputs["transformations"]["stack_0"]
    if kind in OF_0_5_0:
        matrix = transformations[1].passive_matrix
        numpy.testing.assert_allclose(matrix, OF_0_5_0[kind], atol=1e-7)
    assert transformations[1].transformation_type == kind
    images = outputs["image_stacks"]["stack_0"]
    aligned = align_stacks({"a": images}, transformations, interpolation_order=3, crop=True)["a"]
    assert aligned.shape[1] * aligned.shape[2] > 0.4 * 200 * 220
    for image in aligned:
        assert numpy.abs(image - aligned[0]).mean() < 0.008
    if kind != "identity":
        assert numpy.abs(images[1] - images[0]).mean() > 0.02


@pytest.mark.parametrize(
    ("name", "top", "left"),
    [("camera", 156, 146), ("cell", 230, 165)],  # a workflow of 0.5.0 shows the cell
)
def test_the_picture_is_the_middle_of_that_of_scikit_image_upside_down(name, top, left):
    picture = getattr(skimage.data, name)()
    (images,) = run(name=name, nstacks=1)["image_stacks"].values()
    expected = picture[::-1][top : top + 200, left : left + 220].astype(float)
    expected = (expected - picture.min()) / (int(picture.max()) - picture.min())
    numpy.testing.assert_allclose(images[0], expected, atol=1e-9)


@pytest.mark.parametrize("shape", [(51, 60), [200, 33], (1, 7)])
def test_odd_shapes_keep_every_pixel(shape):
    outputs = run(shape=shape, nimages=2, nstacks=1)
    assert outputs["image_stacks"]["stack_0"].shape == (2, *shape)


def test_noise_grows_from_stack_to_stack_and_is_the_same_each_time():
    clean = run(noise="none")["image_stacks"]["stack_0"]
    stacks = run(noise="s&p")["image_stacks"]  # the default
    for n, images in enumerate(stacks.values()):
        spoiled = (images != clean).mean()
        assert spoiled == pytest.approx(0.08 * n, abs=0.005)
        numpy.testing.assert_array_equal(run()["image_stacks"][f"stack_{n}"], images)
    assert (run(seed=1)["image_stacks"]["stack_1"] != stacks["stack_1"]).any()
    uniform = run(noise="uniform")["image_stacks"]
    assert numpy.abs(uniform["stack_2"] - clean).max() == pytest.approx(0.16, abs=0.001)
    # An integer, as the model of 0.5.0 wants it, means none.
    numpy.testing.assert_array_equal(run(noise=3)["image_stacks"]["stack_2"], clean)


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"name": "camer"}, "There is no picture 'camer': did you mean 'camera'?"),
        ({"noise": "s&P"}, "There is no noise 's&P': did you mean 's&p'?"),
        *(
            (
                {"transformation_type": name},
                f"There is no example of the transformation type '{name}'. Available: 'identity',",
            )
            for name in ("bspline", "displacement_field", "composite")
        ),
        (
            {"transformation_type": "Rigid"},
            "Input 'transformation_type' should be 'identity', 'translation',",
        ),
        ({"nimages": 0}, "Input 'nimages' should be greater than or equal to 1, not 0"),
        ({"nstacks": 0}, "Input 'nstacks' should be greater than or equal to 1, not 0"),
        ({"shape": [3]}, "Input 'shape': expected the numbers of rows and columns, not [3]"),
        ({"shape": [3, 0]}, "Input 'shape': expected the numbers of rows and columns, not [3, 0]"),
    ],
)
def test_mistakes_are_told(inputs, message):
    assert str(cause_of(**inputs)).startswith(message)


def test_without_scikit_image_the_task_can_be_listed_and_says_what_to_install():
    code = (
        "import sys\n"
        "sys.modules['skimage'] = None\n"
        "from ewoksndreg.tasks.example2d_stacks import Example2DStacks\n"
        "try:\n"
        "    Example2DStacks(inputs={'name': 'camera', 'transformation_type': 'rigid'}).execute()\n"
        "except RuntimeError as error:\n"
        "    print(error.__cause__)\n"
    )
    assert run_python("-c", code).stdout.strip() == (
        'The example needs scikit-image: pip install ".[demo]" in the folder of the sources'
    )
