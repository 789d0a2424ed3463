"""A registration that is refined on all stacks together, against motion that is known."""

from __future__ import annotations

import itertools
import pickle
from concurrent.futures import CancelledError
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy
import pytest

from ewoksndreg import Evaluation
from ewoksndreg import Homography
from ewoksndreg import evaluate_stacks
from ewoksndreg import refine_registration
from ewoksndreg.demo.samples import true_error
from ewoksndreg.workers import processes

from .conftest import Foreign
from .conftest import parametrize_sample
from .conftest import rotation_matrix
from .conftest import shift_matrix
from .conftest import smooth_image
from .evaluation.conftest import WatchedStackWithShape
from .evaluation.conftest import evaluate

SHAPE = (72, 80)
NUMBER = 5


def motion(kind, seed=0):
    """Passive matrices of a sample that moves in a random walk; that of image 0 is the identity."""
    rng = numpy.random.default_rng(seed)
    matrices = [numpy.identity(3)]
    for _ in range(NUMBER - 1):
        step = shift_matrix(*rng.normal(scale=1.5, size=2))
        if kind != "translation":
            step = step @ rotation_matrix(rng.normal(scale=0.8), (36, 40))
        if kind in ("similarity", "affine"):
            step[:2, :2] *= 1 + rng.normal(scale=0.01)
        if kind == "affine":
            step[:2, :2] += rng.normal(scale=0.01, size=(2, 2))
        matrices.append(step @ matrices[-1])
    return [Homography(matrix) for matrix in matrices]


def look(truth, seed, noise=0.1):
    """Images of a scene that moves so: ``scene(M p)`` is what the first image shows at p."""
    scene = smooth_image(seed, (152, 160), 2.5)
    rng = numpy.random.default_rng(100 + seed)
    offset = shift_matrix(40, 40)
    images = [
        Homography(offset @ each.active_matrix @ numpy.linalg.inv(offset)).apply_data(
            scene, cval=0, interpolation_order=5
        )[40:112, 40:120]
        for each in truth
    ]
    return numpy.stack(images) + rng.normal(scale=noise, size=(len(images), *SHAPE))


def off(truth, size, seed=0, kind="translation"):
    """The same registration with errors; image 0 has none."""
    rng = numpy.random.default_rng(seed)
    wrong = [truth[0]]
    for each in truth[1:]:
        error = shift_matrix(*rng.normal(scale=size, size=2))
        if kind != "translation":
            error = error @ rotation_matrix(rng.normal(scale=size), (36, 40))
        wrong.append(Homography(each.passive_matrix @ error))
    return wrong


def error_of(transformations, truth):
    return true_error(transformations, truth, SHAPE)


def matrices_of(transformations):
    return numpy.stack([each.passive_matrix for each in transformations])


@pytest.fixture(scope="module")
def truth():
    return motion("translation")


@pytest.fixture(scope="module")
def stacks(truth):
    return {name: look(truth, seed) for seed, name in enumerate("abc")}


@pytest.fixture(scope="module")
def rough(truth):
    return off(truth, 0.4)


@pytest.mark.parametrize("kind", ["translation", "rigid", "similarity", "affine"])
def test_nearer_to_the_truth_and_of_the_same_type(kind):
    truth = motion(kind)
    stacks = {name: look(truth, seed) for seed, name in enumerate("abc")}
    rough = off(truth, 0.3, kind=kind)
    result = refine_registration(stacks, rough)
    assert result.accepted
    assert result.reason is None
    assert error_of(rough, truth) > 0.2
    assert error_of(result.transformations, truth) < 0.06
    assert {each.transformation_type for each in result.transformations[1:]} == {kind}
    assert all(isinstance(each, Homography) for each in result.transformations)
    assert result.after.score < result.before.score
    assert result.after.relative_error < result.before.relative_error
    assert result.remaining_shift_after < result.remaining_shift_before


