"""Words for refusals: what was expected, what was found, and what to do about it. Decides nothing."""
