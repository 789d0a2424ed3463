"""Transformations from numbers, files and objects; what programs mean is in test_conventions."""

from collections import namedtuple
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy
import pytest
from silx.io.url import DataUrl

from ewoksndreg.transformation import Homography
from ewoksndreg.transformation import TransformationType
from ewoksndreg.transformation import as_transformations
from ewoksndreg.transformation._conversion import _CONVENTIONS
from ewoksndreg.transformation._conversion import as_registrations

from ..conftest import Foreign
from ..conftest import rotation_matrix
from ..conftest import run_python
from ..conftest import shift_matrix

SHIFTS = [[0, 0], [7, -3], [-0.5, 2]]
SHIFT_MATRICES = numpy.stack([shift_matrix(*shift) for shift in SHIFTS])
AFFINE = numpy.stack(
    [numpy.identity(3), [[1.1, 0.2, 7], [-0.1, 0.9, -3], [0, 0, 1]], rotation_matrix(5, (10, 20))]
)
PERSPECTIVE = AFFINE + numpy.array([[0, 0, 0], [0, 0, 0], [1e-4, -2e-4, 0]])


def matrices(value, **options):
    return numpy.stack([item.passive_matrix for item in as_transformations(value, **options)])


def normalize(stack):
    return stack / stack[:, 2:, 2:]


FORMS = {
    "(N, 3, 3)": (AFFINE, AFFINE),
    "(N, 2, 3)": (AFFINE[:, :2], AFFINE),
    "perspective": (PERSPECTIVE, PERSPECTIVE),
    "(N, 2)": (numpy.array(SHIFTS), SHIFT_MATRICES),
    "one image": (AFFINE[1:2], AFFINE[1:2]),
    "nested lists": (AFFINE.tolist(), AFFINE),
    "nested lists of two rows": (AFFINE[:, :2].tolist(), AFFINE),
    "nested lists of shifts": (SHIFTS, SHIFT_MATRICES),
    "tuples": (tuple(tuple(shift) for shift in SHIFTS), SHIFT_MATRICES),
    "list of arrays": (list(AFFINE), AFFINE),
    "list of arrays and registrations": ([AFFINE[0], *AFFINE[1:].tolist()], AFFINE),
    "integers": (numpy.array([[1, 2], [3, 4]], numpy.uint8), [[1, 2], [3, 4]]),
    "big endian": (AFFINE.astype(">f8"), AFFINE),
    "float16": (numpy.array(SHIFTS, numpy.float16), SHIFT_MATRICES),
    "Fortran order": (numpy.asfortranarray(AFFINE), AFFINE),
    "memoryview": (memoryview(AFFINE), AFFINE),
    "array of objects": (numpy.array(SHIFTS, dtype=object), SHIFT_MATRICES),
}


@pytest.mark.parametrize("form", FORMS)
def test_numbers_are_passive_in_row_column_order(form):
    value, expected = FORMS[form]
    expected = numpy.array(expected)
    if expected.ndim == 2:
        expected = numpy.stack([shift_matrix(*shift) for shift in expected])
    result = as_transformations(value)
    assert type(result) is list
    assert {type(item) for item in result} == {Homography}
    numpy.testing.assert_allclose(matrices(value), normalize(expected), rtol=1e-14)


def test_a_shift_says_how_far_the_image_moved():
    """A spot at (4, 5) of the first image is at (6, 4) of image 1."""
    image = numpy.zeros((12, 12))
    image[6, 4] = 1
    _, transformation = as_transformations([[0, 0], [2, -1]])
    assert transformation.transformation_type is TransformationType.translation
    assert transformation.apply_data(image)[4, 5] == 1


SWAP = numpy.array([[0, 1, 0], [1, 0, 0], [0, 0, 1]])
MEANINGS = {
    "passive": lambda matrix: matrix,
    "active": numpy.linalg.inv,
    "passive xy": lambda matrix: SWAP @ matrix @ SWAP,
    "active xy": lambda matrix: SWAP @ numpy.linalg.inv(matrix) @ SWAP,
}
TOOLS = {
    "scikit-image": "passive xy",
    "opencv": "active xy",
    "opencv inverse map": "passive xy",
    "pystackreg": "passive xy",
    "simpleitk": "passive xy",
    "phase_cross_correlation": "active",
}


