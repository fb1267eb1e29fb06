"""``gateway notifications``: look at jobs, replay callbacks, run the service on its own."""
