"""Virtual environments of their own, so that competitors do not share packages."""

from __future__ import annotations

import json
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).parent.parent

# What is installed in each; hdf5plugin reads what is compressed with bitshuffle.
_PACKAGES = {
    "0.5.0": ["ewoksndreg==0.5.0", "hdf5plugin"],
    "core": [str(ROOT), "hdf5plugin"],
    "fast": [f"{ROOT}[fast]", "hdf5plugin"],
}


def find_python(environment: str, folder: Path) -> str:
    """The interpreter of an environment, which is created if it is missing. This library is
    reinstalled from this checkout.

    :raises subprocess.CalledProcessError: when packages cannot be installed.
    """
    place = folder / environment
    python = place / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    new = not (place / "complete").exists()
    if new:
        venv.create(place, with_pip=True, clear=True)
    if new or environment != "0.5.0":
        again = [] if new else ["--force-reinstall", "--no-deps"]
        subprocess.run(  # noqa: S603
            [python, "-m", "pip", "install", "--quiet", *again, *_PACKAGES[environment]],
            check=True,
            stderr=subprocess.DEVNULL,
        )
        (place / "complete").touch()
    return str(python)


def read_versions(python: str) -> dict[str, str]:
    """Versions of the packages that matter, by name; empty where one is missing."""
    code = (
        "import importlib.metadata as m, json\n"
        "names = 'numpy', 'scipy', 'h5py', 'numba', 'scikit-image'\n"
        "found = {d.metadata['Name']: d.version for d in m.distributions()}\n"
        "print(json.dumps({name: found.get(name, '') for name in names}))"
    )
    done = subprocess.run([python, "-c", code], check=True, capture_output=True)  # noqa: S603
    result: dict[str, str] = json.loads(done.stdout)
    return result
