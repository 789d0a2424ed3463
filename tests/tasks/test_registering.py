"""Reg2DIntensities, Reg2DFeatures and Reg2DPreEvaluation: each row of their inputs and outputs."""

from __future__ import annotations

import logging
from concurrent.futures import CancelledError
from pathlib import Path
from typing import Any

import h5py
import numpy
import pytest
from scipy import ndimage

from ewoksndreg._stacks import as_stack
from ewoksndreg.io import open_stacks
from ewoksndreg.registration import preprocess
from ewoksndreg.registration import rank_before_registering
from ewoksndreg.tasks._registration_models import IntensityInputs
from ewoksndreg.tasks.reg2d_features import Reg2DFeatures
from ewoksndreg.tasks.reg2d_intensities import Reg2DIntensities
from ewoksndreg.tasks.reg2d_preeval import Reg2DPreEvaluation
from ewoksndreg.transformation import TransformationType

from ..conftest import parametrize_sample
from ..conftest import smooth_image
from .conftest import Progress
from .conftest import run_task

IMAGES = numpy.random.default_rng(0).random((3, 20, 20))

# Where image n comes from with respect to image 0, px
MOTION = numpy.array([(0, 0), (3, -2), (-5, 4), (8, 1)])


@pytest.fixture
def stacks() -> dict[str, Any]:
    """Two channels, cut out of larger scenes that move by integer shifts."""
    return {
        name: numpy.stack(
            [scene[20 - row : 84 - row, 20 - column : 84 - column] for row, column in MOTION]
        )
        for name, scene in (
            ("Ca-K", smooth_image(0, (104, 104))),
            ("Fe-K", 5 - 2 * smooth_image(1, (104, 104))),
        )
    }


def _cause(task_class: Any, **inputs: Any) -> str:
    with pytest.raises((RuntimeError, ValueError, TypeError)) as caught:
        run_task(task_class, **inputs)
    return str(caught.value.__cause__ or caught.value)


def _assert_motion(items: Any, motion: Any = MOTION, tolerance: float = 0.1) -> None:
    found = numpy.stack([each.passive_matrix[:2, 2] for each in items])
    assert numpy.abs(found - motion).max() < tolerance


# --- Reg2DIntensities ---------------------------------------------------------------------------

SHIFTS = {"transformation_type": "translation"}

_OF_ALL = {"image_stacks", "reference_stack", "output_configuration"}
_OF_REGISTERING = {*_OF_ALL, "transformation_type", "reference_image", "mask", "max_workers"}
_INTENSITIES = {"mapper", "block_size", "preprocessing_options", "mapper_options"}
_REGISTERED = {*_OF_ALL, "transformations", "correlations", "failed_images"}


@pytest.mark.parametrize(
    ("task_class", "required", "inputs", "outputs"),
    [
        (
            Reg2DIntensities,
            {"image_stacks", "transformation_type"},
            _OF_REGISTERING | _INTENSITIES,
            _REGISTERED,
        ),
        (
            Reg2DFeatures,
            {"image_stacks", "transformation_type", "detector"},
            _OF_REGISTERING | {"detector", "matcher", "mapper"},
            {*_REGISTERED, "features", "matches"},
        ),
        (
            Reg2DPreEvaluation,
            {"image_stacks"},
            {*_OF_ALL, "skip"},
            {*_OF_ALL, "ranked_stack_names"},
        ),
    ],
)
def test_the_identifier_names_and_defaults_are_those_of_0_5_0(
    task_class: Any, required: set[str], inputs: set[str], outputs: set[str]
) -> None:
    """Beyond them `max_workers`, `correlations` and `failed_images`; fewer inputs are required."""
    name = task_class.__name__
    module = name.replace("Reg2D", "reg2d_").replace("PreEvaluation", "preeval").lower()
    assert task_class.class_registry_name() == f"ewoksndreg.tasks.{module}.{name}"
    assert task_class.required_input_names() == required
    assert task_class.optional_input_names() == inputs - required
    assert task_class.output_names() == outputs
    fields = task_class.input_model().model_fields
    not_none = {"reference_image": 0, "block_size": 1, "skip": False}
    not_none |= {"matcher": "Descriptor-SciKitImage", "mapper": "Ransac-SciKitImage"}
    for name in inputs - required:
        expected = None if (task_class, name) == (Reg2DIntensities, "mapper") else name
        assert fields[name].default == not_none.get(expected or "")


