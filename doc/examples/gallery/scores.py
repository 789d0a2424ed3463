"""
Scores
======

How good is each registration? The bar is the score, and small is good. Its plain part is the
relative error, and the hatched part is 0.6 times the smoothness.
"""

from ewoksndreg import evaluate_stacks
from ewoksndreg import plots
from ewoksndreg import register_each_stack
from ewoksndreg.demo.samples import make_sample

stacks = make_sample("coins", images=6, size=96, step=2.5).stacks
del stacks["As-K"]  # nearly empty
registrations = register_each_stack(stacks, "translation")
evaluation = evaluate_stacks(stacks, registrations)

plots.scores(evaluation)
