"""What several policies share. Each policy has its own file one level up."""
