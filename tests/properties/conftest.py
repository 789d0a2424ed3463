"""How many random inputs are tried: few and always the same ones, or `tox -e fuzz`."""

import os

from hypothesis import HealthCheck
from hypothesis import settings

# Number of inputs of the long run, which are different ones each time.
FUZZ = int(os.environ.get("EWOKSNDREG_FUZZ", "0"))

# Of each test; `tox -e full` tries more.
EXAMPLES = int(os.environ.get("EWOKSNDREG_EXAMPLES", "10"))

_ALWAYS = {
    "deadline": None,
    "database": None,
    "suppress_health_check": [HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
}

settings.register_profile("always the same", derandomize=True, max_examples=EXAMPLES, **_ALWAYS)
settings.register_profile("fuzz", print_blob=True, **_ALWAYS)
settings.load_profile("fuzz" if FUZZ else "always the same")
