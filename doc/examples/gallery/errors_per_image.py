"""
Errors of all images
====================

Is there an image that could not be aligned? The relative error of each image of each stack, aligned
with the best registration. Name another registration to see its errors.
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

plots.errors(evaluation, evaluation.best)