def test_these_are_the_conventions():
    assert set(_CONVENTIONS) == {*MEANINGS, *TOOLS}


@pytest.mark.parametrize("convention", [*MEANINGS, *TOOLS])
@pytest.mark.parametrize("stack", [SHIFT_MATRICES, AFFINE, PERSPECTIVE], ids=["2", "2x3", "3x3"])
def test_a_convention_says_what_the_numbers_mean(convention, stack):
    meaning = MEANINGS[TOOLS.get(convention, convention)]
    expected = normalize(numpy.stack([meaning(matrix) for matrix in stack]))
    value = SHIFTS if stack is SHIFT_MATRICES else stack
    result = matrices(value, convention=convention)
    numpy.testing.assert_allclose(result, expected, rtol=1e-12, atol=1e-12)


def test_case_does_not_matter_in_the_name_of_a_convention():
    numpy.testing.assert_array_equal(
        matrices(SHIFTS, convention="OpenCV"), matrices(SHIFTS, convention="opencv")
    )


@pytest.mark.parametrize(
    ("name", "hint"),
    [("phase cross correlation", "phase_cross_correlation"), ("activ", "active"), (3, None)],
)
def test_an_unknown_convention_is_refused_with_the_near_match(name, hint):
    with pytest.raises(ValueError, match=f"no convention '{name}'.*Available: 'passive'") as caught:
        as_transformations(SHIFTS, convention=name)
    if hint is not None:
        assert f"did you mean {hint!r}?" in str(caught.value)


@pytest.mark.parametrize("convention", [None, "active xy"])
def test_transformations_stay_what_they_are(convention):
    given = [Homography(AFFINE[1]), Foreign(Homography(AFFINE[2]))]
    for value in (given, tuple(given), numpy.array(given, dtype=object)):
        result = as_transformations(value, convention=convention)
        assert type(result) is list
        assert [id(item) for item in result] == [id(item) for item in given]


@pytest.mark.parametrize("convention", list(_CONVENTIONS))
@pytest.mark.parametrize("bad", [numpy.nan, numpy.inf])
def test_a_registration_that_diverged_is_kept(convention, bad):
    stack = AFFINE.copy()
    stack[1, 0, 2] = bad
    stack[2, :2, :2] = 0
    good, *diverged = as_transformations(stack, convention=convention)
    numpy.testing.assert_array_equal(good.passive_matrix, numpy.identity(3))
    for item in diverged:
        assert numpy.isnan(item.apply_coordinates([[0], [0]])).all()
        assert numpy.isnan(item.apply_data(numpy.ones((4, 5)))).all()


def test_a_number_that_is_missing_does_not_spread():
    result = matrices([[numpy.nan, 3]], convention="passive xy")
    numpy.testing.assert_array_equal(result[0], shift_matrix(3, numpy.nan))


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "found.h5"
    with h5py.File(path, "w") as opened:
        opened["/entry/matrices"] = AFFINE
        opened["/entry/two rows"] = AFFINE[:, :2]
        opened["/entry/shifts"] = SHIFTS
        opened["/entry/all"] = numpy.stack([AFFINE, PERSPECTIVE])
        opened["/entry/maps"] = numpy.zeros((3, 4, 5))
        opened["/entry/names"] = ["a", "b"]
        opened["/entry/complex"] = AFFINE.astype(complex)
        opened["/entry/none"] = numpy.empty((0, 3, 3))
        opened["/entry/null"] = h5py.Empty("f8")
        opened["/entry/scalar"] = 1.0
        opened["/entry/transposed"] = SHIFT_MATRICES.transpose(0, 2, 1)
        opened.create_dataset("/entry/large", (10**9, 3, 4), "f8", chunks=(1, 3, 4))
    return path


