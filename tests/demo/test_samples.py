"""Simulated samples: the truth is true, and the channels are what they are said to be."""

import numpy
import pytest
import skimage.data
import skimage.transform
from scipy import ndimage

from ewoksndreg.demo.samples import PICTURES
from ewoksndreg.demo.samples import Sample
from ewoksndreg.demo.samples import make_sample
from ewoksndreg.demo.samples import true_error
from ewoksndreg.transformation import Homography
from ewoksndreg.transformation import TransformationType

# Pixels far enough from the edge to be inside every image.
INNER = (slice(25, -25), slice(25, -25))


@pytest.fixture(scope="module")
def still() -> Sample:
    """A sample that stays where it is."""
    return make_sample("camera", images=5, size=128, step=0)


def correlation(a: numpy.ndarray, b: numpy.ndarray) -> float:
    return float(numpy.corrcoef(a[INNER].ravel(), b[INNER].ravel())[0, 1])


def shift(rows: float, columns: float) -> Homography:
    return Homography([[1, 0, rows], [0, 1, columns], [0, 0, 1]])


@pytest.mark.parametrize(
    ("motion", "kind"),
    [
        ("translation", TransformationType.translation),
        ("rigid", TransformationType.rigid),
        ("affine", TransformationType.affine),
    ],
)
def test_the_truth_aligns_the_images(motion: str, kind: TransformationType) -> None:
    sample = make_sample("camera", motion=motion, images=5, size=128, step=2, seed=3)
    assert sample.truth[0].transformation_type is TransformationType.identity
    assert {item.transformation_type for item in sample.truth[1:]} == {kind}
    stack = sample.stacks["Ca-K"].astype(float)
    for n in range(1, 5):
        # scikit-image takes (column, row) coordinates.
        matrix = sample.truth[n].passive_matrix[[1, 0, 2]][:, [1, 0, 2]]
        aligned = skimage.transform.warp(stack[n], matrix, order=3)
        assert correlation(stack[0], aligned) > 0.99
        assert correlation(stack[0], stack[n]) < 0.97


def test_all_channels_move_together() -> None:
    sample = make_sample("coins", images=3, size=128, step=4, seed=1)
    for name in ("Ca-K", "Fe-K", "S-K", "Compton"):
        stack = sample.stacks[name].astype(float)
        shifts = [item.passive_matrix[:2, 2] for item in sample.truth]
        aligned = ndimage.shift(stack[2], -shifts[2], order=1)
        assert correlation(stack[0], aligned) > correlation(stack[0], stack[2]) + 0.1, name


def test_the_middle_of_the_picture_is_seen() -> None:
    picture = skimage.data.camera().astype(float)
    picture = (picture - picture.min()) / (picture.max() - picture.min())
    seen = make_sample("camera", images=2, size=100).stacks["Ca-K"][0]
    # Up to 2000 counts and 50 of background make up 1e-3; five standard deviations of noise.
    expected = (2000 * picture[206:306, 206:306] + 50) / 2050
    assert numpy.abs(1e3 * seen - expected).max() < 5 * numpy.sqrt(2050) / 2050


@pytest.mark.parametrize("picture", PICTURES)
def test_every_picture_is_inside_scikit_image(picture: str) -> None:
    first = make_sample(picture, images=2, size=64).stacks["Ca-K"][0]
    assert first.std() > 1e-5


def test_the_shape_of_the_stacks() -> None:
    sample = make_sample("moon", images=3, size=40)
    assert len(sample.stacks) == 6
    assert {stack.shape for stack in sample.stacks.values()} == {(3, 40, 40)}
    assert len(sample.truth) == 3


def test_units_from_a_thousandth_to_a_hundred_thousand(still: Sample) -> None:
    assert 0 <= still.stacks["Ca-K"].min() < still.stacks["Ca-K"].max() < 2e-3
    assert 5e4 < still.stacks["Compton"].max() < 2e5


def test_compton_is_inverted(still: Sample) -> None:
    first = {name: stack[0] for name, stack in still.stacks.items()}
    assert correlation(first["Ca-K"], first["Compton"]) < -0.8
    assert correlation(first["Ca-K"], first["S-K"]) > 0.8


def test_counts_follow_poisson(still: Sample) -> None:
    counts = make_sample("camera", images=60, size=64, step=0).stacks["Fe-K"]
    numpy.testing.assert_array_equal(counts, numpy.round(counts))
    variance, mean = counts.var(axis=0, ddof=1), counts.mean(axis=0)
    assert variance.mean() == pytest.approx(mean.mean(), rel=0.05)


