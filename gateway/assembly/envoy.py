"""What Envoy needs of a configuration: the libraries, documents that can run there, and the plane that runs them."""

from __future__ import annotations

from importlib.util import find_spec

from gateway.assembly.library import PolicyLibrary
from gateway.assembly.outside import Outside
from gateway.config import Config
from gateway.data_plane.dispatcher import Dispatcher
from gateway.data_plane.envoy.ext_proc.backend import cluster_names
from gateway.data_plane.envoy.ext_proc.plane import ProcessingPlane
from gateway.data_plane.envoy.ext_proc.refusals import refused
from gateway.errors import LoadError, Problem
from gateway.telemetry.metrics import GatewayMetrics
from gateway.wire.server.listener import WireRefusal

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


def processing_problems(config: Config, library: PolicyLibrary) -> list[Problem]:
    """What in the documents cannot run as Envoy's external processor, where there is one."""
    if config.envoy is None or config.envoy.processor is None:
        return []
    fragments, name = library.fragment_documents(), config.envoy.processor.backend_header
    problems = [problem for document in library.documents for problem in refused(document, fragments, name)]
    return [*problems, *_other_kinds(config)]


# Which operation of a SOAP API is called is in the body, and so is the tool of an MCP message; Envoy brings bodies for
# policies only. It would carry a WebSocket past the rules of a GraphQL API, and it sends requests to clusters, not to
# resolvers or tools.
_OTHER_KINDS = {"graphql": "GraphQL", "mcp": "MCP", "soap": "SOAP"}


def _other_kinds(config: Config) -> list[Problem]:
    """APIs that do not run behind Envoy."""
    return [
        Problem(
            config.location("apis", index),
            f"envoy-{api.type}",
            f"{api.id}: Envoy's external processor cannot run {_OTHER_KINDS[api.type]} APIs",
            "let a gateway without ext-proc carry it",
        )
        for index, api in enumerate(config.apis)
        if api.type in _OTHER_KINDS
    ]


def processing_plane(
    config: Config, dispatcher: Dispatcher, outside: Outside, metrics: GatewayMetrics
) -> ProcessingPlane | None:
    """The data plane behind Envoy; None: Envoy asks for decisions only."""
    if config.envoy is None or config.envoy.processor is None:
        return None

    def note(refusal: WireRefusal) -> None:
        metrics.wire_refusals[refusal.status] += 1
        dispatcher.note_refusal(refusal)

    clusters = cluster_names(outside.targets.named())
    most = min(config.limits.body_buffer_bytes, config.envoy.message_bytes)  # a larger one cannot be brought
    return ProcessingPlane(dispatcher, config.server_settings(), clusters, config.envoy.processor, most, note)