@pytest.mark.parametrize(
    ("inside", "expected"),
    [
        ("matrices", AFFINE),
        ("two rows", AFFINE),
        ("shifts", SHIFT_MATRICES),
        ("matrices&slice=1:", AFFINE[1:]),
        ("matrices&slice=::-1", AFFINE[::-1]),
        ("matrices&slice=...,:2,:", AFFINE),
        ("all&slice=1", PERSPECTIVE),
        ("all&slice=0,-1:", AFFINE[-1:]),
    ],
)
def test_a_url_is_read(file, inside, expected):
    url = f"{file}::/entry/{inside}"
    for value in (url, DataUrl(url), f"silx:{url}"):
        numpy.testing.assert_allclose(matrices(value), normalize(expected), rtol=1e-14)
    swapped = matrices(url, convention="passive xy")
    numpy.testing.assert_allclose(swapped, normalize(SWAP @ expected @ SWAP), rtol=1e-14)
    with h5py.File(file, "a"):  # Nothing keeps it open.
        pass


def test_a_dataset_that_is_open_is_an_array(file):
    with h5py.File(file) as opened:
        numpy.testing.assert_allclose(matrices(opened["/entry/matrices"]), AFFINE, rtol=1e-14)


@pytest.mark.parametrize(
    ("inside", "kind", "message"),
    [
        ("matrics", ValueError, "no dataset in .* called 'matrics': did you mean 'matrices'"),
        ("", ValueError, "group, not a dataset"),
        ("maps", ValueError, r"the shape is \(3, 4, 5\), expected \(N, 3, 3\)"),
        ("large", ValueError, r"the shape is \(1000000000, 3, 4\)"),
        ("matrices&slice=0", ValueError, r"the shape is \(3, 3\)"),
        ("matrices&slice=5", ValueError, r"has the index 5 for an axis of length 3"),
        ("matrices&slice=5:", ValueError, r"no transformations: the shape is \(0, 3, 3\)"),
        ("none", ValueError, "there are no transformations"),
        ("null", ValueError, "is empty"),
        ("scalar", ValueError, r"the shape is \(\)"),
        ("names", TypeError, "expected real numbers, not objects"),
        ("complex", TypeError, "expected real numbers, not complex numbers"),
        ("transposed", ValueError, "looks transposed"),
    ],
)
def test_a_dataset_that_is_something_else_is_refused_with_its_url(file, inside, kind, message):
    url = f"{file}::/entry/{inside}"
    with pytest.raises(kind, match=message) as caught:
        as_transformations(url)
    assert type(caught.value) is kind
    assert str(caught.value).startswith(f"{file}::/entry")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "kind", "message"),
    [
        ("no_such_file.h5::/entry", FileNotFoundError, "no_such_file.h5::/entry: there is no file"),
        ("found.h5", ValueError, "'found.h5' does not say where"),
        ("", ValueError, "does not say where"),
    ],
)
def test_an_address_that_leads_nowhere_is_refused(tmp_path, monkeypatch, url, kind, message):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(kind, match=message):
        as_transformations(url)


def test_a_file_that_is_not_hdf5_is_refused(tmp_path):
    path = tmp_path / "matrices.npy"
    numpy.save(path, AFFINE)
    with pytest.raises(OSError, match="is not an HDF5 file"):
        as_transformations(f"{path}::/entry")


