"""The HTTP API of the service, and who may ask what."""
