"""Align an image with its reference image in several stacks together."""

from __future__ import annotations

from collections.abc import Sequence

import numpy
from numpy.typing import NDArray

from .._typing import Matrix
from ..kernels import Kernel
from ..kernels import Prepared
from ..transformation import TransformationType

# Parameters of an affine motion, see `Linearization`: two shifts, and four displacements (all px)
# at the edge of the image, half of its longer side away from the center.
_SHIFTS = numpy.eye(6)[:, :2]
_TURN = numpy.array([[0, 0, 0, -1, 1, 0]]).T
_ZOOM = numpy.array([[0, 0, 1, 0, 0, 1]]).T

# The types that can be aligned, with their parameters (columns) in terms of these.
BASES = {
    TransformationType.translation: _SHIFTS,
    TransformationType.rigid: numpy.hstack([_SHIFTS, _TURN]),
    TransformationType.similarity: numpy.hstack([_SHIFTS, _TURN, _ZOOM]),
    TransformationType.affine: numpy.eye(6),
}

# The largest number of steps on the full images, and on downsampled ones. Most images take 3 or 4.
# At a twentieth of the usual dose, 8 steps were not enough for a quarter of the images: they left
# 0.034 px (median) instead of 0.029, and 30 steps leave 0.029 as well.
_STEPS = 16
_STEPS_ON_COARSE_LEVELS = 15

# px: a longer step is treated as divergence; after one this short, the next is about a tenth of it.
_LONGEST_STEP = 5.0
_SHORTEST_STEP = 0.01

# The number of terms of the exponential series, for a motion by at most the longest step.
_TERMS = 16

# The minimum of 1 - r^2, so that nearly identical images do not dominate.
_LEAST_NOISE = 0.02


def make_pyramid(image: Prepared, levels: int, kernel: Kernel) -> list[Prepared]:
    """Make an image pyramid: each level has half as many rows and columns as the one before.

    >>> import numpy
    >>> from ewoksndreg.kernels import find_kernel
    >>> from ewoksndreg.registration import make_pyramid
    >>> kernel = find_kernel("numpy")
    >>> image = kernel.prepare(numpy.random.default_rng(0).normal(size=(64, 48)))
    >>> [level.pixels.shape for level in make_pyramid(image, 3, kernel)]
    [(64, 48), (32, 24), (16, 12)]
    """
    pyramid = [image]
    for _ in range(levels - 1):
        pyramid.append(kernel.halve(pyramid[-1]))
    return pyramid


def rescale(matrix: Matrix, factor: float) -> Matrix:
    """Convert a matrix to images that are larger by a factor, such as 0.5 for the next level of a
    pyramid."""
    return numpy.asarray(
        numpy.diag([factor, factor, 1]) @ matrix @ numpy.diag([1 / factor] * 2 + [1])
    )


def refine_image(
    references: Sequence[Sequence[Prepared]],
    images: Sequence[Sequence[Prepared]],
    start: Matrix,
    transformation_type: TransformationType,
    weights: Sequence[float],
    kernel: Kernel,
) -> Matrix | None:
    """Align one image with the reference image, in all stacks together.

    This is the inverse compositional Gauss-Newton method: each step linearizes a small displacement
    of the reference image with its gradients, and applies the inverse to the image. Each stack has
    its own gain and offset. The contribution of a stack is proportional to its weight times
    ``r^2 / (1 - r^2)``, the ratio of signal to noise.

    :param references: the levels of :func:`make_pyramid` of the reference image, for each stack.
    :param images: the levels of the image, for each stack. The last level is aligned first.
    :param start: initial passive matrix, shape `(3, 3)`.
    :param transformation_type: type of the motion relative to `start`: translation, rigid,
        similarity or affine.
    :param weights: the weights of the stacks, all positive.
    :returns: the passive matrix, ``reference[p] = image[matrix p]``, once a step is shorter than
        0.01 px, otherwise that with the highest weighted mean of ``abs(r)``; None if the images
        cannot be compared.

    >>> import numpy
    >>> from ewoksndreg.kernels import find_kernel
    >>> from ewoksndreg.registration import refine_image
    >>> from ewoksndreg.transformation import TransformationType
    >>> scene = numpy.random.default_rng(0).normal(size=(80, 80)).cumsum(0).cumsum(1)
    >>> kernel = find_kernel("numpy")
    >>> reference, image = kernel.prepare(scene[10:74, 10:74]), kernel.prepare(scene[9:73, 10:74])
    >>> translation, start = TransformationType.translation, numpy.identity(3)
    >>> found = refine_image([[reference]], [[image]], start, translation, [1], kernel)
    >>> float(found[0, 2].round(1))
    1.0
    """
    basis = BASES[transformation_type]
    found = None
    for level in reversed(range(len(references[0]))):
        found = _descend(
            [each[level] for each in references],
            [each[level] for each in images],
            rescale(start, 0.5**level),
            basis,
            weights,
            kernel,
            _STEPS_ON_COARSE_LEVELS if level else _STEPS,
        )
        if found is not None:
            start = found = rescale(found, 2.0**level)
    return found


def _descend(
    references: Sequence[Prepared],
    images: Sequence[Prepared],
    matrix: Matrix,
    basis: NDArray[numpy.float64],
    weights: Sequence[float],
    kernel: Kernel,
    steps: int,
) -> Matrix | None:
    """Align on one level of the pyramid."""
    shape = references[0].pixels.shape
    from_center = numpy.identity(3)
    from_center[:2, 2] = (numpy.array(shape) - 1) / 2
    to_center = numpy.linalg.inv(from_center)
    best, highest = None, 0.0
    for _ in range(steps + 1):
        normal = numpy.zeros((basis.shape[1], basis.shape[1]))
        right = numpy.zeros(basis.shape[1])
        agreement = 0.0
        for reference, image, weight in zip(references, images, weights, strict=True):
            found = kernel.linearize(reference, image, matrix, 2 if len(right) == 2 else 6)
            if found.number and numpy.isfinite(found.r):
                some = basis[: len(found.right)]
                signal = found.r**2 / max(1 - found.r**2, _LEAST_NOISE)
                information = weight * signal * found.number
                normal += information * (some.T @ found.normal @ some)
                right += information * (some.T @ found.right)
                agreement += weight * abs(found.r)
        if agreement == 0:
            break
        if agreement > highest:
            best, highest = matrix, agreement
        step = numpy.linalg.lstsq(normal, right, rcond=1e-9)[0]
        length = numpy.abs(step).max()
        if not length <= _LONGEST_STEP:
            break
        matrix = matrix @ from_center @ _make_motion(basis @ -step, shape) @ to_center
        if length < _SHORTEST_STEP:
            return matrix
    return best


def _make_motion(parameters: NDArray[numpy.float64], shape: tuple[int, ...]) -> Matrix:
    """Compute the exponential of a small motion, which preserves the type: a rotation stays one."""
    generator = numpy.zeros((3, 3))
    generator[:2, 2] = parameters[:2]
    generator[:2, :2] = parameters[2:].reshape(2, 2) / (max(*shape, 2) / 2)
    # A series, since `scipy.linalg.expm` takes a hundred times longer.
    motion = term = numpy.identity(3)
    for k in range(1, _TERMS):
        term = term @ generator / k
        motion = motion + term
    return motion
