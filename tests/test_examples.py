"""The examples in the docstrings of what can be imported from the top."""

import doctest
import re
from pathlib import Path

import pytest

import ewoksndreg

PAGES = Path(__file__).parent.parent / "doc" / "reference" / "api"
REFERENCE = "".join(page.read_text() for page in PAGES.glob("*.rst"))


@pytest.mark.parametrize("name", ewoksndreg.__all__)
def test_the_example_runs_and_the_reference_has_it(name):
    documented = getattr(ewoksndreg, name)
    (found,) = doctest.DocTestFinder(recurse=False).find(documented, name)
    assert found.examples
    result = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE).run(found)
    assert result.failed == 0
    assert re.search(rf"auto(function|class|module):: ewoksndreg\.{name}$", REFERENCE, re.MULTILINE)


def test_names_are_found_when_they_are_asked_for():
    assert set(ewoksndreg.__all__) <= set(dir(ewoksndreg))
    with pytest.raises(AttributeError, match="evaluate_stack'"):
        ewoksndreg.evaluate_stack  # noqa: B018
