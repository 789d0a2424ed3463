"""The state that all tabs share."""

# ruff: noqa: E402
from ..qt_available import require_qt

require_qt()

import pytest

from ewoksndreg.gui._selection import Selection


@pytest.fixture
def selection(application):
    selection = Selection()
    selection.restart({"a": 6, "b": 2}, ["a", "b"], stack="a", image=4, registration="a")
    return selection


@pytest.fixture
def changes(selection):
    changes = []
    selection.sigStackChanged.connect(changes.append)
    selection.sigImageChanged.connect(changes.append)
    selection.sigRegistrationChanged.connect(changes.append)
    return changes


def test_everybody_is_told_of_a_change_and_of_nothing_else(selection, changes):
    selection.select_image(2)
    selection.select_image(2)
    selection.select_stack("a")
    assert changes == [2]


def test_an_image_that_does_not_exist_becomes_the_nearest_one(selection):
    selection.select_image(99)
    assert selection.image == 5
    selection.select_image(-3)
    assert selection.image == 0


def test_another_stack_keeps_the_image_where_it_has_one(selection, changes):
    selection.select_image(1)
    selection.select_stack("b")
    assert (selection.image, changes) == (1, [1, "b"])


def test_a_shorter_stack_selects_its_last_image(selection, changes):
    selection.select_stack("b")
    assert (selection.image, selection.number_of_images, changes) == (1, 2, ["b", 1])


def test_a_new_result_tells_everybody_even_if_the_selection_is_the_same(selection, changes):
    selection.restart({"a": 3}, ["a"], stack="a", image=4, registration="a")
    assert (selection.image, changes) == (2, ["a", "a", 2])


def test_a_stack_that_does_not_exist_cannot_be_selected(selection):
    with pytest.raises(ValueError, match="There is no stack 'c' to select"):
        selection.select_stack("c")


def test_no_stacks_are_no_images(selection, changes):
    selection.restart({}, [], stack=None, image=3, registration=None)
    assert (selection.stack, selection.image, selection.number_of_images) == (None, 0, 0)
    assert changes == []


def test_a_registration_that_cannot_be_looked_at_is_not_selected(selection, changes):
    selection.select_registration("c")
    selection.select_registration("a")
    assert changes == []
    selection.select_registration("b")
    assert (selection.registration, changes) == ("b", ["b"])
