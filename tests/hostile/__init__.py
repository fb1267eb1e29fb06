"""What strangers send: each probe with the right answer, kept and run."""
