"""The worker that reads images."""

# ruff: noqa: E402
from ..qt_available import require_qt

require_qt()

import numpy
import pytest

from ewoksndreg._stacks import ArrayStack
from ewoksndreg.gui._image_loader import ImageLoader
from ewoksndreg.gui._image_reader import ImageRequest
from ewoksndreg.transformation import Transformation

from .conftest import BrokenStack
from .conftest import GatedStack
from .conftest import moving_sample


class Heard:
    def __init__(self, loader):
        self.numbers = []
        self.sentences = []
        loader.sigLoaded.connect(lambda loaded: self.numbers.append(loaded.number))
        loader.sigFailed.connect(self.sentences.append)


@pytest.fixture
def loader(application):
    return ImageLoader()


@pytest.fixture
def heard(loader):
    return Heard(loader)


def request(stack, number, transformations=None):
    return ImageRequest("Fe-K", stack, number, 0, (None, transformations))


def test_the_caller_goes_on_while_an_image_is_read(loader, heard, wait_until):
    stack = GatedStack(moving_sample(4))
    loader.load(request(stack, 3))
    wait_until(lambda: stack.asked)
    assert heard.numbers == []
    stack.open.set()
    wait_until(lambda: heard.numbers == [3])


def test_only_the_image_that_was_asked_for_last_arrives(loader, heard, wait_until):
    stack = GatedStack(moving_sample(6))
    for number in range(6):
        loader.load(request(stack, number))
    wait_until(lambda: stack.asked)
    stack.open.set()
    wait_until(lambda: heard.numbers)
    loader.close_when_idle(lambda: None).result()
    wait_until(lambda: True)
    assert heard.numbers == [5]


def test_images_between_are_not_even_read(loader, heard, wait_until):
    stack = GatedStack(moving_sample(6))
    stack.open.set()
    loader.load(request(stack, 0))
    wait_until(lambda: heard.numbers == [0])
    stack.open.clear()
    stack.asked.clear()
    loader.load(request(stack, 1))
    wait_until(lambda: stack.asked == [1])
    for number in (2, 3, 4):
        loader.load(request(stack, number))
    stack.open.set()
    wait_until(lambda: heard.numbers == [0, 4])
    assert stack.asked == [1, 4]


def test_an_image_that_was_given_up_after_it_was_read_is_dropped(loader, heard, wait_until):
    """It waits in the queue of the window when something else is asked for."""
    stack = ArrayStack(moving_sample(3))
    loader.load(request(stack, 1))
    loader._executor.submit(lambda: None).result()  # image 1 is read and on its way
    loader.load(request(stack, 2))
    wait_until(lambda: heard.numbers)
    assert heard.numbers == [2]


def test_what_cannot_be_read_is_one_sentence(loader, heard, wait_until):
    loader.load(request(BrokenStack(moving_sample(3), broken=1), 1))
    wait_until(lambda: heard.sentences)
    assert heard.sentences == ["Stack 'Fe-K', image 1: the file has vanished"]
    assert heard.numbers == []


class Surprising(Transformation):
    def apply_coordinates(self, coord):
        raise NotImplementedError

    def apply_data(self, image, *, cval=numpy.nan, interpolation_order=1):
        raise ZeroDivisionError("a mistake of another program")


def test_a_mistake_of_another_program_is_told_and_does_not_stop_the_worker(
    loader, heard, wait_until
):
    stack = ArrayStack(moving_sample(2))
    loader.load(request(stack, 1, [Surprising(), Surprising()]))
    wait_until(lambda: heard.sentences)
    assert "a mistake of another program" in heard.sentences[0]
    loader.load(request(stack, 1))
    wait_until(lambda: heard.numbers == [1])


def test_files_are_closed_after_the_image_that_is_being_read(loader, heard, wait_until):
    stack = GatedStack(moving_sample(2))
    closed = []
    loader.load(request(stack, 1))
    wait_until(lambda: stack.asked)
    future = loader.close_when_idle(lambda: closed.append(list(stack.asked)))
    assert closed == []
    stack.open.set()
    future.result()
    wait_until(lambda: True)
    assert closed == [[0]]
    assert heard.numbers == []
