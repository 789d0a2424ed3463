"""The command line: from a file to an aligned file."""

import json
import os
from importlib.resources import files

import h5py
import numpy
import pytest
from ewokscore import execute_graph
from scipy import ndimage
from silx.io import get_data

from ewoksndreg.command import main
from ewoksndreg.tasks.reg2d_posteval import Reg2DPostEvaluation

from .conftest import run_python

MOTION = [(0, 0), (1.5, -2), (3.25, 1), (-1, 2.5)]  # of the sample in each image, px
NAMES = ["Ca-K", "Fe-K"]


@pytest.fixture
def maps(tmp_path, monkeypatch):
    """Two maps of one sample, shifted by cubic splines of scipy."""
    monkeypatch.chdir(tmp_path)
    rng = numpy.random.default_rng(0)
    scene = ndimage.gaussian_filter(rng.normal(size=(120, 120)), 2)
    views = [ndimage.shift(scene, motion, order=3)[20:100, 20:100] for motion in MOTION]
    with h5py.File("maps.h5", "w") as file:
        file["/entry/maps/Ca-K"] = numpy.array(views)
        file["/entry/maps/Fe-K"] = numpy.exp(10 * numpy.array(views))
        file["/entry/shapes/a"], file["/entry/shapes/b"] = views, views[:3]
        for name in NAMES:
            file[f"/entry/shifts/{name}"] = MOTION
    return "maps.h5::/entry/maps"


def assert_aligned(group):
    """Inside, every aligned image is the first one, but for the interpolation."""
    assert sorted(group) == NAMES
    for name in NAMES:
        images = group[name][()]
        assert numpy.isfinite(images).all()
        inner = images[:, 3:-3, 3:-3]
        for image in inner:
            assert numpy.corrcoef(image.ravel(), inner[0].ravel())[0, 1] > 0.99


def test_from_a_file_to_an_aligned_file(maps, capsys):
    pytest.importorskip("matplotlib")
    status = main(["run", maps, "aligned.h5::/entry/aligned", "--crop", "--report", "report.html"])
    printed = capsys.readouterr()
    assert status == 0
    assert "good" in printed.out
    assert "refined" in printed.out
    assert "saved in aligned.h5::/entry/aligned" in printed.out
    assert "registering (intensities): 100 %" in printed.err
    with h5py.File("aligned.h5") as file:
        group = {name: file["/entry/aligned"][name] for name in NAMES}
        assert_aligned(group)
    with open("report.html", encoding="utf-8") as file:
        assert "<html" in file.read(1000)


