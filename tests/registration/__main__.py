"""Print the figures of ``doc/explanation/registration.md``: ``python -m tests.registration``.

OpenCV (``pip install opencv-python-headless``) and pystackreg are measured where installed.
"""

from __future__ import annotations

import argparse
import importlib.util
import time
import warnings
from collections.abc import Callable
from collections.abc import Iterator
from functools import partial
from typing import Any
from typing import get_args

import numpy
from numpy.typing import NDArray

from ewoksndreg import register_stack
from ewoksndreg._stacks import as_stack
from ewoksndreg.kernels import find_kernel
from ewoksndreg.registration import rank_before_registering
from ewoksndreg.registration import register_each_stack
from ewoksndreg.transformation import Homography

from .cases import PICTURES
from .cases import SITUATIONS
from .cases import Case
from .cases import build
from .cases import drift
from .cases import errors
from .cases import large

# px
SIZES = (128, 512, 1024)

Method = Callable[[Case], NDArray[numpy.float64]]

# From (column, row) to (row, column)
_SWAP = numpy.array([[0, 1, 0], [1, 0, 0], [0, 0, 1]])

# px: an image that is farther off is lost.
_LOST = 1.0


def _ours(case: Case, method: Any = "intensities") -> NDArray[numpy.float64]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        found = register_stack(case.stack, case.transformation_type, method=method, max_workers=0)
    return numpy.stack([each.passive_matrix for each in found.transformations])


def _ecc(case: Case, pyramid: bool) -> NDArray[numpy.float64]:
    """From the identity; or from the shift of a correlation, on a pyramid of three levels."""
    import cv2

    kinds = {
        "translation": cv2.MOTION_TRANSLATION,
        "rigid": cv2.MOTION_EUCLIDEAN,
        "affine": cv2.MOTION_AFFINE,
    }
    criteria = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 200, 1e-9)
    images = [numpy.ascontiguousarray(image, dtype=numpy.float32) for image in case.stack]
    found = [numpy.identity(3)]
    for image in images[1:]:
        matrix = numpy.eye(2, 3, dtype=numpy.float32)
        if pyramid:
            # It may write into its arguments.
            matrix[:, 2] = cv2.phaseCorrelate(
                images[0].copy(),
                image.copy(),
                cv2.createHanningWindow(image.shape[::-1], cv2.CV_32F),
            )[0]
        try:
            for level in (2, 1, 0) if pyramid else (0,):
                small = [images[0], image]
                for _ in range(level):
                    small = [cv2.pyrDown(each) for each in small]
                matrix[:, 2] /= 2**level
                matrix = cv2.findTransformECC(
                    *small, matrix, kinds[case.transformation_type], criteria, None, 5
                )[1]
                matrix[:, 2] *= 2**level
            found.append(_SWAP @ numpy.vstack([matrix, [0, 0, 1]]) @ _SWAP)
        except cv2.error:  # it does not converge
            found.append(numpy.full((3, 3), numpy.nan))
    return numpy.stack(found)


def _pystackreg(case: Case) -> NDArray[numpy.float64]:
    from pystackreg import StackReg

    kinds = {
        "translation": StackReg.TRANSLATION,
        "rigid": StackReg.RIGID_BODY,
        "affine": StackReg.AFFINE,
    }
    register = StackReg(kinds[case.transformation_type])
    images = case.stack.astype(numpy.float64)
    found = [register.register(images[0], image) for image in images[1:]]
    return numpy.stack([numpy.identity(3), *(_SWAP @ each @ _SWAP for each in found)])


METHODS: dict[str, tuple[str, Method]] = {
    "intensities": ("ewoksndreg", _ours),
    "sift": ("skimage", partial(_ours, method="sift")),
    "OpenCV ECC": ("cv2", partial(_ecc, pyramid=False)),
    "OpenCV ECC, correlation and pyramid": ("cv2", partial(_ecc, pyramid=True)),
    "pystackreg": ("pystackreg", _pystackreg),
}


def find_methods() -> dict[str, Method]:
    """Those that are installed."""
    return {
        name: method
        for name, (package, method) in METHODS.items()
        if importlib.util.find_spec(package) is not None
    }


def measure(method: Method, name: str, seeds: int) -> NDArray[numpy.float64]:
    """The errors (px) of all images of a situation, over all pictures."""
    found = []
    for picture in PICTURES:
        for seed in range(seeds):
            case = build(name, picture, seed)
            found.append(errors(method(case), case.truth, case.stack.shape[1:])[1:])
    return numpy.concatenate(found)


