"""What users type, and the values that are made of it. Runs without Qt."""

import json
import re

import numpy
import pytest
from silx.io.url import DataUrl

from orangecontrib.ewoksndreg.controls.text_values import elide
from orangecontrib.ewoksndreg.controls.text_values import format_sources
from orangecontrib.ewoksndreg.controls.text_values import format_url
from orangecontrib.ewoksndreg.controls.text_values import list_names
from orangecontrib.ewoksndreg.controls.text_values import read_input_url
from orangecontrib.ewoksndreg.controls.text_values import read_output_url
from orangecontrib.ewoksndreg.controls.text_values import read_stacks
from orangecontrib.ewoksndreg.controls.text_values import read_transformations

from ..conftest import run_python

CA, FE = "maps.h5::/entry/maps/Ca-K", "maps.h5::/entry/maps/Fe-K"


@pytest.mark.parametrize(
    ("typed", "value"),
    [
        ("", None),
        ("  \n ", None),
        (CA, [CA]),
        (f"{CA}\n\n  {FE}  \n", [CA, FE]),
        (f'["{CA}", "{FE}"]', [CA, FE]),
        (f'{{"calcium": "{CA}"}}', {"calcium": CA}),
        ('{"a": [[[0, 1], [2, 3]]]}', {"a": [[[0, 1], [2, 3]]]}),
    ],
)
def test_stacks_are_a_url_lines_or_json(typed, value):
    assert read_stacks(typed) == value


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        (f'["{CA}", ', f"This is not JSON (line 1, column {len(CA) + 5}: Expecting value)"),
        ("maps.h5", "The URL 'maps.h5' does not say where in which file: write it as"),
        (f"{CA}\nmaps.h5", "The URL 'maps.h5' does not say where in which file"),
        ('{"Ca-K": "maps.h5"}', "The URL 'maps.h5' does not say where in which file"),
        ("[1, 2]", "A list of image stacks holds URLs of datasets, not int"),
        (f"{CA}\n{CA}", f"The stack '{CA}' is given 2 times"),
    ],
)
def test_what_is_no_stack_is_told_in_one_sentence(typed, sentence):
    with pytest.raises(ValueError, match=re.escape(sentence)) as caught:
        read_stacks(typed)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("typed", "value"),
    [
        ("", None),
        ("shifts.h5::/fit/Ca-K", {"Ca-K": "shifts.h5::/fit/Ca-K"}),
        (
            "shifts.h5::/fit/Ca-K\nshifts.h5::/fit/Fe-K",
            {"Ca-K": "shifts.h5::/fit/Ca-K", "Fe-K": "shifts.h5::/fit/Fe-K"},
        ),
        ('["shifts.h5::/fit/Ca-K"]', {"Ca-K": "shifts.h5::/fit/Ca-K"}),
        ('{"Ca-K": [[0, 0], [1, 2]]}', {"Ca-K": [[0, 0], [1, 2]]}),
        (
            '{"Ca-K": "shifts.h5::/x", "Fe-K": [[0, 0]]}',
            {"Ca-K": "shifts.h5::/x", "Fe-K": [[0, 0]]},
        ),
    ],
)
def test_transformations_are_urls_with_the_names_of_datasets_or_json(typed, value):
    assert read_transformations(typed) == value


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ('{"Ca-K": [[0, 0, 0]]}', "Registration 'Ca-K': the shape is (1, 3), expected"),
        ('{"Ca-K": [["a", 1]]}', "Registration 'Ca-K': image 0 needs a transformation"),
        (
            "[[0, 0], [1, 2]]",
            "A list of registrations holds URLs: give matrices and shifts in a dictionary",
        ),
        ("shifts.h5", "The URL 'shifts.h5' does not say where in which file"),
        ('{"Ca-K": "shifts.h5"}', "The URL 'shifts.h5' does not say where in which file"),
        ("{", "This is not JSON (line 1, column 2:"),
    ],
)
def test_what_are_no_transformations_is_told_in_one_sentence(typed, sentence):
    with pytest.raises(ValueError, match=re.escape(sentence)):
        read_transformations(typed)


