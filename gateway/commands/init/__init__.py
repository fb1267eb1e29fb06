"""``gateway init``: a folder to begin with."""