def test_together_the_stacks_know_more_than_each(truth):
    stacks = {name: look(truth, seed, noise=2.5) for seed, name in enumerate("abcd")}
    rough = off(truth, 0.4)
    alone = [
        error_of(refine_registration({name: stack}, rough).transformations, truth)
        for name, stack in stacks.items()
    ]
    together = error_of(refine_registration(stacks, rough).transformations, truth)
    assert together < numpy.median(alone)


def test_how_far_each_image_was_moved(stacks, rough):
    result = refine_registration(stacks, rough)
    corners = numpy.array([[0, 0, 72, 72], [0, 80, 0, 80]])
    expected = [
        numpy.hypot(*(new.apply_coordinates(corners) - old.apply_coordinates(corners))).mean()
        for new, old in zip(result.transformations, rough, strict=True)
    ]
    numpy.testing.assert_allclose(result.moved, expected, atol=1e-9)
    assert result.moved[0] == 0
    assert result.moved[1:].min() > 0
    assert not result.moved.flags.writeable


def test_the_frame_of_the_result_stays(stacks, truth, rough):
    """Image 0 keeps its transformation, whatever it is, and all others follow it."""
    frame = Homography(shift_matrix(7.25, -3.5))
    in_frame = [each @ frame for each in rough]
    result = refine_registration(stacks, in_frame)
    assert result.transformations[0] == frame
    expected = [each @ frame for each in refine_registration(stacks, rough).transformations]
    numpy.testing.assert_allclose(
        matrices_of(result.transformations), matrices_of(expected), atol=1e-6
    )


def test_a_type_that_is_asked_for():
    truth = motion("rigid")
    stacks = {name: look(truth, seed) for seed, name in enumerate("abc")}
    shifts = [Homography(shift_matrix(*each.passive_matrix[:2, 2])) for each in truth]
    assert {each.transformation_type for each in shifts[1:]} == {"translation"}
    result = refine_registration(stacks, shifts, transformation_type="rigid")
    assert {each.transformation_type for each in result.transformations[1:]} == {"rigid"}
    assert error_of(result.transformations, truth) < 0.06


def test_no_motion_is_refined_as_a_translation(stacks, truth):
    still = [Homography(numpy.identity(3))] * NUMBER
    result = refine_registration(stacks, still)
    assert result.accepted
    assert error_of(result.transformations, truth) < 0.06


def test_several_px_off_is_found_on_smaller_images(stacks, truth):
    far = off(truth, 3.5, seed=2)
    assert error_of(far, truth) > 3
    assert error_of(refine_registration(stacks, far).transformations, truth) < 0.1


PROJECTIVE = numpy.array([[1, 0, 0.3], [0, 1, 0], [1e-4, 0, 1]])


@pytest.mark.parametrize(
    ("transformations", "what"),
    [
        ([Homography(numpy.identity(3)), *[Homography(PROJECTIVE)] * 4], "projective"),
        ([Foreign(Homography(numpy.identity(3)))] * NUMBER, "Foreign"),
        ([Homography(numpy.full((3, 3), numpy.nan))] * NUMBER, "reference image 0"),
    ],
)
def test_what_cannot_be_refined_comes_back(transformations, what, stacks):
    result = refine_registration(stacks, transformations)
    assert not result.accepted
    assert what in result.reason
    assert list(result.transformations) == transformations
    assert all(a is b for a, b in zip(result.transformations, transformations, strict=True))
    assert result.before is None
    assert numpy.isnan(result.remaining_shift_after)
    assert not result.moved.any()
    assert str(result) == f"not refined: {result.reason}"


def test_what_is_no_evaluation_is_refused(stacks):
    registration = [(0, 0)] * len(next(iter(stacks.values())))
    with pytest.raises(TypeError, match=r"'evaluation' needs .*evaluate_stacks"):
        refine_registration(stacks, registration, {"Ca-K": 0.1})


@pytest.mark.parametrize(
    ("shift", "reason"),
    [(1e6, "leave no images to compare"), (numpy.nan, "singular or not finite")],
)
def test_a_registration_that_cannot_be_scored_is_refused_with_the_reason(stacks, shift, reason):
    result = refine_registration(stacks, [(shift * n, 0) for n in range(NUMBER)])
    assert not result.accepted
    assert reason in result.reason