@pytest.mark.parametrize(
    ("typed", "url"), [("", None), (" a.h5::/x ", "a.h5::/x"), ("a.h5?/x", "a.h5?/x")]
)
def test_an_output_is_the_url_of_a_group(typed, url):
    assert read_output_url(typed) == url


def test_an_output_without_a_group_is_told():
    with pytest.raises(ValueError, match=r"'a\.h5' does not say where in which file"):
        read_output_url("a.h5")


@pytest.mark.parametrize(
    "typed",
    ["", CA, f"{CA}\n{FE}", '{"calcium": "maps.h5::/entry/maps/Ca-K"}', '{"a": [[[0, 1]]]}', "[]"],
)
def test_stacks_come_back_as_they_were_typed(typed):
    value = read_stacks(typed)
    again = format_sources(value)
    assert read_stacks(again) == value
    if not typed.startswith(("{", "[")):
        assert again == typed


@pytest.mark.parametrize(
    "typed", ["s.h5::/fit/Ca-K\ns.h5::/fit/Fe-K", '{"calcium": "s.h5::/x"}', '{"a": [[0, 1.5]]}']
)
def test_transformations_come_back_as_they_were_typed(typed):
    value = read_transformations(typed)
    again = format_sources(value)
    assert read_transformations(again) == value
    if not typed.startswith("{"):
        assert again == typed


def test_data_urls_of_a_workflow_can_be_typed():
    url = DataUrl(file_path="maps.h5", data_path="/entry/Ca-K", data_slice=(slice(0, 5),))
    assert format_sources([url]) == "maps.h5::/entry/Ca-K&slice=0:5"
    assert json.loads(format_sources({"calcium": url})) == {
        "calcium": "maps.h5::/entry/Ca-K&slice=0:5"
    }
    assert format_url(url) == "maps.h5::/entry/Ca-K&slice=0:5"
    assert format_url(None) == ""


def test_a_wrong_url_of_a_workflow_is_displayed_for_correction():
    assert json.loads(format_sources({"Ca-K": "maps.h5"})) == {"Ca-K": "maps.h5"}


def test_arrays_cannot_be_typed():
    stacks = {"Ca-K": numpy.zeros((3, 4, 5)), "Fe-K": CA, "S-K": [[[0]], [[1]]]}
    assert format_sources(stacks) is None


def test_a_long_name_loses_its_middle():
    assert elide("Ca-K", 10) == "Ca-K"
    assert elide("0123456789abcdef", 10) == "0123…bcdef"
    assert len(elide("x" * 99, 20)) == 20


@pytest.mark.parametrize("typed", ["", "maps.h5", " maps.h5::/entry "])
def test_a_file_stands_for_its_root_group(typed):
    assert read_input_url(typed) == (typed.strip() or None)


def test_a_folder_is_no_input():
    with pytest.raises(ValueError, match="does not say where in which file"):
        read_input_url("::/entry")


def test_the_names_of_all_stacks_are_known_before_a_file_is_opened():
    assert list_names([CA, FE], {"S-K": [], "Ca-K": []}) == ["Ca-K", "Fe-K", "S-K"]
    assert list_names(None, {"S-K": []}) == ["S-K"]
    assert list_names(3, None) == []


def test_values_are_read_where_no_qt_is_installed():
    code = (
        "import sys\n"
        "for name in ('PyQt5', 'PyQt6', 'PySide2', 'PySide6', 'AnyQt', 'silx.gui'):\n"
        "    sys.modules[name] = None\n"
        "import orangecontrib.ewoksndreg.controls.text_values\n"
        "import orangecontrib.ewoksndreg.controls.hdf5_datasets\n"
        "import orangecontrib.ewoksndreg.controls.messages\n"
    )
    run_python("-c", code)
