"""What is said about the best registration, against simple scenes and formulas written out here."""

import itertools
import json
import math

import numpy
import pytest
from scipy import ndimage

from ewoksndreg._stacks import as_stack
from ewoksndreg.evaluation import Limits
from ewoksndreg.evaluation import evaluate_stacks
from ewoksndreg.evaluation._bad_images import find_bad_images
from ewoksndreg.evaluation._bad_images import find_suspects
from ewoksndreg.evaluation._prepared_images import PreparedImages
from ewoksndreg.evaluation._remaining_motion import choose_images
from ewoksndreg.evaluation._remaining_motion import find_remaining_shift
from ewoksndreg.evaluation._remaining_motion import measure_shift
from ewoksndreg.evaluation._rivals import draw_scores
from ewoksndreg.evaluation._rivals import find_distance
from ewoksndreg.evaluation._rivals import find_motion_groups
from ewoksndreg.evaluation._rivals import find_rivals
from ewoksndreg.evaluation._unchanging import choose_few
from ewoksndreg.evaluation._unchanging import find_unchanging
from ewoksndreg.kernels import find_kernel
from ewoksndreg.transformation import Homography

from ..conftest import Foreign
from ..conftest import rotation_matrix
from ..conftest import shift_matrix
from ..conftest import smooth_image
from ..kernels.conftest import NUMBA
from .conftest import make_comparisons
from .conftest import make_scores
from .conftest import moving_stack
from .conftest import rank_scores
from .conftest import translations

NAN = numpy.nan
SHAPE = (60, 70)
MOTION = [(0, 0), (1.4, -2.2), (2.7, -3.1), (3.5, -5.6), (5.2, -6.3), (5.0, -8.1)]


def moving_stacks(names="abc", motion=MOTION, **options):
    return {name: moving_stack(ord(name), motion, SHAPE, **options) for name in names}


def wrong(size, seed=0):
    """The motion with an error of every image."""
    rng = numpy.random.default_rng(seed)
    return translations(numpy.array(MOTION) + rng.normal(scale=size, size=(len(MOTION), 2)))


# --- Remaining shift -----------------------------------------------------------------------------


@pytest.mark.parametrize("kernel", ["numpy", pytest.param("numba", marks=NUMBA)])
@pytest.mark.parametrize("shift", [(0, 0), (0.3, -0.2), (-0.4, 0.4)])
def test_the_shift_of_two_images_is_found(shift, kernel):
    """The second image is the first one moved by a spline. The matrix adds what is known."""
    scene = smooth_image(0, (100, 110))
    kernel = find_kernel(kernel)
    reference = kernel.prepare(scene[20:80, 20:90])
    # aligned[p] = reference[p + shift]
    moved = ndimage.shift(scene, [4 - shift[0], -3 - shift[1]], order=5)
    image = kernel.prepare(moved[20:80, 20:90])
    found = measure_shift(kernel, reference, image, shift_matrix(4, -3))
    assert (found.rows, found.columns) == pytest.approx(shift, abs=0.04)
    assert found.curvature > 0


def test_of_images_that_are_far_apart_the_shift_is_not_known():
    kernel = find_kernel("numpy")
    scene = smooth_image(0, (100, 110))
    reference, image = (kernel.prepare(scene[start : start + 60, 20:90]) for start in (20, 23))
    found = measure_shift(kernel, reference, image, None)
    assert found.curvature == 0
    assert math.isnan(found.rows)
    nothing = kernel.prepare(numpy.zeros(SHAPE))
    assert math.isnan(measure_shift(kernel, nothing, nothing, None).curvature)


def test_invalid_pixels_do_not_move_the_shift():
    kernel = find_kernel("numpy")
    scene = smooth_image(0, (100, 110))
    pixels = scene[20:80, 20:90].copy()
    pixels[10:20, 30:60] = NAN
    found = measure_shift(kernel, kernel.prepare(pixels), kernel.prepare(scene[20:80, 20:90]), None)
    assert (found.rows, found.columns) == pytest.approx((0, 0), abs=0.01)


