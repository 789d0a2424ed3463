"""The places that repeat a number or a name must agree."""

import configparser
import re
from importlib.metadata import requires
from importlib.metadata import version
from pathlib import Path

import ewoksndreg

ROOT = Path(__file__).parent.parent


def _core_lower_bounds():
    requirements = [text for text in requires("ewoksndreg") or [] if "extra ==" not in text]
    return dict(re.fullmatch(r"([\w-]+)>=([\w.]+)", text).groups() for text in requirements)


def test_the_version_is_the_same_everywhere():
    assert ewoksndreg.__version__ == version("ewoksndreg")
    changelog = (ROOT / "CHANGELOG.md").read_text()
    assert "## [Unreleased]" in changelog


def test_the_core_dependencies_are_these():
    assert set(_core_lower_bounds()) == {
        "ewokscore",
        "numpy",
        "scipy",
        "h5py",
        "silx",
        "pydantic",
    }


def test_the_minimal_environment_tests_exactly_the_lower_bounds():
    tox = configparser.ConfigParser()
    tox.read(ROOT / "tox.ini")
    pins = dict(re.findall(r"^([\w-]+)==([\w.]+)$", tox["testenv:minimal"]["deps"], re.MULTILINE))
    assert pins == _core_lower_bounds()
