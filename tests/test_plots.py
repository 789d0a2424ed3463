"""What the plots show is what was found, and the names are those that were given."""

import math
from dataclasses import replace

import numpy
import pytest
from matplotlib import pyplot
from matplotlib.figure import Figure
from scipy import ndimage

from ewoksndreg import Homography
from ewoksndreg import evaluate_stacks
from ewoksndreg import plots

from .conftest import rotation_matrix
from .conftest import run_python
from .conftest import shift_matrix
from .conftest import smooth_image
from .evaluation.conftest import WatchedStackWithShape

STRANGE = ["$x_1$", "_Ca", '<b>&"' + 60 * "long", "line\nbreak"]


def moving(motion, shape=(40, 50), seed=0):
    """Pixel p of image n shows the place p - motion[n] of the scene; integer shifts."""
    scene = smooth_image(seed, (shape[0] + 40, shape[1] + 40))
    return numpy.stack(
        [scene[20 - r : 20 - r + shape[0], 20 - c : 20 - c + shape[1]] for r, c in motion]
    )


MOTION = [(0, 0), (2, -1), (4, 3), (5, 5), (-3, 6)]
STILL = [(0, 0)] * 5
HALF = [(r / 2, c / 2) for r, c in MOTION]
STACKS = {"Ca": moving(MOTION), "Fe": moving(MOTION, seed=1)}
REGISTRATIONS = {"still": STILL, "right": MOTION, "half": HALF}


def evaluate(stacks=STACKS, registrations=REGISTRATIONS, **options):
    return evaluate_stacks(stacks, registrations, max_workers=0, trust=False, **options)


@pytest.fixture
def evaluation():
    return evaluate()


@pytest.fixture
def failed():
    """Only one of three registrations has a score."""
    diverged = [numpy.identity(3), *[numpy.full((3, 3), numpy.nan)] * 4]
    registrations = {"a": diverged, "right": MOTION, "b": diverged}
    with pytest.warns(RuntimeWarning, match="rank last"):
        return evaluate(registrations=registrations), registrations


@pytest.fixture(autouse=True)
def close_figures():
    yield
    pyplot.close("all")


def texts(ax):
    return [text.get_text() for text in ax.texts]


def draw(axes):
    """Fails where something can be made but not drawn."""
    axes.figure.draw_without_rendering()


def test_scores_are_bars_of_two_parts_best_first(evaluation):
    ax = plots.scores(evaluation)
    draw(ax)
    errors, smoothness = ax.containers
    ranked = [evaluation.registrations[name] for name in evaluation.ranked_names]
    assert [bar.get_width() for bar in errors] == [item.relative_error for item in ranked]
    ends = [bar.get_x() + bar.get_width() for bar in smoothness]
    assert ends == pytest.approx([item.score for item in ranked])
    labels = [label.get_text() for label in ax.get_yticklabels()]
    assert labels == ["1. right", "2. half", "3. still"]
    assert ax.yaxis_inverted()
    assert texts(ax)[0].endswith("best")


def test_scores_tell_what_cannot_be_told_from_the_best(evaluation):
    ax = plots.scores(replace(evaluation, rivals={"half": 1.234}))
    assert texts(ax)[1].endswith("not distinguishable from the best, up to 1.2 px apart")


def test_a_registration_without_score_has_a_reason_and_no_bar(failed):
    evaluation, _ = failed
    ax = plots.scores(evaluation)
    draw(ax)
    assert [bar.get_width() > 0 for bar in ax.containers[0]] == [True, False, False]
    assert texts(ax)[1].startswith("no score: 4 of its 5 transformations")


def test_a_score_far_above_1_does_not_hide_the_others(evaluation):
    far = replace(evaluation.registrations["still"], score=1000.0)
    shown = replace(evaluation, registrations={**evaluation.registrations, "still": far})
    ax = plots.scores(shown)
    assert ax.get_xlim()[1] < 3
    assert texts(ax)[2].startswith("→ 1000.0000")


def test_errors_are_those_of_the_evaluation_in_the_order_of_the_ranking(evaluation):
    ax = plots.errors(evaluation)
    draw(ax)
    shown = ax.images[0].get_array()
    rows = [list(evaluation.registrations).index(name) for name in evaluation.ranked_names]
    numpy.testing.assert_array_equal(shown, evaluation.relative_error[rows])
    assert texts(ax) == [f"{value:.2f}" for value in evaluation.relative_error[rows].ravel()]
    labels = [label.get_text() for label in ax.get_xticklabels()]
    assert [label.split("\n")[0] for label in labels] == ["Ca", "Fe"]
    assert all("weight" in label for label in labels)


