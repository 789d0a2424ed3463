"""Inputs like those that users of other programs reported: the right registration is put first, or
the verdict is "check" and the reason is true. Scenes and motions are known."""

import numpy
import pytest
from scipy import ndimage

from .conftest import evaluate

SIZE = 72
MOTION = numpy.array([(n, -n) for n in range(9)], dtype=float)
NAMES = ("right", "half", "still")
REGISTRATIONS = {"right": MOTION, "half": MOTION / 2, "still": 0 * MOTION}


def move(seed, motion=MOTION, size=SIZE):
    """Image n shows the scene moved by motion[n]; 0 to 1."""
    margin = int(numpy.abs(motion).max()) + 1
    scene = numpy.random.default_rng(seed).random((size + 2 * margin,) * 2)
    scene = ndimage.gaussian_filter(scene, 2)
    scene = (scene - scene.min()) / numpy.ptp(scene)
    starts = margin - numpy.array(motion, dtype=int)
    return numpy.array([scene[r : r + size, c : c + size] for r, c in starts])


def rank(stacks, registrations=REGISTRATIONS):
    return evaluate(stacks, registrations, max_workers=0)


def three(change):
    """Stacks with one scene each; `change` gets its images and the number of the stack."""
    return {name: change(move(n), n) for n, name in enumerate(NAMES)}


# --- Contrast that inverts across an absorption edge ---------------------------------------------


def two_phases(of_matrix, of_grains):
    """Grains in a matrix, each with an absorbance for each image."""

    def change(images, n):
        noise = numpy.random.default_rng(n).normal(0, 0.01, images.shape)
        grains = ndimage.gaussian_filter((images > 0.6).astype(float), (0, 1, 1))
        matrix, grain = (numpy.reshape(each, (-1, 1, 1)) for each in (of_matrix, of_grains))
        return matrix * (1 - grains) + grain * grains + noise

    return three(change)


EDGES = {
    "the grains become darker": two_phases(
        [0.30, 0.30, 0.30, 0.29, 0.29, 0.28, 0.27, 0.27, 0.26],
        [0.10, 0.10, 0.10, 0.20, 0.60, 0.95, 0.90, 0.88, 0.87],
    ),
    "only the first image is below the edge": two_phases([0.3] * 9, [0.1] + [0.8] * 8),
    "only the last two are above it": two_phases([0.3] * 9, [0.1] * 7 + [0.8] * 2),
    "slowly, through no contrast": two_phases([0.5] * 9, numpy.linspace(0.1, 0.9, 9)),
    "there and back": two_phases([0.5] * 9, [0.1, 0.1, 0.1, 0.9, 0.9, 0.9, 0.1, 0.1, 0.1]),
}


@pytest.mark.parametrize("kind", EDGES)
def test_contrast_that_inverts(kind):
    result = rank(EDGES[kind])
    assert result.best == "right"
    # Where the middle image shows nothing in any stack, nobody knows where it lies.
    assert result.verdict == ("check" if kind == "slowly, through no contrast" else "good")
    assert result.opposite_images.keys() == set(NAMES)
    assert any("opposite contrast" in each for each in result.warnings)
    assert not any("better than none" in each for each in (*result.reasons, *result.warnings))


def test_a_wrong_registration_across_an_edge_is_not_good():
    result = rank(EDGES["the grains become darker"], dict.fromkeys(NAMES, 0.7 * MOTION))
    assert result.verdict == "check"


# --- Empty images at the start -------------------------------------------------------------------


def spoil(which, images, value):
    stacks = {name: move(n) for n, name in enumerate(NAMES)}
    for name in which:
        shape = stacks[name][images].shape
        stacks[name][images] = (
            numpy.random.default_rng(9).poisson(0.05, shape) if value == "dark" else value
        )
    return stacks


@pytest.mark.parametrize("which", [("right",), NAMES])
@pytest.mark.parametrize("images", [[0], [0, 1, 2]])
@pytest.mark.parametrize("value", [0.0, 7.0, numpy.nan, "dark"])
def test_empty_images_at_the_start(which, images, value):
    result = rank(spoil(which, images, value))
    assert result.best == "right"
    assert all(item.scored for item in result.registrations.values())
    assert result.bad_images.keys() == set(which)
    for each in result.bad_images.values():
        # A first image of a few counts hides the others that are dark.
        assert each == tuple(images) or (value == "dark" and each == (0,))


# --- Pixels that belong to the detector ----------------------------------------------------------


def counts(images, n):
    return numpy.random.default_rng(n).poisson(200 * images)


def gap(images, n):
    images = counts(images, n).astype(numpy.uint32)
    images[:, 30:33] = 2**32 - 1
    return images


def scattered(images, n):
    images = counts(images, n).astype(numpy.uint16)
    images[:, numpy.random.default_rng(5).random(images.shape[1:]) < 0.05] = 2**16 - 1
    return images


def cross(images, n):
    images = counts(images, n).astype(numpy.int32)
    images[:, 34:38] = -1
    images[:, :, 20:24] = -2
    return images


def frame(images, n):
    images = counts(images, n).astype(float)
    inner = images[:, 8:-8, 8:-8].copy()
    images[:] = 1e9
    images[:, 8:-8, 8:-8] = inner
    return images


@pytest.mark.parametrize("change", [gap, scattered, cross, frame])
def test_pixels_that_belong_to_the_detector(change):
    result = rank(three(change))
    assert result.best == "right"
    assert result.verdict == "good"
    assert any("largest value" in each or "never change" in each for each in result.warnings)


# --- Numbers that mean something else ------------------------------------------------------------

WAY = numpy.array([(n, -(n // 3)) for n in range(9)], dtype=float)


@pytest.mark.parametrize(
    ("given", "better"),
    [
        (WAY[:, ::-1], False),  # (x, y)
        (-WAY, False),  # the other direction
        (-WAY[:, ::-1], True),
        (WAY * [1, -1], True),  # columns count to the left
    ],
)
def test_numbers_that_mean_something_else_are_warned_of(given, better):
    stacks = {name: move(n, WAY) for n, name in enumerate("abc")}
    result = rank(stacks, {name: given + 0.01 * n for n, name in enumerate("abc")})
    assert result.verdict == "check"
    assert "A shift of 1 px or more remains between the aligned images" in result.reasons
    # Two of them are in part right, and better than none.
    assert better or any("(row, column) order" in each for each in result.warnings)
    # One that is right is put first.
    one = rank(stacks, {"a": given, "b": WAY, "c": given})
    assert (one.best, one.verdict) == ("b", "good")


# --- Drift beyond the field of view --------------------------------------------------------------


def drift(step, number):
    return numpy.outer(numpy.arange(number), step).astype(float)


@pytest.mark.parametrize(
    "path",
    [
        drift((0, 10), 16),
        drift((7, -7), 14),
        drift((-15, 0), 8),
        numpy.vstack([drift((9, 3), 9), drift((9, 3), 9)[-2::-1]]),  # there and back
    ],
)
def test_a_drift_beyond_the_field(path):
    """One registration stops where nothing is left of the first image, one jumps there."""
    stacks = {name: move(n, path, size=64) for n, name in enumerate(("truth", "stops", "jumps"))}
    stops, jumps = path.copy(), path.copy()
    stops[7:], jumps[7:] = path[6], path[7:] + numpy.array([25, -40])
    result = rank(stacks, {"truth": path, "stops": stops, "jumps": jumps})
    assert result.best == "truth"
