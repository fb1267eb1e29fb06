"""The request log: what became of single requests, and why."""