MISTAKES = {
    "None": (None, TypeError, "sequence of transformations, an array or the URL .* not NoneType"),
    "number": (5, TypeError, "not int"),
    "bytes": (b"\x00\x01", TypeError, "not bytes"),
    "dictionary": ({"a": AFFINE}, TypeError, "not dict"),
    "generator": (iter(SHIFTS), TypeError, "not list_iterator"),
    "one transformation": (Homography(AFFINE[1]), TypeError, "not Homography"),
    "no transformations": ([], ValueError, "there are no transformations"),
    "no matrices": (numpy.empty((0, 2, 3)), ValueError, r"no transformations: .*\(0, 2, 3\)"),
    "one matrix": (AFFINE[1], ValueError, r"the shape is \(3, 3\), expected \(N, 3, 3\) or"),
    "one matrix as registrations": (AFFINE[1].tolist(), ValueError, r"the shape is \(3, 3\)"),
    "3D shifts": (numpy.zeros((5, 3)), ValueError, r"\(5, 3\), .* \(N, 2\) for shifts"),
    "3D matrices": (numpy.zeros((5, 4, 4)), ValueError, r"\(5, 4, 4\), expected"),
    "four dimensions": (AFFINE[None], ValueError, r"\(1, 3, 3, 3\), expected"),
    "numbers": ([1.0, 2.0], ValueError, r"the shape is \(2,\)"),
    "scalar": (numpy.array(1.0), ValueError, r"the shape is \(\)"),
    "object scalar": (numpy.array(None), ValueError, r"the shape is \(\)"),
    "ragged matrix": (
        [AFFINE[0].tolist(), [[1, 0, 0], [0, 1], [0, 0, 1]]],
        ValueError,
        "the rows of the matrix of image 1 differ in length",
    ),
    "ragged list": (
        [AFFINE[0], AFFINE[1], AFFINE[2, :2]],
        ValueError,
        r"the matrix of image 2 has the shape \(2, 3\), that of image 1 \(3, 3\)",
    ),
    "shift among matrices": ([AFFINE[1], [1, 2]], ValueError, r"image 1 has the shape \(2,\)"),
    "complex": (AFFINE * 1j, TypeError, "real numbers, not complex numbers"),
    "complex numbers in a list": (
        [[1, 2j]],
        TypeError,
        "image 0 needs .* not list of complex numbers",
    ),
    "strings": ([["1", "2"]], TypeError, "image 0 needs .* real numbers, not list of strings"),
    "a string": ([[0, 0], "a.h5::/b"], TypeError, "image 1 needs .* real numbers, not str"),
    "bytes inside": ([b"a"], TypeError, "image 0 needs .* not bytes"),
    "array of strings": (numpy.array([["1", "2"]]), TypeError, "real numbers, not strings"),
    "dates": (numpy.zeros((2, 2), "M8[s]"), TypeError, r"real numbers, not datetime64\[s\]"),
    "huge integers": ([[0, 10**400]], TypeError, "image 0 needs .* not list of objects"),
    "dictionary inside": ([{"a": 1}], TypeError, "image 0 needs .* real numbers, not dict"),
    "table of several images inside": (
        [{"x": [1, 2], "y": [3, 4]}],
        ValueError,
        "image 0, dict: expected one row with a shift, not 2 rows",
    ),
    "matrix among transformations": (
        [Homography(AFFINE[2]), AFFINE[1]],
        TypeError,
        "image 1 needs a transformation object like the other images, not ndarray",
    ),
    "transposed": (
        SHIFT_MATRICES.transpose(0, 2, 1),
        ValueError,
        r"image 1 has the last row \[7.0, -3.0, 1.0\], expected \[0, 0, 1\] .* transposed",
    ),
}


@pytest.mark.parametrize("convention", [None, "active xy"])
@pytest.mark.parametrize("mistake", MISTAKES)
def test_what_is_no_registration_is_refused_in_one_sentence(mistake, convention):
    value, kind, message = MISTAKES[mistake]
    with pytest.raises(kind, match=message) as caught:
        as_transformations(value, convention=convention)
    assert type(caught.value) is kind
    assert "\n" not in str(caught.value)


@dataclass
class Result:
    transformations: Any


def test_a_result_stands_for_its_transformations():
    moved = [Homography(numpy.eye(3)), Homography(SHIFT_MATRICES[1])]
    assert as_transformations(Result(tuple(moved))) == moved
    with pytest.raises(TypeError, match="expected a sequence of transformations"):
        as_transformations(Result(7))


def test_a_perspective_is_not_taken_for_a_transposed_matrix():
    """About the corner (0, 0), so that the last column is that of the identity."""
    tilt = numpy.array([[[1, 0, 0], [0, 1, 0], [5e-4, -5e-4, 1]]])
    numpy.testing.assert_array_equal(matrices(tilt), tilt)


def test_an_error_names_the_stack(file):
    url = f"{file}::/entry/maps"
    good = {"Ca-K": SHIFTS}
    for value, kind in (
        (url, ValueError),
        ([["a", "b"]], TypeError),
        ("no.h5::/a", FileNotFoundError),
    ):
        with pytest.raises(kind, match=r"^Registration 'Fe-K': "):
            as_registrations({**good, "Fe-K": value})
    assert list(as_registrations(good)) == ["Ca-K"]


class FailedEstimation:
    """As that of scikit-image, which is false and has no attributes."""

    __module__ = "skimage.transform._geometric"

    def __bool__(self):
        return False

    def __getattr__(self, name):
        raise AttributeError("the estimation failed")


