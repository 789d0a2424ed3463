"""Print the page with all error messages."""

from .page import format_page

print(format_page(), end="")
