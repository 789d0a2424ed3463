"""What the tests of the evaluation share: stacks of a moving scene, and stacks that watch how
they are read."""

from __future__ import annotations

import warnings
import weakref
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

import numpy
from numpy.typing import NDArray
from scipy import ndimage

from ewoksndreg._pixels import as_real
from ewoksndreg.evaluation import Evaluation
from ewoksndreg.evaluation import evaluate_stacks
from ewoksndreg.evaluation._candidates import Candidates
from ewoksndreg.evaluation._ranking import Comparisons
from ewoksndreg.evaluation._ranking import rank_registrations
from ewoksndreg.kernels import Kernel
from ewoksndreg.kernels import find_kernel
from ewoksndreg.kernels._kernel import find_limits
from ewoksndreg.transformation import Homography

from ..conftest import shift_matrix
from ..conftest import smooth_image


def prepare_image(image: Any, kernel: Kernel | None = None) -> NDArray[numpy.float32]:
    """From pixels of any type, as the evaluation does it, but on the scale 0 to 1."""
    pixels = as_real(image)
    low, high, center = find_limits(pixels)
    offset = (center - low) / (high - low) if high > low else 0
    prepared = (kernel or find_kernel("numpy")).prepare(pixels)
    return prepared.pixels + numpy.float32(offset)


def moving_stack(
    seed: int,
    motion: Sequence[Sequence[float]],
    shape: tuple[int, int],
    *,
    noise: float = 0.05,
) -> NDArray[numpy.float64]:
    """Images of a scene that moves: pixel p of image n shows the place p - motion[n]."""
    pad = 24
    scene = smooth_image(seed, (shape[0] + 2 * pad, shape[1] + 2 * pad))
    rng = numpy.random.default_rng(seed + 1000)
    images = []
    for rows, columns in motion:
        moved = ndimage.shift(scene, (rows, columns), order=3, mode="reflect")
        images.append(moved[pad:-pad, pad:-pad] + rng.normal(scale=noise, size=shape))
    return numpy.stack(images)


def translations(motion: Sequence[Sequence[float]]) -> list[Homography]:
    """What a registration that finds this motion returns: pixel p of the aligned image is taken
    from p + motion[n]."""
    return [Homography(shift_matrix(*shift)) for shift in motion]


def evaluate(stacks: Any, registrations: Any, **options: Any) -> Evaluation:
    """`evaluate_stacks`; it issues the warnings of its result, and no others."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        evaluation = evaluate_stacks(stacks, registrations, **options)
    assert [(each.category, str(each.message)) for each in caught] == [
        (RuntimeWarning, message) for message in evaluation.warnings
    ]
    return evaluation


def make_scores(unaligned: Any, aligned: Any, overlap: Any = None) -> NDArray[numpy.float64]:
    """Comparisons of one stack without alignment and with each registration: MSE and overlap, shape
    `(1 + K, N, 2)`, with an overlap of 0.9 where nothing else is given."""
    mse = numpy.array([unaligned, *aligned], dtype=float)
    shared = numpy.full(mse.shape, 0.9)
    if overlap is not None:
        shared[1:] = overlap
    return numpy.stack([mse, shared], axis=2)


def make_comparisons(
    all_scores: Mapping[int, Mapping[str, NDArray[numpy.float64]]],
    sources: Mapping[str, str | None],
    smoothness: Sequence[float],
    *,
    evaluate_on: str = "all",
) -> Comparisons:
    """Comparisons with each reference image, of registrations of which only the smoothness is
    known.

    :param all_scores: for each reference image the :func:`make_scores` of each stack.
    """
    names = tuple(next(iter(all_scores.values())))
    own = numpy.array([[source == name for name in names] for source in sources.values()])
    found = {
        reference: numpy.stack([scores[name] for name in names], axis=1)
        for reference, scores in all_scores.items()
    }
    for reference, each in found.items():
        each[:, :, reference, 0] = numpy.nan
    mse, overlap = numpy.moveaxis(numpy.concatenate(list(found.values()), axis=1), 3, 0).copy()
    scored = own if evaluate_on == "own" else numpy.ones_like(own)
    for array in (mse, overlap):
        array[1:][~numpy.tile(scored, len(found))] = numpy.nan
    candidates = Candidates(
        stack_names=names,
        registrations={},
        conventions={},
        sources=sources,
        scored=scored,
        own=own,
        image_shapes={},
        smoothness=numpy.array(smoothness),
        failed=numpy.zeros((len(sources), mse.shape[-1]), dtype=bool),
    )
    return Comparisons(
        candidates=candidates,
        references=tuple(found),
        aligned_mse=mse[1:],
        unaligned_mse=mse[0],
        overlap=overlap[1:],
        infinite_pixels=dict.fromkeys(names, 0),
    )


def rank_scores(
    all_scores: Mapping[str, NDArray[numpy.float64]],
    smoothness: dict[str, float],
    *,
    failed: dict[str, Sequence[int]] | None = None,
    evaluate_on: str = "all",
    sources: dict[str, Any] | None = None,
    reference: int = 0,
) -> Evaluation:
    """Rank as `evaluate_stacks` does.

    :param failed: for registrations, the images without transformation.
    """
    sources = sources or {name: name for name in all_scores}
    values = [smoothness[name] for name in sources]
    comparisons = make_comparisons(
        {reference: all_scores}, sources, values, evaluate_on=evaluate_on
    )
    for name, images in (failed or {}).items():
        comparisons.candidates.failed[list(smoothness).index(name), list(images)] = True
    evaluation = rank_registrations(comparisons)
    for message in evaluation.warnings:  # as `evaluate_stacks` does
        warnings.warn(message, RuntimeWarning, stacklevel=2)
    return evaluation


class WatchedStack(Sequence[Any]):
    """Makes its images when they are read, and notes which are read and how many are alive.

    :param number: of images.
    :param make: gives image n.
    """

    def __init__(self, number: int, make: Callable[[int], NDArray[Any]]) -> None:
        self._number = number
        self._make = make
        self._alive: weakref.WeakSet[_Watched] = weakref.WeakSet()
        self.read: list[int] = []
        self.most_alive = 0

    def __len__(self) -> int:
        return self._number

    def __getitem__(self, index: Any) -> Any:
        if not 0 <= index < self._number:
            raise IndexError(index)
        self.read.append(index)
        image = self._make(index).view(_Watched)
        self._alive.add(image)
        self.most_alive = max(self.most_alive, len(self._alive))
        return image

    def __iter__(self) -> Iterator[Any]:
        return (self[index] for index in range(self._number))


class WatchedStackWithShape(WatchedStack):
    """The same, but knows its shape and type without reading, as a lazy stack of a file does."""

    def __init__(
        self, number: int, make: Callable[[int], NDArray[Any]], shape: Any, dtype: Any
    ) -> None:
        super().__init__(number, make)
        self.shape = (number, *shape)
        self.dtype = numpy.dtype(dtype)


class _Watched(numpy.ndarray):
    """Is hashed as an object, so that a set can hold it."""

    __hash__ = object.__hash__
