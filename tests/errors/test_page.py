from pathlib import Path

from .page import format_page

PAGE = Path(__file__).parents[2] / "doc" / "reference" / "errors.md"


def test_the_page_of_the_documentation_is_up_to_date():
    assert PAGE.read_text(encoding="utf-8") == format_page(), (
        "run: python -m tests.errors > doc/reference/errors.md"
    )
