"""Print the page that lists all mistakes."""

from .page import page

print(page(), end="")
