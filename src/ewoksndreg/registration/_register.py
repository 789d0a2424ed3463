"""Register one stack, each of several, or several together."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from collections.abc import Mapping
from typing import Any

from numpy.typing import ArrayLike

from .._messages import add_context
from .._messages import unknown_name
from .._progress import Reporter
from .._stacks import Stack
from ..io import open_stacks
from ..transformation import TransformationType
from ._features import load_detector
from ._preselect import check_same_shapes
from ._preselect import rank_before_registering
from ._register_images import METHODS
from ._register_images import Method
from ._register_images import Options
from ._register_images import register_images
from ._result import Registration

# Stacks with less than this fraction of the largest weight are not used.
_LEAST_WEIGHT = 0.1


def register_stack(
    images: Any,
    transformation_type: TransformationType | str = TransformationType.translation,
    *,
    method: Method = "intensities",
    reference_image: int | float = 0,
    mask: ArrayLike | None = None,
    block_size: int = 1,
    progress: Callable[[float], object] | None = None,
    should_stop: Callable[[], bool] | None = None,
    max_workers: int | None = None,
) -> Registration:
    """Find the transformations that align the images of a stack with its reference image.

    Each image is registered with the reference image itself, so that errors do not accumulate.

    With `"intensities"`, starting points are found by correlating downsampled copies of both
    images, once completely and once only their fine structure, at angles up to 30 degrees if the
    type allows rotations. The best ones are refined with the Gauss-Newton method
    (:func:`.refine_image`) on copies of increasing size, up to the images themselves. The result
    does not depend on gain and offset of an image, and the contrast may be inverted. Hot pixels,
    which differ from their neighbors in most images, are ignored, as are NaN and infinite pixels.
    The method finds shifts up to half of the field of view, rotations up to 30 degrees, and scale
    and shear up to about 10 %; beyond that it follows a drift: if an image is aligned much worse
    than the image before it, the transformation of that one is an additional starting point
    (`block_size`).

    `"sift"` and `"orb"` match features with scikit-image (extra `register`) and fit the
    transformation that most matches support within 2 px (RANSAC). They find larger rotations but
    are less accurate: 0.05 to 0.1 px for clean images; they fail for images with few counts.

    :param images: one stack in any form that :func:`.open_stacks` accepts: N images of shape
        `(H, W)` as an array or a sequence, an h5py dataset, or URLs.
    :param transformation_type: `"translation"`, `"rigid"`, `"similarity"`, `"affine"` or, with
        features, `"projective"`; `"identity"` does not move the images.
    :param method: `"intensities"`, `"sift"` or `"orb"`.
    :param reference_image: index of the reference image (negative: from the end), or its relative
        position in the stack as a float from 0.0 (first image) to 1.0 (last image).
    :param mask: True for the detector pixels to use, shape `(H, W)`.
    :param block_size: how many images share the image before them, see above: 1 (or less) for the
        next image toward the reference image, N for none. Features do not use it.
    :param progress: called with the completed fraction, from 0 to 1, never decreasing.
    :param should_stop: called regularly; the registration is cancelled if it returns True.
    :param max_workers: number of threads. None or -1: one per available processor; 0: no additional
        threads. The result is the same bit for bit.
    :returns: the transformations, and how well each image is aligned. An image that is empty, or
        that has no more in common with the reference image than noise, does not stop the others.
    :raises ValueError: if there are no images, the reference image, type or method does not exist,
        the method cannot find that type, or the mask has another shape.
    :raises TypeError: if the pixels are not real numbers, or the mask is not boolean.
    :raises OSError: if a file is missing or cannot be read.
    :raises ModuleNotFoundError: if features are used and scikit-image is not installed.
    :raises concurrent.futures.CancelledError: if `should_stop` returned True.
    :warns RuntimeWarning: if images could not be registered; names them, with the reasons.

    >>> import numpy
    >>> from ewoksndreg import register_stack
    >>> scene = numpy.random.default_rng(0).normal(size=(90, 90)).cumsum(0).cumsum(1)
    >>> found = register_stack([scene[10 - n : 70 - n, 10:70] for n in range(4)])
    >>> [round(float(each.passive_matrix[0, 2]), 1) for each in found.transformations]
    [0.0, 1.0, 2.0, 3.0]
    >>> found.succeeded
    array([ True,  True,  True,  True])
    """
    kind = as_type(transformation_type, method)
    options = Options(kind, method, reference_image, mask, block_size)
    with open_stacks({"images": images}) as stacks:
        reporter = Reporter("registration", len(stacks["images"]), progress, should_stop)
        found = register_images(stacks, options, reporter, max_workers)
    if found.warning is not None:
        warnings.warn(found.warning, RuntimeWarning, stacklevel=2)
    return found


def register_each_stack(
    image_stacks: Mapping[str, Any] | Any,
    transformation_type: TransformationType | str = TransformationType.translation,
    *,
    method: Method = "intensities",
    reference_image: int | float = 0,
    mask: ArrayLike | None = None,
    block_size: int = 1,
    progress: Callable[[float], object] | None = None,
    should_stop: Callable[[], bool] | None = None,
    max_workers: int | None = None,
) -> dict[str, Registration]:
    """Apply :func:`.register_stack` to each of several stacks, to get registrations to rank.

    :param image_stacks: stacks in any form that :func:`.open_stacks` accepts.
    :returns: the registration that was found from each stack, by name.

    The other parameters, errors and warnings are those of :func:`.register_stack`; errors and
    warnings name the stack.

    >>> import numpy
    >>> from ewoksndreg import register_each_stack
    >>> scene = numpy.random.default_rng(0).normal(size=(80, 80)).cumsum(0).cumsum(1)
    >>> stack = numpy.stack([scene[10 - n : 74 - n, 10:74] for n in range(2)])
    >>> found = register_each_stack({"Ca": stack, "Fe": -stack})
    >>> list(found)
    ['Ca', 'Fe']
    >>> float(found["Fe"].transformations[1].passive_matrix[0, 2].round(1))
    1.0
    """
    kind = as_type(transformation_type, method)
    options = Options(kind, method, reference_image, mask, block_size)
    with open_stacks(image_stacks) as stacks:
        if not stacks:
            raise ValueError("There are no image stacks to register")
        reporter = Reporter("registration", sum(map(len, stacks.values())), progress, should_stop)
        found = {}
        for name, stack in stacks.items():
            try:
                found[name] = register_images({name: stack}, options, reporter, max_workers)
            except (TypeError, ValueError) as error:
                where = f"Stack {name!r}"
                raise (
                    error if str(error).startswith(where) else add_context(error, where)
                ) from error
    for name, registration in found.items():
        if registration.warning is not None:
            warnings.warn(f"Stack {name!r}: {registration.warning}", RuntimeWarning, stacklevel=2)
    return found


def register_stacks(
    image_stacks: Mapping[str, Any] | Any,
    transformation_type: TransformationType | str = TransformationType.translation,
    *,
    reference_image: int | float = 0,
    mask: ArrayLike | None = None,
    progress: Callable[[float], object] | None = None,
    should_stop: Callable[[], bool] | None = None,
    max_workers: int | None = None,
) -> Registration:
    """Find one registration for all stacks of the same moving sample, from all stacks together.

    The method is that of :func:`.register_stack` with `"intensities"`: each stack contributes
    starting points, and one transformation per image is refined on all stacks. The contribution of
    a stack grows with the similarity of its images and with its weight
    (`stack_weights` of an :class:`.Evaluation`) in a ranking of quick registrations
    (:func:`.rank_before_registering`), which is small for a stack with a static detector pattern.
    The result is one more registration to rank.

    :param image_stacks: S stacks of N images of shape `(H, W)`, in any form that
        :func:`.open_stacks` accepts.
    :raises ValueError: also if the stacks differ in shape or number of images; names two of them.

    The other parameters, errors and warnings are those of :func:`.register_stack`.

    >>> import numpy
    >>> from ewoksndreg import register_stacks
    >>> rng = numpy.random.default_rng(0)
    >>> scenes = rng.normal(size=(2, 90, 90)).cumsum(1).cumsum(2)
    >>> maps = {
    ...     name: [scene[10 - n : 70 - n, 10:70] for n in range(4)]
    ...     for name, scene in zip(["Ca-K", "Fe-K"], scenes)
    ... }
    >>> found = register_stacks(maps)
    >>> [round(float(each.passive_matrix[0, 2]), 1) for each in found.transformations]
    [0.0, 1.0, 2.0, 3.0]
    """
    kind = as_type(transformation_type, "intensities")
    options = Options(kind, "intensities", reference_image, mask)
    with open_stacks(image_stacks) as stacks:
        if not stacks:
            raise ValueError("There are no image stacks to register")
        check_same_shapes(stacks)
        weights = _find_weights(stacks, should_stop, max_workers)
        informative = {name: stacks[name] for name in weights}
        reporter = Reporter("registration", len(next(iter(stacks.values()))), progress, should_stop)
        found = register_images(informative, options, reporter, max_workers, list(weights.values()))
    if found.warning is not None:
        warnings.warn(found.warning, RuntimeWarning, stacklevel=2)
    return found


def as_type(transformation_type: TransformationType | str, method: Method) -> TransformationType:
    """Check, before any computation, that a method finds transformations of a type.

    :raises ValueError: if the method or type is unknown, or the method cannot find the type.
    :raises ModuleNotFoundError: if the method needs scikit-image and it is not installed.
    """
    if method not in METHODS:
        raise ValueError(unknown_name("method", method, METHODS))
    names = [each.value for each in TransformationType]
    linear = names[: names.index("projective")]
    if transformation_type not in names:
        known = [*linear, "projective"]
        raise ValueError(unknown_name("transformation type", transformation_type, known))
    if method != "intensities":
        load_detector(method)
    found = TransformationType(transformation_type)
    if found.value in linear:
        return found
    if found is not TransformationType.projective:
        raise ValueError(
            f"Transformations of type {found.value!r} cannot be found by this library: choose one"
            f" of {', '.join(linear)}, or register with another program, such as SimpleITK, whose"
            " transformations can be ranked and applied"
        )
    if method == "intensities":
        raise ValueError(
            "Projective transformations cannot be found by intensities: choose the method 'sift' or"
            " 'orb', or the type 'affine'"
        )
    return found


def _find_weights(
    stacks: Mapping[str, Stack], should_stop: Callable[[], bool] | None, max_workers: int | None
) -> dict[str, float]:
    """Find the weights of the stacks that show the motion."""
    if len(stacks) == 1:
        return dict.fromkeys(stacks, 1.0)
    with warnings.catch_warnings():
        # The warnings are about quick registrations, which the user does not know.
        warnings.simplefilter("ignore", RuntimeWarning)
        ranking = rank_before_registering(stacks, should_stop=should_stop, max_workers=max_workers)
    return keep_informative(dict(zip(stacks, ranking.stack_weights.tolist(), strict=True)))


def keep_informative(weights: Mapping[str, float]) -> dict[str, float]:
    """Keep the weights of the stacks that carry information on the motion."""
    least = _LEAST_WEIGHT * max(weights.values(), default=0.0)
    return {name: weight for name, weight in weights.items() if weight >= least}