def test_errors_say_which_stacks_are_silent_and_where_a_registration_comes_from():
    evaluation = replace(evaluate(registrations={"Ca": STILL, "Fe": MOTION}), silent_stacks=("Ca",))
    ax = plots.errors(evaluation)
    assert ax.get_xticklabels()[0].get_text() == "Ca\nsilent"
    dotted = [patch for patch in ax.patches if patch.get_linestyle() == ":"]
    centers = [tuple(map(round, patch.get_center())) for patch in dotted]
    assert centers == [(1, 0), (0, 1)]  # Fe is first in the ranking and second of the stacks


def test_errors_that_are_not_known_are_hatched():
    evaluation = evaluate(registrations={"Ca": STILL, "Fe": MOTION}, evaluate_on="own")
    ax = plots.errors(evaluation)
    draw(ax)
    numpy.testing.assert_array_equal(ax.images[0].get_array().mask, [[True, False], [False, True]])
    assert len(texts(ax)) == 2
    assert ax.patch.get_hatch()


def test_errors_of_one_registration_are_those_of_its_images(evaluation):
    ax = plots.errors(replace(evaluation, bad_images={"Fe": (2, 3)}), "half")
    draw(ax)
    shown = ax.images[0].get_array()
    numpy.testing.assert_array_equal(shown[:, 1:], evaluation.relative_error_per_image[2, :, 1:])
    assert shown.mask[:, 0].all()  # the reference image
    crosses = [tuple(map(int, xy)) for line in ax.lines for xy in line.get_xydata()]
    assert crosses == [(2, 1), (3, 1)]
    with pytest.raises(ValueError, match="no registration 'haff': did you mean 'half'"):
        plots.errors(evaluation, "haff")


def test_the_motion_is_the_way_of_the_image_center(evaluation):
    axes = plots.motion(evaluation, STACKS, REGISTRATIONS)
    draw(axes[0])
    assert len(axes) == 2  # nothing rotates
    best = [ax.lines[0].get_ydata() for ax in axes]
    # Passive shifts take a pixel from p + motion, so the image moves by -motion.
    numpy.testing.assert_allclose(best, -numpy.transpose(MOTION), atol=1e-9)
    legend = [text.get_text() for text in axes[1].get_legend().get_texts()]
    assert legend == ["right (best)", "half", "still"]


def test_the_convention_is_that_of_the_evaluation():
    """Active shifts in (x, y) order are the negative passive ones."""
    given = {name: [(-c, -r) for r, c in each] for name, each in REGISTRATIONS.items()}
    evaluation = evaluate(registrations=given, convention={"right": "opencv", "half": "active xy"})
    axes = plots.motion(evaluation, STACKS, given)
    best = [ax.lines[0].get_ydata() for ax in axes]
    numpy.testing.assert_allclose(best, -numpy.transpose(MOTION), atol=1e-9)


def test_the_motion_shows_rotations_and_gaps(failed):
    evaluation, registrations = failed
    turned = [rotation_matrix(angle, (19.5, 24.5)) for angle in (0, 1, 2, 3, 4)]
    axes = plots.motion(evaluation, STACKS, {**registrations, "right": turned})
    assert len(axes) == 4
    numpy.testing.assert_allclose(abs(axes[2].lines[0].get_ydata()), [0, 1, 2, 3, 4], atol=1e-9)
    assert math.isnan(axes[0].lines[1].get_ydata()[4])
    legend = [text.get_text() for text in axes[1].get_legend().get_texts()]
    assert legend == ["right (best)", "a (4 diverged)", "b (4 diverged)"]


def test_what_leaves_the_plot_of_the_motion_is_named(evaluation):
    far = {**REGISTRATIONS, "still": [*STILL[:-1], (500, 0)]}
    axes = plots.motion(evaluation, STACKS, far)
    low, high = axes[0].get_ylim()
    assert -30 < low < high < 30
    legend = [text.get_text() for text in axes[1].get_legend().get_texts()]
    assert legend[2] == "still (cut off)"


def test_the_motion_of_at_most_twelve_registrations_is_shown():
    registrations = {f"r{n}": [(k * n / 10, 0) for k in range(5)] for n in range(15)}
    evaluation = evaluate(registrations=registrations)
    axes = plots.motion(evaluation, STACKS, registrations)
    assert len(axes[0].lines) == 12
    assert "12 best of 15" in axes[1].get_legend().get_title().get_text()


def test_two_or_four_axes_are_drawn_on_and_three_are_refused(evaluation):
    figure = Figure()
    four = list(figure.subplots(2, 2).flat)
    assert plots.motion(evaluation, STACKS, REGISTRATIONS, ax=four) == four
    numpy.testing.assert_allclose([ax.lines[0].get_ydata() for ax in four[2:]], 0, atol=1e-9)
    two = list(figure.subplots(1, 2))
    assert plots.motion(evaluation, STACKS, REGISTRATIONS, ax=two) == two
    with pytest.raises(ValueError, match="two or four axes, not 3"):
        plots.motion(evaluation, STACKS, REGISTRATIONS, ax=figure.subplots(1, 3))


