"""Where an aligned image says that no pixel is missing, none is; and it is that of scipy."""

import numpy
import pytest
from scipy import ndimage

from ewoksndreg import _opencv
from ewoksndreg.evaluation import alignment
from ewoksndreg.evaluation.alignment import aligned_image
from ewoksndreg.evaluation.image import Image
from ewoksndreg.transformation import Homography
from ewoksndreg.transformation import affine
from ewoksndreg.transformation.part import Part

from ..conftest import rotation_matrix
from ..conftest import smooth_image

SHAPE = (60, 80)


def sheared(amount):
    """Each row comes from another place, and nothing is lost in the middle."""
    return numpy.array([[1, 0, 0], [amount, 1, -30 * amount], [0, 0, 1]])


def rotations_and_shears():
    rng = numpy.random.default_rng(0)
    for _ in range(150):
        turn = rotation_matrix(rng.uniform(-180, 180), tuple(rng.uniform(0, 60, size=2)))
        yield turn @ sheared(rng.uniform(-3, 3))


@pytest.mark.parametrize("fast", [False, True])
# Pixels of a part: from one row to half of the image.
@pytest.mark.parametrize("size", [80, 400, 2400])
def test_where_it_says_that_all_pixels_are_there_they_are(size, fast, monkeypatch):
    monkeypatch.setattr(affine, "_SLAB_SIZE", size)
    monkeypatch.setattr(affine, "_FAST_SLAB_SIZE", size)
    if not fast:
        monkeypatch.setattr(_opencv, "_opencv", lambda: None)
    pixels = smooth_image(1, SHAPE).astype(numpy.float32)
    image = Image.of(pixels, complete=True)
    said = 0
    for matrix in rotations_and_shears():
        aligned = aligned_image(image, Homography(matrix))
        inside = aligned.pixels[numpy.ix_(aligned.rows, aligned.columns)]
        assert numpy.isfinite(inside).all()
        said += inside.size > 0
        expected = ndimage.affine_transform(pixels.astype(float), matrix, order=1, cval=numpy.nan)
        numpy.testing.assert_array_equal(numpy.isfinite(aligned.pixels), numpy.isfinite(expected))
        numpy.testing.assert_allclose(aligned.pixels, expected, atol=1e-4)
    assert said > 10


def test_a_small_motion_leaves_almost_all_pixels_in_one_rectangle():
    image = Image.of(smooth_image(1, SHAPE).astype(numpy.float32), complete=True)
    aligned = aligned_image(image, Homography(rotation_matrix(0.5, (30, 40))))
    assert len(aligned.rows) * len(aligned.columns) > 0.9 * image.pixels.size


def test_the_identity_takes_no_memory():
    image = Image.of(smooth_image(1, SHAPE).astype(numpy.float32), complete=True)
    assert aligned_image(image, Homography(numpy.identity(3))) is image


def test_a_part_with_few_complete_columns_between_others_counts(monkeypatch):
    """Parts of two rows, of which the middle one misses pixels at the right."""
    part = numpy.ones((2, 10), dtype=numpy.float32)
    holed = part.copy()
    holed[:, 4:] = numpy.nan
    everything = range(10)
    parts = [
        Part(range(0, 2), everything, part, everything),
        Part(range(2, 4), everything, holed, range(4)),
        Part(range(4, 6), everything, part, everything),
    ]
    monkeypatch.setattr(alignment, "aligned_parts", lambda *_: iter(parts))
    image = Image.of(numpy.ones((6, 10), dtype=numpy.float32), complete=True)
    aligned = aligned_image(image, Homography(rotation_matrix(5, (3, 5))))
    assert numpy.isfinite(aligned.pixels[numpy.ix_(aligned.rows, aligned.columns)]).all()
    assert (aligned.rows, aligned.columns) == (range(6), range(4))
