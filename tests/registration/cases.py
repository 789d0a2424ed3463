"""Stacks with known motion: what there is to see, how it moves, what the detector makes of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy
from numpy.typing import NDArray
from scipy import ndimage

SIZE = 128

Image = NDArray[numpy.float64]
Matrices = NDArray[numpy.float64]

# Photographs and micrographs of scikit-image, and a made-up sample of grains.
PICTURES = ("coins", "camera", "gravel", "immunohistochemistry", "astronaut", "grains")


@dataclass(frozen=True, eq=False)
class Case:
    """
    :param stack: N images, shape `(N, H, W)`.
    :param truth: passive matrices, ``images[0][p] = images[n][truth[n] p]``.
    """

    name: str
    transformation_type: str
    stack: NDArray[Any]
    truth: Matrices


def scene(picture: str, size: int) -> Image:
    """A picture at half of its resolution, so that there are no pixels to be seen; 0 to 1."""
    if picture == "grains":
        image = _grains(3 * size)
    else:
        import skimage.data  # not installed everywhere

        image = getattr(skimage.data, picture)()
        if image.ndim == 3:
            image = image[..., :3].mean(axis=2)
    rows, columns = (size // 2 * 2 for size in image.shape)
    image = image[:rows, :columns].reshape(rows // 2, 2, columns // 2, 2).mean(axis=(1, 3))
    low, high = numpy.percentile(image, (0.1, 99.9))
    return numpy.clip((image - low) / (high - low), 0, 1)


def _grains(size: int) -> Image:
    rng = numpy.random.default_rng(7)
    image = numpy.zeros((size, size))
    for sigma, count in ((2.5, 900), (6, 200), (15, 40)):
        points = numpy.zeros_like(image)
        number = count * size**2 // 384**2
        points[tuple(rng.integers(0, size, (2, number)))] = rng.exponential(size=number)
        image += sigma**1.5 * ndimage.gaussian_filter(points, sigma)
    return image**0.7


def view(picture: Image, place: Matrices, size: int = SIZE) -> Image:
    """What an image sees of a picture.

    :param place: from pixels of this image to those of the reference image, which is the middle of
        the picture.
    """
    middle = numpy.identity(3)
    middle[:2, 2] = (numpy.array(picture.shape) - size) / 2
    matrix = middle @ place
    return numpy.asarray(
        ndimage.affine_transform(
            picture,
            matrix[:2, :2],
            matrix[:2, 2],
            output_shape=(size, size),
            order=3,
            mode="mirror",
        )
    )


def place(
    shift: Any = (0, 0), degrees: float = 0, distortion: Any = 0, size: int = SIZE
) -> Matrices:
    """A shift (px), a rotation and a distortion about the center of the image."""
    cos, sin = numpy.cos(numpy.deg2rad(degrees)), numpy.sin(numpy.deg2rad(degrees))
    linear = numpy.array([[cos, -sin], [sin, cos]]) @ (numpy.identity(2) + distortion)
    center = numpy.full(2, (size - 1) / 2)
    matrix = numpy.identity(3)
    matrix[:2, :2] = linear
    matrix[:2, 2] = center - linear @ center + shift
    return matrix


def walk(kind: str, images: int, rng: numpy.random.Generator, size: int = SIZE) -> list[Matrices]:
    """1.7 px, 0.9 degrees and 0.8 % per step."""
    shifts = _cumulated(rng, 1.7, images, 2)
    angles = _cumulated(rng, 0.9, images) * (kind != "translation")
    distortions = _cumulated(rng, 0.008, images, 2, 2) * (kind == "affine")
    return [place(*each, size=size) for each in zip(shifts, angles, distortions, strict=True)]


def _cumulated(rng: numpy.random.Generator, scale: float, *shape: int) -> NDArray[Any]:
    path = rng.normal(scale=scale, size=shape).cumsum(axis=0)
    return numpy.asarray(path - path[0])


def counts(images: NDArray[Any], mean: float, rng: numpy.random.Generator) -> NDArray[Any]:
    """Photons, so many per pixel."""
    positive = numpy.clip(images, 0, None) + 0.05
    return rng.poisson(positive / positive.mean() * mean).astype(numpy.float32)


def _far(distance: float, images: int, rng: numpy.random.Generator) -> list[Matrices]:
    angles = rng.uniform(0, 2 * numpy.pi, images)
    places = [place(distance * numpy.array([numpy.sin(a), numpy.cos(a)])) for a in angles]
    return [place(), *places[1:]]


def _turned(degrees: float, images: int, rng: numpy.random.Generator) -> list[Matrices]:
    signs = rng.choice([-1, 1], images)
    shifts = rng.normal(scale=2, size=(images, 2))
    places = [place(s, sign * degrees) for s, sign in zip(shifts, signs, strict=True)]
    return [place(), *places[1:]]


def _shear(degrees: float) -> Matrices:
    return place(distortion=[[0, 0], [numpy.tan(numpy.deg2rad(degrees)), 0]])


def build(name: str, picture: str, seed: int) -> Case:
    """One case of :data:`SITUATIONS`."""
    rng = numpy.random.default_rng([seed, *map(ord, name), *map(ord, picture)])
    return SITUATIONS[name](name, scene(picture, SIZE), rng)


def drift(step: float, images: int, picture: str = "grains") -> Case:
    """A slow drift by `step` px per image, along rows and columns, at 30 counts per pixel."""
    rng = numpy.random.default_rng(0)
    direction = numpy.array([0.8, -0.6])
    places = [place(step * n * direction) for n in range(images)]
    return _make(
        "drift", "translation", scene(picture, SIZE), places, lambda v, _: counts(v, 30, rng)
    )


def large(kind: str, size: int) -> Case:
    """Six images of a large size."""
    rng = numpy.random.default_rng(size)
    return _make(kind, kind, scene("grains", size), walk(kind, 6, rng, size), None, size)


def _make(
    name: str,
    kind: str,
    picture: Image,
    places: list[Matrices],
    change: Any = None,
    size: int = SIZE,
) -> Case:
    views = numpy.stack([view(picture, each, size) for each in places])
    stack = views if change is None else change(views, places)
    return Case(name, kind, stack, numpy.stack([numpy.linalg.inv(each) for each in places]))


Situation = Callable[[str, Image, numpy.random.Generator], Case]
SITUATIONS: dict[str, Situation] = {}


def _add(name: str, kind: str, images: int, motion: Any, change: Any = None) -> None:
    def situation(name: str, picture: Image, rng: numpy.random.Generator) -> Case:
        places = motion(images, rng)
        made = None if change is None else lambda views, places: change(views, places, picture, rng)
        return _make(name, kind, picture, places, made)

    SITUATIONS[name] = situation


def _walk(kind: str) -> Any:
    return lambda images, rng: walk(kind, images, rng)


def _poisson(mean: float) -> Any:
    return lambda views, places, picture, rng: counts(views, mean, rng)


def _gain(views: Any, places: Any, picture: Any, rng: Any) -> Any:
    gains = numpy.exp(rng.uniform(-1, 1, len(views)))
    return gains[:, None, None] * views + rng.uniform(-1, 1, len(views))[:, None, None]


def _inverted(views: Any, places: Any, picture: Any, rng: Any) -> Any:
    views = views.copy()
    views[1::2] = 1 - views[1::2]
    return views


def _fading(views: Any, places: Any, picture: Any, rng: Any) -> Any:
    # Another picture, which moves along
    other = picture[::-1, ::-1].T
    other = numpy.stack([view(other, each) for each in places])
    share = numpy.linspace(0, 0.6, len(views))[:, None, None]
    return (1 - share) * views + share * other


def _hot(views: Any, places: Any, picture: Any, rng: Any) -> Any:
    hot = rng.uniform(size=views.shape[1:]) < 0.01
    strength = rng.uniform(2, 10, views.shape[1:])
    return numpy.where(hot, strength, views) + rng.normal(scale=0.01, size=views.shape)


def _particles(views: Any, places: Any, picture: Any, rng: Any) -> Any:
    points = (rng.uniform(size=picture.shape) < 0.004) * rng.exponential(size=picture.shape)
    bright = ndimage.gaussian_filter(points, 1.2)
    bright *= 6 / numpy.percentile(bright, 99.9)
    return counts(numpy.stack([view(0.3 * picture + bright, each) for each in places]), 3, rng)


def _shading(views: Any, places: Any, picture: Any, rng: Any) -> Any:
    rows, columns = numpy.indices(views.shape[1:]) / views.shape[1] - 0.5
    angle = rng.uniform(0, 2 * numpy.pi)
    tilt = numpy.cos(angle) * rows + numpy.sin(angle) * columns
    return views * (0.5 + 1.2 * numpy.exp(-3 * (rows**2 + columns**2)) + 0.6 * tilt)


for _kind, _mean in (("translation", 2), ("rigid", 4), ("affine", 8)):
    _add(_kind, _kind, 8, _walk(_kind))
    _add(f"{_kind}, {_mean} counts", _kind, 8, _walk(_kind), _poisson(_mean))
for _distance in (10, 25, 45):
    _add(f"shift {_distance} px", "translation", 5, lambda n, rng, d=_distance: _far(d, n, rng))
for _angle in (5, 12, 25):
    _add(f"turn {_angle} deg", "rigid", 5, lambda n, rng, d=_angle: _turned(d, n, rng))
_add("turning by 3 deg", "rigid", 20, lambda n, _: [place(degrees=3 * k) for k in range(n)])
_add("shearing by 3 deg", "affine", 10, lambda n, _: [_shear(3 * k) for k in range(n)])
for _name, _change in (
    ("gain", _gain),
    ("inverted", _inverted),
    ("fading", _fading),
    ("hot", _hot),
    ("particles", _particles),
    ("shading", _shading),
):
    for _kind in ("translation", "rigid"):
        _add(f"{_name}, {_kind}", _kind, 5, _walk(_kind), _change)


def errors(found: Matrices, truth: Matrices, shape: tuple[int, ...]) -> NDArray[numpy.float64]:
    """For each image the mean distance (px) between where a registration and where the truth puts
    the pixels of the reference image; infinite where there is none."""
    rows, columns = (numpy.linspace(0, size - 1, 9) for size in shape)
    points = numpy.stack([*numpy.meshgrid(rows, columns, indexing="ij"), numpy.ones((9, 9))])
    points = points.reshape(3, -1)
    moved, expected = found @ points, truth @ points
    with numpy.errstate(all="ignore"):
        apart = moved[:, :2] / moved[:, 2:] - expected[:, :2] / expected[:, 2:]
    mean = numpy.hypot(apart[:, 0], apart[:, 1]).mean(axis=1)
    return numpy.where(numpy.isfinite(mean), mean, numpy.inf)
