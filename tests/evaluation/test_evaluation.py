"""The ranking of stacks from images, against a slow implementation of the design's formulas."""

import itertools
import math
import tracemalloc
from concurrent.futures import CancelledError
from contextlib import nullcontext
from functools import partial

import h5py
import numpy
import pytest
from scipy import ndimage

from ewoksndreg import evaluation
from ewoksndreg.evaluation import evaluate_stacks
from ewoksndreg.evaluation import post_evaluation
from ewoksndreg.transformation import Homography

from ..conftest import Foreign
from ..conftest import parametrize_sample
from ..conftest import rotation_matrix
from ..conftest import run_python
from ..conftest import shift_matrix
from ..conftest import smooth_image
from .conftest import WatchedStack
from .conftest import WatchedStackWithShape
from .conftest import evaluate
from .conftest import moving_stack
from .conftest import translations

NAN, INF = numpy.nan, numpy.inf
SHAPE = (36, 50)
MOTION = [(0, 0), (1.4, -2.2), (2.7, -3.1), (3.5, -5.6), (5.2, -6.3)]


# --- The formulas of the design, one after the other -------------------------------------------


def slow_prepare(image):
    """1: finite pixels clipped to their 1st and 99th percentile, scaled, smoothed by 1 px."""
    image = numpy.asarray(image, dtype=float)
    there = numpy.isfinite(image)
    if not there.any():
        return numpy.full(image.shape, NAN)
    low, high = numpy.percentile(image[there], (1, 99))
    if low == high:
        low, high = image[there].min(), image[there].max()
    scaled = numpy.clip(numpy.where(there, image, low), low, high) - low
    if high > low:
        scaled /= high - low
    binomial = numpy.outer((1, 4, 6, 4, 1), (1, 4, 6, 4, 1)) / 256
    smooth = ndimage.convolve(scaled * there, binomial)
    weight = ndimage.convolve(there.astype(float), binomial)
    return numpy.where(there, smooth / numpy.where(there, weight, 1), NAN)


def slow_align(image, matrix):
    """2: linear interpolation, NaN outside and where a invalid pixel takes part."""
    there = numpy.isfinite(image)
    options = {"order": 1, "mode": "constant", "cval": NAN}
    aligned = ndimage.affine_transform(numpy.where(there, image, 0), matrix, **options)
    holes = ndimage.affine_transform((~there).astype(float), matrix, **options)
    return numpy.where(holes > 1e-6, NAN, aligned)


def slow_mse_z(a, b):
    """3: MSE of the standardized images where both are finite, 2 where that says nothing."""
    both = numpy.isfinite(a) & numpy.isfinite(b)
    if both.sum() < min(100, a.size / 4):
        return 2.0, both.mean()
    a, b = a[both], b[both]
    if a.std() < 1e-6 or b.std() < 1e-6:
        return 2.0, both.mean()
    return (((a - a.mean()) / a.std() - (b - b.mean()) / b.std()) ** 2).mean(), both.mean()


def slow_smoothness(matrices, size):
    """Mean step of the corners, as a fraction of the image size."""
    steps = []
    for before, after in itertools.pairwise(matrices):
        for corner in itertools.product((0, size[0]), (0, size[1])):
            moved = [numpy.linalg.solve(matrix, (*corner, 1)) for matrix in (before, after)]
            step = moved[1][:2] / moved[1][2] - moved[0][:2] / moved[0][2]
            steps.append(math.hypot(step[0] / size[0], step[1] / size[1]))
    return sum(steps) / len(steps)


def slow_evaluation(stacks, registrations, evaluate_on, *, frame="reference"):
    """4 and 5: relative error of each registration on each stack, scores, and what they are made
    of. Images are compared in the frame of the first image, or of the result."""
    names = list(stacks)
    number = len(stacks[names[0]])
    per_image = numpy.full((len(names), len(names), number), NAN)
    overlap = per_image.copy()
    relative = numpy.full((len(names), len(names)), NAN)
    nothing = numpy.empty(len(names))
    for j, stack_name in enumerate(names):
        prepared = [slow_prepare(image) for image in stacks[stack_name]]
        # An image that shows nothing at all says nothing about any registration.
        known = [n for n in range(1, number) if numpy.nanstd(prepared[n]) > 0]
        unaligned = [slow_mse_z(prepared[0], prepared[n])[0] for n in known]
        before = sum(min(mse, 2) for mse in unaligned) / len(known)
        nothing[j] = before / (before + 0.01)
        for k, registration_name in enumerate(names):
            if evaluate_on == "own" and k != j:
                continue
            matrices = [
                transformation.passive_matrix for transformation in registrations[registration_name]
            ]
            if frame == "reference":
                inverse = numpy.linalg.inv(matrices[0])
                matrices = [numpy.identity(3), *(matrix @ inverse for matrix in matrices[1:])]
            aligned = [
                slow_align(image, matrix) for image, matrix in zip(prepared, matrices, strict=True)
            ]
            for n, image in enumerate(aligned):
                mse, overlap[k, j, n] = slow_mse_z(aligned[0], image)
                per_image[k, j, n] = math.sqrt(min(mse, 2) / (before + 0.01)) if n else NAN
            relative[k, j] = min((per_image[k, j, known] ** 2).mean(), 1)
    weights = [1.0] * len(names)
    if evaluate_on == "all":
        # A stack counts as much as the best registration of another stack improves it.
        for j in range(len(names)):
            others = [relative[k, j] for k in range(len(names)) if k != j]
            weights[j] = 0.01 + max(nothing[j] - min(others), 0)
    expected = {}
    for k, name in enumerate(names):
        scored = [j for j in range(len(names)) if numpy.isfinite(relative[k, j])]
        total = sum(weights[j] for j in scored)
        relative_error = sum(weights[j] * relative[k, j] ** 0.5 for j in scored) / total
        matrices = [transformation.passive_matrix for transformation in registrations[name]]
        smoothness = slow_smoothness(matrices, numpy.shape(stacks[name][0]))
        expected[name] = {
            "relative_error": relative_error,
            "own_relative_error": relative[k, k] ** 0.5,
            "smoothness": smoothness,
            "score": relative_error + 0.6 * smoothness,
            "min_overlap": numpy.nanmin(overlap[k]),
        }
    return expected, per_image, overlap


