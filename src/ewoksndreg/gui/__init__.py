"""Show the result of a ranking: plain silx and Qt widgets that know nothing of workflows.

Needs ``pip install ".[orange]"``.
"""

try:
    import silx.gui.plot
    import silx.gui.qt  # noqa: F401  (raises where there is no Qt)
except ImportError as error:
    raise ImportError(
        "The widgets of ewoksndreg need Qt and the plots of silx:"
        f' pip install ".[orange]" in the folder of the sources ({error})'
    ) from error

from ._application import make_application
from ._evaluation_view import EvaluationView

__all__ = ["EvaluationView", "make_application"]
