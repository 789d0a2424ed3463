"""What a Gauss-Newton step needs, against numpy.gradient, numpy.cov and finite differences."""

import numpy
import pytest
from scipy import ndimage

from ewoksndreg.kernels import Prepared
from ewoksndreg.kernels import resample_linear

from ..conftest import rotation_matrix
from ..conftest import shift_matrix
from ..conftest import smooth_image

SHAPE = (41, 58)
SHIFT = shift_matrix(0.4, -1.3)
TURN = rotation_matrix(2.5, (20, 28)) @ shift_matrix(0.2, 0.6)


def two_images(seed=0):
    a, b = smooth_image(seed, SHAPE), smooth_image(seed + 1, SHAPE)
    return a.astype(numpy.float32), (0.6 * a + 0.4 * b).astype(numpy.float32)


def linearized(a, b, matrix):
    """The documented formulas, whole images in float64."""
    aligned = resample_linear(b.astype(float), matrix)
    a = a.astype(float)
    along_rows, along_columns = numpy.gradient(a)
    for each in (along_rows, along_columns):
        each[[0, -1]] = each[:, [0, -1]] = numpy.nan
    half = max(SHAPE) / 2
    u, v = numpy.meshgrid(*((numpy.arange(n) - (n - 1) / 2) / half for n in SHAPE), indexing="ij")
    f = numpy.stack(
        [along_rows, along_columns]
        + [gradient * place for gradient in (along_rows, along_columns) for place in (u, v)]
    )
    valid = numpy.isfinite(aligned + a + f.sum(axis=0))
    table = numpy.cov(numpy.stack([a[valid], aligned[valid], *f[:, valid]]), bias=True)
    gain = table[0, 1] / table[1, 1]
    right = (gain * table[1, 2:] - table[0, 2:]) / table[0, 0]
    return valid.sum(), numpy.corrcoef(a[valid], aligned[valid])[0, 1], table, right


@pytest.mark.parametrize("invalid", [False, True])
@pytest.mark.parametrize("parameters", [2, 6])
@pytest.mark.parametrize("matrix", [numpy.identity(3), SHIFT, TURN], ids=["same", "shift", "turn"])
def test_the_documented_formulas(matrix, parameters, invalid, kernel):
    a, b = two_images()
    if invalid:
        rng = numpy.random.default_rng(0)
        a[rng.random(SHAPE) < 0.02] = numpy.nan
        b[5:9, 20:40] = numpy.nan
    number, r, table, right = linearized(a, b, matrix)
    found = kernel.linearize(Prepared.of(a), Prepared.of(b), matrix, parameters)
    assert found.number == number
    assert found.r == pytest.approx(r, abs=1e-5)
    normal = table[2 : 2 + parameters, 2 : 2 + parameters] / table[0, 0]
    numpy.testing.assert_allclose(found.normal, normal, rtol=1e-4, atol=1e-6)
    numpy.testing.assert_allclose(found.right, right[:parameters], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("step", numpy.eye(6) * 0.05)
def test_one_step_undoes_a_small_motion(step, kernel):
    """Of a smooth picture that a spline of scipy moves."""
    picture = smooth_image(3, (101, 101), 6).astype(numpy.float32)
    linear = numpy.eye(2) + step[2:].reshape(2, 2) / 50.5
    # The reference image shows at p what the picture shows at p + motion.
    moved = ndimage.affine_transform(
        picture, linear, 50 - linear @ (50, 50) + step[:2], order=5, mode="mirror"
    )
    inner = numpy.full((101, 101), numpy.nan, dtype=numpy.float32)
    inner[10:-10, 10:-10] = moved[10:-10, 10:-10]
    found = kernel.linearize(Prepared.of(picture), Prepared.of(inner), numpy.identity(3), 6)
    solved = numpy.linalg.solve(found.normal, found.right)
    numpy.testing.assert_allclose(solved, step, atol=0.004)


def test_gain_and_offset_make_no_step(kernel):
    a, _ = two_images()
    found = kernel.linearize(Prepared.of(a), Prepared.of(3 - 2 * a), numpy.identity(3), 6)
    assert found.r == pytest.approx(-1)
    numpy.testing.assert_allclose(found.right, 0, atol=1e-6)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (numpy.zeros(SHAPE), numpy.ones(SHAPE)),
        (numpy.full(SHAPE, numpy.nan), two_images()[0]),
        (two_images()[0], numpy.full(SHAPE, 0.3)),
    ],
    ids=["constant", "invalid", "one constant"],
)
def test_nothing_to_compare_is_no_number(a, b, kernel):
    pair = (Prepared.of(each.astype(numpy.float32)) for each in (a, b))
    found = kernel.linearize(*pair, numpy.identity(3), 2)
    assert numpy.isnan(found.r)
    assert not found.normal.any()
    assert not found.right.any()


@pytest.mark.parametrize(
    "matrix",
    [shift_matrix(1e9, 0), numpy.full((3, 3), numpy.nan), shift_matrix(0, 57)],
    ids=["far", "not finite", "one column"],
)
def test_out_of_sight_is_no_number(matrix, kernel):
    a, b = (Prepared.of(each) for each in two_images())
    assert numpy.isnan(kernel.linearize(a, b, matrix, 6).r)


@pytest.mark.parametrize("shape", [(1, 1), (2, 50), (50, 2), (3, 3)])
def test_tiny_images(shape, kernel):
    image = Prepared.of(numpy.random.default_rng(0).random(shape).astype(numpy.float32))
    found = kernel.linearize(image, image, numpy.identity(3), 6)
    assert found.number == max(shape[0] - 2, 0) * max(shape[1] - 2, 0)


def test_rows_longer_than_one_product(kernel):
    rng = numpy.random.default_rng(0)
    image = ndimage.gaussian_filter(rng.random((5, 5000)), 1).astype(numpy.float32)
    found = kernel.linearize(Prepared.of(image), Prepared.of(image), SHIFT, 2)
    assert found.number == 3 * 4998 - 3
