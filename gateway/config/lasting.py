"""What a running gateway cannot change: sockets and processes, and the stores behind them."""

from __future__ import annotations

from gateway.config.model import Config

# Bound sockets and forked processes; counters, and jobs that are being watched.
_LASTING = (
    "listen",
    "management",
    "decisions",
    "socket_mode",
    "proxy_protocol",
    "workers",
    "redis",
    "quota_file",
    "notifications",
)


def with_lasting(after: Config, before: Config) -> tuple[Config, tuple[str, ...]]:
    """
    *after*, but for what only a restart can change, which stays as it is in *before*.

    Returns:
        The configuration, and the keys whose change waits for a restart: ``listen``, ``logging.level``.
    """
    was, wanted = dict(before), dict(after)
    kept = {name: was[name] for name in _LASTING if was[name] != wanted[name]}
    waiting = [name.replace("_", "-") for name in kept]
    if before.logging.model_copy(update={"requests": after.logging.requests}) != after.logging:
        kept["logging"] = before.logging.model_copy(update={"requests": after.logging.requests})
        waiting.append("logging.level and logging.format")
    if before.reload.watch != after.reload.watch:
        kept["reload"] = after.reload.model_copy(update={"watch": before.reload.watch})
        waiting.append("reload.watch")
    if _asked_otherwise(after, before):
        kept["envoy"] = before.envoy
        waiting.append("envoy, but for its callers and certificate")
    if _listens_otherwise(after, before):
        kept["tls"] = before.tls
        waiting.append("tls, but for the certificate")
    return after.model_copy(update=kept), tuple(waiting)


def _asked_otherwise(after: Config, before: Config) -> bool:
    """Whether Envoy's listener differs in more than who may ask."""
    if after.envoy is None or before.envoy is None:
        return after.envoy is not before.envoy
    return after.envoy.model_copy(update={"callers": before.envoy.callers}) != before.envoy


def _listens_otherwise(after: Config, before: Config) -> bool:
    """Whether the listener's TLS differs in more than its own certificate, which can be renewed."""
    if after.tls is None or before.tls is None:
        return after.tls is not before.tls
    own = {
        "certificate": before.tls.certificate,
        "key": before.tls.key,
        "key_password": before.tls.key_password,
    }
    return after.tls.model_copy(update=own) != before.tls
