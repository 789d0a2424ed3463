"""Each convention against the program it is named after.

A real picture is really moved, registered with the program as its users call it, and what it
returns is converted. The expected motion is the one with which the picture was moved; it is known
from the sampling of a larger picture by scipy, which uses none of this library.

The calls are those of the table in doc/explanation/conventions.md.
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy
import pytest
from scipy import ndimage
from scipy import optimize

from ewoksndreg.transformation import as_transformations
from ewoksndreg.transformation._conversion import _CONVENTIONS

from ..conftest import rotation_matrix
from ..conftest import shift_matrix

cv2 = pytest.importorskip("cv2")
pystackreg = pytest.importorskip("pystackreg")
sitk = pytest.importorskip("SimpleITK")
data = pytest.importorskip("skimage.data")
feature = pytest.importorskip("skimage.feature")
measure = pytest.importorskip("skimage.measure")
registration = pytest.importorskip("skimage.registration")
transform = pytest.importorskip("skimage.transform")

TABLE = (Path(__file__).parents[2] / "doc" / "explanation" / "conventions.md").read_text()

SIZE = 192  # px
MARGIN = 24  # px
CORNER = (90, 150)  # of the first image in the picture: the camera and the head

# Where the aligned image takes its pixels from, (row, column): nothing is symmetric, so that no
# other direction and no other order of the axes gives the same.
SHIFT = shift_matrix(7, -3)
RIGID = SHIFT @ rotation_matrix(3, (SIZE / 2, SIZE / 2))
AFFINE = RIGID @ numpy.array([[1.03, 0.02, 0], [-0.01, 0.98, 0], [0, 0, 1]])
PERSPECTIVE = RIGID @ numpy.array([[1, 0, 0], [0, 1, 0], [2e-4, -1e-4, 1]])


def camera(passive):
    """The picture, cut out so that no border is seen: what is at p in the first image is at
    `passive p` here. Both have their own noise."""
    rows, columns = numpy.indices((SIZE, SIZE))
    pixels = numpy.stack([rows.ravel(), columns.ravel(), numpy.ones(SIZE**2)])
    from_first = numpy.linalg.inv(passive) @ pixels
    in_picture = from_first[:2] / from_first[2] + numpy.reshape(CORNER, (2, 1))
    assert in_picture.min() > 0
    assert in_picture.max() < 511
    picture = data.camera().astype(float)
    moved = ndimage.map_coordinates(picture, in_picture, order=3).reshape(SIZE, SIZE)
    noise = numpy.random.default_rng(int(abs(passive[0, 2]))).normal(scale=2, size=moved.shape)
    return numpy.clip(moved + noise, 0, 255).astype(numpy.float32)


def keypoints(first, image):
    """Points (x, y) in the first image and where OpenCV finds them again, some of them wrong."""
    first, image = first.astype(numpy.uint8), image.astype(numpy.uint8)
    points = cv2.goodFeaturesToTrack(first, 300, 0.01, 5)
    image_points, status, _ = cv2.calcOpticalFlowPyrLK(first, image, points, None)
    found = status.ravel() == 1
    assert found.sum() > 100
    return points.reshape(-1, 2)[found], image_points.reshape(-1, 2)[found]


def ransac(model, source, target):
    fitted, inliers = measure.ransac(
        (source, target), model, min_samples=4, residual_threshold=1.5, max_trials=500, rng=0
    )
    assert inliers.sum() > 20
    return fitted


def scipy_affine_transform(first, image):
    """The three numbers of a rigid motion for which `affine_transform` gives the first image."""

    def matrix(parameters):
        return shift_matrix(*parameters[:2]) @ rotation_matrix(parameters[2], (SIZE / 2, SIZE / 2))

    return [matrix(fit(first, image, ndimage.affine_transform, matrix, 3))]


def scipy_shift(first, image):
    """The shift for which `scipy.ndimage.shift` gives the first image."""
    return [fit(first, image, ndimage.shift, lambda parameters: parameters, 2)]


def fit(first, image, resample, argument, parameters):
    inside = (slice(MARGIN, -MARGIN),) * 2
    smooth, other = ndimage.gaussian_filter(first, 3), ndimage.gaussian_filter(image, 3)

    def error(values):
        aligned = resample(other, argument(values), order=1)
        return float(((aligned - smooth)[inside] ** 2).mean())

    found = optimize.minimize(error, numpy.zeros(parameters), method="Powell", tol=1e-3)
    return found.x


def phase_cross_correlation(first, image):
    return [registration.phase_cross_correlation(first, image, upsample_factor=20)[0]]


def xy_keypoints(first, image):
    points, image_points = keypoints(first, image)
    return [ransac(transform.EuclideanTransform, points, image_points)]


def rc_keypoints(first, image):
    points, image_points = keypoints(first, image)
    return [ransac(transform.AffineTransform, points[:, ::-1], image_points[:, ::-1])]


def inverse_xy_keypoints(first, image):
    points, image_points = keypoints(first, image)
    return [ransac(transform.SimilarityTransform, image_points, points)]


def inverse_rc_keypoints(first, image):
    points, image_points = keypoints(first, image)
    return [ransac(transform.EuclideanTransform, image_points[:, ::-1], points[:, ::-1])]


def ecc(motion, rows=2):
    def register(first, image):
        criteria = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 200, 1e-6)
        start = numpy.eye(rows, 3, dtype=numpy.float32)
        return [cv2.findTransformECC(first, image, start, motion, criteria, None, 9)[1]]

    return register


def partial_affine(first, image):
    points, image_points = keypoints(first, image)
    return [cv2.estimateAffinePartial2D(image_points, points)[0]]


def homography(first, image):
    points, image_points = keypoints(first, image)
    return [cv2.findHomography(image_points, points, cv2.RANSAC, 1.5)[0]]


def phase_correlate(first, image):
    window = cv2.createHanningWindow((SIZE, SIZE), cv2.CV_32F)
    return [cv2.phaseCorrelate(first, image, window)[0]]


def register_stack(first, image):
    stack_registration = pystackreg.StackReg(pystackreg.StackReg.AFFINE)
    return stack_registration.register_stack(
        numpy.stack([first, image]), reference="first", suppress_axis_warning=True
    )


def image_registration_method(start):
    def register(first, image):
        first, image = sitk.GetImageFromArray(first), sitk.GetImageFromArray(image)
        method = sitk.ImageRegistrationMethod()
        method.SetMetricAsMeanSquares()
        method.SetInterpolator(sitk.sitkLinear)
        method.SetOptimizerAsRegularStepGradientDescent(1.0, 1e-4, 200)
        method.SetOptimizerScalesFromPhysicalShift()
        method.SetShrinkFactorsPerLevel([4, 2, 1])
        method.SetSmoothingSigmasPerLevel([4, 2, 1])
        centerd = sitk.CenteredTransformInitializer(
            first, image, start, sitk.CenteredTransformInitializerFilter.GEOMETRY
        )
        method.SetInitialTransform(centerd)
        return [method.Execute(first, image)]

    return register


class Row(NamedTuple):
    """A row of the table: what moves the picture, what registers it, what it is called."""

    motion: numpy.ndarray
    register: Callable
    convention: str | None


ROWS = {
    "scipy.ndimage.affine_transform(image, matrix)": Row(RIGID, scipy_affine_transform, "passive"),
    "scipy.ndimage.shift(image, shift)": Row(SHIFT, scipy_shift, "active"),
    "phase_cross_correlation(first, image)[0]": Row(
        SHIFT, phase_cross_correlation, "phase_cross_correlation"
    ),
    "ransac((first_xy, image_xy), model)[0]": Row(RIGID, xy_keypoints, "scikit-image"),
    "ransac((image_xy, first_xy), model)[0]": Row(RIGID, inverse_xy_keypoints, "active xy"),
    "ransac((first_rc, image_rc), model)[0]": Row(AFFINE, rc_keypoints, "passive"),
    "ransac((image_rc, first_rc), model)[0]": Row(RIGID, inverse_rc_keypoints, "active"),
    "findTransformECC(first, image, start, MOTION_AFFINE)[1]": Row(
        AFFINE, ecc(cv2.MOTION_AFFINE), "opencv inverse map"
    ),
    "findTransformECC(first, image, start, MOTION_HOMOGRAPHY)[1]": Row(
        PERSPECTIVE, ecc(cv2.MOTION_HOMOGRAPHY, rows=3), "opencv inverse map"
    ),
    "estimateAffinePartial2D(image_xy, first_xy)[0]": Row(RIGID, partial_affine, "opencv"),
    "findHomography(image_xy, first_xy, RANSAC)[0]": Row(PERSPECTIVE, homography, "opencv"),
    "phaseCorrelate(first, image)[0]": Row(SHIFT, phase_correlate, "passive xy"),
    "StackReg(...).register_stack(stack)": Row(AFFINE, register_stack, "pystackreg"),
    "ImageRegistrationMethod().Execute(first, image)": Row(
        RIGID, image_registration_method(sitk.Euler2DTransform()), "simpleitk"
    ),
}
# What the rows say, with another model.
VARIANTS = {
    "SimpleITK, affine": Row(
        AFFINE, image_registration_method(sitk.AffineTransform(2)), "simpleitk"
    ),
}


def largest_error(found, motion):
    """Largest distance in px, over a grid of points with the corners, between where the pixels
    come from and where they should."""
    rows, columns = numpy.meshgrid(*[numpy.linspace(0, SIZE - 1, 6)] * 2, indexing="ij")
    grid = numpy.stack([rows.ravel(), columns.ravel(), numpy.ones(36)])
    moved, expected = found.passive_matrix @ grid, motion @ grid
    return numpy.hypot(*(moved[:2] / moved[2] - expected[:2] / expected[2])).max()


@pytest.mark.parametrize("row", [*ROWS.values(), *VARIANTS.values()], ids=[*ROWS, *VARIANTS])
def test_what_a_program_finds_is_understood(row):
    first, image = camera(numpy.identity(3)), camera(row.motion)
    found = row.register(first, image)
    result = as_transformations(found, convention=row.convention)[-1]

    error = largest_error(result, row.motion)
    print(f"largest error {error:.3f} px")  # pytest -rP shows it
    assert error < 0.5
    inside = (slice(MARGIN, -MARGIN),) * 2

    def correlation(picture):
        return numpy.corrcoef(first[inside].ravel(), picture[inside].ravel())[0, 1]

    assert correlation(image) < 0.9
    assert correlation(result.apply_data(image)) > 0.95

    # Any other meaning would be noticed.
    for name, rule in _CONVENTIONS.items():
        if rule != _CONVENTIONS[row.convention]:
            other = as_transformations(found, convention=name)[-1]
            assert largest_error(other, row.motion) > 2, name


@pytest.mark.parametrize(
    "call",
    ["ransac((first_xy, image_xy), model)[0]", "ImageRegistrationMethod().Execute(first, image)"],
)
def test_objects_need_no_convention(call):
    row = ROWS[call]
    found = row.register(camera(numpy.identity(3)), camera(row.motion))
    assert largest_error(as_transformations(found)[0], row.motion) < 0.5


def test_scikit_image_warps_with_what_the_matrix_says():
    """`skimage.transform.warp` and `apply_data` give one picture."""
    image = camera(RIGID)
    turn = transform.EuclideanTransform(rotation=0.1, translation=(4, -9))
    (result,) = as_transformations([turn])
    expected = transform.warp(image, turn, order=1, cval=numpy.nan, preserve_range=True)
    valid = numpy.isfinite(expected) & numpy.isfinite(result.apply_data(image))
    assert valid.mean() > 0.75
    numpy.testing.assert_allclose(result.apply_data(image)[valid], expected[valid], atol=0.01)


@pytest.mark.parametrize(
    ("flags", "convention"), [(0, "opencv"), (cv2.WARP_INVERSE_MAP, "opencv inverse map")]
)
@pytest.mark.parametrize("function", ["warpAffine", "warpPerspective"])
def test_opencv_warps_with_what_the_matrix_says(flags, convention, function):
    image = camera(RIGID)
    matrix = RIGID if function == "warpPerspective" else RIGID[:2]
    (result,) = as_transformations([matrix], convention=convention)
    warp = getattr(cv2, function)
    expected = warp(image, matrix, (SIZE, SIZE), flags=cv2.INTER_LINEAR | flags)
    aligned = result.apply_data(image)
    inside = (slice(MARGIN, -MARGIN),) * 2
    # OpenCV interpolates at positions rounded to 1/32 px.
    assert numpy.nanmedian(numpy.abs(aligned - expected)[inside]) < 0.5


def test_simpleitk_resamples_with_what_the_matrix_says():
    image = camera(RIGID)
    turn = sitk.CompositeTransform(
        [
            sitk.TranslationTransform(2, (2.5, -4)),
            sitk.Similarity2DTransform(1.05, 0.1, (3, 2), (90, 80)),
        ]
    )
    (result,) = as_transformations([turn])
    resampled = sitk.Resample(sitk.GetImageFromArray(image), turn, sitk.sitkLinear)
    inside = (slice(2 * MARGIN, -2 * MARGIN),) * 2
    numpy.testing.assert_allclose(
        result.apply_data(image)[inside], sitk.GetArrayFromImage(resampled)[inside], atol=0.01
    )


def test_the_table_of_the_documentation_is_what_is_tested():
    lines = re.findall(r'^\| .* \| `(.*)` \| `"(.*)"` \|$', TABLE, re.MULTILINE)
    rows = dict(lines)
    assert len(lines) == len(rows)
    assert rows == {call: row.convention for call, row in ROWS.items()}
    assert set(rows.values()) == set(_CONVENTIONS)
