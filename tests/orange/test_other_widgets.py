"""The widgets that lead to a ranking and from it: find or make stacks, register and align them."""

# ruff: noqa: E402
from ..qt_available import require_qt

require_qt()

import ast

import h5py
import numpy
import pytest
from ewoksorange.gui.workflows.owscheme import ows_to_ewoks
from silx.gui import qt
from silx.gui.utils.testutils import QTest
from silx.io.url import DataUrl

from orangecontrib.ewoksndreg.controls import dialogs
from orangecontrib.ewoksndreg.example2d_stacks import OWExample2DStacks
from orangecontrib.ewoksndreg.reg2d_features import OWReg2DFeatures
from orangecontrib.ewoksndreg.reg2d_intensities import OWReg2DIntensities
from orangecontrib.ewoksndreg.reg2d_preeval import OWReg2DPreEvaluation
from orangecontrib.ewoksndreg.reg2d_transform import OWReg2DTransform
from orangecontrib.ewoksndreg.select_nxdata import OWSelectNXdataImageStacks

from .conftest import MOTION
from .conftest import messages

# What is set in the window, and saved; None where the field is empty.
SETTINGS = {
    OWExample2DStacks: {
        "name": "camera",
        "transformation_type": "rigid",
        "shape": [64, 80],
        "nimages": 3,
        "nstacks": 2,
        "noise": "uniform",
        "seed": 5,
    },
    OWSelectNXdataImageStacks: {
        "input_root_uri": "a.h5::/entry",
        "stack_names": ["Ca"],
        "output_root_uri": "b.h5::/entry/align",
    },
    OWReg2DPreEvaluation: {
        "image_stacks": ["a.h5::/entry/Ca", "a.h5::/entry/Fe"],
        "reference_stack": "Fe",
        "skip": True,
    },
    OWReg2DIntensities: {
        "image_stacks": ["a.h5::/entry/Ca", "a.h5::/entry/Fe"],
        "transformation_type": "affine",
        "preprocessing_options": {"apply_filter": "median"},
        "reference_image": 0.5,
        "reference_stack": "Ca",
        "max_workers": 2,
    },
    OWReg2DFeatures: {
        "image_stacks": ["a.h5::/entry/Ca", "a.h5::/entry/Fe"],
        "transformation_type": "similarity",
        "detector": "Orb-SciKitImage",
        "reference_image": -1,
        "reference_stack": "Ca",
        "max_workers": 0,
    },
    OWReg2DTransform: {
        "image_stacks": ["a.h5::/entry/Ca"],
        "transformations": {"Ca": "a.h5::/entry/shifts/Ca"},
        "convention": "opencv",
        "crop": True,
        "interpolation_order": 3,
        "output_root_uri": "b.h5::/entry/align",
    },
}


@pytest.fixture
def run(wait_until):
    def click_and_wait(widget):
        (trigger,) = [b for b in widget.findChildren(qt.QPushButton) if b.text() == "Trigger"]
        trigger.click()
        wait_until(lambda: trigger.isEnabled() and not widget.task_executor.isRunning())

    return click_and_wait


def _read_status(widget):
    return widget._status.text()


@pytest.mark.parametrize("kind", SETTINGS, ids=lambda kind: kind.__name__)
def test_its_signals_are_what_the_task_takes_and_gives(kind, make_widget):
    widget = make_widget(kind)
    task = kind.ewokstaskclass
    assert {signal.name for signal in widget.get_signals("inputs")} == set(task.input_names())
    assert {signal.name for signal in widget.get_signals("outputs")} == set(task.output_names())
    assert set(widget.fields) == set(SETTINGS[kind])
    assert messages(widget) == []
    assert _read_status(widget) == kind.explanation != ""


