"""Hostile input at the wire: framing, floods, clients that wait, leave or never read."""
