"""Batch notifications: jobs under way, what holds them up, the latest ones, and one job with its attempts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote

from gateway.management.console import figures, forms
from gateway.management.console.forms import NOBODY, Hand
from gateway.management.console.markup import Html, badge, code, element, facts, joined, link, section, table
from gateway.management.console.state import DeadLetter, JobLine, JobsState

PATH = "/console/notifications"
FILTERS = ("state", "caller", "batch")
_OPEN = ("accepted", "starting", "waiting", "running", "delivering")
STATES = (*_OPEN, "delivered", "delivered_ambiguous", "dead", "stopped")
NO_QUERY: Mapping[str, str] = {}


# -- the list
def content(jobs: JobsState, now: float, query: Mapping[str, str] = NO_QUERY) -> list[Html]:
    """The page."""
    if jobs.error:
        return [_search(query), element("p", badge("no answer", "bad"), f" {jobs.error}", class_="verdict")]
    states = [[state, figures.count(number), figures.age(now - oldest)] for state, number, oldest in jobs.unfinished]
    heads = ["Job", "#Batch job", "State", "Outcome", "Callback host", "Caller", "Created"]
    under_way = table(["State", "#Jobs", "Oldest"], states, "No job is in progress.")
    return [
        section("Under way", under_way, *_held(jobs), id="way"),
        section("Dead letters", *_dead(jobs), id="dead"),
        _search(query),
        section("Latest jobs", table(heads, map(_job, jobs.latest), "None."), id="latest"),
    ]


def _search(query: Mapping[str, str]) -> Html:
    fields = [
        forms.choice("State", "state", {"": "any", **{state: state for state in STATES}}, query.get("state", "")),
        forms.text("Caller", "caller", query.get("caller", ""), size=30),
        forms.text("Batch job", "batch", query.get("batch", ""), size=14, inputmode="numeric"),
    ]
    button = element("button", "Search", type="submit", class_="main")
    return element("form", *fields, button, method="get", action=PATH, class_="row", role="search")


def _held(jobs: JobsState) -> Iterator[Html]:
    """What keeps jobs waiting that is not their own."""
    for name, pause_s in jobs.gates:
        if pause_s:
            text = f" F&O {name} has asked not to be called for {pause_s:.0f} s."
            yield element("p", badge("throttled", "warn"), text)
    if jobs.circuits:
        hosts = joined(map(code, jobs.circuits[:20]), ", ")
        yield element("p", badge("circuit open", "bad"), " One attempt at a time gets through to ", hosts)


def _dead(jobs: JobsState) -> Iterator[Html]:
    """Dead letters, and what to type to send them all again."""
    heads = ["Job", "#Batch job", "Why", "Callback host", "#Attempts", "Given up"]
    yield table(heads, map(_letter, jobs.dead), "None.")
    if jobs.dead:
        yield element("p", "Send all again: ", code("gateway notifications replay --dead -c config.yaml"))


def _letter(letter: DeadLetter) -> list[object]:
    job = letter.job
    return [_linked(job.id), job.batch_id, letter.reason, job.host, job.attempts, figures.moment(letter.given_up)]


def _job(job: JobLine) -> list[object]:
    ended = [_state(job.state), _outcome(job.outcome, job.batch_status)]
    return [_linked(job.id), job.batch_id, *ended, job.host, job.caller, figures.moment(job.created)]


def _linked(job_id: str) -> Html:
    return link(f"{PATH}/{quote(job_id, safe='')}", job_id)


def _outcome(outcome: str | None, batch_status: str | None) -> object:
    """What became of the batch job: green for success only, red for every failure."""
    if outcome is None:
        return batch_status or figures.NOTHING
    kind = {"succeeded": "good", "already_running": "warn", "held": "warn", "cancelled": "warn"}.get(outcome, "bad")
    return joined((badge(outcome, kind), f" {batch_status}" if batch_status else ""))


def _state(state: str) -> Html:
    return badge(state, {"delivered": "good", "dead": "bad", "delivered_ambiguous": "warn"}.get(state, ""))


# -- one job
def shown(job: Mapping[str, Any], attempts: list[Mapping[str, Any]], hand: Hand = NOBODY) -> list[Html]:
    """One job: where it is, its attempts, and what can be done."""
    outcome = _outcome(job["outcome"], job["batchStatus"])
    head = element("p", _state(job["status"]), " ", outcome, f" {job['message'] or ''}")
    return [
        element("div", head, class_="verdict", id="where", data_live=""),
        section("The job", facts(_known(job)), id="facts"),
        section("Callback attempts", _attempts(attempts), id="attempts"),
        section("What can be done", *_doing(job, hand)),
    ]


_IDS = (("Environment", "environment"), ("Caller", "caller"), ("Rule", "rule"))
_TIMES = (("Accepted", "createdTime"), ("Started", "startedTime"), ("Ended", "endedTime"), ("Deadline", "deadline"))


def _known(job: Mapping[str, Any]) -> Iterator[tuple[str, object]]:
    yield "Job", code(job["id"])
    yield "Batch job", str(job["batchId"])
    yield from ((label, code(value)) for label, value in _given(job, _IDS))
    yield from ((label, str(value)) for label, value in _given(job, _TIMES))
    callback = job["callback"] or {}
    named = [(f"Callback {name}", name) for name in callback]
    yield from ((label, code(value)) for label, value in _given(callback, named))
    error = job["error"]
    if error:
        yield "Error", joined((code(error["code"]), f" {error['message']}"))


def _given(members: Mapping[str, Any], named: Iterable[tuple[str, str]]) -> Iterator[tuple[str, Any]]:
    """Those of the *named* members that have a value, by their label."""
    return ((label, members[name]) for label, name in named if members[name] not in (None, ""))


def _attempts(attempts: list[Mapping[str, Any]]) -> Html:
    rows = [
        [
            attempt["at"],
            f"{attempt['series']}.{attempt['number']}",
            attempt["status"] or attempt["error"] or "no answer known",
            attempt["decision"] or figures.NOTHING,
            attempt["nextAttempt"] or figures.NOTHING,
        ]
        for attempt in attempts
    ]
    return table(["When", "Attempt", "Answer", "Decision", "Next attempt"], rows, "None yet.")


def _doing(job: Mapping[str, Any], hand: Hand) -> Iterator[Html]:
    job_id = str(job["id"])
    values = {"job": job_id, "back": f"{PATH}/{quote(job_id, safe='')}"}
    if job["isFinal"]:
        command = f"gateway notifications replay {job_id} -c config.yaml"
        yield hand.button("replay", "Send its callback again", values, command)
        return
    stop = hand.button("stop", "Stop it", values, f"DELETE …/jobs/{job_id}, as its caller")
    hint = "Watching stops, and no callback follows. F&O's batch job itself goes on: F&O has no action to cancel one."
    yield element("details", element("summary", "Stop this job"), element("p", hint), stop)
