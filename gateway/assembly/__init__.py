"""Config → a running gateway: the only room that knows the configuration and every part."""
