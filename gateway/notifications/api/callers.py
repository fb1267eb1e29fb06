"""
Who the caller is, and what it may do.

``caller-objectid`` is trusted only from the gateway. In the gateway's process that is the scope extension
``gateway.caller``, which no client can write. From another process it is the header, and only together with the
configured proof of the hop: a shared secret, or a listener that demands client certificates.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping, MutableMapping, Sequence
from typing import Any

from gateway.notifications.api.problems import HttpProblem
from gateway.notifications.callbacks.ssrf import UrlRefused, require_host
from gateway.notifications.settings import ANY, CallerRule, HopSettings, NotificationSettings

# The scope extension by which the gateway, in the same process, hands over the verified caller: a string.
EXTENSION = "gateway.caller"
HEADER = "caller-objectid"

_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)
_OBJECT_ID = re.compile(r"[\x21-\x7e]{1,256}", re.ASCII)


def identify(scope: MutableMapping[str, Any], hop: HopSettings) -> str:
    """
    The caller's object id.

    Raises:
        HttpProblem: 401 when no trusted source names the caller.
    """
    extensions = scope.get("extensions") or {}
    if EXTENSION in extensions:
        return _normal(extensions[EXTENSION])
    headers = _headers(scope)
    if not _is_gateway(headers, hop):
        raise _unknown()
    values = headers.get(HEADER, [])
    return _normal(values[0] if len(values) == 1 else None)


def rule_for(caller: str, settings: NotificationSettings) -> CallerRule:
    """
    The caller's rule, or the default one.

    Raises:
        HttpProblem: 403 when there is no rule at all.
    """
    for rule in settings.callers:
        if _normal(rule.object_id) == caller:
            return rule
    if settings.default_caller is None:
        raise HttpProblem(403, "caller-rule", "This caller has no rule, and the default rule denies.", rule="default")
    return settings.default_caller


def require_allowed(rule: CallerRule, batch_id: int, host: str, starts: bool = True) -> None:
    """
    Check one request against the caller's rule.

    Args:
        starts: Whether the batch job is to be started, not only watched.

    Raises:
        HttpProblem: 403 with the rule's name.
    """
    lists = (rule.batch_jobs,) if starts else (rule.batch_jobs, rule.watch_jobs)
    if not any(allowed is None or batch_id in allowed for allowed in lists):
        text = f"Rule {rule.name!r} does not allow {'' if starts else 'watching '}batch job {batch_id}."
        raise HttpProblem(403, "caller-rule", text, rule=rule.name)
    try:
        require_host(host, rule.callback_hosts)
    except UrlRefused as error:
        text = f"Rule {rule.name!r} does not allow callbacks to {host}."
        raise HttpProblem(403, "caller-rule", text, rule=rule.name) from error


def environment_for(rule: CallerRule, asked: str | None, settings: NotificationSettings) -> str:
    """
    The F&O environment of a request: the one that it names, else the first of its caller's rule, else the default one.

    Raises:
        HttpProblem: 403 for one that the rule does not allow, whether or not it exists; 400 when one has to be named.
    """
    default = settings.default_environment
    allowed = rule.environments or (() if default is None else (default,))
    if asked is None:
        return _unnamed(allowed, default)
    if asked in settings.all_environments and (asked in allowed or ANY in allowed):
        return asked
    text = f"Rule {rule.name!r} does not allow environment {asked[:64]!r}."
    raise HttpProblem(403, "caller-rule", text, rule=rule.name)


def _unnamed(allowed: Sequence[str], default: str | None) -> str:
    first = default if not allowed or allowed[0] == ANY else allowed[0]
    if first is None:
        raise HttpProblem(400, "body-invalid", "environment is missing: there are several, and none is the default.")
    return first


def _is_gateway(headers: Mapping[str, list[str]], hop: HopSettings) -> bool:
    if hop.mtls:
        return True
    proofs = headers.get(hop.secret_header.lower(), [])
    if hop.shared_secret is None or len(proofs) != 1:
        return False
    return hmac.compare_digest(proofs[0].encode(), hop.shared_secret.get_secret_value().encode())


def _headers(scope: MutableMapping[str, Any]) -> dict[str, list[str]]:
    """Header values by lower-case name; a second value must be seen, not joined away."""
    headers: dict[str, list[str]] = {}
    for name, value in scope.get("headers", ()):
        headers.setdefault(name.decode("latin-1").lower(), []).append(value.decode("latin-1"))
    return headers


def _normal(object_id: object) -> str:
    """GUIDs compare without case; any other subject (a pairwise ``sub``) is case sensitive."""
    if not isinstance(object_id, str) or not _OBJECT_ID.fullmatch(object_id):
        raise _unknown()
    return object_id.lower() if _GUID.fullmatch(object_id) else object_id


def _unknown() -> HttpProblem:
    return HttpProblem(401, "caller-unknown", "No verified caller; call through the gateway.")