def test_one_channel_is_nearly_empty(still: Sample) -> None:
    counts = still.stacks["As-K"]
    assert counts.dtype == numpy.uint16
    assert 0 < counts.mean() < 0.02


def test_one_channel_fades(still: Sample) -> None:
    means = still.stacks["S-K"].mean(axis=(1, 2))
    # 60 v + 2 counts at first, 24 v + 2 at last, with v the mean of the picture.
    mean = (means[0] - 2) / 60
    assert means[-1] == pytest.approx(24 * mean + 2, rel=0.02)


def test_one_channel_has_a_pattern_that_does_not_move() -> None:
    sample = make_sample("camera", images=4, size=128, step=6, seed=2)
    assert correlation(*sample.stacks["Ar-K"][[0, 3]]) > 0.8
    assert correlation(*sample.stacks["Ca-K"][[0, 3]]) < 0.7


def test_the_dose_is_the_number_of_counts(still: Sample) -> None:
    quarter = make_sample("camera", images=5, size=128, step=0, dose=0.25)
    for name in ("Fe-K", "S-K"):
        ratio = quarter.stacks[name].mean() / still.stacks[name].mean()
        assert ratio == pytest.approx(0.25, rel=0.03)
    noise = [s.stacks["Compton"][0] - s.stacks["Compton"][1] for s in (still, quarter)]
    assert noise[1].std() == pytest.approx(2 * noise[0].std(), rel=0.05)


def test_the_seed_decides() -> None:
    a, b, c = (make_sample("moon", images=3, size=32, seed=seed) for seed in (7, 7, 8))
    for name, stack in a.stacks.items():
        numpy.testing.assert_array_equal(stack, b.stacks[name])
    assert a.truth == b.truth
    assert a.truth[1:] != c.truth[1:]


def test_unknown_names_are_refused_with_the_near_match() -> None:
    with pytest.raises(ValueError, match="'coin': did you mean 'coins'"):
        make_sample("coin")
    with pytest.raises(ValueError, match="'affin': did you mean 'affine'"):
        make_sample(motion="affin")


def test_the_truth_has_no_error() -> None:
    truth = make_sample("moon", motion="affine", images=3, size=32).truth
    assert true_error(truth, truth, (32, 32)) == pytest.approx(0, abs=1e-9)


def test_the_error_of_a_shift_is_its_length() -> None:
    truth = [shift(0, 0), shift(10, -7)]
    assert true_error([shift(0, 0), shift(13, -3)], truth, (20, 30)) == pytest.approx(5)


def test_the_error_is_a_root_mean_square_over_the_images_but_the_first() -> None:
    truth = [shift(0, 0)] * 3
    found = [shift(0, 0), shift(1, 0), shift(0, 7)]
    assert true_error(found, truth, (20, 30)) == pytest.approx(5)  # sqrt((1 + 49) / 2)


def test_the_error_of_a_rotation_is_a_root_mean_square_over_the_pixels() -> None:
    height, width, angle = 21, 41, 0.1
    center = numpy.array([(height - 1) / 2, (width - 1) / 2])
    cos, sin = numpy.cos(angle), numpy.sin(angle)
    matrix = numpy.identity(3)
    matrix[:2, :2] = [[cos, -sin], [sin, cos]]
    matrix[:2, 2] = center - matrix[:2, :2] @ center
    # A point at the distance r moves by 2 r sin(angle / 2); the mean of r**2 over a grid of n
    # points is (n**2 - 1) / 12 along each axis.
    expected = 2 * numpy.sin(angle / 2) * numpy.sqrt((height**2 + width**2 - 2) / 12)
    truth = [shift(0, 0), shift(0, 0)]
    error = true_error([shift(0, 0), Homography(matrix)], truth, (height, width))
    assert error == pytest.approx(expected)


def test_where_the_whole_stack_is_moved_to_does_not_matter() -> None:
    truth = make_sample("moon", motion="rigid", images=3, size=32).truth
    elsewhere = [Homography(item.passive_matrix @ shift(4, 9).passive_matrix) for item in truth]
    assert true_error(elsewhere, truth, (32, 32)) == pytest.approx(0, abs=1e-9)


def test_the_error_of_a_registration_that_diverged_is_infinite() -> None:
    singular = Homography(numpy.diag([1.0, 0.0, 1.0]))
    assert true_error([shift(0, 0), singular], [shift(0, 0)] * 2, (8, 8)) == numpy.inf


def test_registrations_of_different_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="argument 2"):
        true_error([shift(0, 0)], [shift(0, 0)] * 2, (8, 8))
