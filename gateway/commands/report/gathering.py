"""What a bundle contains. Each part is gathered on its own: whatever is broken, the others are there."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from gateway import __version__
from gateway.commands.report.asking import GatewayAnswer, RunningGateway, token_in
from gateway.commands.report.bundle import Entry
from gateway.commands.report.configuration import MaskedConfiguration
from gateway.commands.report.hiding import Hidden
from gateway.commands.report.system import machine, versions
from gateway.errors import Problem

MAX_DOCUMENTS = 2_000
_DEFAULT = "127.0.0.1:8081"


@dataclass(frozen=True, slots=True)
class Asked:
    """Where the running gateway is asked; None: where the configuration says, without a token."""

    management: str | None = None
    token_file: Path | None = None


def gather(config: Path, asked: Asked, with_policies: bool) -> list[Entry]:
    """
    Everything that a bundle about the gateway of *config* contains.

    Raises:
        GatewayError: The address or the token's file cannot be used.
    """
    hidden = Hidden()
    configuration = MaskedConfiguration(config, hidden, os.environ)
    gateway = RunningGateway(*_address(asked, configuration), hidden)
    parts = [
        ("versions.json", "gateway, Python, libraries", lambda: _json(versions())),
        ("machine.json", "kernel, processors, memory, limits", lambda: _json(machine())),
        ("config.yaml", "the configuration, without secrets, texts and comments", lambda: configuration.text),
        ("variables.json", "environment variables it names: set or not", lambda: _json(configuration.variables)),
        ("check.txt", "what gateway check finds, without quotations", lambda: _findings(config, configuration.is_read)),
    ]
    entries = [_entry(name, about, make, hidden) for name, about, make in parts]
    entries += _answers(gateway)
    entries += _documents(config, hidden) if with_policies else ()
    return [_contents(entries), *entries]


def _address(asked: Asked, configuration: MaskedConfiguration) -> tuple[str, str | None]:
    """URL and token of the management plane; the configuration's token is for the configuration's address only."""
    given = None if asked.token_file is None else token_in(asked.token_file)
    if asked.management is not None:
        return asked.management, given
    return f"http://{configuration.management or _DEFAULT}", given or configuration.token


def _answers(gateway: RunningGateway) -> Iterator[Entry]:
    asked: list[tuple[str, Callable[[], GatewayAnswer]]] = [
        ("readyz.json", gateway.readiness),
        ("metrics.txt", gateway.metrics),
        ("requests.jsonl", gateway.requests),
    ]
    for name, ask in asked:
        answer = ask()
        yield Entry(name, answer.about, answer.text)


def _entry(name: str, about: str, make: Callable[[], str], hidden: Hidden) -> Entry:
    try:
        text = make()
    except Exception as error:  # a part that fails says so, and leaves the others alone
        return Entry(name, f"{about}: failed", f"This part could not be gathered: {type(error).__name__}\n")
    return Entry(name, about, hidden.scrub(text))


def _json(data: object) -> str:
    return json.dumps(data, indent=2, ensure_ascii=False, default=str) + "\n"


def _findings(config: Path, is_read: bool) -> str:
    """
    One line for each. Messages are there where they are about the configuration itself and what it contains is known:
    those about documents may quote them.
    """
    from gateway.commands.check.running import check_paths

    reports = check_paths([], config)
    findings = [(problem, "error") for report in reports for problem in report.problems]
    findings += [(note, "note") for report in reports for note in report.notes]
    own = str(config) if is_read else None
    lines = [_finding(problem, level, problem.location.file == own) for problem, level in findings]
    return "\n".join([*lines, f"{len(lines)} findings", ""])


def _finding(problem: Problem, level: str, is_told: bool) -> str:
    head = f"{problem.location}: {level}: {problem.code}"
    is_told = is_told and problem.code != "internal-error"
    return f"{head}: {problem.message} ({problem.remedy})" if is_told else head


def _documents(config: Path, hidden: Hidden) -> Iterator[Entry]:
    from gateway.commands.check.report import named_documents
    from gateway.commands.report.documents import masked_document

    for number, path in enumerate(named_documents(config)):
        if number == MAX_DOCUMENTS:
            return
        name = f"policies/{number:04}.xml"
        yield _entry(name, f"{path.name}, without texts", lambda path=path: masked_document(path), hidden)  # type: ignore[misc]


def _contents(entries: list[Entry]) -> Entry:
    moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    lines = [f"{entry.name:<24} {entry.about}" for entry in entries]
    head = f"Support bundle of gateway {__version__}, {moment}."
    return Entry("README.txt", "this list", "\n".join([head, "… is what may be secret.", "", *lines, ""]))