class ProjectiveTransform:
    """As that of scikit-image."""

    __module__ = "skimage.transform._geometric"

    def __init__(self, params):
        self.params = params


NAN = numpy.full((3, 3), numpy.nan)
FAILURES = {
    "None": None,
    "FailedEstimation": FailedEstimation(),
    "NaN matrix": NAN,
    "2x3": NAN[:2],
    "NaN": float("nan"),
    "masked": numpy.ma.masked,
    "all masked": numpy.ma.masked_all(2),
    "NaN in a transform": ProjectiveTransform(NAN),
    "NaN in an object": Homography(NAN),
}


@pytest.mark.parametrize("failure", [*FAILURES, "tuple of a tool"])
@pytest.mark.parametrize(
    "others", ["shifts", "matrices", "nested lists", "objects", "objects of tools"]
)
def test_a_registration_that_failed_is_nan(others, failure):
    """F17: beside every form, and in no other image."""
    items = {
        "shifts": SHIFTS,
        "matrices": list(AFFINE),
        "nested lists": AFFINE.tolist(),
        "objects": [Homography(matrix) for matrix in AFFINE],
        "objects of tools": [ProjectiveTransform(matrix) for matrix in AFFINE],
    }[others]
    convention = "passive xy" if "tuple" in failure else None
    given = [*items[:2], FAILURES.get(failure, (None, None)), items[2]]
    found = matrices(given, convention=convention)
    numpy.testing.assert_array_equal(found[[0, 1, 3]], matrices(items, convention=convention))
    assert numpy.isnan(found[2]).all()


@pytest.mark.parametrize("others", [SHIFTS, list(AFFINE), [Homography(m) for m in AFFINE]])
@pytest.mark.parametrize("identity", [numpy.identity(3), ProjectiveTransform(numpy.identity(3))])
def test_the_identity_may_stand_beside_every_form(others, identity):
    assert (matrices([identity, *others])[0] == numpy.identity(3)).all()


