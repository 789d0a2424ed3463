"""A NeXus file as a fit of element maps leaves it."""

import h5py
import numpy

AXES = {
    "energy": numpy.linspace(7, 8, 4),
    "y": 3 + 0.5 * numpy.arange(20),
    "x": 0.25 * numpy.arange(30),
}
UNITS = {"energy": "keV", "y": "um", "x": "um"}


def add_group(parent, name, nx_class):
    group = parent.create_group(name)
    group.attrs["NX_class"] = nx_class
    return group


def add_plot(parent, name, axes, signals=("Ca-K", "Fe-K")):
    plot = add_group(parent, name, "NXdata")
    plot.attrs["signal"] = signals[0]
    plot.attrs["auxiliary_signals"] = list(signals[1:])
    plot.attrs["axes"] = list(axes)
    for key, values in axes.items():
        plot[key] = values
        plot[key].attrs["units"] = UNITS.get(key, "")
    shape = [len(values) for values in axes.values()]
    for n, signal in enumerate(signals):
        plot[signal] = numpy.random.default_rng(n).random(shape, dtype="f4")
    plot["title"] = "maps"
    return plot


def make_nexus_file(path, **axes):
    """Two NXdata groups of two stacks in an NXprocess; see `AXES`."""
    with h5py.File(path, "w") as file:
        file.attrs["NX_class"] = "NXroot"
        file.attrs["default"] = "entry"
        entry = add_group(file, "entry", "NXentry")
        entry.attrs["default"] = "process/results/parameters"
        entry["title"] = "a scan"
        process = add_group(entry, "process", "NXprocess")
        process["program"] = "fit"
        results = add_group(process, "results", "NXcollection")
        for name in ("parameters", "uncertainties"):
            add_plot(results, name, {**AXES, **axes})
    return path
