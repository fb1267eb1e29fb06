"""Policy documents in YAML: element for mapping key, attribute for key."""
