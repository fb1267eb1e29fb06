"""C# in policy expressions that are still being written: what may follow, and what a name means."""
