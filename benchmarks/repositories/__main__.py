"""Imports every repository of the catalogue, calls it once, and writes docs/imported-repositories.md."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.repositories.calling import FirstCall, first_request
from benchmarks.repositories.catalogue import REPOSITORIES, Repository
from benchmarks.repositories.recorder import Recorder, recording
from gateway.commands.importing.findings import ImportOutcome
from gateway.commands.importing.report import ImportReport
from gateway.commands.importing.running import run
from gateway.commands.importing.sources.inputs import NO_INPUTS
from gateway.errors import LoadError

PAGE = Path(__file__).parents[2] / "docs" / "imported-repositories.md"
_MOST_REASONS = 12
_OWNER = re.compile(r"\bowner \S+(?= )")  # people, who are nobody's business here
REHEARSED = "pagopa+dx-playground"
_HEAD = """\
<!-- Written by `make import-repositories CLONES=FOLDER`. -->
# Public repositories, imported

What [`gateway import`](apiops.md) makes of public repositories of different shapes, as they are at the named commit.
*Left out* counts what may matter for traffic; what has no effect on it (descriptions, tags, diagnostics, portals) is
counted separately.
The check is `gateway check -c config.yaml --assume-secrets` on the result.
The first request went, with a trace, through the imported gateway to a server on loopback in place of every backend.
No secret of an instance is known here: policies that need one, or a token, refuse.
"""


@dataclass(slots=True)
class Outcome:
    """What became of one repository."""

    repository: Repository
    commit: str
    seconds: float = 0.0
    report: ImportReport | None = None
    error: str = ""
    call: FirstCall | None = None
    call_error: str = ""
    notes: list[str] = field(default_factory=list)


def main(clones: Path) -> None:
    """Write the page."""
    outcomes: list[Outcome] = []
    with recording() as recorder:
        for repository in REPOSITORIES:
            if (clones / repository.folder).is_dir():
                outcomes.append(_tried(repository, clones, recorder))
                print(_row(outcomes[-1]), flush=True)
                _write(outcomes)
    if (clones / REHEARSED).is_dir():
        _write(outcomes, list(_rehearsed(clones / REHEARSED)))


def _write(outcomes: list[Outcome], rehearsal: Sequence[str] = ()) -> None:
    """The page, as far as it goes: a run takes long."""
    PAGE.write_text("\n".join([_HEAD, *_table(outcomes), *_details(outcomes), *rehearsal]) + "\n", encoding="utf-8")


def _tried(repository: Repository, clones: Path, recorder: Recorder) -> Outcome:
    clone = clones / repository.folder
    source = clone / repository.path
    outcome = Outcome(repository, _commit(clone))
    began = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="gateway-repositories-") as folder:
        try:
            outcome.report = run(source, Path(folder) / "imported", NO_INPUTS)
        except LoadError as error:
            outcome.error = _plain(str(error.problems[0].message), clone)
            return outcome
        outcome.seconds = time.perf_counter() - began
        try:
            outcome.call = first_request(source, Path(folder) / "run", recorder)
        except (LoadError, RuntimeError, OSError) as error:
            first = str(error).splitlines()[0].replace(f"{Path(folder) / 'run'}/", "it does not load: ")
            outcome.call_error = _plain(first, clone)
    return outcome


def _commit(clone: Path) -> str:
    command = ["git", "-C", str(clone), "rev-parse", "--short=12", "HEAD"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def _plain(text: str, clone: Path) -> str:
    """*text* with places as the repository has them, safe in a table."""
    return text.replace(f"{clone}/", "").replace("|", "\\|").replace("<", "&lt;")


# -- the page
def _table(outcomes: list[Outcome]) -> Iterator[str]:
    yield "| repository | commit | APIs | mapped | changed | needs you | left out | without effect | errors | seconds |"
    yield "|---|---|---|---|---|---|---|---|---|---|"
    yield from map(_row, outcomes)
    yield ""


def _row(outcome: Outcome) -> str:
    name = f"[{outcome.repository.name}](https://github.com/{outcome.repository.name})"
    report = outcome.report
    if report is None:
        return f"| {name} | {outcome.commit} | {outcome.error} | | | | | | | |"
    shown = Counter(finding.outcome for finding in report.findings if not finding.harmless)
    cells = [
        name,
        outcome.commit,
        len(report.plan.config.get("apis", ())),
        *(shown[kind] for kind in ImportOutcome),
        sum(finding.harmless for finding in report.findings),
        len(report.problems),
        f"{outcome.seconds:.1f}",
    ]
    return "| " + " | ".join(map(str, cells)) + " |"


def _details(outcomes: list[Outcome]) -> Iterator[str]:
    for outcome in outcomes:
        yield f"\n## {outcome.repository.name}\n"
        yield f"{outcome.repository.shape}. Commit `{outcome.commit}`."
        if outcome.report is not None:
            yield from _reasons(outcome, outcome.report)
            yield from _problems(outcome.report)
            yield from _request(outcome)
        else:
            yield f"\nNot imported: {outcome.error}."


def _reasons(outcome: Outcome, report: ImportReport) -> Iterator[str]:
    """Why things were changed, need a person or were left out, the most frequent first."""
    for kind in (ImportOutcome.CHANGED, ImportOutcome.NEEDS_YOU, ImportOutcome.LEFT_OUT):
        findings = [finding for finding in report.findings if finding.outcome is kind and not finding.harmless]
        if not findings:
            continue
        yield f"\n*{kind.value}* ({len(findings)}):\n"
        reasons = Counter(f"{_kind(finding.what)}: {_OWNER.sub('owner', finding.message)}" for finding in findings)
        yield from (f"- {count} × {_escaped(reason)}" for reason, count in reasons.most_common(_MOST_REASONS))
        if len(reasons) > _MOST_REASONS:
            yield f"- … and {len(reasons) - _MOST_REASONS} more reasons"


def _kind(what: str) -> str:
    """What a finding is about, without its name: ``named value``."""
    return (
        " ".join(word for word in what.partition(":")[0].split()[:2] if word.isalpha() and word.islower())
        or (what.partition(" ")[0])
    )


def _problems(report: ImportReport) -> Iterator[str]:
    yield ""
    if not report.problems:
        yield "The check of the result is clean."
        return
    yield f"The check of the result reports {len(report.problems)} errors:\n"
    reasons = Counter(f"`{known.problem.code}`: {known.problem.message}" for known in report.problems)
    yield from (f"- {count} × {_escaped(reason)}" for reason, count in reasons.most_common(_MOST_REASONS))
    if len(reasons) > _MOST_REASONS:
        yield f"- … and {len(reasons) - _MOST_REASONS} more"


def _escaped(text: str) -> str:
    short = text if len(text) <= 200 else text[:199] + "…"
    return short.replace("<", "&lt;").replace("{{", "{ {").replace("*", "\\*").replace("\n", " ")


def _request(outcome: Outcome) -> Iterator[str]:
    call = outcome.call
    yield ""
    if call is None:
        yield f"First request: {outcome.call_error or 'there is no operation to call'}."
    elif call.arrived is None:
        yield f"First request: none of {call.calls} calls reached a backend; `{call.operation}` got {call.status}."
    else:
        extra = ", ".join(call.arrived.fields) or "none"
        steps = f"{call.steps} steps in its trace, call number {call.calls}"
        yield f"First request: `{call.operation}` → {call.status}, {steps}."
        yield f"What arrived: `{call.arrived.method} {call.arrived.target}`; header fields besides the usual: {extra}."


# -- the rehearsal
def _rehearsed(clone: Path) -> Iterator[str]:
    """From a clone to the first traced request, as a new user would, with times."""
    from benchmarks.repositories.rehearsal import rehearse

    yield "\n## Rehearsal: from a clone to the first traced request\n"
    yield f"`{clone.name.replace('+', '/')}`, on a machine with two busy processors; `gateway` was installed.\n"
    yield "| step | seconds |"
    yield "|---|---|"
    yield from (f"| {step} | {seconds:.1f} |" for step, seconds in rehearse(clone))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
