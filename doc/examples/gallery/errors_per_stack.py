"""
Errors of all stacks
====================

How well does each registration align each stack? The number is the relative error: 0 is perfect,
and 1 is no better than doing nothing. Below are the weights of the stacks.
"""

from ewoksndreg import evaluate_stacks
from ewoksndreg import plots
from ewoksndreg.demo.samples import make_sample
from ewoksndreg.registration import register_each_stack

stacks = make_sample("coins", images=6, size=96, step=2.5).stacks
del stacks["As-K"]  # nearly empty
found = register_each_stack(stacks, "translation")
registrations = {name: result.transformations for name, result in found.items()}
evaluation = evaluate_stacks(stacks, registrations)

plots.errors(evaluation)
