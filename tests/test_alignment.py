"""`align_stacks` against scipy, and its rectangle against trying all of them."""

import os
import pickle
import threading
import tracemalloc
import warnings
import weakref
from concurrent.futures import CancelledError
from concurrent.futures import ThreadPoolExecutor

import h5py
import numpy
import pytest
from scipy import ndimage

from ewoksndreg import align_stacks
from ewoksndreg import as_transformations
from ewoksndreg import evaluate_stacks
from ewoksndreg import open_stacks
from ewoksndreg.workers import processes

from .conftest import Foreign
from .conftest import parametrize_sample
from .conftest import rotation_matrix
from .conftest import shift_matrix
from .worker_stacks import LocalStack
from .worker_stacks import SlowStack
from .worker_stacks import UnreadableStack

MATRICES = {
    "shift by integers": shift_matrix(2, -3),
    "shift": shift_matrix(1.3, -2.4),
    "rotation": rotation_matrix(7, (9, 12)),
    "affine": numpy.array([[1.02, 0.05, -1.2345], [-0.03, 0.97, 0.8123], [0, 0, 1]]),
}
PIXELS = {
    "bool": "float32",
    "uint8": "float32",
    ">i2": "float32",
    "float16": "float32",
    "float32": "float32",
    "int32": "float64",
    "uint64": "float64",
    ">f8": "float64",
}


def images_of(dtype, number=3, shape=(20, 26), seed=0):
    return (numpy.random.default_rng(seed).random((number, *shape)) * 200).astype(dtype)


def resampled(images, matrices, order):
    """By scipy, in float64."""
    return numpy.stack(
        [
            ndimage.affine_transform(
                image.astype(float), matrix, order=order, mode="constant", cval=numpy.nan
            )
            for image, matrix in zip(images, matrices, strict=True)
        ]
    )


@pytest.mark.parametrize("order", range(6))
@pytest.mark.parametrize("matrix", MATRICES.values(), ids=MATRICES)
def test_every_order_is_what_scipy_makes_of_it(matrix, order):
    images = images_of("float64")
    matrices = [numpy.identity(3), matrix, numpy.linalg.inv(matrix)]
    aligned = align_stacks({"Ca": images}, matrices, interpolation_order=order)["Ca"]
    numpy.testing.assert_allclose(aligned, resampled(images, matrices, order), atol=1e-9)


@pytest.mark.parametrize("order", range(6))
def test_every_order_holds_for_projective_matrices(order):
    image = images_of("float64")[0]
    matrix = numpy.array([[1.1, 0.02, 0.7], [-0.03, 0.95, 0.4], [1e-3, -2e-3, 1]])
    aligned = align_stacks({"Ca": [image]}, [matrix], interpolation_order=order)["Ca"]
    y, x, w = numpy.tensordot(matrix, [*numpy.indices(image.shape), numpy.ones(image.shape)], 1)
    expected = ndimage.map_coordinates(image, [y / w, x / w], order=order, cval=numpy.nan)
    assert 0.05 < numpy.isnan(expected).mean() < 0.5
    numpy.testing.assert_allclose(aligned[0], expected, atol=1e-9)


