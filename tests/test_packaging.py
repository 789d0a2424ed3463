"""The places that repeat a number or a name must agree."""

import ast
import configparser
import re
from importlib.metadata import requires
from importlib.metadata import version
from pathlib import Path

import ewoksndreg

from .qt_available import LIBRARIES

ROOT = Path(__file__).parent.parent


def _core_lower_bounds():
    requirements = [line for line in requires("ewoksndreg") or [] if "extra ==" not in line]
    return dict(re.fullmatch(r"([\w-]+)>=([\w.]+)", line).groups() for line in requirements)


def test_packages_import_only_what_is_above_them_in_the_layout():
    """And from packages, not from their modules; see CONTRIBUTING.md."""
    layout = re.search(r"```text\n(.*?)```", (ROOT / "CONTRIBUTING.md").read_text(), re.DOTALL)[1]
    order = re.findall(r"^ {4}(\w+)(?:/|\.py)", layout, re.MULTILINE)
    assert order[:3] == ["kernels", "io", "transformation"]
    source = ROOT / "src/ewoksndreg"
    wrong = []
    for path in source.rglob("*.py"):
        here = path.relative_to(source).with_suffix("").parts
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.ImportFrom) or node.level != len(here):
                continue
            there, *module = (node.module or "").split(".")
            above = here[0] not in order or there not in order[order.index(here[0]) :]
            if not above or (module and there != "tasks"):
                wrong.append(f"{'.'.join(here)} imports {node.module}")
    assert wrong == ["tasks.example2d_stacks imports demo.steady_motion"]


def test_the_version_is_the_same_everywhere():
    assert ewoksndreg.__version__ == version("ewoksndreg")
    changelog = (ROOT / "CHANGELOG.md").read_text()
    released = re.search(r"^## \[(.*?)\]", changelog, re.MULTILINE)[1]
    assert released in ("Unreleased", ewoksndreg.__version__)


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


def test_the_public_checks_run_the_environments_of_tox_on_the_supported_pythons():
    tox = configparser.ConfigParser()
    tox.read(ROOT / "tox.ini")
    environments = {name.strip() for name in tox["tox"]["env_list"].split(",")}
    checks = (ROOT / ".github" / "workflows" / "checks.yml").read_text()
    once = re.search(r"environment: \[(.*)\]", checks)[1].split(", ")
    assert {"py", *once} == environments
    pythons = re.findall(r'"([\d.]+)"', re.search(r"python: \[(.*)\]", checks)[1])
    pyproject = (ROOT / "pyproject.toml").read_text()
    assert pythons == re.findall(r"Python :: (3\.\d+)", pyproject)
    assert f'requires-python = ">={pythons[0]}"' in pyproject
    libraries = " ".join(LIBRARIES)
    assert libraries in checks


def test_the_system_libraries_of_qt_are_the_same_where_they_are_installed_and_asked_for():
    script = (ROOT / ".ci" / "run").read_text()
    installed = re.search(r"libraries=\(([^)]*)\)", script)[1]
    assert tuple(installed.split()) == LIBRARIES


def test_the_windows_are_measured_where_qt_is_installed_and_nowhere_else():
    tox = configparser.ConfigParser()
    tox.read(ROOT / "tox.ini")
    assert "EWOKSNDREG_REQUIRE_QT = 1" in tox["testenv:orange"]["set_env"]
    assert "--cov-config=tests/gui/coverage.toml" in tox["testenv:orange-full"]["commands"]
    windows = (ROOT / "tests/gui/coverage.toml").read_text()
    assert 'source = ["ewoksndreg.gui", "orangecontrib.ewoksndreg"]' in windows
    # Of several configurations coverage takes the first it finds, for all environments.
    assert not tox.has_section("coverage:run")
    everything = (ROOT / "pyproject.toml").read_text()
    assert 'omit = ["*/ewoksndreg/gui/*"' in everything
