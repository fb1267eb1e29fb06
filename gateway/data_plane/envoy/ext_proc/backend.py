"""
Backends behind Envoy: sending a request ends the inbound phase, and Envoy brings the answer.

Which cluster the request goes to is in a routing field: the id of the backend, or scheme and authority of a URL that
has none.

Source: Envoy, ``RouteAction.cluster_header``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from gateway.backends import Backend
from gateway.data_plane.envoy.ext_proc.mutations import Mutation, difference
from gateway.errors import UpstreamError
from gateway.wire.messages import ForwardOptions, HttpUpstream, Request, Target

if TYPE_CHECKING:
    from gateway.data_plane.envoy.ext_proc.reading import EnvoyHead

# Methods whose requests announce that they have no content. Source: RFC 9110 §8.6.
_WITH_CONTENT = frozenset(["POST", "PUT", "PATCH"])

# What Envoy says about an answer that it gives in place of the backend, in ``response.code_details``.
FROM_BACKEND = "via_upstream"

_NOT_JUDGED = "/.not-judged"


def cluster_names(targets: Iterable[tuple[str, Target]]) -> dict[Target, str]:
    """Upstreams with the ids under which the configuration has them."""
    return {target.target: name for name, target in targets if isinstance(target, Backend)}


def cluster_name(target: Target, names: Mapping[Target, str]) -> str:
    """The name of the cluster that reaches *target*."""
    return names.get(target) or f"{target.url.scheme}://{target.url.authority}"


def require_possible(request: Request, options: ForwardOptions) -> None:
    """Raises UpstreamError: Envoy's connections are asked for what only the gateway's own have."""
    if options.way is not None or options.follow_redirects or options.http_version != "1":
        message = "Envoy carries the request: its clusters choose certificate, proxy, HTTP version and redirects."
        raise UpstreamError("BackendConnectionFailure", message, 500)


def sent_mutation(head: EnvoyHead, request: Request, upstream: HttpUpstream) -> Mutation:
    """What turns the request that Envoy has into the one for *upstream*, its body aside. Raises UpstreamError."""
    wanted = {":method": request.method, ":path": upstream.path_and_query(request)}
    host = request.headers.lines.get("host")
    own = host is None or host is request.received_host
    wanted[":authority"] = upstream.authority if own else (host or "").partition(":")[2].strip(" \t")
    mutation = difference(head, request.headers.lines)
    mutation.put += [(name, value) for name, value in wanted.items() if head.pseudo.get(name) != value]
    return mutation


def unroutable(head: EnvoyHead, routing_name: str) -> Mutation:
    """What keeps a request that is not judged yet from every backend; *head* has it, too, from now on."""
    head.pseudo[":path"] = _NOT_JUDGED
    mutation = Mutation()
    mutation.set(routing_name, "-")
    mutation.set(":path", _NOT_JUDGED)
    return mutation


def failed(head: EnvoyHead) -> Mutation:
    """The same of an answer, for its status."""
    head.pseudo[":status"] = "502"
    mutation = Mutation()
    mutation.set(":status", "502")
    return mutation


def frame(mutation: Mutation, content: bytes, method: str) -> None:
    """The length of a body that is replaced."""
    if content or method in _WITH_CONTENT:
        mutation.set("content-length", str(len(content)))
    else:
        mutation.removed.append("content-length")


def answer_mutation(head: EnvoyHead, lines: Mapping[str, str], status: int) -> Mutation:
    """What turns the answer that Envoy has into one with *lines* and *status*."""
    mutation = difference(head, lines)
    if head.pseudo.get(":status") != str(status):
        mutation.put.append((":status", str(status)))
    return mutation


def envoys_own(status: int, details: str) -> UpstreamError | None:
    """Why Envoy has answered in place of the backend; None: it has not. *details*: ``response.code_details``."""
    if not details or details.startswith(FROM_BACKEND):
        return None
    error = UpstreamError("Timeout" if status == 504 else "BackendConnectionFailure", f"Envoy answered: {details}")
    error.status = 504 if status == 504 else 502
    error.found = {"status": status, "details": details}
    return error
