import pytest
from silx.io.url import DataUrl

from ewoksndreg.io._urls import as_data_url
from ewoksndreg.io._urls import stack_names
from ewoksndreg.io._urls import url_text


@pytest.mark.parametrize(
    ("text", "file_path", "data_path", "data_slice"),
    [
        ("/a/b.h5::/entry/Ca-K", "/a/b.h5", "/entry/Ca-K", None),
        ("b.h5?/entry/Ca-K", "b.h5", "/entry/Ca-K", None),
        ("silx:///a/b.h5?path=/entry/Ca-K", "/a/b.h5", "/entry/Ca-K", None),
        ("silx:b.h5::entry/Ca-K/", "b.h5", "/entry/Ca-K", None),
        ("b.h5?path=/entry/Ca-K&slice=0:5", "b.h5", "/entry/Ca-K", (slice(0, 5),)),
        ("b.h5?slice=0:5&path=/entry/Ca-K", "b.h5", "/entry/Ca-K", (slice(0, 5),)),
        ("b.h5::/e/d&slice=2,...,1:9:2", "b.h5", "/e/d", (2, Ellipsis, slice(1, 9, 2))),
        ("C:/a b.h5::/e/Fe K#1+2&3 %", "C:/a b.h5", "/e/Fe K#1+2&3 %", None),
    ],
)
@pytest.mark.parametrize("kind", [str, DataUrl])
def test_a_url_is_split_into_file_dataset_and_slice(text, file_path, data_path, data_slice, kind):
    url = as_data_url(kind(text))
    assert url.file_path() == file_path
    assert url.data_path() == data_path
    assert url.data_slice() == data_slice
    # What is shown to people can be used again.
    assert as_data_url(url_text(url)) == url
    # So can the object itself.
    assert as_data_url(url) == url


@pytest.mark.parametrize("text", ["", "b.h5", "b.h5::", "::/entry", "b.h5?slice=0:3"])
def test_a_url_without_file_or_dataset_is_refused_with_an_example(text):
    with pytest.raises(ValueError, match=r"write it as 'file.h5::/path/inside/the/file'"):
        as_data_url(text)


def test_a_wrong_slice_is_shown():
    with pytest.raises(ValueError, match=r"slice '0;3', which is not valid"):
        as_data_url("b.h5::/e/d&slice=0;3")


def test_other_things_are_no_urls():
    with pytest.raises(TypeError, match="not int"):
        as_data_url(3)
    with pytest.raises(ValueError, match="is not that of an HDF5 file"):
        as_data_url(DataUrl("fabio:///a/b.edf"))


@pytest.mark.parametrize(
    ("texts", "names"),
    [
        ([], []),
        (["a.h5::/entry/maps/Ca-K"], ["Ca-K"]),
        (["a.h5::/entry/maps/Ca-K", "a.h5::/entry/maps/Fe-K"], ["Ca-K", "Fe-K"]),
        (["a.h5::/entry/maps/Ca/K", "a.h5::/entry/maps/Fe-K"], ["Ca/K", "Fe-K"]),
        (["a.h5::/1.1/maps/Ca", "a.h5::/2.1/maps/Ca"], ["1.1/maps/Ca", "2.1/maps/Ca"]),
        (["a.h5::/e/Ca", "b.h5::/e/Ca"], ["a.h5/Ca", "b.h5/Ca"]),
        (["a.h5::/e/Ca", "x/b.h5::/e/Ca", "b.h5::/e/Fe"], ["a.h5/Ca", "b.h5/Ca", "Fe"]),
    ],
)
def test_stacks_are_named_after_what_their_urls_do_not_share(texts, names):
    assert stack_names([as_data_url(text) for text in texts]) == names


def test_names_that_stay_equal_are_refused_with_both_urls():
    urls = [as_data_url(text) for text in ("x/a.h5::/e/Ca", "y/a.h5::/e/Ca")]
    with pytest.raises(ValueError, match=r"'a.h5/Ca': 'x/a.h5::/e/Ca', 'y/a.h5::/e/Ca';"):
        stack_names(urls)