def test_noise_is_not_refined(truth):
    """It has no motion, but can always be aligned a little."""
    reasons = []
    for seed, names in ((0, "ab"), (1, "ab"), (0, "a"), (5, "a"), (12, "a")):
        rng = numpy.random.default_rng(seed)
        noise = {name: rng.poisson(0.5, size=(NUMBER, *SHAPE)) for name in names}
        result = refine_registration(noise, truth)
        assert not result.accepted
        reasons.append(result.reason.partition(" (")[0])
    assert set(reasons) == {"no improvement", "the images have no more in common than noise"}
    assert list(result.transformations) == truth
    assert not result.moved.any()


def silent(kind):
    rng = numpy.random.default_rng(5)
    pattern = numpy.repeat(smooth_image(9, SHAPE, 0.8)[numpy.newaxis], NUMBER, axis=0)
    return {
        "noise": rng.normal(size=(NUMBER, *SHAPE)),
        "few counts": rng.poisson(0.05, size=(NUMBER, *SHAPE)),
        "pattern": pattern,
        "noisy pattern": pattern + rng.normal(scale=0.2, size=(NUMBER, *SHAPE)),
        "empty": numpy.zeros((NUMBER, *SHAPE)),
        "invalid": numpy.full((NUMBER, *SHAPE), numpy.nan),
    }[kind]


@parametrize_sample(
    "kind, with_evaluation",
    ["noise", "few counts", "pattern", "noisy pattern", "empty", "invalid"],
    [False, True],
    every=5,
)
def test_a_stack_that_says_nothing_changes_nothing(kind, with_evaluation, stacks, truth, rough):
    more = {**stacks, "silent": silent(kind)}
    evaluation = None
    if with_evaluation:
        evaluation = evaluate(more, {"a": rough, "b": off(truth, 0.4, seed=1)})
    alone = refine_registration(stacks, rough)
    result = refine_registration(more, rough, evaluation)
    assert result.accepted
    difference = matrices_of(result.transformations) - matrices_of(alone.transformations)
    assert numpy.abs(difference).max() < 0.02
    assert result.stack_weights["silent"] == 0
    assert str(result).startswith("refined on 3 of 4 stacks: moved by 0.")


@parametrize_sample("kind", ["noise", "few counts", "pattern", "noisy pattern"], every=2)
def test_nor_where_the_registration_is_far_off(kind, stacks, truth):
    """No registration that was given improves anything, so the ranking knows no weights."""
    more = {**stacks, "silent": silent(kind)}
    far = off(truth, 5, seed=2)
    alone = refine_registration(stacks, far)
    result = refine_registration(more, far, evaluate(more, {"a": far, "b": off(truth, 5, seed=1)}))
    assert error_of(alone.transformations, truth) < 0.05
    difference = matrices_of(result.transformations) - matrices_of(alone.transformations)
    assert numpy.abs(difference).max() < 0.02
    assert result.stack_weights["silent"] == 0


@parametrize_sample("kind", ["translation", "rigid", "affine"], every=2)
def test_one_noisy_stack_and_a_pattern(kind):
    """The pattern is much sharper, but a motion that is found does not improve it."""
    truth = motion(kind)
    stacks = {"a": look(truth, 0, noise=0.5), "pattern": silent("noisy pattern")}
    far = off(truth, 3, seed=2)
    result = refine_registration(stacks, far, evaluate(stacks, {"a": far, "pattern": far}))
    assert error_of(far, truth) > 3
    assert error_of(result.transformations, truth) < 0.15
    assert result.stack_weights["pattern"] == 0


def test_opposite_contrast_of_an_image_that_is_far_off(stacks, truth):
    changed = {**stacks, "b": stacks["b"] * numpy.array([1, 1, -1, 1, -1])[:, None, None]}
    result = refine_registration(changed, off(truth, 3.5, seed=2))
    assert error_of(result.transformations, truth) < 0.05


