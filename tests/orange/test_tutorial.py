"""The example workflow of the Orange canvas: in the canvas, and without Qt."""

# ruff: noqa: E402
from ..qt_available import require_qt

require_qt()

import itertools
import json
from importlib.metadata import distribution
from importlib.metadata import entry_points
from importlib.resources import files
from pathlib import Path

import h5py
import numpy
import pytest
from ewoksorange.gui.workflows.owscheme import ows_to_ewoks
from orangecanvas.help.manager import get_help_provider_for_distribution
from scipy import ndimage

from ewoksndreg.io import open_stacks
from orangecontrib.ewoksndreg import tutorials

from ..conftest import run_python

TUTORIAL = str(files(tutorials) / "post_evaluation.ows")
SHIPPED = files("ewoksndreg.workflows") / "example.json"

_TIMEOUT = 60  # s; it takes a few


def _rank_by_task():
    from ewoksndreg.tasks.example2d_stacks import Example2DStacks
    from ewoksndreg.tasks.reg2d_intensities import Reg2DIntensities
    from ewoksndreg.tasks.reg2d_posteval import Reg2DPostEvaluation

    chosen = {"name": "coins", "transformation_type": "translation", "nimages": 12, "nstacks": 4}
    example = Example2DStacks(inputs=chosen)
    example.execute()
    stacks = example.get_output_value("image_stacks")
    registering = Reg2DIntensities(
        inputs={"image_stacks": stacks, "transformation_type": "translation"}
    )
    registering.execute()
    registrations = registering.get_output_value("transformations")
    ranking = Reg2DPostEvaluation(inputs={"image_stacks": stacks, "transformations": registrations})
    ranking.execute()
    return ranking.get_output_values()


def test_the_canvas_runs_it_and_shows_the_ranking(canvas, wait_until, tmp_path):
    canvas.load_ows(TUTORIAL)
    (evaluation,) = canvas.widgets_from_name("Post-Registration Evaluation")
    (example,) = canvas.widgets_from_name("2D Example Stacks")
    assert not example.task_done
    canvas.start_workflow()
    canvas.wait_widgets(timeout=_TIMEOUT)

    expected = _rank_by_task()
    outputs = evaluation.get_task_output_values()
    assert outputs["ranked_stack_names"] == expected["ranked_stack_names"]
    assert outputs["scores"] == expected["scores"]
    best = expected["ranked_stack_names"][0]
    assert f"The registration of {best!r} is the best of 4." in evaluation.view.summary.text()
    assert not evaluation.fields["image_stacks"].editor.isEnabled()
    assert not evaluation.fields["transformations"].editor.isEnabled()

    # What is set in the window is saved with the workflow.
    evaluation.view.sigReferenceStackRequested.emit("stack_2")
    wait_until(lambda: evaluation.get_task_output_value("reference_stack", None) == "stack_2")
    saved = tmp_path / "saved.ows"
    with saved.open("wb") as file:
        canvas.scheme.save_to(file)
    graph = ows_to_ewoks(str(saved))
    (inputs,) = [
        attributes["default_inputs"]
        for attributes in graph.graph.nodes.values()
        if attributes["task_identifier"].endswith("Reg2DPostEvaluation")
    ]
    assert {"name": "reference_stack", "value": "stack_2"} in inputs
    canvas.scheme.ewoks_finalize()


def test_the_canvas_leads_from_a_file_to_an_aligned_file(canvas, tmp_path):
    rng = numpy.random.default_rng(0)
    scene = ndimage.gaussian_filter(rng.normal(size=(100, 100)), 2)
    with h5py.File(tmp_path / "maps.h5", "w") as file:
        maps = file.create_group("entry/maps")
        maps.attrs.update(NX_class="NXdata", signal="Ca-K")
        maps["Ca-K"] = numpy.array([scene[9 - n : 73 - n, 9:73] for n in range(3)])
        maps["Fe-K"] = maps["Ca-K"] + rng.normal(scale=0.1, size=(3, 64, 64))
    canvas.load_ows(str(files(tutorials) / "align_a_file.ows"))
    (select,) = canvas.widgets_from_name("NXdata stacks")
    select.update_default_inputs(
        input_root_uri=f"{tmp_path}/maps.h5::/entry",
        output_root_uri=f"{tmp_path}/aligned.h5::/entry/aligned",
    )
    canvas.start_workflow()
    canvas.wait_widgets(timeout=_TIMEOUT)
    with h5py.File(tmp_path / "aligned.h5") as file:
        assert set(file["entry/aligned"]) >= {"Ca-K", "Fe-K"}
        aligned = file["entry/aligned/Ca-K"][()]
    assert aligned.shape[1] in (61, 62)  # the sample moves by 2 rows; 0.01 px may cost one more
    numpy.testing.assert_allclose(aligned[1:], aligned[:1].repeat(2, 0), atol=0.02)
    canvas.scheme.ewoks_finalize()


