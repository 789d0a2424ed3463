"""Registrations of stacks whose motion is known, and what is refused."""

from __future__ import annotations

import sys
import threading
from collections.abc import Sequence
from concurrent.futures import CancelledError
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import h5py
import numpy
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from ewoksndreg import register_stack
from ewoksndreg import register_stacks
from ewoksndreg.registration import Registration
from ewoksndreg.transformation import TransformationType

from .cases import SITUATIONS
from .cases import build
from .cases import errors
from .cases import place
from .cases import scene
from .cases import view

SIZE = 96
PICTURE = scene("grains", SIZE)


def _views(places: Sequence[NDArray[Any]]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Images, and the passive matrices that bring them onto the first one."""
    views = numpy.stack([view(PICTURE, each, SIZE) for each in places])
    truth = numpy.stack([numpy.linalg.inv(each) @ places[0] for each in places])
    return views, truth


def _places(*changes: dict[str, Any]) -> list[NDArray[Any]]:
    return [place(size=SIZE), *(place(**change, size=SIZE) for change in changes)]


SHIFTS = _places({"shift": (3.4, -2.1)}, {"shift": (-20, 11.5)}, {"shift": (1, 1)})


def _errors(found: Registration, truth: NDArray[Any]) -> NDArray[Any]:
    matrices = numpy.stack([each.passive_matrix for each in found.transformations])
    return errors(matrices, truth, (SIZE, SIZE))


MOTIONS = {
    "translation": SHIFTS,
    "rigid": _places(
        {"shift": (3, -8), "degrees": 2}, {"degrees": -14}, {"shift": (5, 5), "degrees": 27}
    ),
    "similarity": _places(
        {"shift": (3, -8), "degrees": 2, "distortion": 0.03 * numpy.identity(2)},
        {"degrees": -14, "distortion": -0.05 * numpy.identity(2)},
    ),
    "affine": _places(
        {"shift": (3, -8), "degrees": 2, "distortion": [[0.03, 0.02], [-0.01, -0.02]]},
        {"degrees": -14, "distortion": [[0.01, -0.03], [0.02, -0.02]]},
    ),
}


@pytest.mark.parametrize("transformation_type", MOTIONS)
def test_motion_of_each_type_is_found(transformation_type: str) -> None:
    stack, truth = _views(MOTIONS[transformation_type])
    found = register_stack(stack, transformation_type)
    assert _errors(found, truth).max() < 0.03
    assert found.succeeded.all()
    assert found.failed == {}
    assert found.correlation.min() > 0.99
    assert found.transformation_type is TransformationType(transformation_type)
    types = {each.transformation_type.value for each in found.transformations}
    assert types == {"identity", transformation_type}


def test_smooth_images_without_noise_are_aligned_by_all_that_they_show() -> None:
    """Interpolation leaves wide residuals, which are no shading."""
    rows, columns = numpy.indices((200, 200)) - 100
    wide = ndimage.gaussian_filter(numpy.random.default_rng(2).normal(size=(200, 200)), 5)
    picture = 1 / (1 + numpy.exp(-(rows + 0.3 * columns) / 2)) + 0.3 * wide
    places = [place(each, size=128) for each in ((0, 0), (0.4, 3.7), (2.3, -4.1))]
    stack = numpy.stack([view(picture, each, 128) for each in places])
    found = register_stack(stack)
    for each, (row, column) in zip(
        found.transformations, ((0, 0), (0.4, 3.7), (2.3, -4.1)), strict=True
    ):
        numpy.testing.assert_allclose(each.passive_matrix[:2, 2], (-row, -column), atol=0.03)


# Starts are looked for at up to 30 degrees.
DRIFT = [place((n, -0.6 * n), 9 * n, size=SIZE) for n in range(8)]


@pytest.mark.parametrize("reference_image", [0, 7])
def test_a_drift_is_followed_farther_than_starts_are_looked_for(reference_image: int) -> None:
    stack, truth = _views(DRIFT)
    stack[4] = 0.5  # empty
    with pytest.warns(RuntimeWarning, match="image 4"):
        found = register_stack(stack, "rigid", reference_image=reference_image)
    truth = truth @ numpy.linalg.inv(truth[reference_image])
    assert numpy.delete(_errors(found, truth), 4).max() < 0.05


@pytest.mark.parametrize(("block_size", "lost"), [(-2, False), (2, False), (100, True)])
def test_the_block_size_decides_where_an_image_starts(block_size: int, lost: bool) -> None:
    """The last images are out of reach of those starts that no image before them has given."""
    stack, truth = _views(DRIFT)
    found = register_stack(stack, "rigid", block_size=block_size)
    assert (_errors(found, truth).max() > 1) == lost


@pytest.mark.parametrize(
    ("method", "transformation_type"),
    [
        ("orb", "translation"),
        ("orb", "affine"),
        ("sift", "rigid"),
        ("sift", "similarity"),
        ("sift", "projective"),
    ],
)
def test_features_find_it_too(method: Any, transformation_type: str) -> None:
    pytest.importorskip("skimage")
    stack, truth = _views(MOTIONS.get(transformation_type, SHIFTS))
    found = register_stack(stack, transformation_type, method=method)
    assert numpy.median(_errors(found, truth)) < 0.4
    for features, pair in zip(found.features, found.matches, strict=True):
        assert features.coordinates.shape == (2, len(features))
        if pair is not None:
            assert pair[0].coordinates.shape == pair[1].coordinates.shape
    assert [n for n, pair in enumerate(found.matches) if pair is None] == [0]


def test_features_give_the_same_every_time() -> None:
    pytest.importorskip("skimage")
    stack, _ = _views(SHIFTS)
    found = [register_stack(stack, "rigid", method="orb", max_workers=each) for each in (0, 2)]
    assert found[0].transformations == found[1].transformations


def test_features_find_a_rotation_by_any_angle() -> None:
    pytest.importorskip("skimage")
    stack, truth = _views(_places({"degrees": 100}))
    assert _errors(register_stack(stack, "rigid", method="sift"), truth).max() < 1


def test_features_without_scikit_image_say_what_to_install(monkeypatch: Any) -> None:
    monkeypatch.setitem(sys.modules, "skimage.feature", None)
    with pytest.raises(ModuleNotFoundError) as caught:
        register_stack(IMAGES, method="orb")
    assert str(caught.value) == (
        "The method 'orb' needs scikit-image: pip install \".[register]\" in the folder of the"
        " sources"
    )


@pytest.mark.parametrize("q", [2, -2, 0.5, 0.74])
def test_any_image_can_be_the_reference_image(q: float) -> None:
    stack, truth = _views(SHIFTS)
    found = register_stack(stack, reference_image=q)
    assert found.reference_image == 2
    numpy.testing.assert_array_equal(found.transformations[2].passive_matrix, numpy.identity(3))
    assert _errors(found, truth @ numpy.linalg.inv(truth[2])).max() < 0.05


def test_ends_of_the_stack_as_parts_of_it() -> None:
    stack, _ = _views(SHIFTS)
    for part, index in ((0.0, 0), (1.0, 3)):
        assert register_stack(stack, reference_image=part).reference_image == index


@pytest.mark.parametrize("dtype", ["u1", ">u2", "i4", "f2", "f4", ">f8"])
def test_pixels_of_any_type(dtype: str) -> None:
    stack, truth = _views(SHIFTS)
    found = register_stack((200 * numpy.clip(stack, 0, 1)).astype(dtype))
    assert _errors(found, truth).max() < 0.05


def test_black_and_white_images() -> None:
    stack, truth = _views(SHIFTS)
    assert _errors(register_stack(stack > numpy.median(stack)), truth).max() < 0.1


def test_gain_offset_and_inverted_contrast_do_not_matter() -> None:
    stack, truth = _views(SHIFTS)
    changed = numpy.stack([stack[0], 1000 - 3 * stack[1], 1e-6 * stack[2] - 5, -stack[3]])
    found = register_stack(changed)
    assert _errors(found, truth).max() < 0.03
    assert (numpy.sign(found.correlation) == [1, -1, 1, -1]).all()


def test_invalid_and_masked_pixels_are_left_out() -> None:
    stack, truth = _views(SHIFTS)
    rng = numpy.random.default_rng(0)
    stack[rng.uniform(size=stack.shape) < 0.01] = numpy.nan
    stack[1, 10:30, 10:30] = numpy.inf
    stack[:, 60:75, 20:40] = 7  # what the mask covers does not move
    mask = numpy.ones((SIZE, SIZE), dtype=bool)
    mask[60:75, 20:40] = False
    found = register_stack(stack, mask=mask)
    assert _errors(found, truth).max() < 0.05
    as_lists = register_stack(stack, mask=mask.astype(int).tolist())
    assert as_lists.transformations == found.transformations


def test_a_gap_of_the_detector_does_not_hold_the_images() -> None:
    stack, truth = _views(SHIFTS)
    stack[:, 40:48] = 5
    stack[:, :, 70:73] = -3
    assert _errors(register_stack(stack), truth).max() < 0.05
    counts = (1000 * stack.clip(0, 2)).astype("u2")
    counts[:, 40:48] = 65535
    assert _errors(register_stack(counts), truth).max() < 0.05


@pytest.mark.parametrize("transformation_type", ["translation", "rigid"])
def test_hot_pixels_do_not_hold_the_images(transformation_type: str) -> None:
    stack, truth = _views(SHIFTS)
    rng = numpy.random.default_rng(0)
    stack[:, rng.uniform(size=(SIZE, SIZE)) < 0.01] = 8
    stack += rng.normal(scale=0.01, size=stack.shape)
    assert _errors(register_stack(stack, transformation_type), truth).max() < 0.05


@pytest.mark.parametrize("method", ["intensities", "sift"])
def test_an_image_that_fails_is_named_and_does_not_stop_the_others(method: Any) -> None:
    stack, truth = _views([*SHIFTS, *SHIFTS])
    stack[2] = 0
    stack[4] = numpy.nan
    stack[6] = numpy.random.default_rng(0).normal(size=stack[6].shape)
    with pytest.warns(RuntimeWarning, match="3 of 8 images could not be registered: images 2") as w:
        found = register_stack(stack, method=method)
    assert str(w[0].message) == found.warning
    assert list(found.failed) == [2, 4, 6]
    assert found.failed[2] == found.failed[4] == "empty or constant"
    failed = ~found.succeeded
    assert failed.tolist() == [n in (2, 4, 6) for n in range(8)]
    matrices = numpy.stack([each.passive_matrix for each in found.transformations])
    assert numpy.isnan(matrices[failed]).all()
    assert errors(matrices[~failed], truth[~failed], (SIZE, SIZE)).max() < 0.3


def test_an_empty_reference_image_is_named() -> None:
    stack, _ = _views(SHIFTS)
    stack[0] = 3
    with pytest.warns(RuntimeWarning, match="choose another one"):
        found = register_stack(stack)
    assert list(found.failed) == [1, 2, 3]


def test_one_image_and_no_motion() -> None:
    stack, _ = _views(SHIFTS)
    for found in (register_stack(stack[:1]), register_stack(stack, "identity")):
        for each in found.transformations:
            numpy.testing.assert_array_equal(each.passive_matrix, numpy.identity(3))
        assert found.succeeded.all()


@pytest.mark.parametrize(
    ("shape", "failed"),
    [
        ((1, 1), "is empty or constant"),
        ((3, 5), "nothing in common"),
        ((7, 300), "no more in common .* than noise has"),
        ((40, 33), None),
    ],
)
def test_images_of_any_shape(shape: tuple[int, int], failed: str | None) -> None:
    stack = numpy.random.default_rng(0).normal(size=(3, *shape)).cumsum(1).cumsum(2)
    for transformation_type in ("translation", "affine"):
        with pytest.warns(RuntimeWarning, match=failed) if failed else nullcontext():
            found = register_stack(stack, transformation_type)
        assert len(found.transformations) == 3


@pytest.fixture(scope="module")
def large_stack() -> NDArray[Any]:
    """So much that threads share it where numba is installed."""
    picture = scene("grains", 350)
    places = [place(shift=(3 * n, -2 * n), degrees=n, size=350) for n in range(3)]
    return numpy.stack([view(picture, each, 350) for each in places])


def test_the_numbers_do_not_depend_on_the_workers(large_stack: NDArray[Any]) -> None:
    found = [register_stack(large_stack, "rigid", max_workers=each) for each in (0, 2, 3)]
    expected = numpy.stack([each.passive_matrix for each in found[0].transformations])
    for each in found[1:]:
        matrices = numpy.stack([each.passive_matrix for each in each.transformations])
        numpy.testing.assert_array_equal(matrices, expected)
        numpy.testing.assert_array_equal(each.correlation, found[0].correlation)


def test_images_are_read_one_at_a_time_from_a_file(tmp_path: Path) -> None:
    stack, truth = _views(SHIFTS)
    with h5py.File(tmp_path / "maps.h5", "w") as file:
        file["maps/Ca-K"] = stack
        assert _errors(register_stack(file["maps/Ca-K"]), truth).max() < 0.03
    found = register_stack(f"{tmp_path}/maps.h5::/maps/Ca-K", max_workers=2)
    assert _errors(found, truth).max() < 0.03
    assert _errors(register_stacks(f"{tmp_path}/maps.h5::/maps"), truth).max() < 0.03


@pytest.mark.parametrize("workers", [0, 2])
def test_progress_and_cancel(large_stack: NDArray[Any], workers: int) -> None:
    fractions: list[float] = []
    register_stack(large_stack, progress=fractions.append, max_workers=workers)
    assert fractions == pytest.approx([1 / 3, 2 / 3, 1])
    answers = iter([False, False, True])
    before = threading.active_count()
    with pytest.raises(CancelledError, match="cancelled after"):
        register_stack(large_stack, should_stop=lambda: next(answers, True), max_workers=workers)
    assert threading.active_count() == before


def test_all_stacks_together_are_better_than_one() -> None:
    places = _places({"shift": (3.4, -2.1)}, {"shift": (-2, 1.5)}, {"shift": (1, 5)})
    _, truth = _views(places)
    pictures = [PICTURE, PICTURE[::-1], PICTURE.T, PICTURE[:, ::-1]]
    rng = numpy.random.default_rng(0)
    stacks = {
        f"s{k}": rng.poisson(9 * numpy.stack([view(each, p, SIZE) for p in places]).clip(0) + 0.2)
        for k, each in enumerate(pictures)
    }
    stacks["s1"] = 100 - stacks["s1"]
    together = _errors(register_stacks(stacks), truth)[1:].mean()
    alone = [_errors(register_stack(each), truth)[1:].mean() for each in stacks.values()]
    assert together < 0.8 * numpy.mean(alone)


def test_one_stack_together_is_that_stack() -> None:
    stack, _ = _views(SHIFTS)
    alone, together = register_stack(stack), register_stacks({"Ca-K": stack})
    assert alone.transformations == together.transformations


def test_an_image_that_one_stack_shows_is_registered() -> None:
    stack, truth = _views(SHIFTS)
    dark = stack.copy()
    dark[1] = 0
    found = register_stacks({"Ca-K": dark, "Fe-K": stack})
    assert found.succeeded.all()
    assert _errors(found, truth).max() < 0.05


IMAGES = numpy.random.default_rng(0).normal(size=(3, 20, 20))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"transformation_type": "ridgid"},
            "There is no transformation type 'ridgid': did you mean 'rigid'? Available: 'identity',"
            " 'translation', 'rigid', 'similarity', 'affine', 'projective'",
        ),
        (
            {"transformation_type": "bspline"},
            "Transformations of type 'bspline' cannot be found by this library: choose one of"
            " identity, translation, rigid, similarity, affine, or register with another program,"
            " such as SimpleITK, whose transformations can be ranked and applied",
        ),
        (
            {"transformation_type": "projective"},
            "Projective transformations cannot be found by intensities: choose the method 'sift' or"
            " 'orb', or the type 'affine'",
        ),
        (
            {"method": "shift"},
            "There is no method 'shift': did you mean 'sift'? Available: 'intensities', 'sift',"
            " 'orb'",
        ),
        (
            {"reference_image": 3},
            "There is no reference image 3: give an index from -3 to 2, or a relative position in"
            " the stack as a float from 0.0 to 1.0",
        ),
        (
            {"reference_image": 1.5},
            "There is no reference image 1.5: give an index from -3 to 2, or a relative position in"
            " the stack as a float from 0.0 to 1.0",
        ),
        (
            {"reference_image": True},
            "There is no reference image True: give an index from -3 to 2, or a relative position"
            " in the stack as a float from 0.0 to 1.0",
        ),
        (
            {"mask": numpy.zeros((20, 20), dtype=bool)},
            "The mask leaves no pixels: it must be True for the pixels to use",
        ),
        (
            {"mask": numpy.ones((20, 19), dtype=bool)},
            "The mask has the shape (20, 19), the images have (20, 20)",
        ),
        ({"max_workers": -2}, "the number of workers must be -1 or more, not -2"),
    ],
)
def test_mistakes_are_told_in_one_sentence(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        register_stack(IMAGES, **options)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_workers": "two"}, "the number of workers must be an integer, not 'two'"),
        ({"block_size": 1.5}, "The block size must be an integer, not 1.5"),
        ({"transformation_typ": "rigid"}, "unexpected keyword argument 'transformation_typ'"),
    ],
)
def test_options_of_a_wrong_type_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(TypeError, match=message):
        register_stack(IMAGES, **options)


def test_a_mask_of_something_else() -> None:
    with pytest.raises(
        TypeError, match="The mask must be boolean, True for the pixels to use, not float"
    ):
        register_stack(IMAGES, mask=numpy.ones((20, 20)))


def test_stacks_of_different_shapes_cannot_be_registered_together() -> None:
    with pytest.raises(ValueError, match=r"Stack 'b' has the shape \(3, 19, 20\) and stack 'a' "):
        register_stacks({"a": IMAGES, "b": IMAGES[:, 1:]})
    with pytest.raises(ValueError, match="There are no image stacks to register"):
        register_stacks({})


def test_an_image_that_cannot_be_used_is_named() -> None:
    with pytest.raises(ValueError, match="Stack 'images', image 1: image 1 has the shape"):
        register_stack(_Images())
    with pytest.raises(ValueError, match="Stack 'Ca-K', image 1: image 1 has the shape"):
        register_stacks({"Ca-K": _Images()})


class _Images:
    def __len__(self) -> int:
        return 2

    def __getitem__(self, n: int) -> NDArray[Any]:
        return numpy.ones((4, 5 if n else 6))


@pytest.mark.full
@pytest.mark.parametrize("name", SITUATIONS)
def test_no_image_is_lost(name: str) -> None:
    case = build(name, "grains", 0)
    found = register_stack(case.stack, case.transformation_type)
    matrices = numpy.stack([each.passive_matrix for each in found.transformations])
    assert errors(matrices, case.truth, case.stack.shape[1:]).max() < 1