def test_intensities_without_a_mapper(stacks: dict[str, Any]) -> None:
    outputs = run_task(Reg2DIntensities, image_stacks=stacks, **SHIFTS)
    assert outputs["image_stacks"] is stacks
    assert list(outputs["transformations"]) == ["Ca-K", "Fe-K"]
    for items in outputs["transformations"].values():
        _assert_motion(items)
    assert outputs["reference_stack"] is None
    assert outputs["output_configuration"] == {
        "mapper": None,
        "mapper_options": None,
        "transformation_type": "translation",
        "reference_image": 0,
        "reference_stack": None,
        "preprocessing_options": None,
        "block_size": 1,
    }
    assert min(outputs["correlations"]["Ca-K"]) > 0.99
    assert outputs["failed_images"] == {"Ca-K": {}, "Fe-K": {}}


@pytest.mark.parametrize(
    "mapper",
    [
        "CrossCorrelation-Numpy",
        pytest.param("CrossCorrelation-SciKitImage", marks=pytest.mark.full),
        pytest.param("Optimization-SimpleITK", marks=pytest.mark.full),
        pytest.param("Optimization-Kornia", marks=pytest.mark.full),
        pytest.param(("CrossCorrelation", "Numpy"), marks=pytest.mark.full),
        ["optimization", "simpleitk"],
    ],
)
def test_every_mapper_is_taken_and_the_log_says_what_works_instead(
    stacks: dict[str, Any], mapper: Any, caplog: Any
) -> None:
    with caplog.at_level(logging.INFO, "ewoksndreg"):
        outputs = run_task(Reg2DIntensities, image_stacks=stacks, mapper=mapper, **SHIFTS)
    _assert_motion(outputs["transformations"]["Ca-K"])
    name = outputs["output_configuration"]["mapper"]
    assert name.lower() == (mapper if isinstance(mapper, str) else "-".join(mapper)).lower()
    assert f"with the Gauss-Newton method of this library, not with '{name}', which" in caplog.text


@pytest.mark.parametrize("transformation_type", ["identity", "rigid", "similarity", "affine"])
def test_types_of_transformations(stacks: dict[str, Any], transformation_type: str) -> None:
    given = TransformationType(transformation_type)  # which is its name, too
    outputs = run_task(Reg2DIntensities, image_stacks=stacks, transformation_type=given)
    assert outputs["output_configuration"]["transformation_type"] == transformation_type
    motion = 0 * MOTION if transformation_type == "identity" else MOTION
    _assert_motion(outputs["transformations"]["Ca-K"], motion, tolerance=0.3)


