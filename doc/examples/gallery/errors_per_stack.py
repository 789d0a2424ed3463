"""
Errors of all stacks
====================

How well does each registration align each stack? The number is the relative error: 0 is perfect,
and 1 is no better than doing nothing. Below are the weights of the stacks.
"""

from ewoksndreg import evaluate_stacks
from ewoksndreg import plots
from ewoksndreg import register_each_stack
from ewoksndreg.demo.samples import make_sample

stacks = make_sample("coins", images=6, size=96, step=2.5).stacks
del stacks["As-K"]  # nearly empty
registrations = register_each_stack(stacks, "translation")
evaluation = evaluate_stacks(stacks, registrations)

plots.errors(evaluation)
