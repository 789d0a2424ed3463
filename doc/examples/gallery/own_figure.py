"""
A figure of your own
====================

Give axes to combine plots, and change them with the methods of matplotlib.
"""

from matplotlib import pyplot

from ewoksndreg import evaluate_stacks
from ewoksndreg import plots
from ewoksndreg import register_each_stack
from ewoksndreg.demo.samples import make_sample

stacks = make_sample("coins", images=6, size=96, step=2.5).stacks
del stacks["As-K"]  # nearly empty
registrations = register_each_stack(stacks, "translation")
evaluation = evaluate_stacks(stacks, registrations)

figure, (left, right, bars) = pyplot.subplots(1, 3, figsize=(14, 4.5), layout="constrained")
plots.before_after(evaluation, stacks, registrations, ax=[left, right])
plots.scores(evaluation, ax=bars)
bars.set_title("Five registrations")
figure.savefig("alignment.pdf")
