"""
Scores
======

How good is each registration? The bar is the score, and small is good: the relative error is plain,
and what a motion that is not smooth adds is hatched.
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

plots.scores(evaluation)
