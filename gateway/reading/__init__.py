"""Files with positions: YAML nodes, definitions in XML, durations."""