def test_the_single_steps_take_what_the_others_write(maps, capsys):
    assert main(["register", maps, "found.h5::/registrations"]) == 0
    with h5py.File("found.h5") as file:
        for name in NAMES:
            # The passive matrix says where in the image a pixel of the reference image is.
            matrices = file["registrations"][name][()]
            assert matrices.shape == (4, 3, 3)
            numpy.testing.assert_allclose(matrices[:, :2, 2], MOTION, atol=0.05)
    capsys.readouterr()
    assert main(["rank", maps, "found.h5::/registrations", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["best"] in NAMES
    assert found["verdict"] == "good"
    registration = f"found.h5::/registrations/{found['best']}"
    assert main(["align", maps, registration, "steps.h5::/aligned", "--crop"]) == 0
    with h5py.File("steps.h5") as file:
        assert_aligned({name: file["aligned"][name] for name in NAMES})


def test_methods_compete(maps, capsys):
    pytest.importorskip("skimage")
    urls = [f"{maps}/Ca-K", f"{maps}/Fe-K", "aligned.h5::/x"]
    methods = ["--method", "intensities", "--method", "sift"]
    assert main(["run", *urls, *methods, "--no-refine", "--json"]) in (0, 3)
    found = json.loads(capsys.readouterr().out)
    assert sorted(found["scores"]) == sorted(
        f"{name}, {method}" for name in NAMES for method in ("intensities", "sift")
    )
    assert found["refined"] is None
    # The single steps know as well from which stack each registration was found.
    assert main(["register", *urls[:2], "found.h5::/x", *methods]) == 0
    capsys.readouterr()
    assert main(["rank", *urls[:2], "found.h5::/x", "--json"]) in (0, 3)
    assert json.loads(capsys.readouterr().out)["scores"] == found["scores"]


@pytest.mark.parametrize(
    ("names", "kind", "refine"), [(NAMES, "rigid", True), (NAMES[:1], "translation", False)]
)
def test_the_workflow_gives_the_same_bits(maps, names, kind, refine):
    rng = numpy.random.default_rng(1)
    with h5py.File("maps.h5", "a") as file:
        for images in file["/entry/maps"].values():  # noise, so that there is much to refine
            images[...] += rng.normal(scale=0.5 * images[()].std(), size=images.shape)
        for name in set(NAMES) - set(names):
            del file["entry/maps"][name]
        file["/entry/maps"].attrs.update({"NX_class": "NXdata", "signal": names[0]})
    options = ["--type", kind, "--crop", *([] if refine else ["--no-refine"])]
    assert main(["run", maps, "command.h5::/x", *options]) == 0
    workflow = json.loads(files("ewoksndreg.workflows").joinpath("align_a_file.json").read_text())
    values = {
        "select": {"input_root_uri": maps, "output_root_uri": "workflow.h5::/x"},
        "register": {"transformation_type": kind},
        "rank": {"refine": refine, "registered_from": {name: name for name in names}},
    }
    inputs = [
        {"id": node, "name": name, "value": value}
        for node, each in values.items()
        for name, value in each.items()
    ]
    outputs = execute_graph(workflow, inputs=inputs)
    with h5py.File("command.h5") as file:
        assert list(outputs["image_stacks"]) == names
        for name, url in outputs["image_stacks"].items():
            numpy.testing.assert_array_equal(file["x"][name], get_data(url), strict=True)
        configuration = json.loads(file["x_alignment/configuration/data"][()])
    assert configuration == outputs["output_configuration"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "no.h5::/x", "out.h5::/y"], "there is no file"),
        (["run", "MAPS", "maps.h5::/entry/maps"], "exist"),
        (["run", "MAPS", "out.h5::/y", "--method", "intensity"], "did you mean 'intensities'?"),
        (["run", "MAPS", "out.h5::/y", "--method", "SIFT"], "did you mean 'sift'?"),
        (["run", "MAPS", "out.h5::/y", "--type", "rigidd"], "did you mean 'rigid'?"),
        (
            ["run", "MAPS", "a.h5::/y", "--type", "projective", "--method", "intensities"],
            "cannot be found by intensities",
        ),
        (["run", "MAPS", "out.h5::/y", "--report", ""], "The report needs the name of a file"),
        (["run", "MAPS", "MAPS", "out.h5::/y"], "The stack 'maps.h5::/entry/maps/Ca-K' is given 2"),
        (
            ["run", "MAPS", "out.h5::/y", "--report", "no/where.html"],
            "There is no folder 'no' for the report",
        ),
        (
            ["run", "SHAPES", "out.h5::/y"],
            "stacks that share one registration need the same shape",
        ),
        (["register", "MAPS", "maps.h5::/entry/maps"], "exist"),
        (["register", "MAPS", "out.h5::/y", "--reference-image", "4"], "no reference image 4"),
        (["rank", "MAPS", "maps.h5::/entry/shift"], "did you mean 'shifts'?"),
        (["rank", "MAPS", "MAPS"], "There are no registrations in maps.h5::/entry/maps"),
        (["align", "MAPS", "maps.h5::/entry/maps/Ca-K", "out.h5::/y"], "Ca-K"),
        (
            ["rank", "MAPS", "maps.h5::/entry/shifts", "--convention", "opncv"],
            "did you mean 'opencv'?",
        ),
    ],
)
def test_a_mistake_is_one_sentence_and_leaves_nothing(maps, tmp_path, capsys, arguments, message):
    urls = {"MAPS": maps, "SHAPES": "maps.h5::/entry/shapes"}
    assert main([urls.get(each, each) for each in arguments]) == 2
    (line,) = [each for each in capsys.readouterr().err.splitlines() if "%" not in each]
    assert line.startswith("ewoksndreg: ")
    assert message in line
    assert [path.name for path in tmp_path.iterdir()] == ["maps.h5"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "ewoksndreg: the following arguments are required: run | register | rank | align"),
        (["runn", "a", "b"], "ewoksndreg: There is no command 'runn': did you mean 'run'?"),
        (["run", "a"], "ewoksndreg run: the following arguments are required: OUTPUT"),
        (["run", "a", "b", "--typ", "rigid"], "there is no option '--typ': did you mean '--type'?"),
        (["rank", "a", "b", "--jsn"], "there is no option '--jsn': did you mean '--json'?"),
        (["run", "a", "b", "--reference-image", "x"], "a position such as 0.5, not 'x'"),
        (["run", "a", "b", "--crop=yes"], "argument --crop: it takes no value, not 'yes'"),
        (["run", "a", "b", "--crop", "yes"], "unexpected argument 'yes'"),
        (["run", "a", "b", "--version"], "there is no option '--version' ("),
    ],
)
def test_a_mistake_in_the_options_is_one_sentence(capsys, arguments, message):
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line


