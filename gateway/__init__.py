"""An API gateway that runs Azure API Management policies anywhere."""

__version__ = "0.1.0"