@pytest.mark.parametrize("transformation_type", ["bspline", "displacement_field", "composite"])
def test_types_that_are_not_built_are_refused(
    stacks: dict[str, Any], transformation_type: str
) -> None:
    message = _cause(Reg2DIntensities, image_stacks=stacks, transformation_type=transformation_type)
    assert message.startswith(f"Transformations of type '{transformation_type}' cannot be found")


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        (
            {"mapper": "CrossCorelation-Numpy"},
            "There is no mapper 'CrossCorelation-Numpy': did you mean 'CrossCorrelation-Numpy'?",
        ),
        (
            {"transformation_type": "Ridgid"},
            "There is no transformation type 'Ridgid': did you mean 'rigid'?",
        ),
        (
            {"reference_stack": "Ca-k"},
            "There is no reference_stack 'Ca-k': did you mean 'Ca-K'? Available: 'Ca-K', 'Fe-K'",
        ),
        ({"reference_image": 4}, "Stack 'Ca-K': There is no reference image 4: give an index from"),
        ({"reference_image": 1.2}, "Stack 'Ca-K': There is no reference image 1.2: give an index"),
        ({"reference_image": -5}, "Stack 'Ca-K': There is no reference image -5: give an index"),
        ({"reference_image": -0.5}, "There is no reference image -0.5: give an index from -4 to 3"),
        (
            {"transformation_type": "Rigid"},  # as the examples of 0.5.0 spell it
            "There is no transformation type 'Rigid': did you mean 'rigid'?",
        ),
        (
            {"transformation_type": "projective"},
            "Projective transformations cannot be found by intensities: choose the method 'sift'",
        ),
        (
            {"mapper": "Optimization-SimpleITK", "mapper_options": {"mask": None}},
            "There is no mapper option 'mask'. Available: 'metric', 'optimizer', 'order', ",
        ),
        (
            {"mapper": "CrossCorrelation-Numpy", "mapper_options": {"upsample_factor": 5}},
            "There is no mapper option 'upsample_factor'. Available: none",
        ),
        (
            {"preprocessing_options": {"aply_filter": "sobel"}},
            "There is no preprocessing option 'aply_filter': did you mean 'apply_filter'?",
        ),
        (
            {"preprocessing_options": {"apply_filter": "sobol"}},
            "There is no filter 'sobol': did you mean 'sobel'?",
        ),
        (
            {"preprocessing_options": {"apply_low_pass": -1}},
            "apply_low_pass is a standard deviation in px above 0, not -1",
        ),
        (
            {"mapper": "Optimization-Kornia", "mapper_options": {"pyramid_level": 3}},
            "There is no mapper option 'pyramid_level': did you mean 'pyramid_levels'?",
        ),
        (
            {"mapper": "Optimization-SimpleITK", "mapper_options": {"metric": "MeanSquare"}},
            "There is no metric 'MeanSquare': did you mean 'MeanSquares'?",
        ),
        (
            {"mapper_options": {"optimizer": "Adams"}},
            "There is no optimizer 'Adams': did you mean 'Adam'?",
        ),
        (
            {"preprocessing_options": {"apply_window": "han"}},
            "There is no window 'han': did you mean 'hann'?",
        ),
        (
            {"preprocessing_options": {"apply_high_pass": "wide"}},
            "apply_high_pass is a standard deviation in px above 0, not 'wide'",
        ),
        ({"mask": numpy.zeros((64, 64), bool)}, "Stack 'Ca-K': The mask leaves no pixels"),
        ({"mask": numpy.ones((3, 3), bool)}, "Stack 'Ca-K': The mask has the shape (3, 3)"),
        (
            {"preprocessing_options": {"apply_filter": ["sobel"]}},
            "There is no filter \"['sobel']\": did you mean 'sobel'? Available: 'gaussian', ",
        ),
        ({"reference_image": True}, "Input 'reference_image': expected an index or a relative"),
        (
            {"image_stacks": {"a": IMAGES, "b": IMAGES[1:]}, "reference_stack": "b"},
            "Stack 'b' has 2 images and stack 'a' has 3: one registration must fit all stacks",
        ),
        ({"image_stacks": []}, "There are no image stacks to register"),
        ({"image_stacks": 3}, "Image stacks are a dictionary of arrays or URLs"),
        ({"block_size": "many"}, "Input 'block_size'"),
    ],
)
def test_mistakes_are_told_in_one_sentence(
    stacks: dict[str, Any], inputs: dict[str, Any], message: str
) -> None:
    found = _cause(Reg2DIntensities, **{"image_stacks": stacks, **SHIFTS, **inputs})
    assert message in found
    assert "\n" not in found


@pytest.mark.parametrize(
    ("reference_image", "index"), [(2, 2), (-1, 3), (0.5, 2), (1.0, 3), (0.0, 0)]
)
def test_reference_images(stacks: dict[str, Any], reference_image: Any, index: int) -> None:
    outputs = run_task(
        Reg2DIntensities, image_stacks=stacks, reference_image=reference_image, **SHIFTS
    )
    _assert_motion(outputs["transformations"]["Ca-K"], MOTION - MOTION[index])
    assert outputs["output_configuration"]["reference_image"] == reference_image


