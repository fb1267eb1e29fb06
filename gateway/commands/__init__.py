"""The commands of ``gateway``, one module each; ``cli`` only dispatches."""