@pytest.mark.parametrize("dtype", PIXELS)
@pytest.mark.parametrize("order", [0, 1, 3])
def test_every_type_of_pixels_becomes_floating_and_keeps_its_values(dtype, order):
    images = images_of(dtype)
    matrices = [MATRICES["rotation"], numpy.identity(3), MATRICES["shift"]]
    aligned = align_stacks({"Ca": images}, matrices, interpolation_order=order)["Ca"]
    assert aligned.dtype == aligned[0].dtype == PIXELS[dtype]
    expected = resampled(images, matrices, order)
    numpy.testing.assert_allclose(aligned, expected, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("order", range(6))
def test_an_invalid_pixel_spoils_what_linear_interpolation_makes_of_it_and_no_more(order):
    images = images_of("float32")
    images[1, 8, 9], images[1, 3, 3] = numpy.nan, numpy.inf
    aligned = align_stacks({"Ca": images}, [MATRICES["shift"]] * 3, interpolation_order=order)
    outside = numpy.isnan(resampled(images_of("float32"), [MATRICES["shift"]] * 3, 1)[1])
    spoiled = numpy.isnan(aligned["Ca"][1]) & ~outside
    assert spoiled.sum() == (2 if order == 0 else 8)


def test_one_registration_serves_all_stacks_or_each_has_its_own(tmp_path):
    stacks = {"Ca": images_of("u2"), "Fe": images_of("f4", seed=1)}
    shifts = {"Fe": [(0, 0), (1, 0), (0, 2)], "Ca": [(0, 0), (-2, 1), (3, 3)]}
    own = align_stacks(stacks, shifts)
    one = align_stacks(stacks, shifts["Fe"])
    with h5py.File(tmp_path / "shifts.h5", "w") as file:
        file["Fe"] = numpy.array(shifts["Fe"], dtype=float)
    in_file = align_stacks(stacks, f"{tmp_path}/shifts.h5::/Fe")
    others = {"Ca": [(-row, -column) for row, column in shifts["Ca"]], "Fe": shifts["Fe"]}
    by_name = align_stacks(stacks, others, convention={"Ca": "active"})
    backwards = [(-column, -row) for row, column in shifts["Fe"]]
    for_all = align_stacks(stacks, backwards, convention="active xy")
    for name, images in stacks.items():
        matrices = {key: [shift_matrix(*each) for each in value] for key, value in shifts.items()}
        numpy.testing.assert_array_equal(own[name], resampled(images, matrices[name], 1))
        numpy.testing.assert_array_equal(one[name], resampled(images, matrices["Fe"], 1))
        numpy.testing.assert_array_equal(in_file[name], one[name])
        numpy.testing.assert_array_equal(by_name[name], own[name])
        numpy.testing.assert_array_equal(for_all[name], one[name])


# Lazy stacks


def test_a_lazy_stack_is_a_sequence_of_images(tmp_path):
    images = images_of("f4", number=5)
    with h5py.File(tmp_path / "maps.h5", "w") as file:
        file["/entry/Ca"] = images
    shifts = [(n, -n) for n in range(5)]
    expected = resampled(images, [shift_matrix(*each) for each in shifts], 1)
    stack = align_stacks(f"{tmp_path}/maps.h5::/entry", shifts)["Ca"]
    assert (len(stack), stack.shape, stack.offset) == (5, (5, 20, 26), (0, 0))
    numpy.testing.assert_array_equal(stack[-1], expected[-1])
    numpy.testing.assert_array_equal(stack[1:4], expected[1:4])
    numpy.testing.assert_array_equal(stack[::-2][1], expected[2])
    numpy.testing.assert_array_equal(pickle.loads(pickle.dumps(stack))[3], expected[3])  # noqa: S301
    assert numpy.asarray(stack, dtype="f8").dtype == "f8"
    with pytest.raises(IndexError):
        stack[5]
    # The file is not open any more.
    with h5py.File(tmp_path / "maps.h5", "a") as file:
        file["other"] = 1


@pytest.mark.parametrize("form", ["a.h5::/maps", {"a": ["a.h5::/maps/a&slice=:2", "2.edf"]}])
def test_lazy_stacks_do_not_depend_on_the_current_folder(tmp_path, monkeypatch, caplog, form):
    images = images_of("f4")
    monkeypatch.chdir(tmp_path)
    with h5py.File("a.h5", "w") as file:
        file["maps/a"], file["maps/energy"] = images, numpy.arange(3)
    edf = pytest.importorskip("fabio").edfimage
    edf.EdfImage(data=images[2]).write("2.edf")
    aligned = align_stacks(form, numpy.zeros((3, 2)))["a"]
    assert len(caplog.messages) == isinstance(form, str)  # a group is listed once
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    numpy.testing.assert_array_equal(aligned, images)


def test_lazy_stacks_are_stacks_for_everything_else():
    images = images_of("f8", number=4, shape=(40, 40))
    moved = numpy.stack([ndimage.shift(image, (0, 0), order=1) for image in images])
    aligned = align_stacks({"Ca": moved}, [(0, 0)] * 4)
    with pytest.warns(RuntimeWarning, match="No registration is better than none"):
        result = evaluate_stacks(aligned, {"Ca": [(0, 0)] * 4, "other": [(9, 9)] * 4})
    assert set(result.ranked_names) == {"Ca", "other"}
    with open_stacks(aligned) as stacks:
        numpy.testing.assert_array_equal(stacks["Ca"], images)
    again = align_stacks(aligned, [(1, 0)] * 4)["Ca"]
    numpy.testing.assert_array_equal(again, resampled(images, [shift_matrix(1, 0)] * 4, 1))


def test_without_output_nothing_is_read_before_it_is_asked_for():
    class Read(SlowStack):
        def __getitem__(self, index):
            read.append(index)
            return numpy.zeros((5, 6), dtype="u2")

    read = []
    stack = align_stacks({"Ca": Read(".", 9, 0)}, [(0, 0)] * 9, crop=True)["Ca"]
    assert set(read) <= {0}
    stack[4]
    assert read[-1] == 4


# Cropping


def largest_area(mask):
    """Of an axis-aligned rectangle within a mask: all of them are tried."""
    sums = numpy.pad(mask.astype(int), ((1, 0), (1, 0))).cumsum(0).cumsum(1)
    height, width = mask.shape
    best = 0
    for top in range(height):
        for bottom in range(top + 1, height + 1):
            inside = sums[bottom] - sums[top]
            for left in range(width):
                areas = inside[left + 1 :] - inside[left]
                full = areas == (bottom - top) * numpy.arange(1, width - left + 1)
                best = max(best, int(areas[full].max(initial=0)))
    return best


def random_matrices(kind, seed, number=4):
    rng = numpy.random.default_rng(seed)
    matrices = []
    for _ in range(number):
        matrix = shift_matrix(*rng.uniform(-3, 3, 2))
        if kind != "shifts":
            matrix = matrix @ rotation_matrix(rng.uniform(-20, 20), (9, 12))
        if kind in ("affine", "projective"):
            matrix[:2, :2] @= numpy.identity(2) + rng.uniform(-0.1, 0.1, (2, 2))
        if kind == "projective":
            matrix[2, :2] = rng.uniform(-3e-3, 3e-3, 2)
        matrices.append(matrix)
    return matrices


def seen(matrix, valid, shape=(20, 26)):
    """Pixels of the aligned image whose sources lie in some rows and columns, by the definition."""
    grid = numpy.stack([*numpy.indices(shape), numpy.ones(shape)])
    y, x, w = numpy.tensordot(matrix, grid, 1)
    (top, bottom), (left, right) = valid
    y, x = y / w, x / w
    return (y >= top) & (y <= bottom - 1) & (x >= left) & (x <= right - 1)


@pytest.mark.parametrize("foreign", [False, True])
@pytest.mark.parametrize("kind", ["shifts", "rotations", "affine", "projective"])
@pytest.mark.parametrize("seed", range(4))
def test_the_rectangle_is_the_largest_that_all_images_of_all_stacks_show(kind, seed, foreign):
    from ewoksndreg import Homography

    matrices = random_matrices(kind, seed)
    stacks = {"Ca": images_of("u2", number=4), "Fe": images_of("f4", number=4)}
    stacks["Fe"][2, :2] = stacks["Fe"][2, :, 25:] = numpy.nan
    stacks["Fe"][0, 9, 9] = numpy.nan  # inside the sample
    transformations = [Homography(matrix) for matrix in matrices]
    if foreign:
        transformations = [Foreign(each) for each in transformations]
    aligned = align_stacks(stacks, transformations, crop=True)
    frame, valid = ((0, 20), (0, 26)), ((2, 20), (0, 25))
    common = numpy.logical_and.reduce(
        [seen(matrix, frame) for matrix in matrices] + [seen(matrices[2], valid)]
    )
    _, height, width = aligned["Ca"].shape
    assert aligned["Fe"].shape == aligned["Ca"].shape
    assert height * width == largest_area(common)
    assert numpy.isfinite(aligned["Ca"]).all()
    row, column = aligned["Ca"].offset
    whole = align_stacks(stacks, transformations)
    for name in stacks:
        part = numpy.asarray(whole[name])[:, row : row + height, column : column + width]
        numpy.testing.assert_array_equal(aligned[name], part)


def test_shifts_crop_as_0_5_0_does():
    # Its figure for 128 px (siblings.md, 3.3): 120 x 122.
    images = images_of("f4", shape=(128, 128))
    aligned = align_stacks({"Ca": images}, [(0, 0), (3, -2), (-5, 4)], crop=True)["Ca"]
    assert aligned.shape == (3, 120, 122)
    assert aligned.offset == (5, 2)


def test_borders_count_image_by_image_and_registration_by_registration():
    stacks = {"Ca": images_of("f8"), "Fe": images_of("f8")}
    stacks["Ca"][0, :3] = stacks["Fe"][2, :, :4] = numpy.nan
    own = {"Ca": [(1, 0), (0, 0), (0, 0)], "Fe": [(0, 0), (0, 0), (0, 5)]}
    aligned = align_stacks(stacks, own, crop=True)
    # Ca: rows from 3 - 1, up to 20 - 1. Fe: columns from 0 (4 - 5 is outside), up to 26 - 5.
    assert aligned["Ca"].shape == aligned["Fe"].shape == (3, 17, 21)
    assert aligned["Fe"].offset == (2, 0)
    assert numpy.isfinite(aligned["Ca"]).all()
    assert numpy.isfinite(aligned["Fe"]).all()


def test_matrices_with_rounding_errors_crop_like_exact_ones():
    images = images_of("f8")
    images[1, :2] = numpy.nan
    noise = 1e-14 * numpy.random.default_rng(0).normal(size=(3, 3, 3))
    noise[:, 2, 2] = 0
    exact = [numpy.identity(3), shift_matrix(2, 0), shift_matrix(0, -4)]
    shapes = {
        align_stacks({"Ca": images}, matrices, crop=True)["Ca"].shape
        for matrices in (exact, exact + noise)
    }
    assert shapes == {(3, 18, 22)}


@pytest.mark.parametrize("failed", [numpy.full((3, 3), numpy.nan), numpy.zeros((3, 3))])
def test_images_without_a_transformation_count_for_nothing_and_are_named_once(failed):
    stacks = {"Ca": images_of("f8", number=5), "Fe": images_of("f8", number=5)}
    stacks["Ca"][1] = numpy.nan
    matrices = numpy.array([shift_matrix(n, 0) for n in range(5)])
    matrices[[1, 3]] = failed
    with pytest.warns(RuntimeWarning) as caught:
        aligned = align_stacks(stacks, matrices, crop=True)
    assert [str(warning.message) for warning in caught] == [
        "Images without a transformation (NaN or singular) are NaN in the aligned stacks:"
        " images 1 and 3 of stack 'Ca', images 1 and 3 of stack 'Fe'"
    ]
    assert aligned["Fe"].shape == (5, 16, 26)
    assert numpy.isnan(aligned["Fe"][3]).all()
    assert numpy.isfinite(aligned["Fe"][4]).all()


def test_images_that_cannot_be_read_do_not_matter_without_a_transformation(tmp_path):
    stack = UnreadableStack(tmp_path, 4, 0)
    with pytest.warns(RuntimeWarning, match="image 3 of stack 'Ca'"):
        aligned = align_stacks({"Ca": stack}, [*[(0, 0)] * 3, (numpy.nan, 0)])["Ca"]
    assert numpy.isnan(aligned[3]).all()


@pytest.mark.parametrize("dtype", ["u2", "f4"])
@pytest.mark.parametrize("shift", [(0, 26), (-20, 0), (1e30, 0)])
def test_when_nothing_is_left_the_image_that_leaves_nothing_is_named(dtype, shift):
    stacks = {"Ca": images_of("f4"), "Fe": images_of(dtype)}
    registrations = {"Ca": [(0, 0)] * 3, "Fe": [(0, 0), (1, 1), shift]}
    with pytest.raises(ValueError, match=r"image 2 of stack 'Fe' covers 0 of the 520 px") as info:
        align_stacks(stacks, registrations, crop=True)
    assert "\n" not in str(info.value)


def test_two_images_that_share_nothing_are_told_too():
    with pytest.raises(ValueError, match=r"image 2 of stack 'Ca' covers 182 of the 520 px"):
        align_stacks({"Ca": images_of("f4")}, [(0, 0), (12, 0), (-13, 0)], crop=True)


def test_an_image_without_valid_pixels_leaves_nothing():
    images = images_of("f4")
    images[1] = numpy.nan
    with pytest.raises(ValueError, match=r"image 1 of stack 'Ca' covers 0 of the 520 px"):
        align_stacks({"Ca": images}, [(0, 0)] * 3, crop=True)


def test_when_no_image_has_a_transformation_the_frame_stays():
    with pytest.warns(RuntimeWarning, match="images 0 to 2 of stack 'Ca'$"):
        aligned = align_stacks({"Ca": images_of("f4")}, numpy.full((3, 2), numpy.nan), crop=True)
    assert aligned["Ca"].shape == (3, 20, 26)
    assert numpy.isnan(aligned["Ca"]).all()


# Saving


def read(urls):
    with open_stacks(urls) as stacks:
        return {name: numpy.stack(list(stack)) for name, stack in stacks.items()}


@pytest.mark.parametrize("max_workers", [0, 3])
@pytest.mark.parametrize("crop", [False, True])
def test_what_is_saved_is_what_the_lazy_stacks_give(tmp_path, crop, max_workers):
    stacks = {"Ca": images_of("u1", number=12), "Fe": images_of("f8", number=12)}
    shifts = numpy.random.default_rng(0).uniform(-3, 3, (12, 2))
    options = {"crop": crop, "interpolation_order": 3}
    lazy = align_stacks(stacks, shifts, **options)
    urls = align_stacks(
        stacks, shifts, f"{tmp_path}/out.h5::/entry/aligned", max_workers=max_workers, **options
    )
    assert list(urls) == list(stacks)
    for name, images in read(urls).items():
        assert images.dtype == lazy[name].dtype
        numpy.testing.assert_array_equal(images, lazy[name])


@pytest.mark.parametrize("start", [ThreadPoolExecutor, processes])
def test_any_executor_does_the_work(tmp_path, start):
    # Pixels go to the workers, not stacks.
    stack, shifts = LocalStack(tmp_path, 40, 0), [(n / 20, 0) for n in range(40)]
    with start(2) as executor:
        urls = align_stacks(
            {"Ca": stack}, shifts, f"{tmp_path}/out.h5::/entry", crop=True, executor=executor
        )
    expected = align_stacks({"Ca": stack}, shifts, crop=True)["Ca"]
    numpy.testing.assert_array_equal(read(urls)["Ca"], expected)


class Deadly(Foreign):
    def apply_data(self, image, *, cval=numpy.nan, interpolation_order=1):
        os._exit(1)


def test_a_worker_that_dies_is_told(tmp_path):
    first = as_transformations([(0, 0)])
    with (
        processes(1) as executor,
        pytest.raises(RuntimeError, match=r"^Stack 'Ca', image \d: a wor"),
    ):
        align_stacks(
            {"Ca": images_of("u2")},
            [*first, Deadly(first[0]), *first],
            f"{tmp_path}/out.h5::/entry",
            executor=executor,
        )
    assert list(tmp_path.iterdir()) == []


def test_progress_goes_from_0_to_1_and_covers_the_look_at_the_borders(tmp_path):
    fractions = []
    stacks = {"Ca": images_of("u2", number=10), "Fe": images_of("f4", number=10)}
    align_stacks(
        stacks,
        [(0, 0)] * 10,
        f"{tmp_path}/out.h5::/entry",
        crop=True,
        progress=fractions.append,
    )
    numpy.testing.assert_allclose(fractions, numpy.arange(1, 31) / 30)


@pytest.mark.parametrize("max_workers", [0, 2])
def test_it_stops_when_asked_to_and_leaves_nothing(tmp_path, max_workers):
    fractions = []
    with pytest.raises(CancelledError, match=r"cancelled after \d of 50 images"):
        align_stacks(
            {"Ca": images_of("u2", number=50)},
            [(0, 0)] * 50,
            f"{tmp_path}/out.h5::/entry",
            max_workers=max_workers,
            progress=fractions.append,
            should_stop=lambda: len(fractions) == 3,
        )
    assert list(tmp_path.iterdir()) == []


@parametrize_sample("crop, max_workers", [False, True], [0, 2], every=3)
def test_few_images_are_in_memory_at_a_time(tmp_path, crop, max_workers):
    alive, most, lock = set(), [], threading.Lock()

    class Counted:
        def __len__(self):
            return 100

        def __getitem__(self, index):
            image = numpy.random.default_rng(index).random((50, 60))
            with lock:
                alive.add(index)
                most.append(len(alive))
            weakref.finalize(image, alive.discard, index)
            return image

    shifts = [(n % 3, 0) for n in range(100)]
    tracemalloc.start()
    align_stacks(
        {"Ca": Counted()},
        shifts,
        f"{tmp_path}/out.h5::/entry",
        crop=crop,
        max_workers=max_workers,
    )
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(most) >= 100
    assert max(most) <= 2 + max_workers
    assert peak < 50 * 50 * 60 * 8  # half of the images


def test_what_exists_is_refused_before_any_image_is_read(tmp_path):
    class Unread(SlowStack):
        def __getitem__(self, index):
            assert index == 0
            return numpy.zeros((3, 3))

    url = f"{tmp_path}/out.h5::/entry"
    align_stacks({"Ca": numpy.zeros((2, 3, 3))}, [(0, 0)] * 2, url)
    with pytest.raises(FileExistsError, match="Ca"):
        align_stacks({"Ca": Unread(".", 2, 0)}, [(0, 0)] * 2, url, crop=True)


# Mistakes


CIRCLE = {}
CIRCLE["circle"] = [CIRCLE]


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        (
            {"configuration": CIRCLE},
            ValueError,
            "configuration cannot be saved: it contains itself",
        ),
        (
            {"convention": {"Ca": "active"}},
            TypeError,
            "One registration for all stacks has one",
        ),
        ({"stacks": {}}, ValueError, "There are no image stacks to align"),
        (
            {"transformations": [(0, 0)] * 2},
            ValueError,
            "Stack 'Ca' has 3 images, but its registration has 2 transformations",
        ),
        (
            {"transformations": {"Ca": [(0, 0)] * 3, "Fee": [(0, 0)] * 3}},
            ValueError,
            "There is no registration for stack 'Fe': did you mean 'Fee'?",
        ),
        (
            {"transformations": dict.fromkeys(["Ca", "Fe", "Zn"], [(0, 0)] * 3)},
            ValueError,
            "There is no stack for the registration 'Zn'. Available: 'Ca', 'Fe'",
        ),
        (
            {"transformations": {"Ca": [(0, 0)] * 3, "Fe": 5}},
            TypeError,
            "Registration 'Fe': expected a sequence",
        ),
        ({"interpolation_order": 6}, ValueError, "an integer from 0 to 5, not 6"),
        ({"interpolation_order": "1"}, ValueError, "an integer from 0 to 5, not '1'"),
        ({"max_workers": -2}, ValueError, "the number of workers must be -1 or more, not -2"),
        (
            {"stacks": {"Ca": images_of("u1"), "Fe": images_of("u1", shape=(9, 9))}, "crop": True},
            ValueError,
            "The images of stack 'Fe' have the shape (9, 9) and those of stack 'Ca' (20, 26)",
        ),
    ],
)
def test_mistakes_are_told(changes, error, message):
    arguments = {
        "stacks": {"Ca": images_of("u1"), "Fe": images_of("u1")},
        "transformations": [(0, 0)] * 3,
        **changes,
    }
    with pytest.raises(error) as caught:
        align_stacks(**arguments)
    assert message in str(caught.value)


@pytest.mark.parametrize("max_workers", [0, 2])
def test_an_error_names_stack_and_image_and_leaves_nothing(tmp_path, max_workers):
    folder = tmp_path / "images"
    folder.mkdir()
    with pytest.raises(OSError, match=r"^Stack 'Ca', image 3: the disk is gone$"):
        align_stacks(
            {"Ca": UnreadableStack(folder, 4, 0)},
            [(0, 0)] * 4,
            f"{tmp_path}/out.h5::/entry",
            max_workers=max_workers,
        )
    assert list(tmp_path.iterdir()) == [folder]
    lazy = align_stacks({"Ca": UnreadableStack(folder, 4, 0)}, [(0, 0)] * 4)["Ca"]
    with pytest.raises(OSError, match=r"^Stack 'Ca', image 3: the disk is gone$"):
        lazy[3]


def test_stacks_of_several_shapes_can_be_aligned_without_cropping():
    stacks = {"Ca": images_of("u1"), "Fe": images_of("u1", shape=(9, 9))}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        aligned = align_stacks(stacks, [(0, 0)] * 3)
    assert aligned["Fe"].shape == (3, 9, 9)
