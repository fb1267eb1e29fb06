"""
The commands of ``gateway``, one module or folder each; ``cli`` only dispatches.

A command's own module declares its options. What it runs is imported inside it, so that ``--help`` and a mistyped
option answer without the whole gateway.
"""
