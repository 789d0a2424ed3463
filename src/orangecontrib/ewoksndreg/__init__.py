"""The faces of ewoksndreg in the Orange canvas: this package is one category of widgets."""

NAME = "Registration"

DESCRIPTION = "Find out which image registration is best"

ICON = "icons/category.svg"

BACKGROUND = "light-blue"

# Where Orange finds the page of each widget: in a folder of built documentation.
WIDGET_HELP_PATH = (("{DEVELOP_ROOT}/doc/_build/html/orange.html", None),)
