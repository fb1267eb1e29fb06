"""``gateway policies``: the ready-made policy documents."""