FORMS = ["dictionary of arrays", "dictionary of lists", "list of URLs", "dictionary of URLs"]


@pytest.mark.parametrize("form", FORMS)
def test_one_stack_for_all(stacks: dict[str, Any], form: str, tmp_path: Path) -> None:
    with h5py.File(tmp_path / "maps.h5", "w") as file:
        for name, stack in stacks.items():
            file[f"maps/{name}"] = stack
    urls = {name: f"{tmp_path}/maps.h5::/maps/{name}" for name in stacks}
    stacks["Ca-K"] = numpy.zeros_like(stacks["Ca-K"])  # not looked at
    given = {
        "dictionary of arrays": stacks,
        "dictionary of lists": {name: list(stack) for name, stack in stacks.items()},
        "list of URLs": list(urls.values()),
        "dictionary of URLs": urls,
    }[form]
    outputs = run_task(Reg2DIntensities, image_stacks=given, reference_stack="Fe-K", **SHIFTS)
    first, second = outputs["transformations"].values()
    assert first == second
    _assert_motion(first)
    assert (first[0].passive_matrix == numpy.identity(3)).all()  # of the reference image
    assert outputs["reference_stack"] == "Fe-K"
    assert list(outputs["correlations"]) == ["Fe-K"]
    chosen = run_task(Reg2DPreEvaluation, image_stacks=given, reference_stack="Fe-K")
    assert chosen["reference_stack"] == "Fe-K"


def test_stacks_that_are_open(stacks: dict[str, Any]) -> None:
    with open_stacks(stacks) as opened:
        outputs = run_task(Reg2DIntensities, image_stacks=opened, **SHIFTS)
        assert outputs["image_stacks"] is opened
    _assert_motion(outputs["transformations"]["Fe-K"])


@parametrize_sample("block_size", [-1, 0, 2, 1000], every=2)
def test_errors_do_not_add_up_whatever_the_block_size(
    stacks: dict[str, Any], block_size: int
) -> None:
    expected = run_task(Reg2DIntensities, image_stacks=stacks, **SHIFTS)
    outputs = run_task(Reg2DIntensities, image_stacks=stacks, block_size=block_size, **SHIFTS)
    assert outputs["transformations"] == expected["transformations"]
    assert outputs["output_configuration"]["block_size"] == block_size


def test_a_mask_as_array_and_as_lists(stacks: dict[str, Any]) -> None:
    stacks["Ca-K"][:, 10:30, 10:30] = 9  # does not move
    mask = numpy.ones((64, 64), dtype=bool)
    mask[10:30, 10:30] = False
    for given in (mask, mask.tolist()):
        outputs = run_task(Reg2DIntensities, image_stacks=stacks, mask=given, **SHIFTS)
        _assert_motion(outputs["transformations"]["Ca-K"])


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"apply_filter": "gaussian", "filter_parameter": 1.5},
        {"apply_filter": "median"},
        {"apply_filter": "sobel"},
        {"apply_low_pass": 1, "apply_high_pass": 8},
        {"apply_filter": "median", "apply_low_pass": 0.0, "apply_high_pass": 0.0},
        {"apply_filter": "gaussian", "filter_parameter": None, "apply_low_pass": None},
        {"apply_window": "hann", "pin_range": True},
    ],
)
def test_preprocessing(stacks: dict[str, Any], options: dict[str, Any], caplog: Any) -> None:
    with caplog.at_level(logging.INFO, "ewoksndreg"):
        outputs = run_task(
            Reg2DIntensities, image_stacks=stacks, preprocessing_options=options, **SHIFTS
        )
    _assert_motion(outputs["transformations"]["Ca-K"], tolerance=0.2)
    assert outputs["output_configuration"]["preprocessing_options"] == options
    for name in ("apply_window", "pin_range"):
        assert (f"'{name}' has no effect" in caplog.text) == (name in options)


