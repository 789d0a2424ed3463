"""Register one stack, or each of several."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Mapping
from contextlib import contextmanager
from typing import Any

from numpy.typing import ArrayLike

from .._messages import add_context
from .._messages import unknown_name
from .._progress import Reporter
from .._stacks import Stack
from .._stacks import as_stack
from ..io import open_stacks
from ..transformation import TransformationType
from ..transformation import is_url
from ._register_images import METHODS
from ._register_images import Method
from ._register_images import register_images
from ._result import Registration


def register_stack(
    images: Any,
    transformation_type: TransformationType | str = TransformationType.translation,
    *,
    method: Method = "intensities",
    reference_image: int | float = 0,
    mask: ArrayLike | None = None,
    progress: Callable[[float], object] | None = None,
    should_stop: Callable[[], bool] | None = None,
    max_workers: int | None = None,
) -> Registration:
    """Find the transformations that bring the images of a stack onto its reference image.

    Every image is registered with the reference image itself, so that errors do not add up. With
    `"intensities"`, shifts come from the correlation of small copies of both images, of all and of
    fine structure only, at angles up to 30 degrees where the type allows rotations; the best of
    them are refined with the Gauss-Newton method (:func:`.refine_image`) on larger and larger
    copies, up to the images themselves. Gain and offset of an image do not matter, nor does
    inverted contrast. Pixels that stand out at the same place in most images are hot pixels and are
    left out, as are NaN and infinite ones. Shifts are found up to half of the field, rotations up
    to 30 degrees, scale and shear up to some 10 %.

    `"sift"` and `"orb"` match features of scikit-image (extra `register`) and fit the
    transformation that most pairs support within 2 px (RANSAC). They find larger rotations
    and are less exact: 0.05 to 0.1 px on clean images and not at all on few counts.

    :param images: N images of shape `(H, W)`: an array, a sequence of images, an h5py dataset or
        the URL of one.
    :param transformation_type: `"translation"`, `"rigid"`, `"similarity"`, `"affine"` or, with
        features, `"projective"`; `"identity"` moves nothing.
    :param method: `"intensities"`, `"sift"` or `"orb"`.
    :param reference_image: index of the reference image, negative from the end; or a part of the
        stack as a float, 0.0 for the first image and 1.0 for the last one.
    :param mask: True for the pixels of the detector to use, shape `(H, W)`.
    :param progress: called with the fraction that is done, 0 to 1, never decreasing.
    :param should_stop: asked after each image; the registration ends when it answers True.
    :param max_workers: how many threads share the work: None or -1 for as many as this process may
        use, 0 for none. The numbers are the same to the last bit.
    :returns: the transformations, and how well each image could be registered. An image that shows
        nothing, or no more in common with the reference image than noise has, does not stop the
        others.
    :raises ValueError: when there are no images, there is no such reference image, type or method,
        the method cannot find that type, or the mask has another shape.
    :raises TypeError: when pixels are not real numbers, or the mask is none.
    :raises OSError: when a file is missing or cannot be read.
    :raises ModuleNotFoundError: when features need scikit-image and it is not installed.
    :raises concurrent.futures.CancelledError: when `should_stop` answered True.
    :warns RuntimeWarning: when images could not be registered; names them and says why.

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
    with _open_stack(images) as stack:
        reporter = Reporter("registration", len(stack), progress, should_stop)
        found = register_images(
            {"images": stack}, [1], kind, method, reference_image, mask, reporter, max_workers
        )
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
    progress: Callable[[float], object] | None = None,
    should_stop: Callable[[], bool] | None = None,
    max_workers: int | None = None,
) -> dict[str, Registration]:
    """:func:`register_stack` for each of several stacks: registrations to rank.

    :param image_stacks: stacks in any form that :func:`.open_stacks` takes.
    :returns: for each stack the registration that was found from it.

    The other parameters, errors and warnings are those of :func:`register_stack`; errors and
    warnings name the stack.
    """
    kind = as_type(transformation_type, method)
    with open_stacks(image_stacks) as stacks:
        reporter = Reporter("registration", sum(map(len, stacks.values())), progress, should_stop)
        found = {}
        for name, stack in stacks.items():
            try:
                found[name] = register_images(
                    {name: stack}, [1], kind, method, reference_image, mask, reporter, max_workers
                )
            except (TypeError, ValueError) as error:
                where = f"Stack {name!r}"
                raise (
                    error if str(error).startswith(where) else add_context(error, where)
                ) from error
    for name, registration in found.items():
        if registration.warning is not None:
            warnings.warn(f"Stack {name!r}: {registration.warning}", RuntimeWarning, stacklevel=2)
    return found


@contextmanager
def _open_stack(images: Any) -> Iterator[Stack]:
    if not is_url(images):
        yield as_stack(images)
        return
    with open_stacks({"images": images}) as stacks:
        yield stacks["images"]


def as_type(transformation_type: TransformationType | str, method: Method) -> TransformationType:
    """:raises ValueError: when there is no such method or type, or the method cannot find it."""
    if method not in METHODS:
        raise ValueError(unknown_name("method", method, METHODS))
    names = [each.value for each in TransformationType]
    if transformation_type not in names:
        raise ValueError(unknown_name("transformation type", transformation_type, names))
    found = TransformationType(transformation_type)
    linear = names[: names.index("projective")]
    if found.value in linear:
        return found
    if found is not TransformationType.projective:
        raise ValueError(
            f"Transformations of type {found.value!r} cannot be found here: register with another"
            " program, such as SimpleITK, whose transformations can be ranked and applied, or"
            f" choose one of {', '.join(linear)}"
        )
    if method == "intensities":
        raise ValueError(
            "Projective transformations cannot be found by intensities: choose the method 'sift' or"
            " 'orb', or the type 'affine'"
        )
    return found
