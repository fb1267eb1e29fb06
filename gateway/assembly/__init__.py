"""Config → a running gateway: the only package that knows the configuration and every part."""