def test_shifts_of_another_program_are_ranked(maps, capsys):
    with h5py.File("maps.h5", "a") as file:
        file["/entry/shifts/table"] = numpy.array(MOTION, dtype=[("y", float), ("x", float)])
        file["/entry/shifts/program"] = "another one"
    assert main(["rank", maps, "maps.h5::/entry/shifts", "--json"]) in (0, 3)
    printed = capsys.readouterr()
    assert sorted(json.loads(printed.out)["scores"]) == [*NAMES, "table"]
    assert "maps.h5::/entry/shifts: ignored, not a registration: 'program'" in printed.err


def test_the_convention_of_another_program(maps, capsys):
    """Displacements of the images as (x, y) are what OpenCV takes to align them, with its sign."""
    with h5py.File("maps.h5", "a") as file:
        for name in NAMES:
            file[f"/entry/opencv/{name}"] = -numpy.array(MOTION)[:, ::-1]
    shifts, convention = "maps.h5::/entry/opencv", ["--convention", "opencv"]
    assert main(["rank", maps, "maps.h5::/entry/shifts", "--json"]) == 0
    expected = json.loads(capsys.readouterr().out)["scores"]
    assert main(["rank", maps, shifts, "--json", *convention]) == 0
    assert json.loads(capsys.readouterr().out)["scores"] == expected
    assert main(["align", maps, f"{shifts}/Ca-K", "a.h5::/x", "--crop", *convention]) == 0
    with h5py.File("a.h5") as file:
        assert_aligned({name: file["x"][name] for name in NAMES})


def test_what_has_no_value_is_null_in_json(maps, capsys):
    with h5py.File("maps.h5", "a") as file:
        file["/entry/dead/a"] = numpy.zeros((2, 40, 40))
    assert main(["run", "maps.h5::/entry/dead", "dead.h5::/x", "--json"]) == 3

    def refuse(name):
        raise AssertionError(name)

    found = json.loads(capsys.readouterr().out, parse_constant=refuse)
    assert found["scores"]["a"]["score"] is None


def test_ctrl_c_is_no_traceback(maps, capsys, monkeypatch):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(Reg2DPostEvaluation, "run", interrupt)
    assert main(["run", maps, "aligned.h5::/x"]) == 130
    assert capsys.readouterr().err.splitlines()[-1].startswith("ewoksndreg: interrupted")


@pytest.mark.skipif(os.name != "posix", reason="pipes of other systems end with another error")
def test_a_reader_that_ends_early_is_no_error(maps, capfd, monkeypatch):
    reader, writer = os.pipe()
    os.close(reader)
    with open(writer, "w") as closed:
        monkeypatch.setattr("sys.stdout", closed)
        assert main(["align", maps, "maps.h5::/entry/shifts/Ca-K", "out.h5::/aligned"]) == 141
    assert "Errno" not in capfd.readouterr().err
    with h5py.File("out.h5") as file:
        assert sorted(file["aligned"]) == NAMES


@pytest.mark.parametrize("last", ["-1", "1.0"])
def test_another_reference_image(maps, last):
    assert main(["register", maps, "found.h5::/x", "--reference-image", last]) == 0
    with h5py.File("found.h5") as file:
        shifts = file["x/Ca-K"][:, :2, 2]
    numpy.testing.assert_allclose(shifts, numpy.array(MOTION) - MOTION[-1], atol=0.05)


def test_it_is_a_module_too():
    printed = run_python("-m", "ewoksndreg", "--help").stdout
    assert "ewoksndreg run maps.h5::/entry/maps aligned.h5::/entry/aligned" in printed
