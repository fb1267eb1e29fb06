"""
Resources in ARM's terms → a configuration in the gateway's own keys, with its files; nothing is dropped in silence.

``instance`` goes through the kinds in turn. ``taking`` hands out a resource's properties one by one: what no module
has taken is reported as left out, with its place. ``draft`` is what comes of it.
"""