# --- Cases ---------------------------------------------------------------------------------------


def wobble(seed, scale):
    """Affine transformations about the true motion."""
    rng = numpy.random.default_rng(seed)
    matrices = []
    for shift in MOTION:
        matrix = shift_matrix(*shift)
        matrix[:2, :2] += rng.normal(scale=scale / 40, size=(2, 2))
        matrix[:2, 2] += rng.normal(scale=scale, size=2)
        matrices.append(matrix)
    return [Homography(matrix) for matrix in matrices]


def several_stacks(seed=0):
    """Units, counts, invalid pixels of all kinds and a stack with much noise."""
    rng = numpy.random.default_rng(seed)
    stacks = {
        "Ca-K": moving_stack(seed + 1, MOTION, SHAPE),
        "Fe-K": 1e5 * moving_stack(seed + 2, MOTION, SHAPE) - 3e4,
        "counts": rng.poisson(numpy.exp(moving_stack(seed + 3, MOTION, SHAPE) + 2)),
        "noise": 1e-4 * moving_stack(seed + 4, MOTION, SHAPE, noise=1.0),
    }
    stacks["counts"] = stacks["counts"].astype(numpy.uint16)
    stacks["Ca-K"][1, 10:14, 20:31] = NAN
    stacks["Ca-K"][rng.random(stacks["Ca-K"].shape) < 0.002] = NAN
    stacks["Fe-K"][0, 5, 5] = INF
    stacks["Fe-K"][2, 30, 40] = -INF
    stacks["Fe-K"][3, :, 25] = NAN
    return stacks


def several_registrations():
    """True to the motion, a little off, nothing at all, and one that loses the last image."""
    lost = translations(MOTION)
    lost[-1] = Homography(shift_matrix(33.3, 2.2))
    return {
        "Fe-K": wobble(1, 0.3),
        "Ca-K": wobble(2, 0.05),
        "noise": wobble(3, 1.5),
        "counts": lost,
    }


def numbers(result):
    """All scalars of a result, by list and name."""
    fields = ("score", "relative_error", "own_relative_error", "smoothness", "min_overlap")
    return {
        name: {field: getattr(item, field) for field in fields}
        for name, item in result.registrations.items()
    }


@pytest.mark.parametrize("name", ["evaluate_stacks", "post_evaluation"])
def test_the_functions_are_the_same_in_the_package_and_the_module(name):
    assert getattr(evaluation, name) is getattr(evaluation.evaluation, name)


def test_the_evaluation_is_pure():
    """Importing it imports no files, no ewoks, no pydantic and no Qt."""
    code = (
        "import sys, ewoksndreg.evaluation, ewoksndreg.transformation;"
        "print(*{name.partition('.')[0] for name in sys.modules})"
    )
    loaded = set(run_python("-c", code).stdout.split())
    assert "scipy" in loaded
    assert not loaded & {"h5py", "silx", "ewokscore", "pydantic", "PyQt5", "PySide6", "skimage"}


# --- evaluate_stacks: numbers --------------------------------------------------------------------


@pytest.mark.parametrize("evaluate_on", ["all", "own"])
@pytest.mark.parametrize("seed", range(3))
def test_all_numbers_are_those_of_the_formulas(seed, evaluate_on):
    stacks, registrations = several_stacks(seed), several_registrations()
    result = evaluate(stacks, registrations, evaluate_on=evaluate_on)
    expected, per_image, overlap = slow_evaluation(stacks, registrations, evaluate_on)
    assert_close(result, expected, per_image, overlap)
    ranked = sorted(expected, key=lambda name: expected[name]["score"])
    assert result.ranked_names == tuple(ranked)
    assert result.stack_names == tuple(stacks)
    assert ranked[0] == "Ca-K"
    assert len({round(values["score"], 3) for values in expected.values()}) == 4


def test_all_is_the_default():
    stacks, registrations = several_stacks(), several_registrations()
    default = numbers(evaluate(stacks, registrations))
    assert default == numbers(evaluate(stacks, registrations, evaluate_on="all"))
    assert default != numbers(evaluate(stacks, registrations, evaluate_on="own"))


def test_own_leaves_what_was_not_scored_nan():
    result = evaluate(several_stacks(), several_registrations(), evaluate_on="own")
    own = numpy.array([[k == j for j in result.stack_names] for k in result.registrations])
    for array in (result.relative_error_per_image, result.overlap):
        assert array.shape == (4, 4, 5)
        assert numpy.isfinite(array[own][:, 1:]).all()
        assert numpy.isnan(array[~own]).all()


def test_own_scores_stacks_of_different_shapes_as_if_each_were_alone():
    stacks = {
        "a": moving_stack(1, MOTION, (40, 30)),
        "b": moving_stack(2, MOTION, (25, 60)),
    }
    registrations = {"a": wobble(4, 0.2), "b": wobble(5, 0.4)}
    result = numbers(evaluate_stacks(stacks, registrations, evaluate_on="own"))
    for name in stacks:
        alone = evaluate_stacks(
            {name: stacks[name]}, {name: registrations[name]}, evaluate_on="own"
        )
        assert result[name] == numbers(alone)[name]


@pytest.mark.parametrize("evaluate_on", ["all", "own"])
def test_the_order_of_the_stacks_changes_no_bit_of_any_number(evaluate_on):
    stacks, registrations = several_stacks(), several_registrations()
    registrations = {name: registrations[name] for name in stacks}
    expected = evaluate(stacks, registrations, evaluate_on=evaluate_on)
    for order in [(3, 2, 1, 0), (1, 0, 3, 2), (2, 3, 1, 0)]:
        names = [list(stacks)[index] for index in order]
        result = evaluate(
            {name: stacks[name] for name in names},
            {name: registrations[name] for name in names},
            evaluate_on=evaluate_on,
        )
        assert numbers(result) == numbers(expected)
        assert result.ranked_names == expected.ranked_names
        assert result.stack_names == tuple(names)
        permuted = numpy.ix_(order, order)
        numpy.testing.assert_array_equal(
            result.relative_error_per_image, expected.relative_error_per_image[permuted]
        )
        numpy.testing.assert_array_equal(result.overlap, expected.overlap[permuted])


