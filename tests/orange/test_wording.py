"""What a widget tells about its task. Runs without Qt."""

from ewoksndreg.tasks.reg2d_posteval import Reg2DPostEvaluation
from orangecontrib.ewoksndreg.controls.wording import missing_inputs
from orangecontrib.ewoksndreg.controls.wording import sentence_of


def _raised(**inputs):
    try:
        Reg2DPostEvaluation(inputs=inputs).execute()
    except Exception as error:
        return error
    raise AssertionError("no error")


def test_what_ewoks_puts_around_a_sentence_is_taken_off():
    error = _raised(image_stacks=["maps.h5"], transformations={})
    assert "failed" in str(error)
    assert sentence_of(error) == (
        "Input 'image_stacks': The URL 'maps.h5' does not say where in which file: write it as"
        " 'file.h5::/path/inside/the/file'"
    )


def test_the_cause_of_an_error_of_the_library_stays_behind_it():
    error = ValueError("Stack 'Fe-K': the file is damaged")
    error.__cause__ = OSError("the file is damaged")
    assert sentence_of(error) == "Stack 'Fe-K': the file is damaged"


def test_an_error_without_words_is_told_by_its_kind():
    assert sentence_of(MemoryError()) == "MemoryError"


def test_missing_inputs_are_named_as_the_fields_are():
    assert missing_inputs(["image_stacks", "transformations"]) == (
        "Missing: image stacks and transformations. Link a widget that provides them, or fill them"
        " in"
    )
