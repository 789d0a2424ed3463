"""Compare the files of an sdist with those of git: ``python tests/check_sdist.py FOLDER``."""

import subprocess
import sys
import tarfile
from pathlib import Path

SOURCES = Path(__file__).parent.parent

# Written by setuptools.
GENERATED = {"PKG-INFO", "setup.cfg"}


def main() -> None:
    (sdist,) = Path(sys.argv[1]).glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {member.name.partition("/")[2] for member in archive if member.isfile()}
    found = {name for name in names if ".egg-info/" not in name} - GENERATED
    listed = subprocess.run(
        ["git", "ls-files"],  # noqa: S607
        cwd=SOURCES,
        check=True,
        capture_output=True,
        text=True,
    )
    expected = {name for name in listed.stdout.splitlines() if (SOURCES / name).exists()}
    assert found == expected, {
        "not in the sdist": sorted(expected - found),
        "not in git": sorted(found - expected),
    }


if __name__ == "__main__":
    main()
