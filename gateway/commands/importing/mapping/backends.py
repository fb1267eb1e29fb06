"""
Backends: URLs, credentials, TLS, circuit breakers and pools.

Source: "Microsoft.ApiManagement service/backends".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gateway.commands.importing.mapping.breakers import breaker
from gateway.commands.importing.mapping.certificates import Certificates
from gateway.commands.importing.mapping.identifiers import last_segment
from gateway.commands.importing.mapping.instance import Instance
from gateway.commands.importing.mapping.named_values import NamedValues
from gateway.commands.importing.mapping.taking import Taker
from gateway.commands.importing.mapping.urls import Urls
from gateway.commands.importing.resources import ArmResource
from gateway.reading.yaml_nodes import Scalar, Sequence, YamlNode

_FABRIC = "it is a Service Fabric cluster, whose services the gateway cannot look up"
_PROXY = "it is reached through a proxy, which the gateway does not support"


class Backends:
    """Maps backends."""

    def __init__(self, instance: Instance, urls: Urls, values: NamedValues, certificates: Certificates) -> None:
        self._instance = instance
        self._draft = instance.draft
        self._urls = urls
        self._values = values
        self._certificates = certificates
        self._pools: list[tuple[Taker, str, ArmResource]] = []

    def map(self) -> None:
        """Write every backend; pools last, when their members have ids."""
        for resource in self._instance.all("backends"):
            self._map(resource)
        for taker, id, resource in self._pools:
            self._pool(taker, id, resource)

    def _map(self, resource: ArmResource) -> None:
        what = f"backend {resource.name[-1]}"
        taker = self._instance.take(resource, what)
        taker.skip("protocol", "type")
        if _is_fabric(taker):
            self._draft.left_out(resource.location, what, _FABRIC, "write the URL of a reverse proxy in front of it")
            taker.skip("url", "credentials", "tls")
            return
        id = self._instance.ids.give("backends", resource.name[-1], resource.workspace)
        if taker.node("pool") is not None:
            taker.skip("url")
            self._pools.append((taker, id, resource))
            return
        self._single(taker, id, resource)

    def _single(self, taker: Taker, id: str, resource: ArmResource) -> None:
        read = self._urls.read(taker, "url")
        if read is None:
            message = "it has no URL"
            self._draft.left_out(resource.location, taker.what, message, "write it with a url")
            self._instance.ids.forget("backends", resource.name[-1], resource.workspace)
            return
        backend: dict[str, Any] = {"url": read.url}
        backend |= _filled("tls", self._tls(taker))
        credentials = self._credentials(taker, id)
        if read.query:
            credentials["query"] = {**read.query, **credentials.get("query", {})}
            self._draft.changed(taker.location_of("url"), taker.what, "its URL's query is added to every request")
        backend |= _filled("credentials", credentials)
        backend |= _filled("circuit-breaker", breaker(taker, self._draft))
        if taker.node("proxy") is not None:
            self._draft.left_out(taker.location_of("proxy"), taker.what, _PROXY, "make it reachable directly")
        self._draft.entry("backends", id, backend, self._instance.origin(resource.location))
        self._draft.mapped(resource.location, taker.what, read.url)

    # -- TLS
    def _tls(self, taker: Taker) -> dict[str, Any]:
        tls, settings = taker.inner("tls"), dict[str, Any]()
        if tls is not None and not tls.flag("validateCertificateChain", default=True):
            settings["verify-chain"] = False
        if tls is not None and not tls.flag("validateCertificateName", default=True):
            settings["verify-name"] = False
        return settings

    # -- credentials
    def _credentials(self, taker: Taker, id: str) -> dict[str, Any]:
        written = taker.inner("credentials")
        if written is None:
            return {}
        credentials = _filled("headers", self._fields(written.inner("header"), id, taker.what))
        credentials |= _filled("query", self._fields(written.inner("query"), id, taker.what))
        authorization = written.inner("authorization")
        if authorization is not None:
            credentials["authorization"] = self._authorization(authorization, id, taker.what)
        identity = written.inner("managedIdentity")
        if identity is not None:
            credentials["managed-identity"] = _identity(identity)
        names = [*written.texts("certificateIds"), *written.texts("certificate")]
        for name in names[:1]:
            self._certificates.use_for_backend(last_segment(name), taker)
        return credentials

    def _fields(self, written: Taker | None, id: str, what: str) -> dict[str, Any]:
        """Header fields or query parameters, whose values may be secret."""
        if written is None:
            return {}
        return {
            key.value: _one(
                [
                    self._values.secret(text.value, f"{id}-{key.value}", f"{what}: {key.value}", text.location)
                    for text in _texts(node)
                ]
            )
            for key, node in written.entries()
        }

    def _authorization(self, written: Taker, id: str, what: str) -> dict[str, Any]:
        purpose = f"{what}: parameter of Authorization"
        parameter = written.text("parameter")
        value = self._values.secret(parameter, f"{id}-authorization", purpose, written.location)
        return {"scheme": written.text("scheme"), "parameter": value}

    # -- pools
    def _pool(self, taker: Taker, id: str, resource: ArmResource) -> None:
        pool = taker.inner("pool")
        members = list(self._members(pool, resource)) if pool else []
        if pool is None or not members:
            self._draft.left_out(resource.location, taker.what, "none of its members is here", "write its pool")
            self._instance.ids.forget("backends", resource.name[-1], resource.workspace)
            return
        backend: dict[str, Any] = {"pool": members}
        affinity = pool.inner("sessionAffinity")
        session = affinity.inner("sessionId") if affinity else None
        if session is not None:
            session.skip("source")  # a cookie; there is nothing else
            backend["session-affinity"] = session.text("name", "gateway-affinity")
        backend |= _filled("circuit-breaker", breaker(taker, self._draft))
        self._draft.entry("backends", id, backend, self._instance.origin(resource.location))
        self._draft.mapped(resource.location, taker.what, f"a pool of {len(members)}")

    def _members(self, pool: Taker, resource: ArmResource) -> Iterator[dict[str, Any]]:
        for service in pool.inners("services"):
            name = last_segment(service.text("id"))
            id = self._instance.ids.find("backends", name, resource.workspace)
            numbers = {key: service.number(key) for key in ("weight", "priority")}
            if id is None:
                what = f"backend {resource.name[-1]}"
                self._draft.left_out(service.location, what, f"its member {name} is not here", "add it to the pool")
                continue
            yield {"backend": id} | {key: number for key, number in numbers.items() if number is not None}


def _is_fabric(taker: Taker) -> bool:
    inner = taker.inner("properties")
    return inner is not None and inner.node("serviceFabricCluster") is not None


def _identity(written: Taker) -> dict[str, str]:
    texts = {"resource": written.text("resource"), "client-id": written.text("clientId")}
    return {key: text for key, text in texts.items() if text}


def _filled(key: str, value: Any) -> dict[str, Any]:
    return {key: value} if value else {}


def _texts(node: YamlNode) -> list[Scalar]:
    """A list's texts, or a text by itself."""
    items = node.items if isinstance(node, Sequence) else (node,)
    return [item for item in items if isinstance(item, Scalar)]


def _one(values: list[Any]) -> Any:
    return values[0] if len(values) == 1 else values
