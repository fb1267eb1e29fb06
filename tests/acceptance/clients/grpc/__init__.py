"""Clients of gRPC and of gRPC-Web, making calls through one gateway to one service."""
