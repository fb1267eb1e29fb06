"""The management plane: health, readiness, metrics and console, on a listener of its own."""
