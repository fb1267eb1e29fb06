"""What ``gateway serve --apim`` prints before it serves: what runs, what does not, and the first call."""

from __future__ import annotations

import re
from collections.abc import Iterator

from gateway.commands.importing.findings import ImportOutcome
from gateway.commands.serve.preparing import LocalInstance
from gateway.config import Config
from gateway.config.apis import Api, Operation

_MOST = 20  # lines of one list
_PARAMETER = re.compile(r"\{\*?([^{}]+)\}")


def greeting(instance: LocalInstance, config: Config, base: str) -> str:
    """Text for a person; *base* is the URL at which the gateway listens."""
    return "\n".join([*_running(config, base), *_missing(instance), *_first_call(instance, config, base), ""])


def _running(config: Config, base: str) -> Iterator[str]:
    urls = [f"  {api.id}: {base}{_prefix(api)}" for api in config.apis]
    yield from _listed(f"{len(config.apis)} API{'' if len(urls) == 1 else 's'} on {base}", urls)
    yield f"console and traces: http://{config.management}"


def _missing(instance: LocalInstance) -> Iterator[str]:
    """What a person has to look at."""
    if instance.without_redis:
        yield f"counters and caches are in memory, because {instance.without_redis} is not set"
    unset = [f"  {variable.name}: {variable.purpose}" for variable in instance.unset]
    yield from _listed("not set, each with a random value that nobody has until you set it:", unset)
    refused = [f"  {known.source or known.problem.location}: {known.problem.message}" for known in instance.refused]
    yield from _listed("not usable, every request there gets 503:", refused)
    yield from _findings(instance)


def _findings(instance: LocalInstance) -> Iterator[str]:
    for outcome in (ImportOutcome.NEEDS_YOU, ImportOutcome.LEFT_OUT):
        findings = [finding for finding in instance.plan.of(outcome) if not finding.harmless]
        lines = [f"  {finding.location}: {finding.what}: {finding.message}" for finding in findings]
        yield from _listed(f"{outcome.value}: {len(findings)}", lines)


def _listed(title: str, lines: list[str]) -> Iterator[str]:
    """*title* and the first of *lines*; nothing where there are none."""
    if lines:
        yield title
        yield from lines[:_MOST]
    if len(lines) > _MOST:
        yield f"  … and {len(lines) - _MOST} more: gateway import --dry-run lists everything"


def _first_call(instance: LocalInstance, config: Config, base: str) -> Iterator[str]:
    yield f"subscription key for everything, traces included, until this process ends: {instance.key}"
    if call := first_call(config, base, instance.key):
        yield "try:"
        yield f"  {call}"


def first_call(config: Config, base: str, key: str) -> str:
    """One curl line for the API that is easiest to call, with a trace; empty where there is none."""
    operations = [
        (len(_PARAMETER.findall(operation.url_template)), operation.method != "GET", index, api, operation)
        for index, api in enumerate(config.apis)
        if api.current
        for operation in api.operations
    ]
    if not operations:
        return ""
    *_, api, operation = min(operations, key=lambda candidate: candidate[:3])
    return curl(api, operation, base, key)


def curl(api: Api, operation: Operation, base: str, key: str) -> str:
    """A call of *operation*, with every parameter filled in."""
    target = _prefix(api) + _PARAMETER.sub("1", operation.url_template).replace("*", "1")
    headers = {"Ocp-Apim-Trace": "true", api.subscription_key.header: key}
    if api.version is not None and api.version.scheme == "header":
        headers[str(api.version.name)] = api.version.value
    if api.version is not None and api.version.scheme == "query":
        target += f"{'&' if '?' in target else '?'}{api.version.name}={api.version.value}"
    method = "" if operation.method == "GET" else f"-X {operation.method} "
    fields = " ".join(f"-H '{name}: {value}'" for name, value in headers.items())
    return f"curl -i {method}{fields} '{base}{target}'"


def _prefix(api: Api) -> str:
    """The path below which the API's operations are."""
    version = api.version.value if api.version is not None and api.version.scheme == "path" else ""
    revision = "" if api.current else f";rev={api.revision}"
    parts = [part for part in (api.path.strip("/"), version) if part]
    return "".join(f"/{part}" for part in parts) + revision
