"""Batch notifications: jobs in progress, the latest ones, dead letters and how to send them again."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.management.console import figures
from gateway.management.console.markup import Html, badge, code, element, joined, section, table
from gateway.management.console.state import DeadLetter, JobLine, JobsState


def content(jobs: JobsState, now: float) -> list[Html]:
    """The page."""
    if jobs.error:
        return [element("p", badge("no answer", "bad"), f" {jobs.error}", class_="verdict")]
    states = [[state, figures.count(number), figures.age(now - oldest)] for state, number, oldest in jobs.unfinished]
    return [
        section("Under way", table(["State", "#Jobs", "Oldest"], states, "No job is in progress.")),
        section("Dead letters", *_dead(jobs)),
        section(
            "Latest jobs",
            table(
                ["Job", "#Batch job", "State", "Outcome", "Callback host", "Caller", "Created"],
                map(_job, jobs.latest),
                "None yet.",
            ),
        ),
    ]


def _dead(jobs: JobsState) -> Iterator[Html]:
    """Dead letters, and what to type to send them again."""
    heads = ["Job", "#Batch job", "Why", "Callback host", "#Attempts", "Given up"]
    yield table(heads, map(_letter, jobs.dead), "None.")
    for job in jobs.dead[:1]:
        yield element("p", "Send one again: ", code(f"gateway notifications replay {job.job.id} -c config.yaml"))
        yield element("p", "Send all again: ", code("gateway notifications replay --dead -c config.yaml"))


def _letter(letter: DeadLetter) -> list[object]:
    job = letter.job
    return [code(job.id), job.batch_id, letter.reason, job.host, job.attempts, figures.moment(letter.given_up)]


def _job(job: JobLine) -> list[object]:
    return [
        code(job.id),
        job.batch_id,
        _state(job.state),
        _outcome(job),
        job.host,
        job.caller,
        figures.moment(job.created),
    ]


def _outcome(job: JobLine) -> object:
    """What became of the batch job: green for success only, red for every failure."""
    if job.outcome is None:
        return job.batch_status or figures.NOTHING
    kind = {"succeeded": "good", "already_running": "warn", "held": "warn", "cancelled": "warn"}.get(job.outcome, "bad")
    return joined((badge(job.outcome, kind), f" {job.batch_status}" if job.batch_status else ""))


def _state(state: str) -> Html:
    return badge(state, {"delivered": "good", "dead": "bad", "delivered_ambiguous": "warn"}.get(state, ""))