@pytest.mark.parametrize("order", list(itertools.permutations(["a", "b", "c"])))
def test_ties_keep_the_input_order(order):
    """The same registration for all names, so all scores are equal."""
    stacks = {name: moving_stack(ord(name), MOTION[:3], SHAPE) for name in order}
    registrations = {name: wobble(6, 0.2)[:3] for name in order}
    result = evaluate_stacks(stacks, registrations)
    assert len({item.score for item in result.registrations.values()}) == 1
    assert result.ranked_names == order


@pytest.mark.parametrize("evaluate_on", ["all", "own"])
def test_gain_and_offset_of_a_stack_do_not_change_the_scores(evaluate_on):
    stacks, registrations = several_stacks(), several_registrations()
    expected = numbers(evaluate(stacks, registrations, evaluate_on=evaluate_on))
    changes = ((1000, 0), (1e-3, 7), (-2, 40), (-1e5, -3))
    for name, (gain, offset) in zip(stacks, changes, strict=True):
        changed = {**stacks, name: gain * stacks[name].astype(float) + offset}
        result = numbers(evaluate(changed, registrations, evaluate_on=evaluate_on))
        for other in stacks:
            assert result[other] == pytest.approx(expected[other], abs=1e-5)


@pytest.mark.parametrize("dtype", ["uint8", "int16", ">u2", "int64", "float32", ">f8"])
def test_the_type_of_the_pixels_does_not_change_the_scores(dtype):
    """Integers from 0 to 250 in all types."""
    stack = moving_stack(7, MOTION, SHAPE)
    stack = numpy.rint((stack - stack.min()) * 250 / numpy.ptp(stack))
    registrations = {"a": wobble(2, 0.2)}
    expected = numbers(evaluate_stacks({"a": stack}, registrations))
    result = numbers(evaluate_stacks({"a": stack.astype(dtype)}, registrations))
    assert result["a"] == pytest.approx(expected["a"], abs=1e-5)


def test_every_form_of_a_stack_gives_the_same_numbers():
    stack = several_stacks()["counts"]
    registrations = {"a": wobble(2, 0.2)}
    expected = numbers(evaluate_stacks({"a": stack}, registrations))
    for same in (list(stack), tuple(stack), WatchedStack(5, lambda n: stack[n].copy())):
        assert numbers(evaluate_stacks({"a": same}, registrations)) == expected
    nested = numbers(evaluate_stacks({"a": stack.tolist()}, registrations))
    assert nested["a"] == pytest.approx(expected["a"], abs=1e-5)


def test_masked_pixels_are_missing():
    stack = several_stacks()["Ca-K"]
    masked = numpy.ma.MaskedArray(numpy.nan_to_num(stack), ~numpy.isfinite(stack))
    registrations = {"a": wobble(2, 0.2)}
    assert numbers(evaluate_stacks({"a": masked}, registrations)) == numbers(
        evaluate_stacks({"a": stack}, registrations)
    )


def test_the_overlap_is_the_fraction_of_pixels_that_are_left():
    """By hand: shifts by (0, 0), (3, 0) and (-2, 10) leave all, 33 of 36 rows, and 34 of 36 rows
    times 40 of 50 columns."""
    motion = [(0, 0), (3, 0), (-2, 10)]
    result = evaluate_stacks({"a": moving_stack(8, motion, SHAPE)}, {"a": translations(motion)})
    expected = [1, 33 / 36, 34 / 36 * 40 / 50]
    numpy.testing.assert_allclose(result.overlap, [[expected]])
    assert result.registrations["a"].min_overlap == pytest.approx(expected[2])


def test_the_registration_that_knows_the_motion_wins():
    """One registration knows it, one half of it, one nothing, and one takes it the wrong way
    around."""
    stacks = {name: moving_stack(ord(name), MOTION, SHAPE) for name in "abcd"}
    registrations = {
        name: translations(factor * numpy.array(MOTION))
        for name, factor in zip("abcd", (0.5, -1, 1, 0), strict=True)
    }
    result = evaluate_stacks(stacks, registrations)
    assert result.ranked_names[:2] == ("c", "a")
    assert result.registrations["c"].relative_error < 0.1
    # 0 moves nothing: as good as doing nothing, but for the 0.01
    assert result.registrations["d"].relative_error == pytest.approx(1, abs=0.02)
    assert result.registrations["b"].relative_error == 1


def assert_close(result, expected, per_image, overlap):
    for name, values in numbers(result).items():
        assert values == pytest.approx(expected[name], abs=1e-4), name
    # The formulas have registrations in the order of the stacks.
    rows = [list(result.registrations).index(name) for name in result.stack_names]
    numpy.testing.assert_allclose(result.relative_error_per_image[rows], per_image, atol=1e-4)
    numpy.testing.assert_allclose(result.overlap[rows], overlap, rtol=1e-12)


@pytest.mark.parametrize("evaluate_on", ["all", "own"])
def test_foreign_transformations_are_compared_in_the_frame_of_the_result(evaluate_on):
    """They do not compose."""
    stacks, registrations = several_stacks(), several_registrations()
    foreign = {name: [Foreign(item) for item in items] for name, items in registrations.items()}
    result = evaluate(stacks, foreign, evaluate_on=evaluate_on)
    assert_close(result, *slow_evaluation(stacks, registrations, evaluate_on, frame="result"))


@pytest.mark.parametrize("evaluate_on", ["all", "own"])
def test_foreign_transformations_that_leave_the_first_image_count_as_what_they_wrap(evaluate_on):
    stacks, registrations = several_stacks(), several_registrations()
    for items in registrations.values():
        items[0] = Homography(numpy.identity(3))
    foreign = {name: [Foreign(item) for item in items] for name, items in registrations.items()}
    for others in (registrations, foreign, {**registrations, "Ca-K": foreign["Ca-K"]}):
        result = evaluate(stacks, others, evaluate_on=evaluate_on)
        assert_close(result, *slow_evaluation(stacks, registrations, evaluate_on))


class OwnWay(Homography):
    """A subclass that resamples in its own way."""

    def apply_data(self, image, *, cval=NAN, interpolation_order=1):
        return super().apply_data(image, cval=cval, interpolation_order=0)


