"""
A figure of your own
====================

Give axes to combine plots, and change them with the methods of matplotlib.
"""

from matplotlib import pyplot

from ewoksndreg import evaluate_stacks
from ewoksndreg import plots
from ewoksndreg.demo.samples import make_sample
from ewoksndreg.registration import register_each_stack

stacks = make_sample("coins", images=6, size=96, step=2.5).stacks
del stacks["As-K"]  # nearly empty
found = register_each_stack(stacks, "translation")
registrations = {name: result.transformations for name, result in found.items()}
evaluation = evaluate_stacks(stacks, registrations)

figure, (left, right, bars) = pyplot.subplots(1, 3, figsize=(14, 4.5), layout="constrained")
plots.before_after(evaluation, stacks, registrations, ax=[left, right])
plots.scores(evaluation, ax=bars)
bars.set_title("Five registrations")
figure.savefig("alignment.pdf")
