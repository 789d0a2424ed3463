"""What an aligned image is made of when it is made piece by piece.

Who adds up pixels of an aligned image can do so part by part, while they are in the cache of the
processor, and is told where all of them are there. That saves most of the time that a whole aligned
image costs.
"""

from __future__ import annotations

from typing import Any
from typing import NamedTuple

import numpy
from numpy.typing import NDArray

# Coordinates carry rounding errors. This close (px) to the edge they are on the edge, and this
# close to a shift by whole pixels a matrix is that shift.
ROUNDING = 1e-6


class Part(NamedTuple):
    """A rectangle of an aligned image.

    :param rows: of the aligned image.
    :param columns: likewise.
    :param pixels: of the rectangle; NaN where they come from outside the image.
    :param complete: columns of the aligned image, within `columns`, where no pixel comes from
        outside.
    """

    rows: range
    columns: range
    pixels: NDArray[numpy.floating[Any]]
    complete: range