def test_a_subclass_that_resamples_in_its_own_way_is_not_mistaken_for_its_matrix():
    stacks = {"a": moving_stack(1, MOTION, SHAPE)}
    motion = [(1, -2), (3, -3), (4, -6), (5, -6)]
    matrices = [shift_matrix(0, 0), *(shift_matrix(r - 0.3, c + 0.3) for r, c in motion)]
    nearest = [Homography(numpy.rint(matrix)) for matrix in matrices]
    expected = numbers(evaluate_stacks(stacks, {"a": nearest}))["a"]
    own_way = numbers(evaluate_stacks(stacks, {"a": [OwnWay(matrix) for matrix in matrices]}))["a"]
    del expected["score"], expected["smoothness"], own_way["score"], own_way["smoothness"]
    assert own_way == pytest.approx(expected, abs=1e-5)


def test_the_stacks_are_not_changed():
    stacks = several_stacks()
    before = {name: stack.copy() for name, stack in stacks.items()}
    for stack in stacks.values():
        stack.flags.writeable = False
    evaluate(stacks, several_registrations())
    for name, stack in stacks.items():
        numpy.testing.assert_array_equal(stack, before[name])


# --- evaluate_stacks: one pass -------------------------------------------------------------------


def watched(number, *, with_shape):
    stacks = {}
    for name in ("a", "b", "c"):
        images = moving_stack(ord(name), MOTION[:number], SHAPE)

        def make(n, images=images):
            return images[n].copy()

        stacks[name] = (
            WatchedStackWithShape(number, make, SHAPE, float)
            if with_shape
            else WatchedStack(number, make)
        )
    return stacks


WATCHED_REGISTRATIONS = {name: wobble(seed, 0.3) for seed, name in enumerate("abc")}


@pytest.mark.parametrize("with_shape", [True, False])
@pytest.mark.parametrize("evaluate_on", ["all", "own"])
def test_each_image_is_read_once_in_order(evaluate_on, with_shape):
    """After two of them were looked at, and, for the best registration, once more."""
    stacks = watched(5, with_shape=with_shape)
    result = evaluate_stacks(stacks, WATCHED_REGISTRATIONS, evaluate_on=evaluate_on)
    for name, stack in stacks.items():
        again = evaluate_on == "all" or name == result.best
        expected = [0, 4, 0, 1, 2, 3, 4] + [0, 0, 1, 2, 3, 4] * again
        if not with_shape:  # the first one, which was looked at for its shape, is kept
            expected = [0, *(n for n in expected if n)]
        assert stack.read == expected


def test_without_trust_no_image_is_read_a_second_time():
    stacks = watched(5, with_shape=True)
    result = evaluate_stacks(stacks, WATCHED_REGISTRATIONS, trust=False)
    for stack in stacks.values():
        assert stack.read == [0, 4, 0, 1, 2, 3, 4]
    assert result.verdict is None
    assert math.isnan(result.remaining_shift)


@pytest.mark.parametrize("evaluate_on", ["all", "own"])
def test_at_most_two_images_that_were_read_are_in_memory(evaluate_on):
    stacks = watched(5, with_shape=True)
    evaluate_stacks(stacks, WATCHED_REGISTRATIONS, evaluate_on=evaluate_on)
    assert max(stack.most_alive for stack in stacks.values()) <= 2


def peak_of_images(number_of_stacks, number_of_images, *, same_start):
    """Most memory that an evaluation takes, in images of float32."""
    shape = (256, 256)
    image = smooth_image(9, shape).astype(numpy.float32)

    def make(n):
        return numpy.roll(image, n, axis=0)

    names = [f"stack {k}" for k in range(number_of_stacks)]
    stacks = {
        name: WatchedStackWithShape(number_of_images, make, shape, image.dtype) for name in names
    }
    registrations = {
        name: translations([(n + 0.1, 0.1 * k) for n in range(1, number_of_images)])
        for k, name in enumerate(names)
    }
    for k, transformations in enumerate(registrations.values()):
        start = (0, 0) if same_start else (0.3, 0.1 * k)
        transformations.insert(0, Homography(shift_matrix(*start)))
    tracemalloc.start()
    try:
        evaluate_stacks(stacks, registrations)
        return tracemalloc.get_traced_memory()[1] / image.nbytes
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("same_start", [True, False])
def test_memory_does_not_grow_with_the_number_of_images(same_start):
    few = peak_of_images(2, 3, same_start=same_start)
    many = peak_of_images(2, 30, same_start=same_start)
    assert many < few + 1


@pytest.mark.parametrize("same_start", [True, False])
def test_memory_does_not_grow_with_the_number_of_stacks(same_start):
    few = peak_of_images(4, 3, same_start=same_start)
    many = peak_of_images(12, 3, same_start=same_start)
    assert many < few + 2


def test_progress_never_decreases_and_ends_at_one():
    fractions = []
    evaluate(several_stacks(), several_registrations(), progress=fractions.append)
    assert fractions == sorted(fractions)
    assert len(fractions) >= 4 * 5
    assert 0 <= fractions[0] < 0.1
    assert fractions[-1] == 1.0
    assert max(b - a for a, b in itertools.pairwise(fractions)) < 0.06


@pytest.mark.parametrize("after", [0, 1, 4, 5, 9])
def test_should_stop_ends_the_evaluation_within_one_image(after):
    stacks = watched(5, with_shape=True)

    def read():
        return sum(len(stack.read) for stack in stacks.values())

    with pytest.raises(CancelledError):
        evaluate_stacks(stacks, WATCHED_REGISTRATIONS, should_stop=lambda: read() >= after)
    assert read() <= max(after, 1)


def test_should_stop_that_never_answers_true_changes_nothing():
    stacks, registrations = several_stacks(), several_registrations()
    asked = []
    result = evaluate(stacks, registrations, should_stop=lambda: bool(asked.append(1)))
    assert len(asked) >= 4 * 5
    assert numbers(result) == numbers(evaluate(stacks, registrations))


def test_what_progress_raises_ends_the_evaluation():
    def fail(fraction):
        raise KeyError(fraction)

    with pytest.raises(KeyError):
        evaluate_stacks(several_stacks(), several_registrations(), progress=fail)


