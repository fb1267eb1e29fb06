"""Results as text for people, and as JUnit's XML for machines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

from gateway.commands.policy_tests.running import CaseOutcome


@dataclass(frozen=True, slots=True)
class FileResult:
    """
    One file's results.

    Attributes:
        error: Why none of its tests could run; empty when they did.
    """

    path: Path
    outcomes: tuple[CaseOutcome, ...] = ()
    error: str = ""

    @property
    def passed(self) -> bool:
        """Whether the file could be used and all its tests passed."""
        return not self.error and all(outcome.passed for outcome in self.outcomes)


def text(results: Sequence[FileResult]) -> Iterator[str]:
    """Lines for people: one for each test, the differences of those that failed, a summary."""
    for result in results:
        if result.error:
            yield f"ERROR {result.path}"
            yield from (f"  {line}" for line in result.error.splitlines())
        for outcome in result.outcomes:
            yield from _outcome(outcome)
    yield summary(results)


def _outcome(outcome: CaseOutcome) -> Iterator[str]:
    if outcome.case.skip is not None:
        yield f"skip {outcome.case.name} ({outcome.case.skip})"
    elif outcome.passed:
        yield f"pass {outcome.case.name}"
    else:
        yield f"FAIL {outcome.case.name}"
        yield from (f"  {line}" for difference in outcome.differences for line in difference.lines())
        yield from (f"  {line}" for line in outcome.story.splitlines())


def summary(results: Sequence[FileResult]) -> str:
    """``N passed, N failed``, and the number of skipped tests and bad files."""
    run = [outcome for result in results for outcome in result.outcomes if outcome.case.skip is None]
    skipped = sum(len(result.outcomes) for result in results) - len(run)
    failed = sum(not outcome.passed for outcome in run)
    broken = sum(bool(result.error) for result in results)
    more = [f"{skipped} skipped"] * bool(skipped) + [f"{broken} files with errors"] * bool(broken)
    return ", ".join([f"{len(run) - failed} passed", f"{failed} failed", *more])


def junit(results: Sequence[FileResult]) -> str:
    """The JUnit report: a testsuite per file, a testcase per test."""
    suites = "".join(_suite(result) for result in results)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="gateway test">\n{suites}</testsuites>\n'


def _suite(result: FileResult) -> str:
    failures = sum(not outcome.passed for outcome in result.outcomes)
    skipped = sum(outcome.case.skip is not None for outcome in result.outcomes)
    count, errors = len(result.outcomes) or int(bool(result.error)), int(bool(result.error))
    cases = "".join(_case(result.path, outcome) for outcome in result.outcomes)
    if result.error:
        cases += f'<testcase name="load"><error message="cannot be loaded">{_xml(result.error)}</error></testcase>\n'
    took_s = sum(outcome.took_s for outcome in result.outcomes)
    numbers = f'tests="{count}" failures="{failures}" errors="{errors}" skipped="{skipped}" time="{took_s:.3f}"'
    return f"<testsuite name={_attribute(str(result.path))} {numbers}>\n{cases}</testsuite>\n"


def _case(path: Path, outcome: CaseOutcome) -> str:
    case, body = outcome.case, ""
    if case.skip is not None:
        body = f"<skipped message={_attribute(case.skip)}/>"
    elif not outcome.passed:
        lines = [line for difference in outcome.differences for line in difference.lines()]
        body = f"<failure message={_attribute(lines[0])}>{_xml(chr(10).join([*lines, outcome.story]))}</failure>"
    names = f"classname={_attribute(path.stem)} name={_attribute(case.name)} file={_attribute(str(path))}"
    return f'<testcase {names} line="{outcome.location.line}" time="{outcome.took_s:.3f}">{body}</testcase>\n'


def _plain(value: str) -> str:
    """*value* without the characters that XML cannot hold."""
    return "".join(character if character >= " " or character in "\t\n" else "?" for character in value)


def _xml(value: str) -> str:
    return escape(_plain(value))


def _attribute(value: str) -> str:
    return quoteattr(_plain(value))
