"""The inner loops: prepare images, compare two of them, and linearize their difference.

There are two implementations, in numpy (plain) and in numba (compiled, several times faster). Both
give the same numbers within 1e-5. Only this package knows which one is used.
"""

from ._geometry import ROUNDING
from ._geometry import is_pixel_shift
from ._kernel import UNRELATED
from ._kernel import Comparison
from ._kernel import Kernel
from ._kernel import Linearization
from ._kernel import Prepared
from ._resample import resample_linear
from ._select import find_kernel
from ._select import select_kernel

__all__ = [
    "ROUNDING",
    "UNRELATED",
    "Comparison",
    "Kernel",
    "Linearization",
    "Prepared",
    "find_kernel",
    "is_pixel_shift",
    "resample_linear",
    "select_kernel",
]