def test_stacks_that_move_differently_are_not_mixed(stacks, truth, rough):
    other = {name: look(motion("translation", 7), seed) for seed, name in ((11, "x"), (12, "y"))}
    both = {**stacks, **other}
    evaluation = evaluate(both, {"a": rough, "x": motion("translation", 7)})
    evaluation = replace(evaluation, motion_groups=(("a", "b", "c"), ("x", "y")))
    result = refine_registration(both, rough, evaluation)
    assert result.stack_weights["x"] == result.stack_weights["y"] == 0
    assert error_of(result.transformations, truth) < 0.06


def test_without_a_stack_that_it_fits_a_registration_is_kept(stacks, rough):
    evaluation = replace(evaluate(stacks, {"a": rough}), motion_groups=((), tuple(stacks)))
    result = refine_registration(stacks, rough, evaluation)
    assert str(result).startswith("not refined: none of the stacks has the motion")


def test_numbers_in_the_convention_of_a_tool(stacks, rough):
    shifts = [(tuple(-each.passive_matrix[:2, 2]), 0.1, 0.0) for each in rough]
    result = refine_registration(stacks, shifts, convention="phase_cross_correlation")
    expected = refine_registration(stacks, rough)
    numpy.testing.assert_array_equal(
        matrices_of(result.transformations), matrices_of(expected.transformations)
    )


def test_the_reference_image_of_the_evaluation(stacks, truth, rough):
    spoilt = {name: stack.copy() for name, stack in stacks.items()}
    for stack in spoilt.values():
        stack[0] = 0
    evaluation = evaluate(spoilt, {"a": rough, "b": off(truth, 3)})
    result = refine_registration(spoilt, rough, evaluation)
    assert result.reference_image in evaluation.reference_images
    assert result.reference_image != 0
    assert result.unrefined == (0,)
    assert result.transformations[0] is rough[0]
    q = result.reference_image
    assert result.transformations[q] is rough[q]
    order = [q, *(n for n in range(1, NUMBER) if n != q)]
    found, known = ([each[n] for n in order] for each in (result.transformations, truth))
    assert error_of(found, known) < 0.06


def test_image_0_stays_also_where_another_one_is_the_reference_image(stacks, truth):
    wrong = off(truth, 3)
    wrong = [wrong[0], *off(wrong[1:], 0.3)]
    evaluation = replace(evaluate(stacks, {"a": wrong}), reference_images=(2,))
    result = refine_registration(stacks, wrong, evaluation)
    assert result.reference_image == 2
    assert result.transformations[0] is wrong[0]
    assert result.moved[2] > 1
    assert error_of(result.transformations, truth) < 0.06


def test_images_that_cannot_be_refined_keep_what_they_have(stacks, rough):
    spoilt = {name: stack.copy() for name, stack in stacks.items()}
    for stack in spoilt.values():
        stack[3] = numpy.nan
    transformations = [*rough]
    transformations[2] = Homography(numpy.full((3, 3), numpy.nan))
    result = refine_registration(spoilt, transformations)
    assert result.unrefined == (2, 3)
    assert result.transformations[2] is transformations[2]
    assert result.transformations[3] is transformations[3]
    assert result.moved[2] == result.moved[3] == 0
    assert result.moved[1] > 0


def test_invalid_pixels(stacks, truth, rough):
    rng = numpy.random.default_rng(0)
    holey = {name: stack.copy() for name, stack in stacks.items()}
    for stack in holey.values():
        stack[rng.random(stack.shape) < 0.02] = numpy.nan
        stack[:, :5] = stack[:, :, -7:] = numpy.nan
        stack[2, 30:40] = numpy.inf
    result = refine_registration(holey, rough)
    assert error_of(result.transformations, truth) < 0.08


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int32", "float32", "float16"])
def test_types_of_pixels(dtype, stacks, truth, rough):
    counts = {name: (25 * stack + 125).astype(dtype) for name, stack in stacks.items()}
    result = refine_registration(counts, rough)
    assert error_of(result.transformations, truth) < 0.08


def test_gain_offset_and_inverted_contrast(stacks, truth, rough):
    gains = numpy.array([1, 0.2, -1, 30, -0.5])[:, numpy.newaxis, numpy.newaxis]
    changed = {**stacks, "b": stacks["b"] * gains + 7 * gains**2}
    result = refine_registration(changed, rough)
    assert error_of(result.transformations, truth) < 0.06