def test_the_remaining_shift_is_the_mean_length_of_weighted_vectors():
    """By hand: two stacks, two images; against the reference image, then the previous one."""
    shifts = numpy.full((2, 2, 2, 3), NAN)
    shifts[0, 0, 0] = 0.3, 0.0, 2.0
    shifts[1, 0, 0] = 0.0, 0.4, 1.0  # weight 3 times 1, that of the other is 1 times 2
    shifts[0, 1, 0] = 0.1, 0.0, 1.0
    shifts[1, 1, 0] = NAN, NAN, 0.0  # three quarters of the weight are far apart
    shifts[0, 0, 1] = 0.0, 0.1, 1.0
    lengths = math.hypot(0.3 * 2 / 5, 0.4 * 3 / 5), 0.75 * 1.5 + 0.25 * 0.1
    expected = sum(lengths) / 2
    assert find_remaining_shift(shifts, numpy.array([1.0, 3.0])) == pytest.approx(expected)
    assert math.isnan(find_remaining_shift(numpy.full((2, 2, 2, 3), NAN), numpy.ones(2)))


def test_at_most_twelve_images_are_measured_spread_evenly():
    assert choose_images(5, 2) == [0, 1, 3, 4]
    many = choose_images(100, 0)
    assert len(many) == 12
    assert (many[0], many[-1]) == (1, 99)
    assert max(numpy.diff(many)) <= min(numpy.diff(many)) + 1


@pytest.mark.parametrize("size", [0.0, 0.3])
def test_the_remaining_shift_of_a_ranking_is_the_error_of_the_best_registration(size):
    """Mean length of the errors, of which image 0 has none."""
    result = evaluate_stacks(moving_stacks(), dict.fromkeys("abc", wrong(size)))
    rng = numpy.random.default_rng(0)
    errors = rng.normal(scale=size, size=(len(MOTION), 2))
    against_first = numpy.hypot(*(errors - errors[0])[1:].T).mean()
    against_previous = numpy.hypot(*numpy.diff(errors, axis=0).T).mean()
    expected = max(against_first, against_previous)
    assert result.remaining_shift == pytest.approx(expected, abs=0.04 + 0.2 * size)


# --- Rivals --------------------------------------------------------------------------------------


def test_the_distance_of_two_registrations_is_that_of_the_corners_of_pairs_of_images():
    """Against the pairs one by one, in the frame of the other image."""
    a = [Homography(rotation_matrix(angle, (30, 35))) for angle in (0, 2, 5)]
    b = [Homography(shift_matrix(shift, 1)) for shift in (0, 1, -2)]
    corners = numpy.array([[0, 0, 60, 60], [0, 70, 0, 70], [1, 1, 1, 1]])
    distances = []
    for m, n in itertools.permutations(range(3), 2):
        places = [
            each[m].passive_matrix @ numpy.linalg.inv(each[n].passive_matrix) @ corners
            for each in (a, b)
        ]
        distances += numpy.hypot(*(places[0] - places[1])[:2]).tolist()
    assert find_distance(a, b, SHAPE) == pytest.approx(numpy.mean(distances))


def test_registrations_that_differ_by_one_motion_of_the_whole_are_the_same():
    a = translations(MOTION)
    turn = Homography(rotation_matrix(20, (30, 35)))
    b = [Homography(each.passive_matrix @ turn.passive_matrix) for each in a]
    assert find_distance(a, b, SHAPE) == pytest.approx(0, abs=1e-9)


def test_transformations_that_do_not_compose_have_a_distance_too():
    a, b = translations(MOTION), translations(2 * numpy.array(MOTION))
    expected = find_distance(a, b, SHAPE)
    found = find_distance([Foreign(each) for each in a], [Foreign(each) for each in b], SHAPE)
    assert found == pytest.approx(expected)


def test_images_that_failed_have_no_distance():
    a, b = translations(MOTION), translations(MOTION)
    a[2] = Homography(numpy.full((3, 3), NAN))
    assert find_distance(a, b, SHAPE) == 0
    assert math.isinf(find_distance([a[2]] * 6, b, SHAPE))


