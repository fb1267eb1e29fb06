"""Thousands to a million watched batch jobs in jumping time: the real poller against a simulated F&O."""
