"""Names that people give to files and datasets, in every form in which a URL is given."""

import os

import h5py
import numpy
import pytest
from silx.io.url import DataUrl

from ewoksndreg.io._urls import as_data_url
from ewoksndreg.io._urls import stack_names
from ewoksndreg.io._urls import url_text
from ewoksndreg.io.input_stack import input_context
from ewoksndreg.io.output_stack import output_context

from ..conftest import parametrize_sample

IMAGES = numpy.arange(3 * 4 * 5, dtype=numpy.int16).reshape(3, 4, 5)

NAMES = [
    "plain",
    "two words",
    " blanks around ",
    "a#b",
    "a+b",
    "a&b",
    "50%",
    "a%20b",
    "a=b",
    "path=x",
    "&x=1",
    "a;b",
    "a,b",
    "a'b\"c",
    "[0](1){2}",
    "what?",
    "a?b",
    "~user",
    "$HOME",
    "a\\b",
    "a:b",
    "run:1",
    "silx",
    "détecteur",
    "µm²",
    "鉄 K",
    "🔬",
    "e\u0301",  # two code points for one letter
]

FORMS = {
    "text": lambda file, data: f"{file}::{data}",
    "text with ?": lambda file, data: f"{file}?{data}",
    "text with ?path=": lambda file, data: f"{file}?path={data}",
    "silx: text": lambda file, data: f"silx:{file}::{data}",
    "silx: text with ?path=": lambda file, data: f"silx:{file}?path={data}",
    "DataUrl of text": lambda file, data: DataUrl(f"{file}::{data}"),
    "DataUrl of text with ?": lambda file, data: DataUrl(f"{file}?{data}"),
    "DataUrl of silx: text": lambda file, data: DataUrl(f"silx:{file}?path={data}"),
    "DataUrl of parts": lambda file, data: DataUrl(file_path=file, data_path=data),
    "DataUrl of parts and scheme": lambda file, data: DataUrl(
        file_path=file, data_path=data, scheme="silx"
    ),
}


def read(data):
    with input_context(data) as stacks:
        return {name: numpy.stack(list(stack)) for name, stack in stacks.items()}


@pytest.fixture
def odd_file(tmp_path):
    def make(folder, name, dataset):
        path = tmp_path / folder / f"{name}.h5"
        os.makedirs(path.parent, exist_ok=True)
        with h5py.File(path, "w") as file:
            file["entry"] = h5py.SoftLink("/")
            file[dataset] = IMAGES
        return str(path)

    return make


@parametrize_sample("name, form", NAMES, [*FORMS], every=9)
def test_file_and_dataset_names_are_taken_as_they_are(odd_file, name, form):
    path = odd_file("x", name, name)
    url = FORMS[form](path, f"/{name}")
    numpy.testing.assert_array_equal(read({"a": url})["a"], IMAGES)
    numpy.testing.assert_array_equal(read({"a": FORMS[form](path, f"/entry/{name}")})["a"], IMAGES)
    assert list(read([url])) == [name]


@parametrize_sample("name, form", NAMES, [*FORMS], every=9)
def test_a_relative_path_and_a_slice_may_go_with_every_name(odd_file, monkeypatch, name, form):
    path = odd_file("x", name, name)
    monkeypatch.chdir(os.path.dirname(path))
    url = FORMS[form](f"{name}.h5", f"/{name}")
    if isinstance(url, str):
        sliced = f"{url}&slice=::2,...,1:4"
    elif "parts" in form:
        sliced = DataUrl(
            file_path=url.file_path(),
            data_path=url.data_path(),
            data_slice=(slice(None, None, 2), ..., slice(1, 4)),
            scheme=url.scheme(),
        )
    else:
        sliced = DataUrl(f"{url.path()}&slice=::2,...,1:4")
    images = read({"a": sliced, "whole": url})
    numpy.testing.assert_array_equal(images["a"], IMAGES[::2, :, 1:4])
    numpy.testing.assert_array_equal(images["whole"], IMAGES)


@pytest.mark.parametrize("name", NAMES)
def test_folders_may_have_every_name(odd_file, name):
    path = odd_file(f"{name}x", "a", "a")
    for form in ("text", "DataUrl of text", "DataUrl of parts"):
        numpy.testing.assert_array_equal(read({"a": FORMS[form](path, "/a")})["a"], IMAGES)


@pytest.mark.parametrize(
    ("name", "dataset"),
    [
        ("a::b", "a"),
        ("a", "b::c"),
        ("a::b", "c::d&slice=0"),
        ("a", "b&slice=0:1"),
        ("a?path=", "b"),
        ("silx:a", "b"),
    ],
)
def test_what_separates_parts_in_text_may_be_in_the_parts_of_a_data_url(odd_file, name, dataset):
    path = odd_file("x", name, dataset)
    url = DataUrl(file_path=path, data_path=f"/{dataset}")
    numpy.testing.assert_array_equal(read({"a": url})["a"], IMAGES)
    part = DataUrl(file_path=path, data_path=f"/{dataset}", data_slice=(slice(1, 3),))
    numpy.testing.assert_array_equal(read({"a": part})["a"], IMAGES[1:3])


@pytest.mark.parametrize("data_slice", [1, (1,), [1], (1, ...)])
def test_the_slice_of_a_data_url_has_every_form_that_silx_takes(tmp_path, data_slice):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["a"] = numpy.stack([IMAGES, IMAGES + 100])
    url = DataUrl(file_path=tmp_path / "a.h5", data_path="/a", data_slice=data_slice)
    numpy.testing.assert_array_equal(read({"a": url})["a"], IMAGES + 100)


@pytest.mark.parametrize("name", NAMES)
def test_results_are_written_to_and_read_from_such_names(tmp_path, name):
    with output_context(f"{tmp_path}/{name}.h5::/entry/{name}") as output:
        output.add_points(name, IMAGES)
        output.add_points(f"nested/{name}", IMAGES + 1)
        urls = output.data_for_input()
    images = read(urls)
    numpy.testing.assert_array_equal(images[name], IMAGES)
    numpy.testing.assert_array_equal(images[f"nested/{name}"], IMAGES + 1)
    with h5py.File(tmp_path / f"{name}.h5") as file:
        numpy.testing.assert_array_equal(file["entry"][name][name], IMAGES)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_shown_to_people_can_be_used_again(name):
    url = as_data_url(f"{name}.h5::/e/{name}&slice=1:3")
    assert as_data_url(url_text(url)) == url
    assert stack_names([url]) == [name]
