"""Callbacks: what they say, where they may go, how they are signed, sent and retried."""