@pytest.mark.parametrize("name", ["sato", "meijering"])
def test_ridge_filters_are_those_of_scikit_image(stacks: dict[str, Any], name: str) -> None:
    filters = pytest.importorskip("skimage.filters")
    filtered = preprocess(as_stack(stacks["Ca-K"]), apply_filter=name, filter_parameter=2)
    expected = getattr(filters, name)(stacks["Ca-K"][1], sigmas=[2])
    numpy.testing.assert_allclose(filtered[1], expected)


def test_a_filter_leaves_invalid_pixels_invalid(stacks: dict[str, Any]) -> None:
    stack = stacks["Ca-K"]
    stack[0, 5, 5], stack[1] = numpy.inf, numpy.nan
    filtered = preprocess(as_stack(stack), apply_low_pass=1)
    assert numpy.argwhere(~numpy.isfinite(filtered[0])).tolist() == [[5, 5]]
    assert numpy.isnan(filtered[1]).all()
    numpy.testing.assert_allclose(filtered[2], ndimage.gaussian_filter(stack[2], 1))
    assert len(filtered[1:3]) == 2


def test_a_part_of_a_filtered_stack_has_its_own_chunks(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "maps.h5", "w") as file:
        file.create_dataset("Ca", data=numpy.ones((8, 4, 4)), chunks=(4, 4, 4))
    with open_stacks(f"{tmp_path}/maps.h5::/Ca") as opened:
        part = preprocess(opened["Ca"], apply_low_pass=1)[2:6]
        assert [part.stored_together(n) for n in (0, 2)] == [range(2), range(2, 4)]


def test_mapper_options_are_known_and_the_log_says_that_they_change_nothing(
    stacks: dict[str, Any], caplog: Any
) -> None:
    options = {"upsample_factor": 5, "normalization": True}
    with caplog.at_level(logging.INFO, "ewoksndreg"):
        outputs = run_task(
            Reg2DIntensities,
            image_stacks=stacks,
            mapper="CrossCorrelation-SciKitImage",
            mapper_options=options,
            **SHIFTS,
        )
    assert outputs["output_configuration"]["mapper_options"] == options
    assert "The mapper option 'upsample_factor' has no effect" in caplog.text


@pytest.mark.parametrize(
    ("mapper", "options"),
    [
        (
            "Optimization-SimpleITK",
            "metric=MeanSquares metric=CrossCorrelation metric=ANTSNeighborhoodCorrelation"
            " metric=JointHistogramMutualInformation metric=MattesMutualInformation"
            " optimizer=LBFGSB optimizer=Exhaustive optimizer=Powell optimizer=Evolutionary"
            " optimizer=GradientDescent optimizer=GradientDescentLineSearch"
            " optimizer=CGLineSearch order=1 pyramid_levels=1 mesh_size=6 sampling=None"
            " sampling=random sampling=regular sampling_percentage=0.5",
        ),
        (
            "Optimization-Kornia",
            "metric=MeanSquaredError metric=MeanAbsoluteError metric=MutualInformation"
            " optimizer=RMSprop optimizer=Adam optimizer=SGD pyramid_levels=3",
        ),
    ],
)
def test_every_option_of_a_mapper_is_taken(
    stacks: dict[str, Any], mapper: str, options: str
) -> None:
    """As read off 0.5.0; those of the other mapper with options have a test of their own."""
    for option in options.split():
        name, value = option.split("=")
        given = {"mapper": mapper, "mapper_options": {name: value}}
        inputs = IntensityInputs(image_stacks=stacks, **SHIFTS, **given)
        assert inputs.mapper_options == {name: value}


def test_every_window_is_taken(stacks: dict[str, Any]) -> None:
    """As read off 0.5.0."""
    names = """barthann bartlett blackman blackmanharris bohman boxcar cosine exponential flattop
        hamming hann lanczos nuttall parzen taylor triang tukey"""
    for name in names.split():
        options = {"apply_window": name}
        inputs = IntensityInputs(image_stacks=stacks, preprocessing_options=options, **SHIFTS)
        assert inputs.preprocessing_options == options


