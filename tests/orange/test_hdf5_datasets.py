"""What choosing something in a file means. Runs without Qt."""

import h5py
import numpy
import pytest
from silx.io.url import DataUrl

from orangecontrib.ewoksndreg.controls.hdf5_datasets import find_datasets
from orangecontrib.ewoksndreg.controls.hdf5_datasets import is_stack
from orangecontrib.ewoksndreg.controls.hdf5_datasets import is_transformations


@pytest.fixture
def path(tmp_path):
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["/elsewhere"] = numpy.zeros((2, 3, 4))
    with h5py.File(tmp_path / "maps.h5", "w", track_order=True) as file:
        group = file.create_group("/entry/maps", track_order=True)
        group["Fe-K"] = numpy.zeros((2, 3, 4))
        group["Ca-K"] = numpy.zeros((2, 3, 4))
        group["energy"] = numpy.zeros(2)
        group["S-K"] = h5py.ExternalLink("other.h5", "/elsewhere")
        group["As-K"] = h5py.SoftLink("/nowhere")
        group.create_group("more")
        fits = file.create_group("/entry/fits")
        fits["a_shifts"] = numpy.zeros((2, 2))
        fits["b_matrices"] = numpy.zeros((2, 3, 3))
        fits["c_short_matrices"] = numpy.zeros((2, 2, 3))
        fits["d_score"] = 0.5
        fits["e_points"] = numpy.zeros((2, 5))
    return str(tmp_path / "maps.h5")


def test_a_group_means_all_its_stacks_in_the_order_of_the_file(path):
    url = DataUrl(file_path=path, data_path="/entry/maps")
    names = ("Fe-K", "Ca-K", "S-K")
    assert find_datasets(url, "stacks", is_stack) == [f"{path}::/entry/maps/{n}" for n in names]


def test_a_dataset_means_itself(path):
    url = DataUrl(file_path=path, data_path="/entry/maps/S-K")
    assert find_datasets(url, "stacks", is_stack) == [f"{path}::/entry/maps/S-K"]


def test_transformations_are_matrices_or_shifts(path):
    url = DataUrl(file_path=path, data_path="/entry/fits")
    names = ("a_shifts", "b_matrices", "c_short_matrices")
    assert find_datasets(url, "registrations", is_transformations) == [
        f"{path}::/entry/fits/{n}" for n in names
    ]


@pytest.mark.parametrize("place", ["/entry/maps/energy", "/entry/maps/more", "/"])
def test_where_there_is_none_the_place_is_named(path, place):
    url = DataUrl(file_path=path, data_path=place)
    with pytest.raises(ValueError, match="There are no stacks in ") as caught:
        find_datasets(url, "stacks", is_stack)
    assert str(caught.value).endswith(f"maps.h5::{place}")


def test_a_file_that_is_chosen_as_a_whole_is_its_root(tmp_path):
    path = str(tmp_path / "flat.h5")
    with h5py.File(path, "w") as file:
        file["Ca-K"] = numpy.zeros((2, 3, 4))
    assert find_datasets(DataUrl(file_path=path), "stacks", is_stack) == [f"{path}::/Ca-K"]


def test_a_file_that_is_not_hdf5_is_told(tmp_path):
    (tmp_path / "notes.txt").write_text("no")
    url = DataUrl(file_path=str(tmp_path / "notes.txt"), data_path="/")
    with pytest.raises(OSError, match="is not an HDF5 file"):
        find_datasets(url, "stacks", is_stack)