def test_a_draw_is_the_score_with_weights_of_images_and_stacks():
    """Of the first draw, written out; the draws of a stack follow its name."""
    rng = numpy.random.default_rng(1)
    aligned = rng.uniform(0, 1, size=(2, 3, 6))
    unaligned = rng.uniform(0.5, 1.5, size=(2, 6))
    aligned[..., 0] = unaligned[:, 0] = NAN
    scores = {name: make_scores(unaligned[j], aligned[j]) for j, name in enumerate(("z", "a"))}
    sources = {"z": "z", "a": "a", "other": None}
    smoothness = numpy.array([0.1, 0.2, 0.3])
    found = draw_scores(make_comparisons({0: scores}, sources, smoothness))
    assert found.shape == (400, 3)
    drawn = numpy.random.default_rng(0)
    g = drawn.exponential(size=(400, 6))[0, 1:]
    s = drawn.exponential(size=(400, 2))[0, ::-1]
    before = (unaligned[:, 1:] * g).sum(axis=1) / g.sum() + 0.01
    after = (aligned[:, :, 1:] * g).sum(axis=2).T / g.sum()
    relative = numpy.minimum(after / before, 1)
    smallest = numpy.array([relative[[1, 2], 0].min(), relative[[0, 2], 1].min()])
    weights = s * (0.01 + numpy.maximum((before - 0.01) / before - smallest, 0))
    expected = (weights * numpy.sqrt(relative)).sum(axis=1) / weights.sum() + 0.6 * smoothness
    assert found[0] == pytest.approx(expected)


def test_rivals_score_as_well_in_more_than_a_share_of_the_draws_and_are_not_the_same():
    scores = numpy.tile([0.5, 0.6, 0.4, 0.4, NAN], (100, 1))
    scores[6:, 2] = scores[5:, 3] = 0.6
    scores[:, 1] = 0.5
    distances = [0, 0.2, 0.9, 0.9, 9]  # the best one, the same, a rival, no rival, a failed one

    def rivals():
        limits = Limits(same=0.25, rival=0.05)
        found = find_rivals(scores, 0, lambda _, k: distances[k], limits)
        return list(found.items())

    assert rivals() == [(2, 0.9)]
    distances[1] = 2.0
    assert rivals() == [(1, 2.0), (2, 0.9)]


def test_registrations_that_cannot_be_told_apart_are_rivals():
    """The stacks are noise but for a trace of the scene."""
    stacks = moving_stacks(noise=6.0)
    registrations = {name: wrong(0.3, seed) for seed, name in enumerate("abc")}
    with pytest.warns(RuntimeWarning, match="resemble no other .*: image 1 of stack 'c'$"):
        result = evaluate_stacks(stacks, registrations)
    assert result.rivals
    assert result.verdict == "check"
    assert "cannot be distinguished from" in result.reasons[0]
    assert f"{max(result.rivals.values()):.1f} px" in result.reasons[0]


# --- Groups --------------------------------------------------------------------------------------


def groups_of(relative_mse, distance, best=0):
    return find_motion_groups(
        numpy.array(relative_mse),
        numpy.array([1.0, 1.0, 1.0, 0.75][: len(relative_mse[0])]),
        best,
        lambda *_: distance,
        Limits(motion_distance=1.0, motion_conflict=0.3),
    )


def test_two_stacks_that_no_registration_serves_are_two_groups():
    relative_mse = [[0.1, 0.2, 0.9], [0.9, 0.8, 0.1], [0.5, 0.6, 0.6]]
    assert groups_of(relative_mse, 3.0) == [[0, 1], [2]]
    assert groups_of(relative_mse, 3.0, best=1) == [[2], [0, 1]]
    assert groups_of(relative_mse, 0.9) == []
    # Something serves both.
    assert groups_of([[0.1, 0.2, 0.9], [0.9, 0.8, 0.1], [0.2, 0.2, 0.2]], 3.0) == []
    # A stack that needs no alignment has no say.
    still = [[0.1, 0.1, 0.1, 1.0], [1.0, 1.0, 1.0, 0.75]]
    assert groups_of(still, 3.0) == []
    # Nor one that shows hardly any motion.
    assert groups_of([[0.1, 1.0], [1.0, 0.9]], 3.0) == []


def test_stacks_that_move_apart_are_told():
    other = [(-2 * r, -c) for r, c in MOTION]
    stacks = {**moving_stacks("ab"), **moving_stacks("yz", other)}
    registrations = {**dict.fromkeys("ab", translations(MOTION))}
    registrations |= dict.fromkeys("yz", translations(other))
    with pytest.warns(RuntimeWarning, match="do not share one motion") as caught:
        result = evaluate_stacks(stacks, registrations)
    served, others = result.motion_groups
    assert {served, others} == {("a", "b"), ("y", "z")}
    assert result.best in served
    assert result.verdict == "check"
    assert str(caught[0].message) in result.reasons
    own = evaluate_stacks(stacks, registrations, evaluate_on="own")
    assert own.motion_groups == own.silent_stacks == ()


# --- Bad images ----------------------------------------------------------------------------------