def test_the_configuration_is_copied_and_extended(stacks: dict[str, Any]) -> None:
    configuration = {"sample": "A"}
    outputs = run_task(
        Reg2DIntensities, image_stacks=stacks, output_configuration=configuration, **SHIFTS
    )
    assert configuration == {"sample": "A"}
    assert outputs["output_configuration"]["sample"] == "A"


def test_an_image_that_fails_does_not_stop_the_task(stacks: dict[str, Any]) -> None:
    stacks["Fe-K"][2] = 0
    with pytest.warns(RuntimeWarning, match="Stack 'Fe-K': 1 of 4 images could not be registered"):
        outputs = run_task(Reg2DIntensities, image_stacks=stacks, **SHIFTS)
    assert outputs["failed_images"] == {"Ca-K": {}, "Fe-K": {2: "empty or constant"}}
    assert numpy.isnan(outputs["transformations"]["Fe-K"][2].passive_matrix).all()
    _assert_motion(outputs["transformations"]["Ca-K"])


def test_what_comes_out_is_ranked_by_the_next_task(stacks: dict[str, Any]) -> None:
    from ewoksndreg.tasks.reg2d_posteval import Reg2DPostEvaluation

    outputs = run_task(Reg2DIntensities, image_stacks=stacks, **SHIFTS)
    channels = ("image_stacks", "transformations", "output_configuration")
    ranked = run_task(Reg2DPostEvaluation, **{name: outputs[name] for name in channels})
    _assert_motion(ranked["transformations"]["Ca-K"])


@pytest.mark.parametrize("task_class", [Reg2DIntensities, Reg2DPreEvaluation])
def test_progress_and_cancel(stacks: dict[str, Any], task_class: Any) -> None:
    inputs = {"image_stacks": stacks}
    if task_class is Reg2DIntensities:
        inputs |= {**SHIFTS, "max_workers": 0}
    progress = Progress()
    progress.task = task_class(inputs=inputs, progress=progress)
    progress.task.execute()
    assert progress.values == sorted(progress.values)
    assert progress.values[-1] == 100
    progress = Progress(stop_at=1)
    progress.task = task_class(inputs=inputs, progress=progress)
    with pytest.raises(RuntimeError) as caught:
        progress.task.execute()
    assert isinstance(caught.value.__cause__, CancelledError)


# --- Reg2DFeatures ------------------------------------------------------------------------------

FEATURES = {"detector": "Sift-SciKitImage", "transformation_type": "translation"}


@pytest.mark.parametrize(
    ("detector", "matcher", "mapper"),
    [
        ("Sift-SciKitImage", "Descriptor-SciKitImage", "LstSq-Numpy"),
        ("Orb-SciKitImage", "Descriptor-Silx", "Ransac-SciKitImage"),
        ("Sift-Silx", "Descriptor-SciKitImage", "LstSq-SciPy"),
        (("Orb", "SciKitImage"), ("Descriptor", "Silx"), ("LstSq", "Scipy")),
    ],
)
def test_detectors_matchers_and_mappers(
    stacks: dict[str, Any], detector: Any, matcher: Any, mapper: Any, caplog: Any
) -> None:
    pytest.importorskip("skimage")
    with caplog.at_level(logging.INFO, "ewoksndreg"):
        outputs = run_task(
            Reg2DFeatures,
            image_stacks=stacks,
            detector=detector,
            matcher=matcher,
            mapper=mapper,
            transformation_type="translation",
        )
    for given, replaced in (
        (detector == "Sift-Silx", "found with SIFT of scikit-image, which needs no OpenCL"),
        ("Silx" in str(matcher), "matched with scikit-image, which needs no OpenCL"),
        ("LstSq" in str(mapper), "RANSAC selects matches before the least-squares fit"),
    ):
        assert (replaced in caplog.text) == given
    for items in outputs["transformations"].values():
        _assert_motion(items, tolerance=0.5)
    assert outputs["image_stacks"] is stacks
    for name in stacks:
        features, matches = outputs["features"][name], outputs["matches"][name]
        assert [each.coordinates.shape[0] for each in features] == [2] * 4
        assert matches[0] == (None, None)
        for pair, motion in zip(matches[1:], MOTION[1:], strict=True):
            moved = pair[1].coordinates - pair[0].coordinates
            assert numpy.abs(numpy.median(moved, axis=1) - motion).max() < 0.5


