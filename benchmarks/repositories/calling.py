"""The first request through an imported instance, with a trace: which API answered, and what arrived behind it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from benchmarks.repositories.recorder import Arrived, Recorder
from gateway.commands.importing.sources.inputs import NO_INPUTS
from gateway.commands.serve.greeting import curl
from gateway.commands.serve.preparing import prepare
from gateway.config import Config, load

_MOST_CALLS = 12
_CALL = re.compile(r"curl -i (?:-X (\S+) )?(.*) '(\S+)'$")
_FIELD = re.compile(r"-H '([^:]+): ([^']*)'")


@dataclass(frozen=True, slots=True)
class FirstCall:
    """
    Attributes:
        operation: ``METHOD /path`` of the call.
        status: What the caller got.
        arrived: What the recorder got; None: a policy answered, or refused.
        steps: Steps in the trace of the call.
        calls: Calls until something arrived.
    """

    operation: str
    status: int
    arrived: Arrived | None
    steps: int
    calls: int


def first_request(source: Path, folder: Path, recorder: Recorder) -> FirstCall | None:
    """Run the instance at *source* in *folder*, with *recorder* behind every URL. None: it has no operation."""
    before = dict(os.environ)
    try:
        return _prepared(source, folder, recorder)
    finally:  # what one instance does not have is not what another lacks
        os.environ.clear()
        os.environ.update(before)


def _prepared(source: Path, folder: Path, recorder: Recorder) -> FirstCall | None:
    instance = prepare(source, NO_INPUTS, folder, port=0)
    config = load(instance.config)
    _redirect(instance.config, recorder.url)
    with _running(instance.config) as (base, management):
        last = None
        for number, call in enumerate(_calls(config, base, instance.key), 1):
            before = len(recorder.arrived)
            last = _called(call, management, number, recorder, before)
            if last.arrived is not None or number == _MOST_CALLS:
                break
        return last


def _redirect(path: Path, url: str) -> None:
    """Every URL of a backend leads to *url*, with its own path."""
    config = yaml.safe_load(path.read_text(encoding="utf-8"))
    for api in config.get("apis", ()):
        if "service-url" in api:
            api["service-url"] = url + urlsplit(api["service-url"]).path
    for backend in config.get("backends", {}).values():
        if "url" in backend:
            backend["url"] = url + urlsplit(backend["url"]).path
            backend.pop("tls", None)
    path.write_text(yaml.safe_dump(config, sort_keys=False, allow_unicode=True), encoding="utf-8")


def _calls(config: Config, base: str, key: str) -> Iterator[str]:
    """A call for each operation: those that are easiest to call first, one of each API before seconds."""
    ranked = [
        (number, operation.url_template.count("{"), operation.method != "GET", api, operation)
        for api in config.apis
        if api.current
        for number, operation in enumerate(sorted(api.operations, key=lambda known: known.url_template.count("{")))
    ]
    for *_, api, operation in sorted(ranked, key=lambda call: call[:3]):
        yield curl(api, operation, base, key)


def _called(call: str, management: str, number: int, recorder: Recorder, before: int) -> FirstCall:
    match = _CALL.fullmatch(call)
    assert match is not None, call
    method, fields, url = match[1] or "GET", dict(_FIELD.findall(match[2])), match[3]
    body = b"{}" if method in ("POST", "PUT", "PATCH") else None
    if body:
        fields["Content-Type"] = "application/json"
    request = urllib.request.Request(url, data=body, headers=fields, method=method)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            status, trace = answer.status, answer.headers.get("Apim-Trace-Id", "")
    except urllib.error.HTTPError as error:
        status, trace = error.code, error.headers.get("Apim-Trace-Id", "")
        error.close()
    arrived = recorder.arrived[-1] if len(recorder.arrived) > before else None
    return FirstCall(f"{method} {urlsplit(url).path}", status, arrived, _steps(management, trace), number)


def _steps(management: str, trace: str) -> int:
    """How many steps the trace has."""
    if not trace:
        return 0
    with urllib.request.urlopen(f"{management}/traces/{trace}") as answer:
        entries: dict[str, list[Any]] = json.load(answer)["traceEntries"]
    return sum(len(steps) for steps in entries.values())


@contextmanager
def _running(config: Path) -> Iterator[tuple[str, str]]:
    """The gateway: the URLs of its data plane and its management plane."""
    command = [sys.executable, "-m", "gateway", "serve", "-c", str(config)]
    settings = yaml.safe_load(config.read_text(encoding="utf-8"))
    settings["management"] = f"127.0.0.1:{_free_port()}"
    config.write_text(yaml.safe_dump(settings, sort_keys=False, allow_unicode=True), encoding="utf-8")
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            yield f"http://127.0.0.1:{_port(process)}", f"http://{settings['management']}"
        finally:
            process.terminate()


def _free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _port(process: subprocess.Popen[str]) -> int:
    said = []
    for line in process.stdout or ():
        said.append(line)
        if '"listening"' in line:
            return int(json.loads(line)["port"])
    raise RuntimeError("the gateway did not start: " + "".join(said[-5:]))