def test_an_image_is_bad_where_nothing_resembles_it():
    """Usual is the median of the better two thirds: of 0.9 0.9 0.9 0.8."""
    first = numpy.array([0.9, 0.9, 0.9, 0.8, 0.6, 0.68])
    none = numpy.zeros(6, dtype=bool)

    def suspects(correlation, failed=none):
        found = find_suspects(correlation, failed, [0], Limits(bad_image=0.25))
        return numpy.flatnonzero(found).tolist()

    def bad(correlation, neighbor):
        some = numpy.isin(range(6), [0, 4])
        found = find_bad_images(some, correlation, neighbor, Limits(bad_image=0.25))
        return numpy.flatnonzero(found).tolist()

    assert suspects(first) == [0, 4]
    before = numpy.array([NAN, 0.5, 0.5, 0.5, 0.5, 0.5])
    assert bad(first, before) == [4]
    before[5] = 0.7  # so image 4 resembles the one that follows
    assert bad(first, before) == []
    assert suspects(first, none | (first == 0.6)) == [0]
    assert suspects(first / 4) == [0]
    assert suspects(first, ~none) == []
    # Nothing resembles the reference image, but others each other.
    assert bad(numpy.full(6, 0.1), numpy.array([NAN, 0.1, 0.9, 0.9, NAN, 0.9])) == [0]
    assert bad(first / 4, before / 4) == []
    # In noise some are opposite by chance.
    assert suspects(numpy.array([0.05, 0.01, -0.02, 0.0, -0.1, 0.02])) == [0]
    assert bad(numpy.array([-0.05, 0.01, 0.02, 0.0, -0.1, 0.02]), numpy.full(6, -0.01)) == []


@pytest.mark.parametrize("kind", [0.0, NAN, "noise"])
@pytest.mark.parametrize("n", [0, 3])
def test_a_spoilt_image_is_found_and_named(kind, n):
    stacks = moving_stacks()
    noise = numpy.random.default_rng(5).normal(size=SHAPE)
    stacks["b"][n] = noise if kind == "noise" else kind
    with pytest.warns(RuntimeWarning, match=f"resemble no other .*: image {n} of stack 'b'$"):
        result = evaluate_stacks(stacks, {"a": wrong(0.05), "b": wrong(2, 1), "c": wrong(1, 2)})
    assert result.bad_images == {"b": (n,)}
    assert result.best == "a"


# --- Pixels that never change --------------------------------------------------------------------


def look(images):
    return find_unchanging(
        choose_few(PreparedImages("a", as_stack(images), range(len(images)), "numpy"))
    )


def unchanging(images):
    bits = look(images).bits
    shape = numpy.shape(images[0])
    if bits is None:
        return numpy.zeros(shape, dtype=bool)
    return numpy.unpackbits(bits, count=shape[0] * shape[1]).astype(bool).reshape(shape)


def counts(number=9, mean=200.0, dtype="uint32"):
    scene = moving_stack(1, [(n, -n) for n in range(number)], SHAPE)
    scene = (scene - scene.min()) / numpy.ptp(scene)
    return numpy.random.default_rng(0).poisson(mean * scene).astype(dtype)


@pytest.mark.parametrize("dtype", ["uint16", "int32", "float32", ">f8"])
@pytest.mark.parametrize("number", [3, 9, 40])
@pytest.mark.parametrize("value", [0, 7, "one for each pixel"])
def test_pixels_that_never_change_are_found(value, number, dtype):
    images = counts(number).astype(dtype)
    frame = numpy.ones(SHAPE, dtype=bool)
    frame[5:-5, 5:-5] = False
    if value == "one for each pixel":
        value = 5000 + numpy.arange(frame.sum())
    images[:, frame] = value
    found = unchanging(images)
    assert found[frame].all()
    assert found[~frame].mean() < 0.01
    assert look(images).part == pytest.approx(found.mean())


def test_no_counts_are_no_pixels_that_never_change():
    assert not unchanging(counts(mean=0.5)).any()
    # A grain on nothing at all
    grain = numpy.zeros((5, *SHAPE))
    for n in range(5):
        grain[n, 20 + n : 40 + n, 20:50] = 1 + numpy.random.default_rng(n).random((20, 30))
    assert not unchanging(grain).any()


def test_copies_of_an_image_are_no_pixels_that_never_change():
    assert not unchanging([smooth_image(0, SHAPE)] * 5).any()
    assert not unchanging(numpy.zeros((5, *SHAPE))).any()
    assert not unchanging(counts()[:1]).any()


