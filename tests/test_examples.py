"""What can be imported: the public names with their examples, and the names of 0.5.0."""

import doctest
import importlib
import re
from pathlib import Path

import pytest

import ewoksndreg

from .conftest import run_python

PAGES = Path(__file__).parent.parent / "doc" / "reference" / "api"
REFERENCE = "".join(page.read_text(encoding="utf-8") for page in PAGES.glob("*.rst"))
FUNCTIONS = re.findall(r"autofunction:: (\S+)$", REFERENCE, re.MULTILINE)
TOP = [f"ewoksndreg.{name}" for name in ewoksndreg.__all__]


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.xdist_group("dask")) if "dask" in name else name
        for name in sorted({*FUNCTIONS, *TOP})
    ],
)
def test_the_example_runs(name):
    if "dask" in name:
        pytest.importorskip("distributed")
    module, _, attribute = name.rpartition(".")
    documented = getattr(importlib.import_module(module), attribute)
    (found,) = doctest.DocTestFinder(recurse=False).find(documented, name)
    assert found.examples
    result = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE).run(found)
    assert result.failed == 0


def test_the_reference_has_every_name_of_the_top():
    listed = re.findall(
        r"auto(?:function|class|module):: ([\w.]+)(?:\(\))?$", REFERENCE, re.MULTILINE
    )
    assert set(TOP) <= set(listed)


def test_names_are_found_when_they_are_asked_for():
    assert set(ewoksndreg.__all__) <= set(dir(ewoksndreg))
    with pytest.raises(AttributeError, match="evaluate_stack'"):
        ewoksndreg.evaluate_stack  # noqa: B018


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("tasks.reg2d_posteval", "Reg2DPostEvaluation"),
        ("evaluation.evaluation", "post_evaluation"),
        ("evaluation.eval_metrics", "mse_eval"),
        ("evaluation.eval_metrics", "smoothness_eval"),
        ("io.input_stack", "InputStacks"),
        ("io.input_stack", "input_context"),
        ("io.output_stack", "output_context"),
        ("transformation.base", "Transformation"),
        ("transformation.types", "TransformationType"),
        ("transformation.numpy_backend", "NumpyHomography"),
        ("transformation.scipy_backend", "ScipyHomography"),
    ],
)
def test_what_programs_import_from_0_5_0_is_there(module, name):
    assert callable(getattr(importlib.import_module(f"ewoksndreg.{module}"), name))


def test_importing_the_package_imports_nothing_else():
    code = (
        "import sys; before = set(sys.modules); import ewoksndreg;"
        "print({each.partition('.')[0] for each in set(sys.modules) - before} - {'ewoksndreg'}"
        " & {'numpy', 'scipy', 'h5py', 'silx', 'pydantic', 'numba', 'matplotlib', 'skimage',"
        " 'distributed', 'pandas', 'ewokscore'})"
    )
    assert run_python("-c", code).stdout.strip() == "set()"
