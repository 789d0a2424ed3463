"""The widgets of ewoksndreg in the Orange canvas; this package is one category of widgets."""

from pathlib import Path

NAME = "Registration"

DESCRIPTION = "Find out which image registration is best"

ICON = "icons/category.svg"

BACKGROUND = "light-blue"

# The index in which Orange looks for the page of each widget.
WIDGET_HELP_PATH = ((str(Path(__file__).parent / "help" / "index.html"), None),)
