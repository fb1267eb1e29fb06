"""The management plane: health, readiness and metrics, on a listener of its own."""
