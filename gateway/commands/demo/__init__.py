"""``gateway demo``: emulators, notification service and gateway in one process, on embedded defaults."""
