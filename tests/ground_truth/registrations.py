"""Real registration algorithms, as users of scikit-image and pystackreg would call them.

Every function takes N images, shape `(N, H, W)`, and returns N passive matrices in (row, column)
order, shape `(N, 3, 3)`.
"""

import warnings
from collections.abc import Callable
from functools import partial
from typing import Any
from typing import Literal

import numpy
from numpy.typing import NDArray
from pystackreg import StackReg
from scipy import ndimage
from skimage.feature import ORB
from skimage.feature import match_descriptors
from skimage.measure import ransac
from skimage.registration import phase_cross_correlation
from skimage.transform import AffineTransform
from skimage.transform import EuclideanTransform

from ewoksndreg.demo.samples import Motion

Matrices = NDArray[numpy.float64]
Registration = Callable[[NDArray[Any]], Matrices]


def correlation(
    stack: NDArray[Any],
    *,
    upsampling: int = 10,
    normalization: Literal["phase"] | None = None,
    reference: Literal["first", "previous"] = "first",
) -> Matrices:
    """Peak of the cross-correlation, to 1/`upsampling` px."""
    found = [numpy.identity(3)]
    for n in range(1, len(stack)):
        fixed = 0 if reference == "first" else n - 1
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Could not determine RMS error", UserWarning)
            shift, _, _ = phase_cross_correlation(
                stack[fixed],
                stack[n],
                upsample_factor=upsampling,
                normalization=normalization,
            )
        matrix = numpy.identity(3)
        matrix[:2, 2] = -shift
        found.append(matrix @ found[fixed])
    return numpy.stack(found)


def intensity(
    stack: NDArray[Any], *, mode: int, reference: Literal["first", "previous"] = "first"
) -> Matrices:
    """Least squares of the intensities (TurboReg, P. Thevenaz)."""
    # The order of the axes is known: no guess is needed.
    found = StackReg(mode).register_stack(
        stack.astype(numpy.float64), reference=reference, suppress_axis_warning=True
    )
    # From (column, row) to (row, column).
    swap = numpy.array([[0, 1, 0], [1, 0, 0], [0, 0, 1]])
    return numpy.asarray(swap @ found @ swap)


def keypoints(
    stack: NDArray[Any], *, model: type[EuclideanTransform] | type[AffineTransform]
) -> Matrices:
    """ORB features, matched, with RANSAC against wrong matches. An image without matches stays
    where it is."""
    found = [numpy.identity(3)]
    features = [_features(image) for image in stack]
    for current in features[1:]:
        found.append(_match(features[0], current, model))
    return numpy.stack(found)


def _features(image: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]] | None:
    low, high = numpy.percentile(image, (1, 99.5))
    if low == high:
        return None
    scaled = numpy.clip((image.astype(numpy.float64) - low) / (high - low), 0, 1)
    # The sample keeps its size: a few scales are enough.
    detector = ORB(n_keypoints=300, fast_threshold=0.03, n_scales=4)
    try:
        detector.detect_and_extract(ndimage.gaussian_filter(scaled, 1))
    except RuntimeError:  # no features
        return None
    return detector.keypoints, detector.descriptors


def _match(
    first: tuple[NDArray[Any], NDArray[Any]] | None,
    current: tuple[NDArray[Any], NDArray[Any]] | None,
    model: type[EuclideanTransform] | type[AffineTransform],
) -> Matrices:
    stays = numpy.identity(3)
    if first is None or current is None:
        return stays
    pairs = match_descriptors(first[1], current[1], cross_check=True)
    if len(pairs) < 5:
        return stays
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "No inliers found", UserWarning)
        warnings.filterwarnings("ignore", "Estimated model is not valid", UserWarning)
        fitted, _ = ransac(
            (first[0][pairs[:, 0]], current[0][pairs[:, 1]]),
            model,
            min_samples=4,
            residual_threshold=1.5,
            max_trials=200,
            rng=0,
        )
    if not fitted or not numpy.isfinite(fitted.params).all():
        return stays
    return numpy.asarray(fitted.params)


# For each motion, algorithms that can follow it, one that is too stiff and, where there is one,
# one that is too free.
REGISTRATIONS: dict[Motion, dict[str, Registration]] = {
    "translation": {
        "correlation": correlation,
        "phase correlation": partial(correlation, normalization="phase"),
        "correlation, whole px": partial(correlation, upsampling=1),
        "phase correlation, previous": partial(
            correlation, normalization="phase", reference="previous"
        ),
        "intensity translation": partial(intensity, mode=StackReg.TRANSLATION),
        "intensity rigid": partial(intensity, mode=StackReg.RIGID_BODY),
    },
    "rigid": {
        "intensity rigid": partial(intensity, mode=StackReg.RIGID_BODY),
        "intensity rigid, previous": partial(
            intensity, mode=StackReg.RIGID_BODY, reference="previous"
        ),
        "keypoints rigid": partial(keypoints, model=EuclideanTransform),
        "intensity translation": partial(intensity, mode=StackReg.TRANSLATION),
        "correlation": correlation,
        "intensity affine": partial(intensity, mode=StackReg.AFFINE),
    },
    "affine": {
        "intensity affine": partial(intensity, mode=StackReg.AFFINE),
        "intensity affine, previous": partial(
            intensity, mode=StackReg.AFFINE, reference="previous"
        ),
        "keypoints affine": partial(keypoints, model=AffineTransform),
        "keypoints rigid": partial(keypoints, model=EuclideanTransform),
        "intensity rigid": partial(intensity, mode=StackReg.RIGID_BODY),
        "phase correlation, previous": partial(
            correlation, normalization="phase", reference="previous"
        ),
    },
}
