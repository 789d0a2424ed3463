"""Read and write stacks of images: arrays in memory and HDF5 files."""

from ._file_stacks import read_small_dataset
from ._file_stacks import select
from ._hdf5_files import find_item
from ._hdf5_files import follow
from ._hdf5_files import open_to_read
from ._hdf5_files import read_attribute
from ._urls import as_data_url
from ._urls import stack_names
from ._urls import url_text
from ._write import free_name
from .input_stack import ImageStacks
from .input_stack import InputStacks
from .input_stack import find_sources
from .input_stack import find_stacks
from .input_stack import input_context
from .input_stack import name_sources
from .input_stack import open_stacks
from .output_stack import Hdf5OutputStacks
from .output_stack import check_output
from .output_stack import describe_parents
from .output_stack import hdf5_output_context
from .output_stack import output_context

__all__ = [
    "Hdf5OutputStacks",
    "ImageStacks",
    "InputStacks",
    "as_data_url",
    "check_output",
    "describe_parents",
    "find_item",
    "find_sources",
    "find_stacks",
    "follow",
    "free_name",
    "hdf5_output_context",
    "input_context",
    "name_sources",
    "open_stacks",
    "open_to_read",
    "output_context",
    "read_attribute",
    "read_small_dataset",
    "select",
    "stack_names",
    "url_text",
]
