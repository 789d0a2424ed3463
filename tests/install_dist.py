"""Install the sdist of a folder into a virtual environment and rank with it: `tox -e dist`."""

import subprocess
import sys
from pathlib import Path

USE = (
    "import numpy, ewoksndreg\n"
    "from ewokscore import execute_graph\n"
    "from importlib.resources import files\n"
    "scene = numpy.random.default_rng(0).normal(size=(60, 60)).cumsum(0).cumsum(1)\n"
    "stack = numpy.stack([scene[10 - n : 50 - n, 10:50] for n in range(3)])\n"
    "registrations = {'a': [(0, 0)] * 3, 'b': [(n, 0) for n in range(3)]}\n"
    "inputs = {'image_stacks': {'a': stack, 'b': stack}, 'transformations': registrations}\n"
    "outputs = execute_graph(\n"
    "    str(files('ewoksndreg.workflows') / 'post_evaluation.json'),\n"
    "    inputs=[{'name': name, 'value': value} for name, value in inputs.items()],\n"
    ")\n"
    "assert outputs['ranked_stack_names'] == ['b', 'a'], outputs\n"
    "print('1 passed, 0 failed')\n"
)


def main(dist: Path, environment: Path) -> None:
    (wheel,), (sdist,) = dist.glob("*.whl"), dist.glob("*.tar.gz")
    python = environment / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    for package in (wheel, sdist):
        subprocess.run(  # noqa: S603
            [python, "-m", "pip", "install", "--quiet", "--force-reinstall", "--no-deps", package],
            check=True,
        )
    subprocess.run([python, "-m", "pip", "install", "--quiet", sdist], check=True)  # noqa: S603
    # Not from here, where the sources are.
    subprocess.run([python, "-c", USE], check=True, cwd=environment)  # noqa: S603


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
