"""Register an image by matching features."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy
from numpy.typing import NDArray
from scipy import ndimage

from .._pixels import fill_invalid
from .._typing import FloatImage
from .._typing import Matrix
from ..kernels import Prepared
from ..transformation import TransformationType
from ._result import Alignment
from ._result import Features
from ._result import Points

# For ORB; SIFT finds as many as there are.
_NUMBER_OF_FEATURES = 500

# The ratio test: the distance of a match relative to that of the second-best one.
_LARGEST_RATIO = {"sift": 0.8, "orb": 0.9}

# px: pairs of points with residuals below this support a transformation.
_TOLERANCE = 2.0
_MOST_TRIALS = 1000
_CONFIDENCE = 0.999

# The number of supporting pairs, beyond those that define the transformation.
_MORE_THAN_NEEDED = 4


class FeatureMethod:
    """Aligns images with a reference image by features.

    :param method: `"sift"` or `"orb"`.
    :raises ModuleNotFoundError: if scikit-image is not installed; says how to install it.
    """

    def __init__(
        self, reference: Prepared, transformation_type: TransformationType, method: str
    ) -> None:
        self._detect = load_detector(method)
        self._largest_ratio = _LARGEST_RATIO[method]
        self._type = transformation_type
        self._features = self._detect(reference.pixels)
        self.reference = Alignment(numpy.identity(3), self._features)

    def __call__(self, images: Sequence[Prepared], start: Matrix | None = None) -> Alignment:
        features = self._detect(images[0].pixels)
        matches = self._match(features)
        fitted = fit_robustly(matches[0].coordinates, matches[1].coordinates, self._type)
        return Alignment(fitted, features, matches)

    def _match(self, features: Features) -> tuple[Features, Features]:
        from skimage.feature import match_descriptors

        pairs = numpy.empty((0, 2), dtype=int)
        if min(len(self._features), len(features)) > 1:
            match: Any = match_descriptors
            pairs = match(
                self._features.descriptors,
                features.descriptors,
                cross_check=True,
                max_ratio=self._largest_ratio,
            )
        return self._features[pairs[:, 0]], features[pairs[:, 1]]


def load_detector(method: str) -> Callable[[FloatImage], Features]:
    """:raises ModuleNotFoundError: if scikit-image is not installed."""
    try:
        from skimage.feature import ORB
        from skimage.feature import SIFT
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f'The method {method!r} needs scikit-image: pip install ".[register]" in the folder of'
            " the sources",
            name=error.name,
        ) from error

    sift: Any = SIFT  # without types
    orb: Any = ORB

    def detect(pixels: FloatImage) -> Features:
        # The thresholds of both detectors are meant for images with a range of about 1.
        detector = sift() if method == "sift" else orb(n_keypoints=_NUMBER_OF_FEATURES)
        valid = numpy.isfinite(pixels)
        try:
            detector.detect_and_extract(fill_invalid(pixels).astype(numpy.float64))
        except RuntimeError:  # no features
            return Features(numpy.empty((2, 0)), numpy.empty((0, 1), dtype=bool))
        points = numpy.asarray(detector.keypoints, dtype=numpy.float64).T
        # Invalid pixels do not move with the sample.
        nearest = tuple(numpy.round(points).astype(int))
        kept = ndimage.binary_erosion(valid, iterations=2, border_value=1)[nearest]
        return Features(points, detector.descriptors)[numpy.flatnonzero(kept)]

    return detect


def fit_robustly(
    reference: Points, points: Points, transformation_type: TransformationType
) -> Matrix | None:
    """Find the transformation that most pairs of points support within 2 px (RANSAC), and fit it to
    these pairs.

    :param reference: points of the reference image, shape `(2, M)`.
    :param points: the matching points of the image.
    :returns: passive matrix, ``points = matrix reference``; None if too few pairs support any. The
        result is reproducible.
    """
    needed, fit = _FITS[transformation_type]
    number = reference.shape[1]
    if number < needed + _MORE_THAN_NEEDED:
        return None
    rng = numpy.random.default_rng(0)
    best = numpy.zeros(number, dtype=bool)
    trials = float(_MOST_TRIALS)
    trial = 0
    while trial < min(trials, _MOST_TRIALS):
        trial += 1
        some = rng.choice(number, needed, replace=False)
        support = _find_support(fit(reference[:, some], points[:, some]), reference, points)
        if support.sum() > best.sum():
            best = support
            # Enough samples that very likely one of them has no wrong pair
            chance = support.mean() ** needed
            trials = numpy.log(1 - _CONFIDENCE) / numpy.log1p(-min(chance, 1 - 1e-9))
    for _ in range(3):
        if best.sum() < needed + _MORE_THAN_NEEDED:
            return None
        matrix = fit(reference[:, best], points[:, best])
        best = _find_support(matrix, reference, points)
    return matrix


def _find_support(matrix: Matrix, reference: Points, points: Points) -> NDArray[numpy.bool_]:
    with numpy.errstate(all="ignore"):
        moved = matrix[:, :2] @ reference + matrix[:, 2:]
        distance = numpy.hypot(*(moved[:2] / moved[2] - points))
    return numpy.asarray(distance < _TOLERANCE)


def _fit_translation(reference: Points, points: Points) -> Matrix:
    matrix = numpy.identity(3)
    matrix[:2, 2] = (points - reference).mean(axis=1)
    return matrix


def _fit_similarity(reference: Points, points: Points, scaled: bool = True) -> Matrix:
    """Fit by least squares, with rotation and scale as one complex number."""
    centers = reference.mean(axis=1), points.mean(axis=1)
    (a, b), (c, d) = reference - centers[0][:, None], points - centers[1][:, None]
    factor = numpy.sum((a - 1j * b) * (c + 1j * d))
    size = numpy.sum(a**2 + b**2) if scaled else abs(factor)
    factor = factor / size if size > 0 else 1.0
    matrix = numpy.identity(3)
    matrix[:2, :2] = [[factor.real, -factor.imag], [factor.imag, factor.real]]
    matrix[:2, 2] = centers[1] - matrix[:2, :2] @ centers[0]
    return matrix


def _fit_affine(reference: Points, points: Points) -> Matrix:
    homogeneous = numpy.vstack([reference, numpy.ones(reference.shape[1])])
    matrix = numpy.identity(3)
    matrix[:2] = numpy.linalg.lstsq(homogeneous.T, points.T, rcond=None)[0].T
    return matrix


def _fit_projective(reference: Points, points: Points) -> Matrix:
    """Fit with the direct linear transformation (Hartley and Zisserman, Multiple View Geometry,
    4.1), in coordinates relative to the centroid of the points, in units of their spread."""
    to_unit = [_to_unit(each) for each in (reference, points)]
    (a, b), (c, d) = (
        (matrix[:2, :2] @ each + matrix[:2, 2:])
        for matrix, each in zip(to_unit, (reference, points), strict=True)
    )
    zero, one = numpy.zeros_like(a), numpy.ones_like(a)
    equations = numpy.hstack(
        [
            [a, b, one, zero, zero, zero, -c * a, -c * b, -c],
            [zero, zero, zero, a, b, one, -d * a, -d * b, -d],
        ]
    ).T
    solution = numpy.linalg.svd(equations)[2][-1].reshape(3, 3)
    matrix = numpy.linalg.inv(to_unit[1]) @ solution @ to_unit[0]
    with numpy.errstate(all="ignore"):  # collinear points give singular matrices
        return numpy.asarray(matrix / matrix[2, 2])


def _to_unit(points: Points) -> Matrix:
    center, spread = points.mean(axis=1), points.std() + 1e-9
    scaled = numpy.array([[1, 0, -center[0]], [0, 1, -center[1]], [0, 0, spread]])
    return numpy.asarray(scaled / spread)


# For each type, the number of pairs that define it and the function that fits it.
_FITS: dict[TransformationType, tuple[int, Callable[[Points, Points], Matrix]]] = {
    TransformationType.translation: (1, _fit_translation),
    TransformationType.rigid: (2, partial(_fit_similarity, scaled=False)),
    TransformationType.similarity: (2, _fit_similarity),
    TransformationType.affine: (3, _fit_affine),
    TransformationType.projective: (4, _fit_projective),
}