# --- evaluate_stacks: what is refused ------------------------------------------------------------

STILL = [Homography(numpy.identity(3))] * 3


def small(number=3, shape=(12, 14), dtype=float):
    return numpy.random.default_rng(1).integers(0, 200, size=(number, *shape)).astype(dtype)


@pytest.mark.parametrize("function", [partial(evaluate_stacks, evaluate_on="own"), post_evaluation])
@pytest.mark.parametrize(
    ("stacks", "registrations", "shown"),
    [
        (("Ca-K", "Fe-K"), ("Ca-K", "Fe_K"), ("'Fe_K'", "'Fe-K'", "did you mean", "'Ca-K'")),
        (("Ca-K",), ("Ca-K", "Ca-Kb"), ("'Ca-Kb'", "did you mean 'Ca-K'")),
        (("Ca-K",), (), ("no registration",)),
    ],
)
def test_a_name_without_partner_is_refused_with_the_near_match(
    stacks, registrations, shown, function
):
    with pytest.raises(ValueError, match=r"There (is|are) no") as caught:
        function({name: small() for name in stacks}, dict.fromkeys(registrations, STILL))
    for text in shown:
        assert text in str(caught.value)


@pytest.mark.parametrize("function", [evaluate_stacks, post_evaluation])
def test_a_stack_and_its_registration_need_the_same_number(function):
    with pytest.raises(ValueError, match=r"Stack 'Fe-K' has 4 images.* 3 transformations"):
        function({"Ca-K": small(), "Fe-K": small(4)}, {"Ca-K": STILL, "Fe-K": STILL})


def test_all_stacks_need_the_same_number_of_images():
    with pytest.raises(ValueError, match=r"Stack 'Fe-K' has 2 images.*stack 'Ca-K' has 3"):
        evaluate_stacks({"Ca-K": small(), "Fe-K": small(2)}, {"Ca-K": STILL, "Fe-K": STILL[:2]})


@pytest.mark.parametrize("function", [evaluate_stacks, post_evaluation])
@pytest.mark.parametrize("empty", [[], numpy.empty((0, 5, 5))])
def test_a_stack_without_images_is_refused(empty, function):
    with pytest.raises(ValueError, match=r"Stack 'Ca-K'.* no images"):
        function({"Ca-K": empty}, {"Ca-K": []})


def test_tools_compete_on_one_stack_that_is_read_once():
    """After two images were looked at."""
    stack = watched(5, with_shape=True)["a"]
    tools = {"right": translations(MOTION), "half": translations(0.5 * numpy.array(MOTION))}
    sources = dict.fromkeys(tools, "a")
    result = evaluate_stacks({"a": stack}, tools, registered_from=sources, trust=False)
    assert stack.read == [0, 4, 0, 1, 2, 3, 4]
    assert result.best == "right"
    assert result.registered_from == sources
    for name, items in tools.items():
        alone = evaluate_stacks({"a": stack}, {"a": items}).registrations["a"]
        assert result.registrations[name] == alone
    # Which stack they come from makes no difference where there is one.
    anyway = evaluate_stacks({"a": stack}, tools)
    assert anyway.ranked_names == result.ranked_names
    assert math.isnan(anyway.registrations["right"].own_relative_error)


def test_stacks_in_a_file_are_opened_and_closed(tmp_path):
    stacks = {name: moving_stack(ord(name), MOTION, SHAPE) for name in "ab"}
    registrations = {"a": translations(MOTION), "b": wobble(1, 0.3)}
    path = tmp_path / "maps.h5"
    with h5py.File(path, "w") as file:
        for name, stack in stacks.items():
            file[f"maps/{name}"] = stack
    expected = evaluate_stacks(stacks, registrations).scores()
    for form in (f"{path}::/maps", [f"{path}::/maps/a", f"{path}::/maps/b"]):
        assert evaluate_stacks(form, registrations).scores() == expected
    mixed = {"a": stacks["a"], "b": f"{path}::/maps/b"}
    assert evaluate_stacks(mixed, registrations).scores() == expected
    path.rename(tmp_path / "moved.h5")
    with h5py.File(tmp_path / "moved.h5", "r+"):  # nobody has it open
        pass
    with pytest.raises(FileNotFoundError, match=r"Stack 'a'.*there is no file"):
        evaluate_stacks([f"{path}::/maps/a"], registrations)


@pytest.mark.parametrize(
    ("sources", "message"),
    [
        ({"tol 1": "a"}, "no registration 'tol 1': did you mean 'tool 1'"),
        ({"tool 1": "Fe"}, "no stack of registration 'tool 1', 'Fe'.*Available: 'a'"),
    ],
)
def test_unknown_names_in_registered_from_are_refused(sources, message):
    with pytest.raises(ValueError, match=message):
        evaluate_stacks({"a": small()}, {"tool 1": STILL}, registered_from=sources)


@pytest.mark.parametrize("value", [["a"], "a", 5])
@pytest.mark.parametrize("argument", ["registered_from", "limits"])
def test_an_argument_of_another_type_is_named(argument, value):
    with pytest.raises(TypeError, match=rf"'{argument}' needs .*, not {type(value).__name__}"):
        evaluate_stacks({"a": small()}, {"a": STILL}, **{argument: value})


def test_the_own_stack_of_a_registration_must_be_known():
    with pytest.raises(ValueError, match=r"Registration 'b'.*'registered_from' does not say"):
        evaluate_stacks(
            {"a": small(), "b": small()},
            {"a": STILL, "b": STILL},
            registered_from={"a": "b"},
            evaluate_on="own",
        )


def test_a_registration_with_a_name_of_its_own_needs_a_transformation_per_image_too():
    with pytest.raises(ValueError, match=r"Registration 'tool' has 3 .*the stacks have 4 images"):
        evaluate_stacks({"a": small(4)}, {"tool": STILL})


@pytest.mark.parametrize("registration", [STILL, numpy.zeros((4, 2)), "a.h5::/shifts", None])
def test_registrations_without_names_are_refused(registration):
    with pytest.raises(TypeError, match="registrations must be a dictionary with a name for each"):
        evaluate_stacks({"a": small()}, registration)


