"""Configuration of the documentation."""

import importlib
import re
import shutil
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy
from docutils import nodes
from sphinx.application import Sphinx

from ewoksndreg import __version__

project = "ewoksndreg"
author = "the ewoksndreg developers"
project_copyright = "2026, the ewoksndreg developers"
version = release = __version__

extensions = [
    "ewokssphinx",
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.intersphinx",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["_build", "examples", "**sg_execution_times.rst", "tutorials/python/index.rst"]
default_role = "literal"
templates_path = ["_templates"]
nitpicky = True
nitpick_ignore = [("py:class", "ewoksndreg.kernels._kernel.Scale")]

myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3

copybutton_prompt_text = r">>> |\.\.\. "
copybutton_prompt_is_regexp = True

autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
autodoc_default_options = {"members": True}

# What we link to is listed beside this file, so that the build needs no network.
intersphinx_mapping = {
    name: (url, f"inventories/{name}.txt")
    for name, url in {
        "h5py": "https://docs.h5py.org/en/stable",
        "matplotlib": "https://matplotlib.org/stable",
        "numpy": "https://numpy.org/doc/stable",
        "pandas": "https://pandas.pydata.org/docs",
        "python": "https://docs.python.org/3",
        "scipy": "https://docs.scipy.org/doc/scipy",
        "silx": "https://www.silx.org/doc/silx/latest",
    }.items()
}

# The examples write files where they are, so they run in a copy.
_HERE = Path(__file__).parent
_COPY = _HERE / "_build" / "examples"
shutil.rmtree(_COPY, ignore_errors=True)
shutil.copytree(_HERE / "examples", _COPY)
sphinx_gallery_conf = {
    "examples_dirs": [str(_COPY / "tutorial"), str(_COPY / "gallery")],
    "gallery_dirs": ["tutorials/python", "gallery"],
    "filename_pattern": r"\.py$",
    "download_all_examples": False,
    "ignore_repr_types": "matplotlib|list",
    "reference_url": {"ewoksndreg": None},
    "show_memory": False,
    "min_reported_time": 1e9,
    "show_signature": False,
}

html_theme = "pydata_sphinx_theme"
html_title = "ewoksndreg"
html_static_path = ["_static"]
html_css_files = ["custom.css"]
html_sidebars = {"index": [], "install": []}
html_theme_options = {
    "navigation_with_keys": False,
    "navbar_start": ["navbar-logo", "version.html"],
    "navbar_end": ["theme-switcher"],
    "navbar_persistent": ["search-button"],
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": ["sphinx-version"],
}


def setup(app: Sphinx) -> None:
    """Called by Sphinx."""
    for name in _DOCUMENTED:
        module = importlib.import_module(f"ewoksndreg.{name}")
        for each in vars(module).values():
            if getattr(each, "__module__", "").startswith(module.__name__):
                _name_types(each)
    app.connect("doctree-read", _shorten_types_of_tasks)


def _name_types(documented: Any) -> None:
    """Show the names of types that would be spelled out; the docstrings say shapes."""
    names = {**vars(sys.modules[documented.__module__]), **_NAMED}
    members = vars(documented).values() if isinstance(documented, type) else ()
    for each in (documented, *members):
        annotations = getattr(getattr(each, "fget", each), "__annotations__", {})
        for name, annotation in annotations.items():
            text = getattr(annotation, "__forward_arg__", annotation)
            if isinstance(text, str):
                with suppress(NameError):  # imported for type checkers only
                    annotations[name] = eval(text, names)  # noqa: S307


def _shorten_types_of_tasks(app: Sphinx, page: nodes.document) -> None:
    """Leave out modules and what pydantic checks."""
    for literal in page.findall(nodes.literal):
        if isinstance(literal.parent, nodes.term):
            text = re.sub(r"Annotated\[(\w+), FieldInfo\(.*?\)\]\)\]", r"\1", literal.astext())
            text = re.sub(r"\b(?:\w+\.)+(?=\w)", "", text)
            literal.children = [
                nodes.Text(text.replace("ndarray[tuple[Any, ...], dtype[Any]]", "ndarray"))
            ]


class _Array:
    def __class_getitem__(cls, pixels: object) -> type:
        return numpy.ndarray


def _named(module: str, name: str) -> type:
    return type(name, (), {"__module__": module})


_DOCUMENTED = (
    "_report",
    "alignment",
    "evaluation",
    "io",
    "kernels",
    "plots",
    "refinement",
    "registration",
    "transformation",
    "workers",
)
_NAMED = {
    "ArrayLike": _named("numpy.typing", "ArrayLike"),
    "Axes": _named("matplotlib.axes", "Axes"),
    "Conventions": _named("ewoksndreg.transformation", "Conventions"),
    "Executor": _named("concurrent.futures", "Executor"),
    "FloatImage": numpy.ndarray,
    "Mask": numpy.ndarray,
    "Matrix": numpy.ndarray,
    "NDArray": _Array,
    "TransformationSource": _named("ewoksndreg.transformation", "TransformationSource"),
}
