"""expectations.py: what does not hold is said, with its place; what holds is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.commands.policy_tests.writing import failures, results

ANSWERING = """
inbound:
  - set-variable: {name: plan, value: gold}
  - set-variable: {name: count, value: '@(3)'}
  - choose:
      - when:
          condition: '@(context.Request.Method == "DELETE")'
          do:
            - return-response:
                set-status: {code: 410, reason: Gone for good}
                set-header: {name: X-Why, value: gone}
                set-body: '{"error": {"code": "gone", "hints": [1, 2]}}'
backend: [base]
"""

# name -> expectation in YAML, differences ("" marks a request that is answered by the policy)
CASES = {
    "status": ("{status: 200}", ["status: 200 / 410"]),
    "one of several": ("{status: [404, 410]}", []),
    "none of several": ("{status: [404, 405]}", ["status: 404 or 405 / 410"]),
    "reason": ("{reason: Gone}", ["reason phrase: Gone / Gone for good"]),
    "header": ("{headers: {x-why: gone}}", []),
    "wrong header": ("{headers: {X-Why: here}}", ["header X-Why: here / gone"]),
    "missing header": ("{headers: {X-Other: a}}", ["header X-Other: a / (absent)"]),
    "header that must not be": ("{headers: {X-Why: }}", ["header X-Why: (absent) / gone"]),
    "absent": ("{headers: {X-Why: {absent: true}}}", ["header X-Why: absent True / gone"]),
    "absent and so": ("{headers: {X-Other: {absent: true}}}", []),
    "lines": ("{headers: {X-Why: [gone]}}", []),
    "other lines": ("{headers: {X-Why: [gone, twice]}}", ['header X-Why: ["gone", "twice"] / ["gone"]']),
    "contains": ('{body: {contains: "gone"}}', []),
    "contains not": ("{headers: {X-Why: {contains: z}}}", ["header X-Why: contains 'z' / gone"]),
    "matches": ('{headers: {X-Why: {matches: "^g.ne$", equals: gone}}}', []),
    "matches not": ('{headers: {X-Why: {matches: "^o"}}}', ["header X-Why: matches '^o' / gone"]),
    "equals not": ("{headers: {X-Why: {equals: gon}}}", ["header X-Why: equals 'gon' / gone"]),
    "pattern on nothing": ("{headers: {X-Other: {contains: a}}}", ["header X-Other: contains 'a' / (absent)"]),
    "json": ("{json: {error: {code: gone, hints: [1, 2]}}}", []),
    "json part": ("{json-contains: {error: {hints: [1, 2]}}}", []),
    "backend": ("{backend: {method: GET}}", ["backend: called / not called"]),
    "backend not": ("{backend: not-called}", []),
    "send-request not": ("{send-request: not-called}", []),
    "send-request": ("{send-request: [{method: GET}]}", ["send-request: 1 calls / none"]),
    "variable": ("{variables: {plan: gold, count: 3}}", []),
    "variable as text": ('{variables: {count: "3"}}', []),
    "wrong variable": ("{variables: {plan: lead, count: 4}}", ["variable plan: lead / gold", "variable count: 4 / 3"]),
    "no variable": ("{variables: {gone: a, away: 1, plan: }}", None),
    "no error": ("{error: none}", []),
    "error": ("{error: {reason: X}}", ["error reason: X / (absent)"]),
}


@pytest.mark.parametrize(("expect", "expected"), CASES.values(), ids=CASES)
def test_differences(tmp_path: Path, expect: str, expected: list[str] | None) -> None:
    """Each expectation that does not hold is one difference: what, expected, found."""
    tests = f"tests: [{{name: a, request: {{method: DELETE}}, expect: {expect}}}]"
    found = failures(results(tmp_path, ANSWERING, tests))
    if expected is None:
        expected = ["variable gone: a / (absent)", "variable away: 1 / (absent)", "variable plan: (absent) / gold"]
    assert found == expected


SENT = {
    "method": ("{method: PUT}", ["backend method: PUT / POST"]),
    "path": ("{path: /b}", ["backend path: /b / /a"]),
    "query": ("{query: {q: }}", ["backend query q: (absent) / 1"]),
    "body": ("{body: other}", ["backend body: other / text"]),
    "json": ("{json: {}}", ["backend body: JSON / text"]),
    "times": ("{times: 2}", ["backend: 2 requests / 1"]),
}


@pytest.mark.parametrize(("seen", "expected"), SENT.values(), ids=SENT)
def test_differences_of_what_was_sent(tmp_path: Path, seen: str, expected: list[str]) -> None:
    """What the backend saw is compared part by part."""
    request = "{method: POST, path: /a, query: q=1, body: text}"
    tests = f"tests: [{{name: a, request: {request}, expect: {{backend: {seen}}}}}]"
    assert failures(results(tmp_path, ANSWERING, tests)) == expected


def test_backend_that_was_called(tmp_path: Path) -> None:
    """A backend that should not have been called is named, and so is an error that should not have been."""
    tests = (
        "backend: {failure: connection}\n"
        "tests: [{name: a, expect: {backend: not-called, error: none, json-contains: {a: 1}}}]"
    )
    found = failures(results(tmp_path, ANSWERING, tests))
    assert found[0].startswith("body as JSON: ")
    assert found[1] == "backend: not called / 1 x, last GET https://backend.test/"
    assert found[2].startswith("error: none / forward-request BackendConnectionFailure")


def test_empty_body_is_no_json(tmp_path: Path) -> None:
    """If JSON is expected and the body is empty, the message says so."""
    assert failures(results(tmp_path, ANSWERING, "tests: [{name: a, expect: {json: {}}}]")) == ["body: JSON / (empty)"]


def test_long_differences_are_compared(tmp_path: Path) -> None:
    """Texts of several lines are shown as a comparison, with the place of the expectation."""
    tests = """
    tests:
      - name: a
        request: {method: DELETE}
        expect:
          json: {error: {code: away, hints: [1, 2]}}
    """
    (outcome,) = results(tmp_path, ANSWERING, tests).outcomes
    lines = outcome.differences[0].lines()
    assert lines[0].endswith("one.policytest.yaml:7:13: body as JSON")
    assert '  -    "code": "away",' in lines
    assert '  +    "code": "gone",' in lines
    assert outcome.story.startswith("answer: 410 {")