def _accuracy(methods: dict[str, Method], seeds: int) -> Iterator[list[str]]:
    yield ["px: median (worst) lost", *methods]
    for name in SITUATIONS:
        row = [name]
        for method in methods.values():
            e = measure(method, name, seeds)
            row.append(f"{numpy.median(e):.3f} ({e.max():.2f}) {(e > _LOST).sum()}/{len(e)}")
        yield row


def _drift(methods: dict[str, Method], seeds: int) -> Iterator[list[str]]:
    case = drift(0.3, 200)
    yield ["drift of 0.3 px per image", *methods]
    found = [
        errors(method(case), case.truth, case.stack.shape[1:])[-1] for method in methods.values()
    ]
    yield ["last of 200 images, px", *(f"{error:.3f}" for error in found)]


def _times(methods: dict[str, Method], seeds: int) -> Iterator[list[str]]:
    """Time of the processor, which other programs disturb little."""
    if importlib.util.find_spec("cv2"):
        import cv2

        cv2.setNumThreads(1)
    find_kernel("numba")  # compile or load it now
    yield ["s per image (px off)", *methods]
    for size in SIZES:
        for kind in ("translation", "rigid", "affine"):
            case = large(kind, size)
            row = [f"{size} px, {kind}"]
            for name, method in methods.items():
                if name == "sift" and size > 512:
                    row.append("-")
                    continue
                method(Case("", kind, case.stack[:2], case.truth[:2]))  # load, compile
                start = time.process_time()
                found = method(case)
                each = (time.process_time() - start) / (len(case.stack) - 1)
                e = errors(found, case.truth, case.stack.shape[1:])[1:].max()
                row.append(f"{each:.3f} ({e:.3f})")
            yield row


def _preselection(methods: dict[str, Method], seeds: int) -> Iterator[list[str]]:
    """How far the registration of the chosen stack is off, beside that of the best stack."""
    from ewoksndreg.demo.samples import PICTURES as SAMPLES
    from ewoksndreg.demo.samples import Motion
    from ewoksndreg.demo.samples import make_sample
    from ewoksndreg.demo.samples import true_error

    lost: dict[str, list[float]] = {"quick registrations": [], "peak height": [], "at random": []}
    kinds = get_args(Motion)
    for number in range(2 * len(SAMPLES)):
        kind = kinds[number % len(kinds)]
        sample = make_sample(
            SAMPLES[number % len(SAMPLES)],
            motion=kind,
            images=6,
            size=160,
            dose=(1.0, 0.25)[number // len(SAMPLES)],
            seed=500 + number,
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            found = register_each_stack(sample.stacks, kind)
            ranking = rank_before_registering(
                {name: as_stack(stack) for name, stack in sample.stacks.items()}
            )
        off = {
            name: true_error(
                [
                    Homography(numpy.identity(3)) if n in each.failed else transformation
                    for n, transformation in enumerate(each.transformations)
                ],
                sample.truth,
                (160, 160),
            )
            for name, each in found.items()
        }
        best = min(off.values())
        highest = max(sample.stacks, key=lambda name: _peak_height(sample.stacks[name]))
        lost["quick registrations"].append(off[ranking.best] - best)
        lost["peak height"].append(off[highest] - best)
        lost["at random"] += [each - best for each in off.values()]
    yield ["stack chosen by", "within 0.25 px of the best", "2 px or more above it", "mean, px"]
    for name, values in lost.items():
        above = numpy.array(values)
        shares = [(above <= 0.25).mean(), (above >= 2).mean()]
        yield [name, *(f"{100 * share:.0f} %" for share in shares), f"{above.mean():.2f}"]


def _peak_height(stack: NDArray[Any]) -> float:
    """Of the phase correlation with the first image, mean over the images."""
    first, *others = numpy.fft.fft2(stack.astype(numpy.float64))
    products = [first * each.conj() for each in others]
    return float(
        numpy.mean([numpy.abs(numpy.fft.ifft2(p / (numpy.abs(p) + 1e-12))).max() for p in products])
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.registration", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}")
    parser.add_argument("--methods", nargs="+", choices=list(METHODS), help="default: all")
    parser.add_argument("--seeds", type=int, default=1, help="of each picture (default: 1)")
    options = parser.parse_args()
    methods = find_methods()
    if options.methods:
        methods = {name: methods[name] for name in options.methods}
    for part in options.parts or PARTS:
        for n, row in enumerate(PARTS[part](methods, options.seeds)):
            print("| " + " | ".join(row) + " |", flush=True)
            if n == 0:
                print("| --- |" + " ---: |" * (len(row) - 1), flush=True)
        print(flush=True)


PARTS: dict[str, Callable[[dict[str, Method], int], Iterator[list[str]]]] = {
    "accuracy": _accuracy,
    "drift": _drift,
    "times": _times,
    "preselection": _preselection,
}


if __name__ == "__main__":
    main()
