"""
An instance made ready to run on this machine: unknown secrets, what cannot run, a key for its developer.

What is not known fails closed. A secret that is not set gets a random text that nobody has: a check against it never
succeeds. A policy document that cannot be used is replaced by one that answers 503.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import chain, count
from pathlib import Path
from typing import Any

from gateway.commands.importing.checking import Checked, checked
from gateway.commands.importing.plan import plan as planned
from gateway.commands.importing.planned import Planned, WantedVariable
from gateway.commands.importing.sources.inputs import Inputs
from gateway.commands.importing.writing.folder import CONFIG, write
from gateway.commands.serve.originals import with_originals
from gateway.errors import LoadError

KEY_ID = "local-development"
_ROUNDS = 5  # a document that was hidden by another's mistake may have one of its own
_LAST_PORT = 65_535
_REFUSING = "refusing.xml"
_REFUSING_FRAGMENT = "refusing-fragment.xml"
_ANSWER = (
    '<return-response><set-status code="503" reason="Service Unavailable" />'
    "<set-body>This policy could not be loaded: see the output of gateway serve.</set-body></return-response>"
)
_DOCUMENTS = {
    _REFUSING: f"<policies><inbound>{_ANSWER}</inbound></policies>\n",
    _REFUSING_FRAGMENT: f"<fragment>{_ANSWER}</fragment>\n",
}


@dataclass(slots=True)
class LocalInstance:
    """
    What is going to run.

    Attributes:
        config: The configuration's file.
        plan: What the import made of the source.
        unset: Variables that are not set, and have a random value for this run.
        refused: Problems of the documents that answer 503 instead.
        without_redis: The variable with the address of the external cache, which is not set; empty: nothing is missing.
        key: The developer's subscription key, which gives access to everything and allows traces.
    """

    config: Path
    plan: Planned
    unset: list[WantedVariable] = field(default_factory=list)
    refused: list[Checked] = field(default_factory=list)
    key: str = ""
    without_redis: str = ""


def prepare(
    source: Path,
    inputs: Inputs,
    folder: Path,
    port: int | None = None,
) -> LocalInstance:
    """
    The instance at *source*, in the private *folder*; the environment of the process gets what is not set.

    It listens on this machine alone: on the defaults, or on *port* with the management plane on the next one.

    Raises:
        LoadError: The source cannot be read, or its configuration cannot run even with documents that refuse.
    """
    plan = with_originals(planned(source, inputs))
    without_redis = _without_redis(plan)
    unset = [variable for variable in plan.variables.values() if variable.name not in os.environ]
    for variable in unset:
        os.environ[variable.name] = secrets.token_urlsafe(32)
    instance = LocalInstance(folder / CONFIG, plan, unset, key=secrets.token_urlsafe(24), without_redis=without_redis)
    others = plan.config.setdefault("subscriptions", [])
    others.append({"id": _free_id(others), "scope": "/apis", "primary-key": instance.key, "all-access": True})
    plan.config |= {"tracing": {"enabled": True}, **_listening(port)}
    plan.files |= {name: text.encode() for name, text in _DOCUMENTS.items()}
    _write_what_loads(instance, folder)
    return instance


def _without_redis(plan: Planned) -> str:
    """Do without an external cache whose address is not set: one process keeps counters and caches in its memory."""
    variable: str = plan.config.get("redis", {}).get("env", "")
    if not variable or variable in os.environ:
        return ""
    del plan.config["redis"], plan.variables[variable]
    return variable


def _free_id(subscriptions: Iterable[dict[str, Any]]) -> str:
    """An id that none of the instance's *subscriptions* has."""
    taken = {subscription["id"].casefold() for subscription in subscriptions}
    candidates = chain([KEY_ID], (f"{KEY_ID}-{number}" for number in count(2)))
    return next(candidate for candidate in candidates if candidate not in taken)


def _listening(port: int | None) -> dict[str, str]:
    if port is None:
        return {}
    management = port + 1 if 0 < port < _LAST_PORT else 0
    return {"listen": f"127.0.0.1:{port}", "management": f"127.0.0.1:{management}"}


def _write_what_loads(instance: LocalInstance, folder: Path) -> None:
    """Write the plan; documents with problems are replaced until it loads. Raises LoadError."""
    for _ in range(_ROUNDS):
        write(instance.plan, folder)
        problems = checked(folder, instance.plan)
        if not problems:
            return
        broken = {str(Path(known.problem.location.file).resolve()) for known in problems}
        if not _replaced(instance.plan.config, broken, folder):
            break
        instance.refused += problems
    raise LoadError(known.problem for known in problems)


def _replaced(config: dict[str, Any], broken: Iterable[str], folder: Path) -> bool:
    """Name the refusing documents instead of *broken* ones, wherever *config* does; whether it did for all of them."""
    left = set(broken)
    for holder, key in _documents(config):
        path = str((folder / holder[key]).resolve())
        if path in broken:
            holder[key] = _REFUSING_FRAGMENT if holder is config.get("fragments") else _REFUSING
            left.discard(path)
    return not left


def _documents(config: dict[str, Any]) -> list[tuple[dict[str, Any], str]]:
    """Each place of *config* that names a policy document: a mapping and a key."""
    scopes = [*config.get("apis", ()), *config.get("products", ())]
    scopes += [operation for api in config.get("apis", ()) for operation in api.get("operations", ())]
    places = [(scope, "policy") for scope in scopes if "policy" in scope]
    places += [(config, "global-policy")] if "global-policy" in config else []
    return places + [(config["fragments"], name) for name in config.get("fragments", ())]
