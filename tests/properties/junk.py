"""Whatever JSON can hold, and inputs of the task that are right but for one place."""

from __future__ import annotations

import copy
import re
from typing import Any

import numpy
from hypothesis import strategies as st

from ..conftest import smooth_image

_FILES = [
    "maps.h5",
    "none.h5",
    "text.txt",
    ".",
    "folder",
    "new/out.h5",
    "",
    " ",
    "\u00e9 #+&%.h5",
    "\udcff",
    "new/",
]
_INSIDE = [
    "/maps/a",
    "/maps/b",
    "maps",
    "/",
    "",
    ".",
    "..",
    "/new",
    "/maps/a/b",
    "/scan",
    "/text",
    "\udcff",
]
_SLICES = [
    "",
    "0",
    ":",
    "::-1",
    "1:0",
    "::0",
    "...",
    "...,...",
    "0,0,0,0",
    "99",
    "1.5",
    "9" * 30,
    "x",
]
_ODD = [
    "a",
    "b",
    "all",
    "own",
    "\x00",
    "\n",
    "\ud800",
    "\udcff",
    "nan",
    "0",
    "x" * 300,
    "a/b",
    "/a",
    "a/..",
    "a\x00",
]

URLS = st.builds(
    "{}{}{}{}{}".format,
    st.sampled_from(["", "", "", "silx:", "silx://", "http://", "file:", "fabio:"]),
    st.sampled_from(_FILES) | st.text(max_size=5),
    st.sampled_from(["::", "::", "?", "?path=", ":"]),
    st.sampled_from(_INSIDE) | st.text(max_size=5),
    st.just("") | st.sampled_from(_SLICES).map("&slice={}".format),
)
_TEXTS = st.text(max_size=8) | st.sampled_from(_ODD) | URLS
_NUMBERS = (
    st.integers()
    | st.floats()
    | st.sampled_from([0, 1, -1, 2**63, -(2**63), 2**64, 10**30, 10**400, 1e308, 5e-324])
)
_LEAVES = st.none() | st.booleans() | _NUMBERS | _TEXTS

JSON = st.recursive(
    _LEAVES,
    lambda items: (
        st.lists(items, max_size=4)
        | st.dictionaries(st.sampled_from(["a", "b"]) | _TEXTS, items, max_size=3)
    ),
    max_leaves=8,
)

_SAMPLE = smooth_image(seed=5, shape=(9, 9))
IMAGES = [_SAMPLE[:8, :8].round(3).tolist(), _SAMPLE[1:, :8].round(3).tolist()]
LISTS = {"a": [[0, 0], [-1, 0]], "b": [[0, 0], [1, 1]]}
MATRICES = [[[1, 0, 0], [0, 1, 0], [0, 0, 1]], [[1, 0, -1], [0, 1, 0], [0, 0, 1]]]


@st.composite
def change_inputs(draw: st.DrawFn, value: Any) -> Any:
    """A JSON value with junk in one place."""
    value = copy.deepcopy(value)
    place: Any = None
    key: Any = None
    node = value
    while isinstance(node, (list, dict)) and node and (place is None or draw(st.booleans())):
        place = node
        key = draw(st.sampled_from(list(node) if isinstance(node, dict) else range(len(node))))
        node = node[key]
    place[key] = draw(JSON)
    return value


def _each(stack: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.fixed_dictionaries({"a": stack, "b": stack})


def _inside_the_folder(value: Any) -> Any:
    """The same, but for strings that would make the task write somewhere else."""
    if not isinstance(value, str):
        return value
    return re.sub(r"^((silx:|file:)?/*)+", "", value.replace("..", ""))


INPUTS: dict[str, st.SearchStrategy[Any]] = {
    "image_stacks": JSON
    | change_inputs({"a": IMAGES, "b": IMAGES})
    | _each(URLS)
    | st.lists(URLS, max_size=3)
    | _each(JSON),
    "transformations": JSON
    | change_inputs(LISTS)
    | change_inputs({"a": MATRICES, "b": LISTS["b"]})
    | _each(URLS)
    | _each(st.lists(st.lists(_NUMBERS, min_size=2, max_size=2), min_size=2, max_size=2))
    | _each(JSON),
    "reference_stack": JSON,
    "output_root_uri": (JSON | URLS).map(_inside_the_folder),
    "output_configuration": JSON,
    "skip": JSON,
    "evaluate_on": JSON,
}


def good_inputs() -> dict[str, Any]:
    images = numpy.array(IMAGES)
    return {"image_stacks": {"a": images, "b": images + 1}, "transformations": LISTS}
