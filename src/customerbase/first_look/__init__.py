"""A first look at a file: what it seems to hold, the parameter file that says so, and a preview."""

from .look import FirstLook, look_at
from .parameter_file import write_parameters
from .preview import show_first_look

__all__ = ["FirstLook", "look_at", "show_first_look", "write_parameters"]
