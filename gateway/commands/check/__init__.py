"""``gateway check``: load everything and report every problem, without running anything."""
