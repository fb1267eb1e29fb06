"""The documentation, and what generates and groups its pages."""
