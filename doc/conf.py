"""Configuration of the documentation."""

from ewoksndreg import __version__

project = "ewoksndreg"
author = "the ewoksndreg developers"
project_copyright = "2026, the ewoksndreg developers"
release = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc"]
exclude_patterns = ["_build"]
default_role = "literal"
nitpicky = False

autodoc_member_order = "bysource"
# The docstrings say shapes and units; the types of arrays would fill the page.
autodoc_typehints = "none"
autodoc_default_options = {"members": True}

html_theme = "pydata_sphinx_theme"
html_title = "ewoksndreg"
html_sidebars = {"**": []}
html_theme_options = {"show_prev_next": False, "secondary_sidebar_items": ["page-toc"]}