@pytest.mark.parametrize(
    ("tutorial", "name"),
    [
        ("post_evaluation", "example"),
        ("align", "align"),
        ("align_a_file", "align_a_file"),
        ("align_example", "align_example"),
    ],
)
def test_the_graphs_that_ship_are_those_of_the_canvas(tutorial, name):
    path = str(files(tutorials) / f"{tutorial}.ows")
    graph = ows_to_ewoks(path, title_as_node_id=True, preserve_ows_info=False).dump()
    shipped = json.loads((files("ewoksndreg.workflows") / f"{name}.json").read_text())
    labels = {node["id"]: node["label"] for node in shipped["nodes"]}
    for node in shipped["nodes"]:
        node["id"] = labels[node["id"]]
    assert graph["nodes"] == shipped["nodes"]
    assert {link["source"] + link["target"] for link in graph["links"]} == {
        labels[link["source"]] + labels[link["target"]] for link in shipped["links"]
    }
    assert _list_channels(graph["links"]) == _list_channels(shipped["links"])


def _list_channels(links):
    pairs = [pair for link in links for pair in link["data_mapping"]]
    return sorted((pair["source_output"], pair["target_input"]) for pair in pairs)


def test_the_canvas_aligns_a_file_with_registrations_from_it(canvas, wait_until, measured):
    with h5py.File(measured.folder / "maps.h5", "a") as file:
        file["/entry/maps"].attrs.update({"NX_class": "NXdata", "signal": "Ca-K"})
    canvas.load_ows(str(files(tutorials) / "align.ows"))
    (select,) = canvas.widgets_from_name("NXdata stacks")
    (rank,) = canvas.widgets_from_name("Post-Registration Evaluation")
    (align,) = canvas.widgets_from_name("2D Transformation")
    # A link without a value says from where it will come.
    assert rank.fields["image_stacks"].note.text() == "Waiting for 'NXdata stacks': run it first"
    assert align.fields["output_root_uri"].note.text() == (
        "Waiting for 'NXdata stacks': run it first"
    )
    align.execute_ewoks_task()
    assert align._status.text() == ("Not run: run 'Post-Registration Evaluation' first")
    # A workflow without the value, as in 0.5.0.
    assert rank.fields["save_with"].editor.currentText() == "each its own registration (not set)"
    rank.update_default_inputs(
        transformations=dict(zip(measured.stacks, measured.registration_urls, strict=True))
    )
    select.update_default_inputs(input_root_uri=f"{measured.folder}/maps.h5")
    canvas.start_workflow()
    wait_until(lambda: align.task_succeeded)
    with open_stacks(align.get_task_output_value("image_stacks")) as stacks:
        aligned = numpy.array(list(stacks["Fe-K"]))
    # The motion is up to 3 rows and 2 columns to either side.
    assert aligned.shape == (4, 37, 40)
    numpy.testing.assert_allclose(aligned, aligned[:1].repeat(4, 0), atol=1e-5)
    canvas.scheme.ewoks_finalize()


def test_the_graph_runs_where_no_qt_is_installed():
    code = (
        "import sys\n"
        "for name in ('PyQt5', 'PyQt6', 'PySide2', 'PySide6', 'AnyQt', 'ewoksorange'):\n"
        "    sys.modules[name] = None\n"
        "import json\n"
        "from ewokscore import execute_graph\n"
        f"outputs = execute_graph({str(SHIPPED)!r})\n"
        "assert not any('Qt' in name and module for name, module in sys.modules.items())\n"
        "print(json.dumps(outputs['ranked_stack_names']))\n"
    )
    assert json.loads(run_python("-c", code).stdout) == _rank_by_task()["ranked_stack_names"]


@pytest.mark.parametrize(
    ("group", "module"),
    [
        ("orange3.addon", "orangecontrib.ewoksndreg"),
        ("orange.widgets", "orangecontrib.ewoksndreg"),
        ("orange.widgets.tutorials", "orangecontrib.ewoksndreg.tutorials"),
        ("orangecanvas.examples", "orangecontrib.ewoksndreg.tutorials"),
        ("orange.canvas.help", "orangecontrib.ewoksndreg"),
    ],
)
def test_orange_finds_the_category(group, module):
    (found,) = [p for p in entry_points(group=group) if p.module == module]
    found.load()


def test_the_canvas_shows_all_widgets_with_their_icons(canvas):
    registry = canvas.canvas.widget_registry
    widgets = {widget.name: widget for widget in registry.widgets("Registration")}
    assert {"Post-Registration Evaluation", "2D Example Stacks"} <= set(widgets)
    assert {widget.category for widget in widgets.values()} == {"Registration"}
    icons = {widget.icon for widget in widgets.values()}
    assert len(icons | {"icons/category.svg"}) == len(widgets) + 1
    for icon in icons:
        assert (files("orangecontrib.ewoksndreg") / icon).is_file()


def test_the_canvas_finds_the_help_of_all_widgets(canvas):
    provider = get_help_provider_for_distribution(distribution("ewoksndreg"))
    for widget in canvas.canvas.widget_registry.widgets("Registration"):
        url = provider.search(widget)
        page = Path(url.toLocalFile()).read_text()
        assert f'<h2 id="{url.fragment()}">{widget.name}</h2>' in page


def test_links_are_proposed_for_the_stacks(canvas):
    canvas.load_ows(TUTORIAL)
    for link in list(canvas.scheme.links):
        canvas.scheme.remove_link(link)
    for source, sink in itertools.pairwise(canvas.scheme.nodes):
        output, input_, _ = canvas.scheme.propose_links(source, sink)[0]
        assert (output.name, input_.name) == ("image_stacks", "image_stacks")