def test_pixels_that_are_nan_in_all_images_are_invalid_anyway():
    images = counts().astype(float)
    images[:, :10] = NAN
    assert not unchanging(images).any()


@pytest.mark.parametrize("dtype", ["uint16", "uint32", "uint64"])
def test_the_largest_value_of_a_type_is_no_count(dtype):
    motion = [(n, -n) for n in range(9)]
    right, still = translations(motion), translations([(0, 0)] * 9)
    images = counts(dtype=dtype)
    images[:, :, 30:34] = numpy.iinfo(dtype).max
    images[4, :20] = numpy.iinfo(dtype).max  # also where it is there only now and then
    stacks = {"a": images, "b": images}
    with pytest.warns(RuntimeWarning, match="largest value of their type are invalid") as caught:
        result = evaluate_stacks(stacks, {"a": right, "b": still})
    assert len(caught) == 1
    expected = numpy.where(images == numpy.iinfo(dtype).max, NAN, images)
    clean = evaluate_stacks({"a": expected, "b": expected}, {"a": right, "b": still})
    numpy.testing.assert_allclose(result.aligned_mse, clean.aligned_mse, atol=1e-5)
    assert result.best == "a"


def test_white_is_a_value_of_eight_bits():
    assert look(numpy.full((3, 9, 9), 255, dtype=numpy.uint8)).marked == 0


def test_a_frame_does_not_reward_what_moves_nothing():
    stacks = moving_stacks()
    registrations = {"a": wrong(0.1), "b": wrong(0.8, 1), "c": translations([(0, 0)] * 6)}
    for stack in stacks.values():
        stack[:, :12] = stack[:, :, :12] = -30
    with pytest.warns(RuntimeWarning, match="never change are ignored.* of stack 'a'"):
        result = evaluate_stacks(stacks, registrations)
    assert result.ranked_names == ("a", "b", "c")
    part = 1 - (60 - 12) * (70 - 12) / (60 * 70)
    assert result.unchanging_pixels == pytest.approx(dict.fromkeys("abc", part))


# --- Reference images ----------------------------------------------------------------------------


def test_where_the_first_images_are_dead_others_are_compared_with():
    stacks = moving_stacks()
    for stack in stacks.values():
        stack[:2] = 0
    registrations = {"a": wrong(0.1), "b": wrong(1, 1), "c": wrong(2, 2)}
    with pytest.warns(RuntimeWarning, match="images 0 and 1 of stack 'a', images 0 and 1 of"):
        result = evaluate_stacks(stacks, registrations)
    assert result.best == "a"
    assert sorted(result.reference_images) == [0, 2, 5]
    assert result.reference_images[-1] == 0
    chosen = evaluate_stacks(stacks, registrations, reference_image=numpy.int64(3), trust=False)
    assert json.dumps(chosen.reference_images) == "[3]"
    assert numpy.isnan(chosen.relative_error_per_image[..., 3]).all()


@pytest.mark.parametrize("value", [6, -1, "first", None, True, 1.0])
def test_a_reference_image_that_does_not_exist_is_refused(value):
    with pytest.raises(ValueError, match=f"no reference image {value!r}: .* 0 to 5"):
        evaluate_stacks(moving_stacks(), dict.fromkeys("abc", wrong(0)), reference_image=value)


def test_where_no_registration_is_better_than_none_questions_are_asked():
    stacks = moving_stacks()
    swapped = translations(numpy.array(MOTION)[:, ::-1])
    with pytest.warns(RuntimeWarning, match=r"better than none.*\(x, y\).*passive"):
        result = evaluate_stacks(stacks, dict.fromkeys("abc", swapped))
    assert result.verdict == "check"
    assert "No registration is better than none" in result.reasons


# --- Verdict -------------------------------------------------------------------------------------


def test_rivals_without_an_image_in_common_have_no_distance():
    """Each of the two has half of the images, besides the reference image."""
    true = wrong(0)
    half = len(true) // 2
    registrations = {
        "a": [true[0], *true[1 : half + 1], *[None] * (len(true) - half - 1)],
        "b": [true[0], *[None] * half, *true[half + 1 :]],
    }
    with pytest.warns(RuntimeWarning, match="has no transformation of image"):
        result = evaluate_stacks(moving_stacks(), registrations, registered_from={})
    (rival,) = result.rivals
    assert result.rivals == {rival: numpy.inf}
    assert result.reasons[0] == f"It cannot be distinguished from {rival!r}"
    assert "not distinguishable from the best<" in result._repr_html_()
    assert json.loads(json.dumps(result.trust(), allow_nan=False))["rivals"] == {rival: None}