@pytest.mark.parametrize("registrations", [{}, {"a": STILL}])
def test_there_must_be_a_stack(registrations):
    with pytest.raises(ValueError, match="no image stacks"):
        evaluate_stacks({}, registrations)


@pytest.mark.parametrize(
    ("value", "hint"), [("al", "did you mean 'all'"), ("both", "'own'"), (None, "")]
)
def test_an_unknown_evaluate_on_is_refused_with_what_exists(value, hint):
    with pytest.raises(ValueError, match=f"evaluate_on.*{value}") as caught:
        evaluate_stacks({"a": small()}, {"a": STILL}, evaluate_on=value)
    assert "Available: 'all', 'own'" in str(caught.value)
    assert hint in str(caught.value)


@pytest.mark.parametrize("evaluate_on", ["all", "own"])
def test_images_of_one_stack_need_one_shape(evaluate_on):
    stack = [*small(2), numpy.zeros((12, 15))]
    with pytest.raises(ValueError, match=r"Stack 'Fe-K': image 2.*\(12, 15\).*\(12, 14\)"):
        evaluate_stacks(
            {"Ca-K": small(), "Fe-K": stack},
            {"Ca-K": STILL, "Fe-K": STILL},
            evaluate_on=evaluate_on,
        )


def test_all_needs_one_shape_and_says_that_own_does_not():
    with pytest.raises(
        ValueError, match=r"'Fe-K'.*\(14, 12\).*'Ca-K' \(12, 14\).*evaluate_on='own'"
    ):
        evaluate_stacks(
            {"Ca-K": small(), "Fe-K": small(shape=(14, 12))}, {"Ca-K": STILL, "Fe-K": STILL}
        )


@pytest.mark.parametrize(
    "stack",
    [
        small(dtype=complex),
        [[["a", "b"], ["c", "d"]]] * 3,
        [[[None, 1], [2, 3]]] * 3,
        small().astype(str),
    ],
    ids=["complex", "nested strings", "None", "array of strings"],
)
def test_pixels_that_are_no_real_numbers_are_refused_with_the_stack(stack):
    with pytest.raises(TypeError, match=r"Stack 'Fe-K'.* real numbers"):
        evaluate_stacks({"Fe-K": stack}, {"Fe-K": STILL})


@pytest.mark.parametrize(
    "stack",
    [
        numpy.zeros((3, 5)),
        numpy.zeros((3, 5, 6, 7)),
        [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]],
        [1.0, 2.0, 3.0],
    ],
    ids=["2D", "4D", "rows", "numbers"],
)
def test_images_that_are_not_2d_are_refused_with_the_stack(stack):
    with pytest.raises(ValueError, match=r"Stack 'Fe-K': .*(three dimensions|rows and columns)"):
        evaluate_stacks({"Fe-K": stack}, {"Fe-K": STILL})


@pytest.mark.parametrize("place", [0, 2])
def test_rows_of_different_lengths_are_refused_with_the_stack(place):
    stack = [[[1.0, 2.0], [3.0, 4.0]] for _ in range(3)]
    stack[place] = [[1.0, 2.0], [3.0]]
    with pytest.raises(ValueError, match=f"Stack 'Fe-K': .*image {place}"):
        evaluate_stacks({"Fe-K": stack}, {"Fe-K": STILL})


class Cropping(Foreign):
    def apply_data(self, image, *, cval=NAN, interpolation_order=1):
        return super().apply_data(image, cval=cval)[1:]


class Failing(Foreign):
    def apply_data(self, image, *, cval=NAN, interpolation_order=1):
        raise UnicodeDecodeError("utf-8", b"\xff", 0, 1, "a ValueError that takes no plain text")


@pytest.mark.parametrize(
    ("foreign", "shown"),
    [(Cropping, r"Cropping.*\(12, 14\).*\(11, 14\)"), (Failing, "plain text")],
)
def test_what_fails_in_a_foreign_transformation_names_the_stack_and_image(foreign, shown):
    registrations = {"a": [STILL[0], foreign(STILL[0]), STILL[0]]}
    with pytest.raises(ValueError, match=f"Stack 'a', image 1.*{shown}"):
        evaluate_stacks({"a": small()}, registrations)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (OSError("truncated"), OSError),
        (FileNotFoundError("truncated"), FileNotFoundError),
        (UnicodeDecodeError("utf-8", b"x", 0, 1, "truncated"), ValueError),
    ],
)
def test_an_image_that_cannot_be_read_is_named_with_its_stack(error, kind):
    def make(n):
        if n == 1:
            raise error
        return small()[n]

    stack = WatchedStackWithShape(3, make, (12, 14), float)
    with pytest.raises(kind, match=r"Stack 'Fe-K', image 1: .*truncated") as caught:
        evaluate_stacks({"Fe-K": stack}, {"Fe-K": STILL})
    assert caught.value.__cause__ is error


def test_nothing_is_read_when_something_is_refused_beforehand():
    stacks = watched(5, with_shape=True)
    with pytest.raises(ValueError, match="transformations"):
        evaluate_stacks(stacks, {**WATCHED_REGISTRATIONS, "c": WATCHED_REGISTRATIONS["c"][:3]})
    assert not any(stack.read for stack in stacks.values())


# --- evaluate_stacks: what cannot be scored ------------------------------------------------------


def three_stacks():
    return {name: moving_stack(ord(name), MOTION, SHAPE) for name in "abc"}


def three_registrations():
    return {"a": wobble(1, 0.2), "b": wobble(2, 0.1), "c": wobble(3, 0.4)}


