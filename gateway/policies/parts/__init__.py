"""What several policies share. A policy has a file of its own one level up."""
