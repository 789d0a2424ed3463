"""
Before and after alignment
==========================

An image on top of the reference image. What only the reference image shows is red, and what only
the other image shows is blue. Aligned images have no colored edges.
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

plots.before_after(evaluation, stacks, registrations, stack="Fe-K", image=5)