@parametrize_sample(
    "matrix, wrap, evaluate_on, number",
    [numpy.zeros((3, 3)), numpy.ones((3, 3)), numpy.full((3, 3), NAN), shift_matrix(INF, 0)],
    [lambda it: it, Foreign],
    ["all", "own"],
    [2, 3],
    every=5,
)
def test_a_registration_that_failed_for_most_images_ranks_last_and_changes_no_measure_of_others(
    number, evaluate_on, wrap, matrix
):
    """Of five images it is scored with two that count as unrelated, not with three."""
    stacks, registrations = three_stacks(), three_registrations()
    expected = numbers(evaluate_stacks(stacks, registrations, evaluate_on=evaluate_on))
    assert min(expected, key=lambda name: expected[name]["score"]) == "b"
    registrations["b"][1:number] = [wrap(Homography(matrix))] * (number - 1)
    registrations["b"][4] = wrap(Homography(matrix))
    reason = "has no transformation of images 1 and 4" if number == 2 else r"\(3 of its 5 transf"
    with pytest.warns(RuntimeWarning, match=f"'b' {reason}.*singular or not finite") as caught:
        result = evaluate_stacks(stacks, registrations, evaluate_on=evaluate_on)
    assert len(caught) == 1
    assert caught[0].filename == __file__
    assert result.ranked_names[-1] == "b"
    assert math.isfinite(result.registrations["b"].score) == (number == 2)
    mse = result.aligned_mse[1, 1, [1, 4]]
    numpy.testing.assert_array_equal(mse, 2)
    for name in "ac":
        for measure in ("own_relative_error", "smoothness", "min_overlap"):
            assert numbers(result)[name][measure] == expected[name][measure]


def test_the_smoothness_of_a_registration_is_over_the_steps_that_exist():
    """Image 2 of 5 has no transformation, so the steps 1 to 2 and 2 to 3 do not exist."""
    stacks, registrations = three_stacks(), three_registrations()
    registrations["b"][2] = Homography(numpy.full((3, 3), NAN))
    with pytest.warns(RuntimeWarning, match="'b' has no transformation of image 2: "):
        result = evaluate_stacks(stacks, registrations)
    matrices = [each.passive_matrix for each in registrations["b"]]
    steps = [slow_smoothness(matrices[n : n + 2], SHAPE) for n in (0, 3)]
    assert result.registrations["b"].smoothness == pytest.approx(numpy.mean(steps))


def test_the_best_registration_that_failed_for_an_image_is_to_be_checked():
    stacks = three_stacks()
    registrations = {name: translations(MOTION) for name in stacks}
    for items in registrations.values():
        items[3] = Homography(numpy.full((3, 3), NAN))
    with pytest.warns(RuntimeWarning, match="has no transformation of image 3: "):
        result = evaluate_stacks(stacks, registrations)
    assert result.verdict == "check"
    assert any("image 3" in reason for reason in result.reasons)


def test_where_registrations_failed_for_the_first_image_another_one_is_the_reference():
    stacks, registrations = three_stacks(), three_registrations()
    registrations["b"][0] = Homography(numpy.full((3, 3), NAN))
    with pytest.warns(RuntimeWarning, match="'b' has no transformation of image 0: "):
        result = evaluate_stacks(stacks, registrations)
    assert result.reference_images == (1,)


@pytest.mark.parametrize("evaluate_on", ["all", "own"])
def test_a_registration_that_moves_all_images_apart_ranks_last(evaluate_on):
    stacks, registrations = three_stacks(), three_registrations()
    registrations["b"] = [Homography(shift_matrix(1000 * n, 0)) for n in range(5)]
    with pytest.warns(RuntimeWarning, match=r"rank last: 'b' \(.*no images to compare"):
        result = evaluate_stacks(stacks, registrations, evaluate_on=evaluate_on)
    assert result.ranked_names[-1] == "b"
    assert result.registrations["b"].min_overlap == 0
    assert set(result.ranked_names) == {"a", "b", "c"}


def dead_stack(kind):
    stack = numpy.zeros((5, *SHAPE))
    if kind == "missing":
        stack[:] = NAN
    elif kind == "constant":
        stack += numpy.arange(5).reshape(5, 1, 1)
    elif kind == "first image missing":
        stack[1:] = moving_stack(1, MOTION, SHAPE)[1:]
        stack[0] = NAN
    return stack


@pytest.mark.parametrize("kind", ["zero", "constant", "missing"])
def test_the_registration_of_a_dead_stack_ranks_last_on_its_own_stack(kind):
    stacks, registrations = three_stacks(), three_registrations()
    before = numbers(evaluate_stacks(stacks, registrations, evaluate_on="own"))
    stacks["b"] = dead_stack(kind)
    with pytest.warns(RuntimeWarning, match=r"rank last: 'b' \(.*empty or constant"):
        result = evaluate_stacks(stacks, registrations, evaluate_on="own", reference_image=0)
    assert result.ranked_names[-1] == "b"
    for name in "ac":
        assert numbers(result)[name] == before[name]


@pytest.mark.parametrize("kind", ["zero", "constant", "missing", "first image missing"])
def test_the_registration_of_a_dead_stack_is_scored_on_the_others(kind):
    """It is the best one there. On its own stack nothing can be compared."""
    stacks, registrations = three_stacks(), three_registrations()
    stacks["b"] = dead_stack(kind)
    with (
        pytest.warns(RuntimeWarning, match="image 0 of stack 'b'")
        if "first" in kind
        else nullcontext()
    ):
        result = evaluate_stacks(stacks, registrations)
    assert result.best == "b"
    numpy.testing.assert_array_equal(result.relative_error[:, 1], 1)
    assert result.silent_stacks == ("b",)


def test_on_its_own_stack_a_registration_is_scored_with_other_reference_images_too():
    stacks, registrations = three_stacks(), three_registrations()
    stacks["b"][0] = NAN
    with pytest.warns(RuntimeWarning, match="image 0 of stack 'b'"):
        result = evaluate_stacks(stacks, registrations, evaluate_on="own")
    assert result.best == "b"
    assert sorted(result.reference_images) == [0, 2, 4]


def test_a_stack_with_one_dead_image_is_scored_by_the_others():
    stacks, registrations = three_stacks(), three_registrations()
    stacks["b"][2] = 0
    with pytest.warns(RuntimeWarning, match="resemble no other .*: image 2 of"):
        result = evaluate_stacks(stacks, registrations)
    assert result.bad_images == {"b": (2,)}
    expected, _, _ = slow_evaluation(stacks, registrations, "all")
    assert all(item.scored for item in result.registrations.values())
    for name, values in numbers(result).items():
        assert values == pytest.approx(expected[name], abs=1e-4)