def test_the_configuration_of_features(stacks: dict[str, Any]) -> None:
    pytest.importorskip("skimage")
    outputs = run_task(
        Reg2DFeatures,
        image_stacks=stacks,
        reference_stack="Fe-K",
        reference_image=-1,
        output_configuration={"sample": "A"},
        **FEATURES,
    )
    assert outputs["output_configuration"] == {
        "sample": "A",
        "detector": "Sift-SciKitImage",
        "matcher": "Descriptor-SciKitImage",
        "mapper": "Ransac-SciKitImage",
        "transformation_type": "translation",
        "reference_image": -1,
        "reference_stack": "Fe-K",
    }
    first, second = outputs["transformations"].values()
    assert first == second
    _assert_motion(first, MOTION - MOTION[-1], tolerance=0.5)


@pytest.mark.parametrize(
    "transformation_type", ["identity", "rigid", "similarity", "affine", "projective"]
)
def test_types_of_features(stacks: dict[str, Any], transformation_type: str) -> None:
    pytest.importorskip("skimage")
    outputs = run_task(
        Reg2DFeatures,
        image_stacks=stacks,
        detector="Sift-SciKitImage",
        transformation_type=transformation_type,
    )
    if transformation_type == "identity":
        _assert_motion(outputs["transformations"]["Ca-K"], 0 * MOTION, tolerance=1e-12)
        return
    center = [[31.5], [31.5]]
    for each, motion in zip(outputs["transformations"]["Ca-K"], MOTION, strict=True):
        moved = each.apply_coordinates(center).ravel() - 31.5
        assert numpy.abs(moved + motion).max() < 1


def test_features_heed_the_mask_and_a_blank_image_does_not_stop_the_task(
    stacks: dict[str, Any],
) -> None:
    pytest.importorskip("skimage")
    mask = numpy.ones((64, 64), dtype=bool)
    mask[:, :20] = False
    stacks["Ca-K"][:, :, :18] = 50 * stacks["Fe-K"][0, :, :18]  # does not move
    stacks["Ca-K"][2] = 7
    with pytest.warns(RuntimeWarning, match="Stack 'Ca-K': 1 of 4 images could not be registered"):
        outputs = run_task(
            Reg2DFeatures, image_stacks={"Ca-K": stacks["Ca-K"]}, mask=mask.tolist(), **FEATURES
        )
    assert outputs["failed_images"] == {"Ca-K": {2: "empty or constant"}}
    found = outputs["transformations"]["Ca-K"]
    assert numpy.isnan(found[2].passive_matrix).all()
    _assert_motion([found[0], found[1], found[3]], MOTION[[0, 1, 3]], tolerance=0.5)
    for features in outputs["features"]["Ca-K"]:
        assert (features.coordinates[1] > 15).all()
    assert [len(each) for each in outputs["matches"]["Ca-K"][2]] == [0, 0]


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"detector": "Shift-SciKitImage"}, "detector 'Shift-SciKitImage': did you mean 'Sift-Sci"),
        ({"matcher": "Descriptor"}, "There is no matcher 'Descriptor': did you mean 'Descriptor-"),
        ({"mapper": "Ransac-Numpy"}, "There is no mapper 'Ransac-Numpy': did you mean"),
    ],
)
def test_unknown_names_of_features(
    stacks: dict[str, Any], inputs: dict[str, Any], message: str
) -> None:
    assert message in _cause(Reg2DFeatures, **{"image_stacks": stacks, **FEATURES, **inputs})


# --- Reg2DPreEvaluation -------------------------------------------------------------------------


