"""Messages of a widget about its task. Runs without Qt."""

from ewoksndreg.tasks.reg2d_posteval import Reg2DPostEvaluation
from orangecontrib.ewoksndreg.controls.messages import extract_sentence


def _catch(**inputs):
    try:
        Reg2DPostEvaluation(inputs=inputs).execute()
    except Exception as error:
        return error
    raise AssertionError("no error")


def test_the_context_that_ewoks_adds_is_removed():
    error = _catch(image_stacks=["maps.h5"], transformations={})
    assert "failed" in str(error)
    assert extract_sentence(error) == (
        "Input 'image_stacks': The URL 'maps.h5' does not say where in which file: write it as"
        " 'file.h5::/path/inside/the/file'"
    )


def test_the_cause_of_an_error_of_the_library_stays_behind_it():
    error = ValueError("Stack 'Fe-K': the file is damaged")
    error.__cause__ = OSError("the file is damaged")
    assert extract_sentence(error) == "Stack 'Fe-K': the file is damaged"


def test_an_error_without_a_message_is_named_by_its_type():
    assert extract_sentence(MemoryError()) == "MemoryError"
