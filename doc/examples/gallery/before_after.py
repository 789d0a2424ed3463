"""
Before and after alignment
==========================

An image on top of the reference image. What only the reference image shows is red, and what only
the other image shows is blue. Aligned images have no colored edges.
"""

from ewoksndreg import evaluate_stacks
from ewoksndreg import plots
from ewoksndreg import register_each_stack
from ewoksndreg.demo.samples import make_sample

stacks = make_sample("coins", images=6, size=96, step=2.5).stacks
del stacks["As-K"]  # nearly empty
registrations = register_each_stack(stacks, "translation")
evaluation = evaluate_stacks(stacks, registrations)

plots.before_after(evaluation, stacks, registrations, stack="Fe-K", image=5)