def test_one_stack_and_two_images(stacks, truth, rough):
    result = refine_registration({"a": stacks["a"][:2]}, rough[:2])
    assert result.accepted
    assert error_of(result.transformations, truth[:2]) < 0.1


def test_one_image_has_nothing_to_refine(stacks, rough):
    result = refine_registration({"a": stacks["a"][:1]}, rough[:1])
    assert not result.accepted
    assert result.reason == "there is only one image"


@pytest.mark.parametrize("workers", ["threads", "processes", "two"])
def test_the_same_bits_for_any_number_of_workers(workers, stacks, truth, rough):
    options = {"max_workers": 2}
    with ThreadPoolExecutor(3) as threads, processes(2) as others:
        if workers != "two":
            options = {"executor": threads if workers == "threads" else others}
        for given in (rough, off(truth, 3.5, seed=2)):
            result = refine_registration(stacks, given, **options)
            expected = refine_registration(stacks, given, max_workers=0)
            numpy.testing.assert_array_equal(
                matrices_of(result.transformations), matrices_of(expected.transformations)
            )
            assert str(result) == str(expected)
            assert repr(result.after) == repr(expected.after)  # NaN equals itself


def test_the_order_of_stacks_does_not_matter(stacks, rough):
    first = refine_registration(stacks, rough)
    second = refine_registration(dict(reversed(stacks.items())), rough)
    numpy.testing.assert_allclose(
        matrices_of(first.transformations), matrices_of(second.transformations), atol=1e-9
    )


@pytest.mark.parametrize("size", [0.4, 3.5])
def test_memory_does_not_grow_with_the_number_of_images(size, stacks, truth):
    most, wrong = [], off(truth, size, seed=2)
    for number in (5, 25):
        watched = {
            name: WatchedStackWithShape(
                number, lambda n, stack=stack: stack[n % NUMBER].copy(), SHAPE, float
            )
            for name, stack in stacks.items()
        }
        transformations = [wrong[n % NUMBER] for n in range(number)]
        refine_registration(watched, transformations, max_workers=0)
        most.append(max(each.most_alive for each in watched.values()))
    assert most[1] <= most[0] <= 3


def test_progress_and_cancel(stacks, rough):
    seen = []
    refine_registration(stacks, rough, progress=seen.append)
    assert seen == sorted(seen)
    assert 0 <= seen[0] < 0.2
    assert seen[-1] == pytest.approx(1)
    for after in (0, 7, 20, len(seen) - 1):
        answers = itertools.chain([False] * after, itertools.repeat(True))
        with pytest.raises(CancelledError, match="cancelled after"):
            refine_registration(stacks, rough, should_stop=lambda: next(answers))  # noqa: B023


def test_mistakes_are_told(stacks, rough):
    with pytest.raises(ValueError, match=r"4 transformations"):
        refine_registration(stacks, rough[:4])
    with pytest.raises(ValueError, match="'rigit': did you mean 'rigid'"):
        refine_registration(stacks, rough, transformation_type="rigit")
    with pytest.raises(ValueError, match=r"'projective'.* Available: 'translation', 'rigid'"):
        refine_registration(stacks, rough, transformation_type="projective")
    with pytest.raises(ValueError, match=r"give stacks of the same shape$"):
        refine_registration({**stacks, "d": stacks["a"][:, 1:]}, rough)
    with pytest.raises(ValueError, match=r"stack 'b'.*Available: 'a'"):
        refine_registration(stacks, rough, evaluate({"a": stacks["a"]}, {"a": rough}))
    with pytest.raises(ValueError, match="no image stacks"):
        refine_registration({}, rough)


def test_the_result_can_be_sent(stacks, rough):
    result = refine_registration(stacks, rough)
    again = pickle.loads(pickle.dumps(result))  # noqa: S301
    assert str(again) == str(result)
    assert not again.moved.flags.writeable
    assert isinstance(evaluate_stacks(stacks, {"r": result.transformations}), Evaluation)
