"""Read and write stacks of images: arrays in memory and HDF5 files."""

from ._file_stacks import read_small_dataset
from ._hdf5_files import find_item
from ._hdf5_files import follow
from ._hdf5_files import open_to_read
from ._nexus import Axis
from ._nexus import StackAxes
from ._nexus import create_plot_group
from ._nexus import find_axes
from ._nexus import find_stacks
from ._nexus import make_plot
from ._nexus import make_process
from ._nexus import plot_images
from ._nexus import read_attribute
from ._urls import as_data_url
from ._urls import stack_names
from ._urls import url_text
from .input_stack import ImageStacks
from .input_stack import InputStacks
from .input_stack import find_sources
from .input_stack import input_context
from .input_stack import make_absolute
from .input_stack import name_sources
from .input_stack import open_stacks
from .output_stack import Hdf5OutputStacks
from .output_stack import check_output
from .output_stack import hdf5_output_context
from .output_stack import output_context

__all__ = [
    "Axis",
    "Hdf5OutputStacks",
    "ImageStacks",
    "InputStacks",
    "StackAxes",
    "as_data_url",
    "check_output",
    "create_plot_group",
    "find_axes",
    "find_item",
    "find_sources",
    "find_stacks",
    "follow",
    "hdf5_output_context",
    "input_context",
    "make_absolute",
    "make_plot",
    "make_process",
    "name_sources",
    "open_stacks",
    "open_to_read",
    "output_context",
    "plot_images",
    "read_attribute",
    "read_small_dataset",
    "stack_names",
    "url_text",
]