def test_before_there_are_colored_edges_and_after_there_are_none(evaluation):
    before, after = plots.before_after(evaluation, STACKS, REGISTRATIONS, stack="Ca", image=3)
    draw(after)
    colored, gray = (ax.images[0].get_array().astype(int) for ax in (before, after))
    assert colored.shape == gray.shape == (40, 50, 4)
    # Image 3 shows the scene 5 px further down and to the right.
    numpy.testing.assert_array_equal(
        gray[..., 3], 255 * (numpy.indices((40, 50)) < [[[35]], [[45]]]).all(axis=0)
    )
    valid = gray[gray[..., 3] > 0]
    # Equal pixels are gray but for the limits of two images, which show different parts.
    after_alignment = abs(valid[:, 0] - valid[:, 2]).mean()
    assert after_alignment < 15

    def brightness(image):
        low, high = numpy.percentile(image, (1, 99.5))
        return 255 * numpy.clip((image - low) / (high - low), 0, 1)

    # Red is the reference image and blue the other one.
    difference = brightness(STACKS["Ca"][0]) - brightness(STACKS["Ca"][3])
    numpy.testing.assert_allclose(colored[..., 0] - colored[..., 2], difference, atol=1.01)
    assert abs(difference).mean() > 3 * after_alignment
    assert after.get_title() == "aligned with right"


def test_the_aligned_image_is_that_of_scipy():
    """The scale of brightness is that of the image as measured, 1st to 99.5th percentile."""
    matrix = rotation_matrix(7, (19.5, 24.5))
    image = STACKS["Ca"][0]
    stacks = {"Ca": numpy.stack([image, image])}
    registrations = {"a": [numpy.identity(3), matrix], "b": [numpy.identity(3)] * 2}
    evaluation = evaluate(stacks, registrations)
    _, after = plots.before_after(
        evaluation, stacks, registrations, registration="a", stack="Ca", image=1
    )
    picture = after.images[0].get_array()
    expected = ndimage.affine_transform(
        image, matrix[:2, :2], matrix[:2, 2], order=1, cval=numpy.nan
    )
    low, high = numpy.percentile(image, (1, 99.5))
    blue = 255 * numpy.clip((expected - low) / (high - low), 0, 1)
    valid = (picture[..., 3] > 0) & numpy.isfinite(blue)
    assert valid.mean() > 0.8
    numpy.testing.assert_allclose(picture[valid][:, 2], blue[valid], atol=1)


def test_only_two_images_are_read(evaluation):
    watched = WatchedStackWithShape(5, lambda n: STACKS["Ca"][n], (40, 50), float)
    plots.before_after(evaluation, {"Ca": watched, "Fe": watched}, REGISTRATIONS, image=-1)
    assert watched.read == [0, 4]


def test_without_a_choice_the_worst_image_of_the_stack_with_the_largest_weight_is_shown(evaluation):
    per_image = evaluation.relative_error_per_image.copy()
    per_image[1] = 0
    per_image[1, 1, 1:] = 0.8, 0.9, 0.5, 0.7
    shown = replace(
        evaluation,
        relative_error_per_image=per_image,
        stack_weights=numpy.array([0.2, 0.7]),
        bad_images={"Fe": (2,)},
        failed_images={"right": (1,)},
    )
    before, _ = plots.before_after(shown, STACKS, REGISTRATIONS)
    assert before.get_title() == "Fe as measured"
    labels = [text.get_text() for text in before.get_legend().get_texts()]
    assert labels == ["only in image 0", "only in image 4"]


def test_with_own_scores_the_own_stack_is_shown():
    registrations = {"Ca": STILL, "Fe": MOTION}
    evaluation = evaluate(registrations=registrations, evaluate_on="own")
    before, after = plots.before_after(evaluation, STACKS, registrations)
    assert before.get_title() == "Fe as measured"
    assert after.get_title() == "aligned with Fe"


def test_large_images_are_reduced_by_the_mean_of_what_is_valid():
    images = moving([(0, 0), (3, 0)], (1200, 90))
    images[:, :600, 40:] = numpy.nan
    stacks = {"a": images}
    registrations = {"1": [(0, 0), (3, 0)], "2": [(0, 0), (0, 0)]}
    evaluation = evaluate(stacks, registrations)
    before, _ = plots.before_after(evaluation, stacks, registrations)
    draw(before)
    picture = before.images[0].get_array()
    assert picture.shape == (400, 90, 4)
    assert before.images[0].get_extent() == [-0.5, 89.5, 1199.5, -0.5]
    numpy.testing.assert_array_equal(picture[:, :, 3] == 0, numpy.isnan(images[0, ::3]))