@pytest.mark.parametrize("kind", SETTINGS, ids=lambda kind: kind.__name__)
def test_settings_come_back_from_a_saved_workflow(kind, make_widget):
    widget = make_widget(kind)
    widget.update_default_inputs(**SETTINGS[kind])
    saved = ast.literal_eval(repr(widget.settingsHandler.pack_data(widget)))
    again = make_widget(kind, saved)
    assert {name: field.value() for name, field in again.fields.items()} == SETTINGS[kind]
    assert [field.problem for field in again.fields.values() if field.problem] == []
    for field in again.fields.values():
        field.sigEdited.emit()  # as if it was edited
    inputs = again.get_default_input_values()
    assert {name: inputs[name] for name in SETTINGS[kind]} == SETTINGS[kind]


@pytest.mark.parametrize(
    ("kind", "missing"),
    [
        (OWSelectNXdataImageStacks, "'Find stacks in'"),
        (OWReg2DPreEvaluation, "'Image stacks'"),
        (OWReg2DIntensities, "'Image stacks'"),
        (OWReg2DFeatures, "'Image stacks'"),
        (OWReg2DTransform, "'Image stacks' and 'Registrations'"),
    ],
)
def test_a_missing_input_is_named(kind, missing, make_widget, run):
    widget = make_widget(kind)
    run(widget)
    sentence = f"ill in {missing}, or link a widget that provides that"
    assert messages(widget) == [f"Not run\nF{sentence}"]
    assert _read_status(widget) == f"Not run: f{sentence}"


@pytest.mark.parametrize(
    ("kind", "name", "typed", "sentence"),
    [
        (OWExample2DStacks, "shape", "200", "rows and columns"),
        (OWExample2DStacks, "shape", "-1, 5", "rows and columns"),
        (OWReg2DIntensities, "reference_image", "first", "Enter the index of an image"),
        (OWReg2DIntensities, "preprocessing_options", "median", "This is not JSON"),
        (OWReg2DIntensities, "preprocessing_options", "[1]", "Enter the options as JSON"),
    ],
)
def test_what_cannot_be_read_is_explained(kind, name, typed, sentence, make_widget, run):
    widget = make_widget(kind)
    field = widget.fields[name]
    field.editor.setText(typed)
    assert sentence in field.problem
    run(widget)
    # What is wrong stands at the field, and nowhere else.
    assert messages(widget) == [f"Not run\nCorrect {field.label!r} first"]
    field.editor.clear()
    assert field.problem == ""
    assert widget.get_default_input_values().get(name) in (None, 0)
    assert messages(widget) == []


def test_an_error_of_the_task_is_shown(make_widget, run, measured):
    widget = make_widget(OWReg2DIntensities)
    widget.update_default_inputs(
        image_stacks=measured.urls, preprocessing_options={"aply_filter": "median"}
    )
    run(widget)
    (message,) = messages(widget)
    assert "aply_filter" in message
    assert "apply_filter" in message
    assert message == f"Failed\n{_read_status(widget)}"

    missing = make_widget(OWSelectNXdataImageStacks)
    missing.update_default_inputs(input_root_uri=f"{measured.folder}/none.h5::/entry")
    run(missing)
    assert missing.fields["input_root_uri"].problem == (
        f"There is no file '{measured.folder}/none.h5'"
    )
    assert messages(missing) == ["Not run\nCorrect 'Find stacks in' first"]


@pytest.fixture
def nexus(measured):
    with h5py.File(measured.folder / "maps.h5", "a") as file:
        file["/entry/maps"].attrs.update({"NX_class": "NXdata", "signal": "Ca-K"})
    return f"{measured.folder}/maps.h5"


def _tick(field, name):
    """Click on the box of a stack."""
    (item,) = [i for i in field._items() if i.text(0) == name]
    place = field.editor.visualItemRect(item)
    position = qt.QPoint(place.left() + 10, place.center().y())
    QTest.mouseClick(field.editor.viewport(), qt.Qt.LeftButton, pos=position)


