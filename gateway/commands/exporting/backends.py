"""
Backends: URL, credentials, TLS, circuit breaker, pools.

Source: "Microsoft.ApiManagement service/backends" in Azure's template reference.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gateway.backends.settings import BackendSettings, BreakerSettings
from gateway.commands.exporting.folder import ExportFolder
from gateway.commands.exporting.named_values import ExportedValues
from gateway.commands.exporting.source import ExportSource

_IDENTITY = {"resource": "resource", "client-id": "clientId"}
_TAKEN = frozenset({"url", "pool", "session-affinity", "credentials", "circuit-breaker", "tls"})
_TLS = {"verify-chain": "validateCertificateChain", "verify-name": "validateCertificateName"}


class ExportedBackends:
    """Writes backends one by one."""

    def __init__(self, source: ExportSource, folder: ExportFolder, values: ExportedValues) -> None:
        self._source = source
        self._folder = folder
        self._values = values

    def write(self) -> None:
        """Every backend of the configuration."""
        for name, written in self._source.section("backends").items():
            settings = self._source.config.backends[name]
            if is_query_of_one_api(self._source, name):
                continue  # in that API's URL
            if settings.app is not None:
                message = f"the application {settings.app} inside this gateway: Azure has no such backend"
                self._folder.left_out(self._source.at("backends", name), f"backend {name}", message)
            else:
                self._write(name, settings, written)

    def _write(self, name: str, settings: BackendSettings, written: dict[str, Any]) -> None:
        properties: dict[str, Any] = {"protocol": "http", "url": settings.url}
        if settings.pool:
            properties = _pool(settings, written["pool"])
        properties["credentials"] = self._credentials(name, written.get("credentials") or {})
        properties["tls"] = self._tls(name, written.get("tls") or {})
        if settings.circuit_breaker is not None:
            properties["circuitBreaker"] = {"rules": [_rule(settings.circuit_breaker)]}
        for key in sorted(written.keys() - _TAKEN):
            self._without(name, key)
        self._folder.information(properties, "backends", name)

    def _credentials(self, name: str, written: dict[str, Any]) -> dict[str, Any] | None:
        """The credentials, each as a named value."""
        credentials: dict[str, Any] = {}
        for key, kind in (("headers", "header"), ("query", "query")):
            for field, values in (written.get(key) or {}).items():
                path = ("backends", name, "credentials", key, field)
                listed = values if isinstance(values, list) else [values]
                wanted = f"backend-{name}-{field}".lower()
                credentials.setdefault(kind, {})[field] = [
                    self._values.reference(value, wanted, *path) for value in listed
                ]
        if authorization := written.get("authorization"):
            place = ("backends", name, "credentials", "authorization")
            parameter = self._values.reference(authorization["parameter"], f"backend-{name}-authorization", *place)
            credentials["authorization"] = {"scheme": authorization["scheme"], "parameter": parameter}
        return credentials | _identity(written.get("managed-identity", {})) or None

    def _tls(self, name: str, written: dict[str, Any]) -> dict[str, bool] | None:
        for key in sorted(written.keys() - _TLS.keys()):
            self._without(name, "tls", key)
        return {_TLS[key]: written[key] != "false" for key in _TLS if key in written} or None

    def _without(self, name: str, *keys: str) -> None:
        message = f"Azure has no {'/'.join(keys)} of a backend, or keeps it elsewhere"
        self._folder.left_out(self._source.at("backends", name, *keys), f"backend {name}", message)


def _identity(written: dict[str, str]) -> dict[str, Any]:
    identity = {_IDENTITY[key]: text for key, text in written.items()}
    return {"managedIdentity": identity} if identity else {}


def is_query_of_one_api(source: ExportSource, name: str) -> bool:
    """Whether the backend only adds a version to the URL of one API: what an import makes of such a URL."""
    written = dict(source.section("backends")[name])
    credentials = dict(written.pop("credentials", None) or {})
    query = credentials.pop("query", None) or {}
    users = [f"api-{api.id}" for api in source.config.apis if api.backend == name]
    return query.keys() == {"api-version"} and not credentials and written.keys() == {"url"} and users == [name]


def _pool(settings: BackendSettings, written: list[dict[str, Any]]) -> dict[str, Any]:
    """A pool as ARM has it; weights and priorities only where they are written."""
    members = [
        {"id": f"/backends/{member.backend}"}
        | ({"priority": member.priority} if "priority" in own else {})
        | ({"weight": member.weight} if "weight" in own else {})
        for member, own in zip(settings.pool, written, strict=True)
    ]
    pool: dict[str, Any] = {"services": members}
    if settings.session_affinity is not None:
        pool["sessionAffinity"] = {"sessionId": {"source": "cookie", "name": settings.session_affinity}}
    return {"type": "Pool", "pool": pool}


def _rule(breaker: BreakerSettings) -> dict[str, Any]:
    """The one rule that Azure allows."""
    condition = {
        "count": breaker.count,
        "percentage": breaker.percentage,
        "interval": iso_duration(breaker.interval_s),
        "statusCodeRanges": list(_ranges(breaker.status_codes)),
        "errorReasons": list(breaker.error_reasons),
    }
    return {
        "name": "rule",
        "failureCondition": {key: value for key, value in condition.items() if value not in (None, [])},
        "tripDuration": iso_duration(breaker.trip_duration_s),
        "acceptRetryAfter": breaker.accept_retry_after,
    }


def _ranges(codes: tuple[str, ...]) -> Iterator[dict[str, int]]:
    for code in codes:
        low, _, high = code.partition("-")
        yield {"min": int(low), "max": int(high or low)}


def iso_duration(seconds: float) -> str:
    """*seconds* as ISO 8601 writes them, in the largest unit that fits: ``PT1M``."""
    whole = round(seconds)
    for unit, length in (("H", 3600), ("M", 60)):
        if whole and whole % length == 0:
            return f"PT{whole // length}{unit}"
    return f"PT{whole}S"