def test_a_good_registration_is_called_good():
    result = evaluate_stacks(moving_stacks(), {"a": wrong(0.05), "b": wrong(1, 1), "c": wrong(2)})
    assert (result.verdict, result.reasons) == ("good", ())
    assert result.trust() == {
        "verdict": "good",
        "reasons": [],
        "rivals": {},
        "remaining_shift": result.remaining_shift,
        "motion_groups": [],
        "bad_images": {},
        "silent_stacks": [],
    }
    json.dumps(result.trust(), allow_nan=False)


def test_limits_say_where_good_ends():
    stacks, registrations = moving_stacks(), {"a": wrong(0.05), "b": wrong(1, 1), "c": wrong(2)}
    for limits, reason in (
        (Limits(score=0.0), "its score is"),
        (Limits(remaining_shift=0.001), "px remains"),
    ):
        result = evaluate_stacks(stacks, registrations, limits=limits)
        assert result.verdict == "check"
        assert reason in result.reasons[0]


def test_a_registration_that_leaves_a_shift_is_not_good():
    result = evaluate_stacks(moving_stacks(), dict.fromkeys("abc", wrong(0.4)))
    assert result.verdict == "check"
    assert result.reasons[0].startswith("A shift of 0.")
    with pytest.warns(RuntimeWarning, match="resemble no other .*: images 3 and 4 of stack 'a', "):
        far = evaluate_stacks(
            moving_stacks(), dict.fromkeys("abc", wrong(3)), reference_image=0, limits=Limits()
        )
    assert "1 px or more" in far.reasons[0]


@pytest.mark.parametrize(("angle", "verdict"), [(2, "check"), (0.2, "good")])
def test_a_rotation_that_only_shifts_were_registered_for_is_not_good(angle, verdict):
    """About the center, so that no shift remains: it moves a point by the angle times its distance.
    Image 1 is turned by half the angle, image 2, which is measured, by the angle."""
    size, center = 61, (30.0, 30.0)
    stacks = {name: [] for name in "ab"}
    for n, name in itertools.product(range(3), stacks):
        turn = rotation_matrix(n / 2 * angle, (50.0, 50.0))
        scene = smooth_image(ord(name), (101, 101))
        turned = ndimage.affine_transform(scene, turn[:2, :2], turn[:2, 2], order=5)
        stacks[name].append(numpy.roll(turned, n, axis=0)[20 : 20 + size, 20 : 20 + size])
    shifts = translations([(n, 0) for n in range(3)])
    result = evaluate_stacks(stacks, {"a": shifts, "b": translations([(0, 0)] * 3)})
    rows, columns = numpy.indices((size, size)) - numpy.reshape(center, (2, 1, 1))
    expected = numpy.deg2rad(angle) * numpy.sqrt((rows**2 + columns**2).mean())
    assert result.remaining_distortion == pytest.approx(expected, rel=0.2, abs=0.02)
    assert (result.best, result.verdict) == ("a", verdict)
    assert any("A rotation or distortion of" in each for each in result.reasons) == (angle > 1)


def test_a_stack_that_nothing_improves_is_silent():
    stacks = moving_stacks()
    stacks["noise"] = numpy.random.default_rng(3).normal(size=stacks["a"].shape)
    registrations = {**dict.fromkeys("abc", wrong(0.1)), "noise": wrong(3, 3)}
    assert evaluate_stacks(stacks, registrations).silent_stacks == ("noise",)
    one = evaluate_stacks({"a": stacks["a"]}, {"a": wrong(0.1), "b": wrong(1)}, trust=False)
    assert one.silent_stacks == ()


def test_without_a_score_there_is_nothing_to_trust():
    scores = {name: make_scores([NAN, NAN], [[NAN, NAN]] * 2) for name in "ab"}
    with pytest.warns(RuntimeWarning, match="smoothness alone"):
        ranking = rank_scores(scores, {"a": 0.0, "b": 0.0})
    assert ranking.verdict is None
    with pytest.warns(RuntimeWarning, match="smoothness alone"):
        result = evaluate_stacks(
            dict.fromkeys("ab", numpy.zeros((3, *SHAPE))), dict.fromkeys("ab", wrong(0)[:3])
        )
    assert (result.verdict, result.reasons) == ("check", ("No registration can be scored",))
    assert result.trust()["remaining_shift"] is None