MASK = numpy.array([[0, 0], [1, 1], [0, 0]], bool)
MASKED = {
    "array": numpy.ma.masked_array([[0, 0], [30, -20], [-0.5, 2]], MASK),
    "integers": numpy.ma.masked_array([[0, 0], [30, -20], [1, 2]], MASK),
    "list of rows": [[0, 0], numpy.ma.masked_array([30, -20], [True, True]), [-0.5, 2]],
    "constant": [[0, 0], [numpy.ma.masked, numpy.ma.masked], [-0.5, 2]],
    "null": [[0, 0], [None, None], [-0.5, 2]],
    "matrices": numpy.ma.masked_array(SHIFT_MATRICES, numpy.arange(27).reshape(3, 3, 3) // 9 == 1),
    "rows of matrices": [
        *SHIFT_MATRICES[:1],
        [numpy.ma.masked_array(row, [True] * 3) for row in SHIFT_MATRICES[1]],
        SHIFT_MATRICES[2],
    ],
    "objects": numpy.array([[0, 0], [None, None], [1, 2]], dtype=object),
}


@pytest.mark.parametrize("form", MASKED)
def test_numbers_behind_a_mask_are_nan(form):
    """F03: the registration of image 1 failed."""
    found = matrices(MASKED[form])
    assert not numpy.isfinite(found[1, :2, 2]).any()
    assert numpy.isfinite(found[[0, 2]]).all()


Shift = namedtuple("Shift", ["x", "y"])
COLUMNS = {
    "structured": numpy.array([(n, 10 * n) for n in range(3)], [("x", "f8"), ("y", "i4")]),
    "recarray": numpy.rec.fromarrays([[0, 10, 20], [0, 1, 2]], names="row,column"),
    "dictionary": {"dx": [0, 1, 2], "dy": [0, 10, 20]},
    "dictionary of arrays": {"Y shift [px]": numpy.arange(3) * 10, "X shift [px]": range(3)},
    "yoff, xoff": {"xoff": [0, 1, 2], "yoff": [0, 10, 20]},
    "named tuples": [Shift(n, 10 * n) for n in range(3)],
    "records": list(numpy.array([(n, 10 * n) for n in range(3)], [("col", "f8"), ("row", "f8")])),
    "dictionaries": [{"shift_x": n, "shift_y": 10 * n} for n in range(3)],
}


@pytest.mark.parametrize("convention", [None, "passive xy", "active", "active xy"])
@pytest.mark.parametrize("form", [*COLUMNS, "data frame", "rows of a data frame", "dataset"])
def test_columns_mean_what_they_are_called(form, convention, tmp_path):
    """F26: image n moved by (10 n, n)."""
    table = COLUMNS.get(form, COLUMNS["structured"])
    if "frame" in form:
        table = pytest.importorskip("pandas").DataFrame(table)
        if "rows" in form:
            table = [row for _, row in table.iterrows()]
    elif form == "dataset":
        with h5py.File(tmp_path / "a.h5", "w") as file:
            file["table"] = table
        table = tmp_path / "a.h5::/table"
    found = matrices(table, convention=convention)
    sign = -1 if convention in ("active", "active xy") else 1
    numpy.testing.assert_array_equal(found[:, :2, 2], sign * numpy.outer(range(3), (10, 1)))


@pytest.mark.parametrize(
    "table",
    [
        numpy.array([(1, 2)], [("a", "f8"), ("b", "f8")]),
        numpy.array([(1, 2, 3)], [("x", "f8"), ("y", "f8"), ("angle", "f8")]),
        {"x": [1, 2], "z": [1, 2]},
        {"x": [1, 2], "dx": [1, 2]},
    ],
)
def test_columns_of_another_meaning_are_refused(table):
    with pytest.raises(ValueError, match=r"the columns are called '.*shifts need two columns"):
        as_transformations(table)


TUPLES = {
    "phase_cross_correlation": (numpy.array([-7.0, 3.0]), 0.1, 0.0),
    "passive xy": ((-3.0, 7.0), 0.9),  # of cv2.phaseCorrelate
    "scikit-image": (None, numpy.zeros(5, bool)),  # the model comes below
    "opencv inverse map": (0.97, numpy.array([[1, 0, -3], [0, 1, 7]], numpy.float32)),
    "opencv": (numpy.array([[1.0, 0, 3], [0, 1, -7]]), numpy.ones((9, 1), numpy.uint8)),
}


@pytest.mark.parametrize("convention", TUPLES)
def test_the_tuples_of_tools_need_a_convention(convention):
    """F18: image 1 moved by (7, -3). What each tool returns stands in its documentation."""
    given = TUPLES[convention]
    if convention == "scikit-image":
        given = (ProjectiveTransform([[1, 0, -3], [0, 1, 7], [0, 0, 1]]), given[1])
    found = matrices([given, (None, None)], convention=convention)
    numpy.testing.assert_allclose(found[0], shift_matrix(7, -3), atol=1e-12)
    assert numpy.isnan(found[1]).all()
    with pytest.raises(TypeError, match=r"^image 0 has the complete result of a tool.*convention="):
        as_transformations([given, given])


def test_an_object_whose_passive_matrix_is_none_is_refused():
    class Odd:
        passive_matrix = numpy.identity(2)

    with pytest.raises(TypeError, match="image 0, Odd: its passive_matrix is not a 3x3 matrix"):
        as_transformations([Odd(), Odd()])


def test_a_name_that_is_no_string_is_refused():
    """Numbers would be other names in `registered_from` and `convention`."""
    with pytest.raises(TypeError, match="The name of a registration must be a string, not 1"):
        as_registrations({"a": SHIFTS, 1: SHIFTS})


def test_a_convention_is_for_all_registrations_or_by_name():
    given = {"a": [[1, 2]], numpy.str_("b"): [[1, 2]]}
    found = as_registrations(given, {"b": "active xy"})
    assert [list(items[0].passive_matrix[:2, 2]) for items in found.values()] == [[1, 2], [-2, -1]]
    assert repr(list(found)) == "['a', 'b']"
    found = as_registrations(given, "passive xy")
    assert [list(items[0].passive_matrix[:2, 2]) for items in found.values()] == [[2, 1], [2, 1]]
    with pytest.raises(ValueError, match="There is no registration 'c'"):
        as_registrations(given, {"c": "active"})
    with pytest.raises(ValueError, match="There is no convention 'opencvv': did you mean 'opencv'"):
        as_registrations(given, {"a": "opencvv"})


def test_a_dataset_may_say_its_convention(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["shifts"] = [[1.0, 2.0]]
        file["shifts"].attrs["convention"] = "passive xy"
    url = f"{tmp_path}/a.h5::/shifts"
    numpy.testing.assert_array_equal(matrices(url)[0], shift_matrix(2, 1))
    numpy.testing.assert_array_equal(matrices(url, convention="passive")[0], shift_matrix(1, 2))


class Tensor:
    """What has no numpy in it but its interface."""

    def __init__(self, numbers):
        self.__array_interface__ = numpy.asarray(numbers, float).__array_interface__
        self.numbers = numbers


def test_arrays_of_other_packages():
    numpy.testing.assert_array_equal(matrices(Tensor(AFFINE)), AFFINE)
    numpy.testing.assert_array_equal(matrices([Tensor(each) for each in AFFINE]), AFFINE)


class UserTransform(ProjectiveTransform):
    __module__ = "my_notebook"


class EssentialMatrixTransform:
    """Has 3x3 parameters too, which do not map points to points."""

    __module__ = "skimage.transform._geometric"
    params = numpy.identity(3)


class SimpleTransform:
    """As those of SimpleITK."""

    __module__ = "SimpleITK.SimpleITK"

    def __init__(self, matrix, dimension=2, linear=True):
        self._matrix, self._dimension, self._linear = numpy.array(matrix), dimension, linear

    def GetDimension(self):
        return self._dimension

    def IsLinear(self):
        return self._linear

    def TransformPoint(self, point):
        return tuple((self._matrix @ [*point, 1])[:2].tolist())


class Image:
    __module__ = "SimpleITK.SimpleITK"


def test_objects_of_known_packages_have_their_own_convention():
    mixed = [
        Homography(AFFINE[1]),
        ProjectiveTransform(AFFINE[1]),
        UserTransform(PERSPECTIVE[2]),
        SimpleTransform(AFFINE[2]),
    ]
    expected = [AFFINE[1], *(SWAP @ m @ SWAP for m in (AFFINE[1], PERSPECTIVE[2], AFFINE[2]))]
    assert as_transformations(mixed)[0] is mixed[0]
    numpy.testing.assert_allclose(matrices(mixed), normalize(numpy.stack(expected)), atol=1e-12)
    # Keypoints in (row, column) order, say
    result = matrices([ProjectiveTransform(AFFINE[1]), mixed[0]], convention="active")
    numpy.testing.assert_allclose(result[0], numpy.linalg.inv(AFFINE[1]), atol=1e-12)
    numpy.testing.assert_array_equal(result[1], AFFINE[1])


@pytest.mark.parametrize(
    ("item", "message"),
    [
        (EssentialMatrixTransform(), "EssentialMatrixTransform: expected a scikit-image transform"),
        (ProjectiveTransform(numpy.identity(4)), r"a 2D transform .* not \(4, 4\)"),
        (SimpleTransform(AFFINE[1], dimension=3), "a 2D transform, not 3D"),
        (SimpleTransform(AFFINE[1], linear=False), "expected a linear transform"),
        (Image(), "Image: expected a SimpleITK transform"),
    ],
)
def test_an_object_that_no_matrix_describes_is_refused(item, message):
    with pytest.raises(TypeError, match=f"^image 1, .*{message}"):
        as_transformations([Homography(AFFINE[0]), item])


def test_no_other_package_is_imported():
    code = (
        "import sys; from ewoksndreg.transformation import as_transformations;"
        "as_transformations([[0, 0]]); as_transformations([[0, 0]], convention='simpleitk');"
        "print([name for name in ('skimage', 'SimpleITK', 'cv2') if name in sys.modules])"
    )
    assert run_python("-c", code).stdout.strip() == "[]"


def test_only_one_module_imports_io():
    """Transformations in memory need no HDF5."""
    import ewoksndreg.transformation

    package = Path(ewoksndreg.transformation.__file__).parent
    assert [path.name for path in package.glob("*.py") if "..io" in path.read_text()] == [
        "_conversion.py"
    ]
