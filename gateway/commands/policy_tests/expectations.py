"""What happened against what was expected: every difference with the place of the expectation."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import parse_qs

from gateway.commands.policy_tests.model import ErrorSeen, Expectation, Matching, Seen
from gateway.commands.policy_tests.reading import TestFile
from gateway.commands.policy_tests.stubs import Record
from gateway.errors import Location
from gateway.expressions import to_text
from gateway.pipeline.context import Context, LastError
from gateway.wire.headers import Headers
from gateway.wire.messages import Response

NOTHING = "(absent)"


@dataclass(frozen=True, slots=True)
class Happened:
    """The results of one test, as far as expectations refer to them."""

    response: Response
    context: Context
    error: LastError | None
    backend: list[Record]
    others: list[Record]
    unexpected: list[str]


@dataclass(frozen=True, slots=True)
class Difference:
    """One expectation that did not hold. *expected* and *found* may have several lines."""

    location: Location
    what: str
    expected: str
    found: str

    def lines(self) -> list[str]:
        """In readable form: one line, or a comparison of texts of several lines."""
        head = f"{self.location}: {self.what}"
        if "\n" not in self.expected + self.found:
            return [head, f"  expected {self.expected}", f"  found    {self.found}"]
        compared = difflib.unified_diff(
            self.expected.splitlines(), self.found.splitlines(), "expected", "found", lineterm=""
        )
        return [head, *(f"  {line}" for line in compared)]


# A path of keys within `expect`, what is compared, expected, found.
Found = tuple[tuple[object, ...], str, str, str]


def differences(file: TestFile, index: int, happened: Happened) -> list[Difference]:
    """Every expectation of test *index* that *happened* does not meet."""
    expect = file.suite.tests[index].expect
    unmet = [*_answer(expect, happened), *_backend(expect, happened), *_others(expect, happened)]
    unmet += [*_variables(expect, happened), *_error(expect, happened)]
    compared = [Difference(file.place(index, *path), what, wanted, was) for path, what, wanted, was in unmet]
    unexpected = (Difference(file.place(index), "send-request", "no such call", url) for url in happened.unexpected)
    return [*compared, *unexpected]


def _answer(expect: Expectation, happened: Happened) -> Iterator[Found]:
    response = happened.response
    accepted = expect.status if isinstance(expect.status, list) else [expect.status]
    if expect.status is not None and response.status_code not in accepted:
        yield ("status",), "status", " or ".join(map(str, accepted)), str(response.status_code)
    if "reason" in expect.model_fields_set:
        yield from matched(("reason",), "reason phrase", expect.reason, [response.reason])
    yield from _fields(("headers",), "header", expect.headers, response.headers)
    yield from _content((), "body", expect, response.body.content)


def _fields(path: tuple[object, ...], what: str, wanted: Mapping[str, Any], headers: Headers) -> Iterator[Found]:
    for name, match in wanted.items():
        yield from matched((*path, name), f"{what} {name}", match, list(headers.values(name)))


def _content(path: tuple[object, ...], what: str, expect: Expectation | Seen, content: bytes) -> Iterator[Found]:
    given = expect.model_fields_set
    if "body" in given:
        yield from matched((*path, "body"), what, expect.body, [content.decode("utf-8", "replace")])
    if given & {"json_", "json_contains"}:
        yield from _document(path, what, expect, content)


def _document(path: tuple[object, ...], what: str, expect: Expectation | Seen, content: bytes) -> Iterator[Found]:
    """The same for a body that is JSON."""
    given = expect.model_fields_set
    try:
        document = json.loads(content)
    except ValueError:
        yield (*path, "json"), what, "JSON", content[:200].decode("utf-8", "replace") or "(empty)"
        return
    if "json_" in given and document != expect.json_:
        yield (*path, "json"), f"{what} as JSON", _pretty(expect.json_), _pretty(document)
    if "json_contains" in given and not _holds(document, expect.json_contains):
        yield (*path, "json-contains"), f"{what} as JSON", _pretty(expect.json_contains), _pretty(document)


def _backend(expect: Expectation, happened: Happened) -> Iterator[Found]:
    wanted, seen = expect.backend, happened.backend
    if wanted is None:
        return
    if isinstance(wanted, str):
        if seen:
            yield ("backend",), "backend", "not called", f"{len(seen)} x, last {seen[-1].method} {seen[-1].url}"
    elif not seen:
        yield ("backend",), "backend", "called", "not called"
    else:
        yield from _seen(("backend",), "backend", wanted, seen[-1])
        if wanted.times is not None and wanted.times != len(seen):
            yield ("backend", "times"), "backend", f"{wanted.times} requests", f"{len(seen)}"


def _others(expect: Expectation, happened: Happened) -> Iterator[Found]:
    wanted = expect.send_request
    if wanted is None:
        return
    expected: Sequence[Seen] = [] if isinstance(wanted, str) else wanted
    if len(expected) != len(happened.others):
        calls = ", ".join(f"{record.method} {record.url}" for record in happened.others) or "none"
        yield ("send-request",), "send-request", f"{len(expected)} calls", calls
    for number, (call, record) in enumerate(zip(expected, happened.others, strict=False)):
        yield from _seen(("send-request", number), f"send-request {number + 1}", call, record)


def _seen(path: tuple[object, ...], what: str, wanted: Seen, record: Record) -> Iterator[Found]:
    if wanted.method is not None and wanted.method.upper() != record.method:
        yield (*path, "method"), f"{what} method", wanted.method, record.method
    for name, match, actual in (("url", wanted.url, record.url), ("path", wanted.path, record.path)):
        if name in wanted.model_fields_set:
            yield from matched((*path, name), f"{what} {name}", match, [actual])
    parameters = parse_qs(record.query, keep_blank_values=True)
    for name, match in wanted.query.items():
        yield from matched((*path, "query", name), f"{what} query {name}", match, parameters.get(name, []))
    yield from _fields((*path, "headers"), f"{what} header", wanted.headers, record.headers)
    yield from _content(path, f"{what} body", wanted, record.body)


def _variables(expect: Expectation, happened: Happened) -> Iterator[Found]:
    held = happened.context.variables
    for name, wanted in expect.variables.items():
        path, what = ("variables", name), f"variable {name}"
        if isinstance(wanted, str | dict) or wanted is None:
            like = Matching.model_validate(wanted) if isinstance(wanted, dict) else wanted
            yield from matched(path, what, like, [to_text(held[name])] if name in held else [])
        elif held.get(name) != wanted:
            yield path, what, _pretty(wanted), to_text(held[name]) if name in held else NOTHING


def _error(expect: Expectation, happened: Happened) -> Iterator[Found]:
    wanted, error = expect.error, happened.error
    if wanted == "none":
        if error is not None:
            yield ("error",), "error", "none", f"{error.source} {error.reason}: {error.message}"
    elif isinstance(wanted, ErrorSeen):
        yield from _error_seen(wanted, error)


def _error_seen(wanted: ErrorSeen, error: LastError | None) -> Iterator[Found]:
    facts = {} if error is None else asdict(error)
    for name, match in wanted:
        if name in wanted.model_fields_set:
            yield from matched(("error", name), f"error {name}", match, [str(facts[name])] if facts else [])


def matched(path: tuple[object, ...], what: str, wanted: object, actual: Sequence[str]) -> Iterator[Found]:
    """The difference between the *actual* lines and what is *wanted*; nothing when they agree."""
    if _fits(wanted, actual):
        return
    if isinstance(wanted, list):
        yield path, what, json.dumps(wanted), json.dumps(list(actual))
    else:
        yield path, what, _described(wanted), ", ".join(actual) if actual else NOTHING


def _fits(wanted: object, actual: Sequence[str]) -> bool:
    match wanted:
        case None:
            return not actual
        case list():
            return list(actual) == wanted
        case Matching():
            return _is_like(wanted, actual)
    return bool(actual) and ", ".join(actual) == wanted


def _is_like(wanted: Matching, actual: Sequence[str]) -> bool:
    if wanted.absent or not actual:
        return wanted.absent and not actual
    text = ", ".join(actual)
    tests = [
        wanted.equals is None or text == wanted.equals,
        wanted.contains is None or wanted.contains in text,
        wanted.matches is None or re.search(wanted.matches, text) is not None,
    ]
    return all(tests)


def _described(wanted: object) -> str:
    if not isinstance(wanted, Matching):
        return NOTHING if wanted is None else str(wanted)
    given = wanted.model_dump(by_alias=True, exclude_unset=True)
    return ", ".join(f"{name} {value!r}" for name, value in given.items())


def _holds(document: Any, part: Any) -> bool:
    """Whether *document* contains *part*: lists must be of the same length, objects may have further members."""
    if isinstance(part, dict):
        return isinstance(document, dict) and all(
            name in document and _holds(document[name], value) for name, value in part.items()
        )
    if isinstance(part, list):
        same = isinstance(document, list) and len(document) == len(part)
        return same and all(map(_holds, document, part))
    return bool(document == part)


def _pretty(document: object) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False, sort_keys=True, default=str)
