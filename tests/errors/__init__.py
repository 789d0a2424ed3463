"""Every mistake that the library tells apart, with the exact sentence it says.

`python -m tests.errors > doc/reference/errors.md` writes the page with their messages.
"""
