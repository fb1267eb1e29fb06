"""OpenTelemetry, against a receiver made from the protocol's own messages."""
