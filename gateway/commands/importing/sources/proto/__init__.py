"""gRPC services in .proto files. Source: "Protocol Buffers Language Specification"."""

from gateway.commands.importing.sources.proto.reading import read, recognises

__all__ = ["read", "recognises"]
