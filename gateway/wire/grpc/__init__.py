"""gRPC calls on their way through the gateway. Source: gRPC, "gRPC over HTTP2" and "gRPC-Web"."""
