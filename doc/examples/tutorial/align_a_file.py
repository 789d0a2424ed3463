"""
From a file to an aligned file
==============================

You have an HDF5 file with several stacks of images: element maps of one sample, measured again and
again while the sample drifts. At the end of this tutorial you have a second file in which all
stacks are aligned and cropped, and a report that says how well.

It needs ``pip install ".[demo]"`` in the folder of the sources (:doc:`/install`), and takes a few
seconds. All output on this page is from a real run.
"""

# %%
# A file to work with
# -------------------
#
# If you have a file of your own, skip this step and use its URL below. Otherwise, simulate one: six
# images of a sample that moves at random, seen through four channels. *Ar-K* is nearly hidden
# behind a pattern of the detector, which does not move. The maps are stored in an ``NXdata`` group
# with the positions of the scan in micrometers.

import h5py
import numpy

from ewoksndreg.demo.samples import make_sample

sample = make_sample("coins", images=6, size=128, step=3, seed=1)

with h5py.File("maps.h5", "w") as file:
    maps = file.create_group("entry/maps")
    for name in ("Ca-K", "Fe-K", "S-K", "Ar-K"):
        maps[name] = sample.stacks[name]
    for name in ("y", "x"):
        maps[name] = 0.5 * numpy.arange(128)
        maps[name].attrs["units"] = "um"
    maps.attrs["NX_class"] = "NXdata"
    maps.attrs["signal"] = "Ca-K"
    maps.attrs["axes"] = [".", "y", "x"]

# %%
# A *URL* names the file and a place in it. This one names a group, which stands for all
# three-dimensional datasets in it:

url = "maps.h5::/entry/maps"

# %%
# This is how the sample looks in the first and in the last image:

from matplotlib import pyplot

with h5py.File("maps.h5") as file:
    stack = file["entry/maps/Ca-K"]
    figure, axes = pyplot.subplots(1, 2, figsize=(7, 3.5))
    for ax, n in zip(axes, (0, len(stack) - 1), strict=True):
        ax.imshow(stack[n], cmap="gray")
        ax.set_title(f"Ca-K, image {n}")

# %%
# Register every stack
# --------------------
#
# The images of each stack are aligned with its reference image, image 0. The result, a
# *registration*, is one transformation for each image. The sample only drifts here; if yours also
# rotates, use ``"rigid"`` instead of ``"translation"``.

from ewoksndreg import register_each_stack

registrations = register_each_stack(url, "translation")

# %%
# All channels saw the same motion, so one registration must serve all of them. But they disagree;
# this is the shift in px that each found for the last image:

for name, registration in registrations.items():
    matrix = registration.transformations[-1].passive_matrix
    print(name, matrix[:2, 2].round(2))

# %%
# Which one is best?
# ------------------
#
# Every registration is applied to every stack, and the error that it leaves is compared with the
# error without any alignment: a *relative error* of 0 is perfect, and 1 is no better than doing
# nothing.

from ewoksndreg import evaluate_stacks

evaluation = evaluate_stacks(url, registrations)
evaluation

# %%
# The *verdict* says whether you can rely on the best one. If it is *check*, the reasons say what to
# look at, and :doc:`/explanation/trust` explains them. Always look at the images as well. On the
# left, what only the reference image shows is red and what only the other image shows is blue. On
# the right, after alignment, no colored edges are left:

from ewoksndreg import plots

plots.before_after(evaluation, url, registrations)

# %%
# The motion shows the same: three registrations agree, and the one of Ar-K follows the detector.

plots.motion(evaluation, url, registrations)

# %%
# Refine it
# ---------
#
# All stacks together show the motion better than any one of them. The refinement starts from the
# best registration. If its result is not better, it returns the registration that it was given.

from ewoksndreg import refine_registration

refinement = refine_registration(url, registrations[evaluation.best], evaluation)
print(refinement)

# %%
# Align, crop and save
# --------------------
#
# All stacks are aligned with this registration, cropped to the largest rectangle that all images
# show, and saved in a new file. Nothing is ever overwritten: if the group already has such stacks,
# you get an error instead.

from ewoksndreg import align_stacks

urls = align_stacks(url, refinement, "aligned.h5::/entry/aligned", crop=True)

# %%
# The axes of the input were cropped along with the images. ``silx view aligned.h5`` opens the file
# with a plot.

with h5py.File("aligned.h5") as file:
    aligned = file["entry/aligned"]
    for name in aligned:
        print(f"{name:5} {aligned[name].shape}")
    print("x from", aligned["x"][0], "to", aligned["x"][-1], aligned["x"].attrs["units"])
    figure, axes = pyplot.subplots(1, 2, figsize=(7, 3.5))
    for ax, n in zip(axes, (0, len(aligned["Ca-K"]) - 1), strict=True):
        ax.imshow(aligned["Ca-K"][n], cmap="gray")
        ax.set_title(f"aligned Ca-K, image {n}")

# %%
# Write a report
# --------------
#
# One HTML file with the verdict, the numbers and the figures: for a logbook, an email or the
# printer.

from ewoksndreg import write_report

write_report("report.html", evaluation, url, registrations)

# %%
# The same with one command
# -------------------------
#
# .. code-block:: bash
#
#    ewoksndreg run maps.h5::/entry/maps aligned.h5::/entry/aligned --crop --report report.html
#
# does all of this in a shell. The exit status is 0 if the verdict is *good* and 3 if it is *check*.
#
# Your own file
# -------------
#
# - See what is in your file: ``python -c "import h5py; h5py.File('scan.h5').visit(print)"``.
# - Replace ``url`` with the group of your maps, or with a dictionary such as ``{"Ca-K":
#   "scan.h5::/1.1/maps/Ca-K", "Fe-K": "scan.h5::/1.1/maps/Fe-K"}``. :doc:`/reference/stacks` lists
#   everything else that is accepted.
# - Choose the type of motion: ``"translation"``, ``"rigid"``, ``"similarity"`` or ``"affine"``.
#   Take the simplest one that describes how the sample can move.
# - If you already have registrations from another program, pass them to
#   :func:`~ewoksndreg.evaluate_stacks` directly, see :doc:`/explanation/conventions`.
# - If something is special about your data, see the :doc:`how-to guides </how_to/index>`.
