"""Where images come from and go to: arrays in memory and HDF5 files."""

from .input_stack import InputStacks
from .input_stack import input_context
from .output_stack import OutputStacks
from .output_stack import output_context

__all__ = ["InputStacks", "OutputStacks", "input_context", "output_context"]
