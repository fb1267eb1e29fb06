"""Processes: the gateway's own, its workers, signals and sockets."""
