"""``gateway explain``: one token against the token checks of a document or a configuration, step by step."""
