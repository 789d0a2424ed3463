"""Print the page that registrations all mistakes."""

from .page import page

print(page(), end="")