def _with_a_fixed_pattern(stacks: dict[str, Any]) -> dict[str, Any]:
    pattern = 4 * numpy.random.default_rng(0).normal(size=(64, 64))
    return {"Ar-K": 0.3 * stacks["Ca-K"] + pattern, **stacks}


def test_a_pattern_that_does_not_move_is_not_chosen(stacks: dict[str, Any]) -> None:
    given = _with_a_fixed_pattern(stacks)
    outputs = run_task(Reg2DPreEvaluation, image_stacks=given, output_configuration={"sample": "A"})
    assert outputs["image_stacks"] is given
    assert outputs["ranked_stack_names"][-1] == "Ar-K"
    assert outputs["reference_stack"] == outputs["ranked_stack_names"][0]
    assert outputs["output_configuration"] == {
        "sample": "A",
        "reference_stack": outputs["reference_stack"],
    }


def test_nan_and_the_order_of_the_stacks_do_not_decide(stacks: dict[str, Any]) -> None:
    given = _with_a_fixed_pattern(stacks)
    rng = numpy.random.default_rng(1)
    given["Fe-K"] = given["Fe-K"] + rng.normal(scale=6, size=given["Fe-K"].shape)
    given["Ca-K"][1, 3, 3] = numpy.nan
    ranked = run_task(Reg2DPreEvaluation, image_stacks=given)["ranked_stack_names"]
    assert ranked[0] == "Ca-K"
    turned = dict(reversed(given.items()))
    assert run_task(Reg2DPreEvaluation, image_stacks=turned)["ranked_stack_names"] == ranked


def test_a_dead_image_does_not_take_its_stack_out(stacks: dict[str, Any]) -> None:
    given = _with_a_fixed_pattern(stacks)
    given["Ca-K"][3] = 0
    with pytest.warns(RuntimeWarning, match="image 3 of stack 'Ca-K'"):
        outputs = run_task(Reg2DPreEvaluation, image_stacks=given)
    assert outputs["ranked_stack_names"][-1] == "Ar-K"


def test_a_given_stack_and_skip_are_passed_on(stacks: dict[str, Any]) -> None:
    outputs = run_task(Reg2DPreEvaluation, image_stacks=stacks, reference_stack="Fe-K")
    assert outputs["reference_stack"] == "Fe-K"
    assert outputs["ranked_stack_names"] is None
    outputs = run_task(Reg2DPreEvaluation, image_stacks={"a": None}, skip=True)
    assert outputs["image_stacks"] == {"a": None}
    assert outputs["reference_stack"] is None
    assert outputs["ranked_stack_names"] is None


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"reference_stack": "b"}, "There is no reference_stack 'b'. Available: 'a'"),
        ({"image_stacks": {}}, "There are no image stacks to rank"),
        (
            {"image_stacks": {"a": IMAGES, "b": IMAGES[:, 1:]}},
            "Stack 'b' has the shape (3, 19, 20) and stack 'a' (3, 20, 20): stacks that share one"
            " registration need the same shape",
        ),
    ],
)
def test_mistakes_before_registering(inputs: dict[str, Any], message: str) -> None:
    assert _cause(Reg2DPreEvaluation, **{"image_stacks": {"a": IMAGES}, **inputs}) == message


def test_the_choice_of_a_stack_can_be_cancelled_while_images_are_read(
    stacks: dict[str, Any],
) -> None:
    opened = {name: as_stack(each) for name, each in stacks.items()}
    with pytest.raises(CancelledError, match="cancelled after 0 of "):
        rank_before_registering(opened, should_stop=lambda: True)


def test_large_images_are_averaged_over_squares() -> None:
    from ewoksndreg.registration._preselect import shrink

    image = numpy.arange(250 * 101, dtype=numpy.uint16).reshape(250, 101)
    small = shrink(image)
    assert small.shape == (83, 33)
    assert small[1, 2] == image[3:6, 6:9].mean()
    image = image.astype(float)
    image[3:6, 6:8] = numpy.nan
    assert shrink(image)[1, 2] == image[3:6, 8].mean()
    assert shrink(numpy.ones((1, 500))).shape == (1, 100)
