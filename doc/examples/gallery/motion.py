"""
Motion
======

How does the sample move according to each registration? A sample drifts; a registration that jumps
is suspicious.
"""

from ewoksndreg import evaluate_stacks
from ewoksndreg import plots
from ewoksndreg import register_each_stack
from ewoksndreg.demo.samples import make_sample

stacks = make_sample("coins", images=6, size=96, step=2.5).stacks
del stacks["As-K"]  # nearly empty
registrations = register_each_stack(stacks, "translation")
evaluation = evaluate_stacks(stacks, registrations)

plots.motion(evaluation, stacks, registrations)