def test_stacks_of_a_file_are_found_and_ticked(make_widget, run, nexus, wait_until):
    widget = make_widget(OWSelectNXdataImageStacks)
    widget.fields["input_root_uri"].editor.setText(nexus)
    stacks = widget.fields["stack_names"]
    wait_until(lambda: stacks._items())
    assert [(i.text(0), i.text(1)) for i in stacks._items()] == [
        ("Ca-K", "4 x 40 x 44"),
        ("Fe-K", "4 x 40 x 44"),
    ]
    run(widget)
    assert messages(widget) == []
    assert list(widget.get_task_output_value("image_stacks")) == ["Ca-K", "Fe-K"]
    assert _read_status(widget).startswith("2 stacks found.")

    _tick(stacks, "Ca-K")
    assert stacks.value() == ["Fe-K"]
    run(widget)
    assert list(widget.get_task_output_value("image_stacks")) == ["Fe-K"]
    _tick(stacks, "Ca-K")
    assert stacks.value() is None
    assert "stack_names" not in widget.get_default_input_values()


def test_ticked_stacks_that_are_gone_are_shown(make_widget, nexus, wait_until):
    settings = {"_ewoks_default_inputs": {"input_root_uri": nexus, "stack_names": ["Zn-K"]}}
    widget = make_widget(OWSelectNXdataImageStacks, settings)
    stacks = widget.fields["stack_names"]
    wait_until(lambda: len(stacks._items()) == 3)
    assert [(i.text(1), i.checkState(0) == qt.Qt.Checked) for i in stacks._items()] == [
        ("4 x 40 x 44", False),
        ("4 x 40 x 44", False),
        ("not found", True),
    ]


@pytest.mark.parametrize("chosen", [True, False])
def test_a_group_is_chosen_in_a_dialog(chosen, make_widget, monkeypatch):
    class Dialog:
        FilterMode = dialogs.DataFileDialog.FilterMode

        def __init__(self, parent):
            pass

        def setWindowTitle(self, title):
            pass

        def setFilterMode(self, mode):
            assert mode == self.FilterMode.ExistingGroup

        def exec(self):
            return chosen

        def selectedDataUrl(self):
            return DataUrl(file_path="/data/maps.h5", data_path="/entry")

    monkeypatch.setattr(dialogs, "DataFileDialog", Dialog)
    field = make_widget(OWSelectNXdataImageStacks).fields["input_root_uri"]
    field._browse_button.click()
    assert field.value() == ("/data/maps.h5::/entry" if chosen else None)


def test_a_dialog_ends_quietly_with_its_widget(application, wait_until, capfd):
    parent = qt.QWidget()
    parent.show()
    qt.QTimer.singleShot(100, parent.deleteLater)
    assert dialogs.choose_group(parent) == []
    application.processEvents()
    printed = [line for line in capfd.readouterr().err.splitlines() if "plugin" not in line]
    assert printed == []


def test_the_stack_to_register_is_chosen_among_those_that_are_given(make_widget, run, measured):
    widget = make_widget(OWReg2DPreEvaluation)
    widget.set_dynamic_input("image_stacks", measured.stacks)
    widget.handleNewSignals()
    combo = widget.fields["reference_stack"].editor
    assert [combo.itemText(n) for n in range(combo.count())] == ["the best", "Ca-K", "Fe-K"]
    run(widget)
    ranked = widget.get_task_output_value("ranked_stack_names")
    assert sorted(ranked) == ["Ca-K", "Fe-K"]
    assert _read_status(widget) == "From best to worst:"
    assert [name for name, _ in widget.result_table.rows()] == ranked
    widget.fields["skip"].editor.click()
    run(widget)
    assert _read_status(widget) == "Not ranked: everything was passed through."


def test_an_image_that_fails_is_named(make_widget, run, measured):
    stack = measured.stacks["Fe-K"].copy()
    stack[2] = numpy.nan
    widget = make_widget(OWReg2DIntensities)
    widget.set_dynamic_input("image_stacks", {"Fe-K": stack})
    widget.handleNewSignals()
    with pytest.warns(RuntimeWarning, match="Stack 'Fe-K'"):
        run(widget)
    assert _read_status(widget) == "Registered:"
    assert widget.result_table.rows() == [("Fe-K", "4 images")]
    assert messages(widget) == [
        "Stack 'Fe-K': 1 of 4 images could not be registered: image 2 (empty or constant)"
    ]


