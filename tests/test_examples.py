"""The examples in the docstrings of the public functions, which the reference lists."""

import doctest
import importlib
import re
from pathlib import Path

import pytest

import ewoksndreg

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
    listed = re.findall(r"auto(?:function|class|module):: (\S+)$", REFERENCE, re.MULTILINE)
    assert set(TOP) <= set(listed)


def test_names_are_found_when_they_are_asked_for():
    assert set(ewoksndreg.__all__) <= set(dir(ewoksndreg))
    with pytest.raises(AttributeError, match="evaluate_stack'"):
        ewoksndreg.evaluate_stack  # noqa: B018