@parametrize_sample("order", [*itertools.permutations(["good", "dead", "far", "nan"])], every=5)
def test_registrations_that_cannot_be_scored_follow_smoothness_not_finite_last(order):
    stacks = {name: moving_stack(3, MOTION, SHAPE) for name in order}
    stacks["dead"][:] = 0
    registrations = {
        "good": wobble(1, 0.2),
        "dead": wobble(1, 0.3),
        "far": [Homography(shift_matrix(100 * n, 0)) for n in range(5)],
        "nan": [Homography(numpy.full((3, 3), NAN))] * 5,
    }
    with pytest.warns(RuntimeWarning, match="rank last"):
        result = evaluate_stacks(stacks, registrations)
    assert result.ranked_names == ("good", "dead", "far", "nan")


@pytest.mark.parametrize("order", list(itertools.permutations("abc")))
def test_if_no_registration_can_be_scored_the_smoothest_is_first_and_the_warning_says_why(order):
    """Steps of 3, 1 and 2 rows."""
    registrations = {
        name: [Homography(shift_matrix(step * n, 0)) for n in range(5)]
        for name, step in zip("abc", (3, 1, 2), strict=True)
    }
    with pytest.warns(RuntimeWarning, match="smoothness alone") as caught:
        result = evaluate_stacks(dict.fromkeys(order, numpy.zeros((5, *SHAPE))), registrations)
    assert len(caught) == 1
    assert result.ranked_names == ("b", "c", "a")
    for name in order:
        assert f"'{name}'" in str(caught[0].message)


def test_of_one_image_nothing_can_be_scored():
    stacks = {name: stack[:1] for name, stack in three_stacks().items()}
    registrations = {name: [Homography(rotation_matrix(5, (9, 9)))] for name in "abc"}
    with pytest.warns(RuntimeWarning, match="smoothness alone.*'a' .*only one image"):
        result = evaluate_stacks(stacks, registrations)
    assert result.ranked_names == ("a", "b", "c")
    assert all(item.smoothness == 0 for item in result.registrations.values())
    assert result.relative_error_per_image.shape == (3, 3, 1)


# --- post_evaluation -----------------------------------------------------------------------------


def plain_sum(stack, transformations):
    """mean over all images of nanmean((image 0 - image n)^2), plus the smoothness."""
    stack = numpy.asarray(stack, dtype=float)
    errors = [numpy.nanmean((stack[0] - image) ** 2) for image in stack]
    matrices = [transformation.passive_matrix for transformation in transformations]
    return numpy.mean(errors) + slow_smoothness(matrices, stack.shape[1:])


def random_case(seed):
    rng = numpy.random.default_rng(seed)
    stacks = {name: rng.normal(scale=0.4, size=(4, 9, 15)) for name in "abcde"}
    registrations = {name: translations(rng.normal(scale=1.0, size=(4, 2))) for name in stacks}
    return stacks, registrations


# What ewoksndreg 0.5.0 answers for the same arrays.
@pytest.mark.parametrize(
    ("seed", "ranked"),
    [(0, "cdbae"), (1, "aecdb"), (2, "bdeac"), (3, "cbeda"), (4, "debac")],
)
def test_post_evaluation_sorts_by_the_sum_of_the_plain_measures(seed, ranked):
    stacks, registrations = random_case(seed)
    assert post_evaluation(stacks, registrations) == list(ranked)
    assert sorted(stacks, key=lambda name: plain_sum(stacks[name], registrations[name])) == list(
        ranked
    )


def test_post_evaluation_compares_with_the_first_image():
    """By hand, against image 0: a (0 + 1 + 1) / 3, b (0 + 0 + 1.44) / 3. Against the last:
    a (1 + 0 + 0) / 3, b 2.88 / 3."""
    stacks = {
        "a": numpy.array([[[0.0]], [[1]], [[1]]]),
        "b": numpy.array([[[0.0]], [[0]], [[1.2]]]),
    }
    assert post_evaluation(stacks, {"a": STILL, "b": STILL}) == ["b", "a"]


def test_post_evaluation_measures_smoothness_in_rows_and_columns_of_the_image():
    """By hand: 2 of 10 rows are more than 10 of 100 columns."""
    stacks = dict.fromkeys("ab", numpy.zeros((2, 10, 100)))
    registrations = {"a": translations([(0, 0), (2, 0)]), "b": translations([(0, 0), (0, 10)])}
    assert post_evaluation(stacks, registrations) == ["b", "a"]


@pytest.mark.parametrize(
    "order", list(itertools.permutations(["nan", "large", "small", "nan too"]))
)
def test_post_evaluation_ranks_nan_last_in_any_input_order(order):
    stacks = {
        "nan": numpy.full((3, 2, 2), NAN),
        "large": numpy.arange(12.0).reshape(3, 2, 2),
        "small": 0.1 * numpy.arange(12.0).reshape(3, 2, 2),
        "nan too": numpy.zeros((3, 2, 2)),
    }
    registrations = {
        **dict.fromkeys(stacks, STILL),
        "nan too": [Homography(numpy.zeros((3, 3)))] * 3,
    }
    ranked = post_evaluation({name: stacks[name] for name in order}, registrations)
    assert ranked == ["small", "large", *(name for name in order if "nan" in name)]


@pytest.mark.parametrize("order", list(itertools.permutations("abc")))
def test_post_evaluation_keeps_the_input_order_of_ties(order):
    assert post_evaluation(dict.fromkeys(order, small()), dict.fromkeys(order, STILL)) == list(
        order
    )


def test_post_evaluation_does_not_wrap_integers():
    """255 - 0 wrapped would be 1, less than the 9 of the other stack."""
    stacks = {
        "far": numpy.array([[[0]], [[255]]], dtype=numpy.uint8),
        "near": numpy.array([[[0]], [[3]]], dtype=numpy.uint8),
    }
    assert post_evaluation(stacks, dict.fromkeys(stacks, STILL[:2])) == ["near", "far"]


def test_post_evaluation_takes_lists_of_images_and_foreign_transformations():
    stacks, registrations = random_case(0)
    expected = post_evaluation(stacks, registrations)
    as_lists = {name: list(stack) for name, stack in stacks.items()}
    foreign = {name: [Foreign(item) for item in items] for name, items in registrations.items()}
    assert post_evaluation(as_lists, foreign) == expected


def test_post_evaluation_of_nothing_is_nothing():
    assert post_evaluation({}, {}) == []