def test_stacks_are_aligned_and_saved(make_widget, run, measured):
    widget = make_widget(OWReg2DTransform)
    widget.update_default_inputs(
        image_stacks=measured.urls,
        transformations={name: list(map(list, MOTION)) for name in measured.stacks},
        output_root_uri=f"{measured.folder}/aligned.h5::/entry/aligned",
        crop=True,
    )
    run(widget)
    assert messages(widget) == []
    assert _read_status(widget) == (
        f"2 aligned stacks, saved in {measured.folder}/aligned.h5::/entry/aligned:"
    )
    # The motion is up to 3 rows and 2 columns to either side.
    assert widget.result_table.rows() == [("Ca-K", "4 x 37 x 40"), ("Fe-K", "4 x 37 x 40")]
    assert widget.view.choice.currentText() == "Ca-K"
    assert widget.view.after.getRawPixelData(5, 5)[0] is not None
    with h5py.File(measured.folder / "aligned.h5") as file:
        aligned = file["/entry/aligned/Fe-K"][()]
    # The first image is the reference: what all others show of it stays.
    assert numpy.allclose(aligned, aligned[0], rtol=0, atol=1e-6)


def test_stacks_are_aligned_again_beside_those_of_a_link_that_exist(make_widget, run, measured):
    widget = make_widget(OWReg2DTransform)
    place = f"{measured.folder}/aligned.h5::/entry/aligned"
    widget.update_default_inputs(
        image_stacks=measured.urls,
        transformations={name: list(map(list, MOTION)) for name in measured.stacks},
    )
    widget.set_dynamic_input("output_root_uri", place)
    for suffix in ("", "_2", "_3"):
        run(widget)
        assert _read_status(widget) == f"2 aligned stacks, saved in {place}{suffix}:"
        assert messages(widget) == (
            [f"The linked group exists, and nothing is overwritten: using {place}{suffix}"]
            if suffix
            else []
        )


@pytest.mark.parametrize("kind", ["intensities", "features"])
def test_example_stacks_are_registered_and_aligned_in_the_canvas(kind, canvas, tmp_path):
    """The positions of the picture are known from `Example2DStacks`."""
    names = {
        "example": "example2d_stacks.OWExample2DStacks",
        "register": {
            "intensities": "reg2d_intensities.OWReg2DIntensities",
            "features": "reg2d_features.OWReg2DFeatures",
        }[kind],
        "align": "reg2d_transform.OWReg2DTransform",
    }
    registry = canvas.canvas.widget_registry
    nodes = {
        title: canvas.scheme.new_node(
            registry.widget(f"orangecontrib.ewoksndreg.{name}"), title=title
        )
        for title, name in names.items()
    }
    for source, sink in (("example", "register"), ("register", "align")):
        for channel in ("image_stacks", "transformations"):
            if channel == "image_stacks" or sink == "align":
                canvas.scheme.new_link(nodes[source], channel, nodes[sink], channel)
    (example,) = canvas.widgets_from_name("example")
    example.update_default_inputs(name="camera", nimages=3, nstacks=1, shape=[96, 100])
    canvas.start_workflow()
    canvas.wait_widgets(timeout=60)
    (register,) = canvas.widgets_from_name("register")
    (align,) = canvas.widgets_from_name("align")
    truth = example.get_task_output_value("transformations")["stack_0"]
    found = register.get_task_output_value("transformations")["stack_0"]
    for expected, one in zip(truth, found, strict=True):
        assert numpy.allclose(one.passive_matrix, expected.passive_matrix, rtol=0, atol=0.3)
    assert len(align.get_task_output_value("image_stacks")["stack_0"]) == 3
    assert align._status.text() == "1 aligned stacks, in memory:"
    assert align.result_table.rows() == [("stack_0", "3 images")]
    saved = tmp_path / "saved.ows"
    with saved.open("wb") as file:
        canvas.scheme.save_to(file)
    tasks = {
        each["task_identifier"].rpartition(".")[2]
        for each in ows_to_ewoks(str(saved)).graph.nodes.values()
    }
    assert {"Example2DStacks", "Reg2DTransform"} < tasks
    canvas.scheme.ewoks_finalize()