def test_what_does_not_exist_is_named(evaluation):
    with pytest.raises(ValueError, match="no stack 'Cu'"):
        plots.before_after(evaluation, STACKS, REGISTRATIONS, stack="Cu")
    with pytest.raises(ValueError, match="no stack 'Fe'"):
        plots.before_after(evaluation, {"Ca": STACKS["Ca"]}, REGISTRATIONS, stack="Fe")
    with pytest.raises(ValueError, match="no registration 'rigth': did you mean 'right'"):
        plots.before_after(evaluation, STACKS, REGISTRATIONS, registration="rigth")
    with pytest.raises(ValueError, match="no registration 'right'"):
        plots.motion(evaluation, STACKS, {"still": STILL, "half": HALF})
    with pytest.raises(TypeError, match=r"registrations must be a dictionary .*, not list"):
        plots.before_after(evaluation, STACKS, HALF)
    with pytest.raises(IndexError, match="'Ca' has 5 images, there is no image 5"):
        plots.before_after(evaluation, STACKS, REGISTRATIONS, stack="Ca", image=5)
    with pytest.raises(ValueError, match="5 images, but registration 'right' has 4"):
        plots.before_after(evaluation, STACKS, {**REGISTRATIONS, "right": MOTION[:4]})
    with pytest.raises(ValueError, match="need two axes, not 1"):
        plots.before_after(evaluation, STACKS, REGISTRATIONS, ax=[Figure().subplots()])


def test_any_name_can_be_drawn():
    stacks = dict.fromkeys(STRANGE, STACKS["Ca"])
    registrations = dict(zip(STRANGE, (STILL, MOTION, HALF, STILL), strict=True))
    evaluation = evaluate(stacks, registrations)
    ax = plots.scores(evaluation)
    draw(ax)
    labels = [label.get_text().split(". ")[1] for label in ax.get_yticklabels()]
    assert labels[:2] == ["_Ca", labels[1]]
    assert set(labels[2:]) == {"$x_1$", "line�break"}
    assert len(labels[1]) == 28
    assert labels[1].startswith('<b>&"long')
    draw(plots.errors(evaluation))
    draw(plots.errors(evaluation, STRANGE[0]))
    axes = plots.motion(evaluation, stacks, registrations)
    draw(axes[0])
    legend = [text.get_text() for text in axes[1].get_legend().get_texts()]
    assert legend[0] == "_Ca (best)"
    draw(plots.before_after(evaluation, stacks, registrations)[0])


@pytest.mark.parametrize("number", [1, 2, 200])
def test_any_number_of_images(number):
    motion = [(n % 5, 0) for n in range(number)]
    stacks = {"a": moving(motion, (20, 20)), "b": moving(motion, (20, 20), seed=1)}
    registrations = {"a": motion, "b": [(0, 0)] * number}
    if number == 1:
        with pytest.warns(RuntimeWarning, match="one image"):
            evaluation = evaluate(stacks, registrations)
    else:
        evaluation = evaluate(stacks, registrations)
    draw(plots.scores(evaluation))
    draw(plots.errors(evaluation))
    draw(plots.errors(evaluation, "a"))
    draw(plots.motion(evaluation, stacks, registrations)[0])
    draw(plots.before_after(evaluation, stacks, registrations)[0])


def test_given_axes_are_drawn_on_and_pyplot_is_left_alone(evaluation):
    figure = Figure()
    top, bottom = figure.subplots(2, 2)
    assert plots.scores(evaluation, ax=top[0]) is top[0]
    assert plots.errors(evaluation, ax=top[1]) is top[1]
    assert plots.before_after(evaluation, STACKS, REGISTRATIONS, ax=bottom) == list(bottom)
    assert pyplot.get_fignums() == []
    plots.scores(evaluation)
    assert len(pyplot.get_fignums()) == 1


def test_without_matplotlib_it_says_what_to_install():
    program = (
        "import sys; sys.modules['matplotlib'] = None\n"
        "import ewoksndreg\n"
        "try:\n    ewoksndreg.plots\n"
        "except ModuleNotFoundError as error:\n    print(error, error.name)"
    )
    told = 'The plots need matplotlib: pip install ".[plots]" in the folder of the sources'
    assert run_python("-c", program).stdout == f"{told} matplotlib\n"


def test_an_image_that_cannot_be_transformed_is_named(evaluation):
    class Broken(Homography):
        def apply_data(self, image, **options):
            raise ValueError("no memory")

    broken = [Broken(shift_matrix(0, 0))] * 5
    with pytest.raises(ValueError, match="Stack 'Ca', image 0: no memory"):
        plots.before_after(evaluation, STACKS, {**REGISTRATIONS, "right": broken}, stack="Ca")
