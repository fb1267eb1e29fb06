"""Files with positions: YAML nodes, durations."""
