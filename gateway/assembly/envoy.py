"""Whether the libraries are there with which Envoy is answered."""

from __future__ import annotations

from importlib.util import find_spec

from gateway.config import Config
from gateway.errors import LoadError

_LIBRARIES = ("grpc", "google.protobuf")


def require_envoy(config: Config) -> None:
    """Raises LoadError: Envoy is to ask over gRPC, and the extra is not installed."""
    if config.envoy is None or all(map(_is_there, _LIBRARIES)):
        return
    remedy = "pip install 'apim-policy-gateway[envoy]'"
    raise LoadError.at(config.location("envoy"), "missing-extra", "the gRPC libraries are not installed", remedy)


def _is_there(library: str) -> bool:
    try:
        return find_spec(library) is not None
    except ImportError:  # the package that it is in
        return False
