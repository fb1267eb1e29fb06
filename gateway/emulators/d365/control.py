"""
Control endpoints of the emulated environment, for tests that are not written in Python.

    GET    /emulator                       requests, and every job with its status and its starts
    POST   /emulator/jobs                  create a job, see ``job_from_json``: {"id": 1, "life": "fails"}
    DELETE /emulator/jobs                  delete one: {"id": 1}
    POST   /emulator/begin                 somebody in F&O starts one, which counts as no start: {"id": 1}
    POST   /emulator/settings              {"speed": 60, "start_lag_s": 2, "listing_delay_s": 0, "page_size": 2}
    POST   /emulator/faults                script a failure, see ``faults.Fault``
    DELETE /emulator/faults                forget the failures still to come
"""

from __future__ import annotations

from typing import Any

from starlette.routing import Route

from gateway.emulators.control import command, optional_number
from gateway.emulators.d365.environment import Environment
from gateway.emulators.d365.jobs import Job, Life, Snapshot, Step
from gateway.emulators.d365.lives import named
from gateway.emulators.faults import Fault

JOB_MEMBERS = {"id", "description", "life", "steps", "slot_s", "every_s", "before", "refusal"}
NUMBERS = ("speed", "start_lag_s", "listing_delay_s", "page_size")


def control(d365: Environment) -> list[Route]:
    """The routes of the list above."""
    return [
        command("/emulator", lambda _: _state(d365), "GET"),
        command("/emulator/jobs", lambda body: _described(d365, d365.add(job_from_json(body)))),
        command("/emulator/jobs", lambda body: d365.jobs.pop(body["id"]) and None, "DELETE"),
        command("/emulator/begin", lambda body: d365.begin(body["id"])),
        command("/emulator/settings", lambda body: _settle(d365, body)),
        command("/emulator/faults", lambda body: d365.faults.add(Fault.from_json(body))),
        command("/emulator/faults", lambda _: d365.faults.clear(), "DELETE"),
    ]


def job_from_json(document: dict[str, Any]) -> Job:
    """
    Read a job.

    Args:
        document: ``id``; a named ``life``, or ``steps`` as pairs of seconds and status (null deletes), with ``slot_s``
            and ``every_s``; ``before``, the status it has until its first start; ``description``; ``refusal``.

    Raises:
        ValueError: An unknown member or life, or invalid steps.
    """
    if unknown := set(document) - JOB_MEMBERS:
        raise ValueError(f"unknown members: {', '.join(sorted(unknown))}; known are {', '.join(sorted(JOB_MEMBERS))}")
    optional_number(document, "id", "slot_s", "every_s")
    before = Snapshot(document["before"]) if "before" in document else Job(0).before
    description, refusal = str(document.get("description", "Batch job")), str(document.get("refusal", ""))
    return Job(int(document["id"]), description, (_life(document),), before, refusal)


def _life(document: dict[str, Any]) -> Life:
    if "steps" not in document:
        return named(document.get("life", "succeeds"))
    steps = tuple(Step(float(after_s), status) for after_s, status in document["steps"])
    return Life(steps, float(document.get("slot_s", 0)), float(document.get("every_s", 0)))


def _settle(d365: Environment, document: dict[str, Any]) -> None:
    if unknown := set(document) - {*NUMBERS, "answer_form"}:
        raise ValueError(f"unknown settings: {', '.join(sorted(unknown))}")
    optional_number(document, *NUMBERS)
    d365.speed = document.get("speed", d365.speed)
    d365.start_lag_s = document.get("start_lag_s", d365.start_lag_s)
    d365.listing_delay_s = document.get("listing_delay_s", d365.listing_delay_s)
    d365.page_size = document.get("page_size", d365.page_size)
    d365.answer_starts_as(document.get("answer_form", d365.answer_form))


def _state(d365: Environment) -> dict[str, Any]:
    jobs = [_described(d365, job) for job in d365.jobs.values()]
    return {"base_url": d365.base_url, "requests": dict(d365.requests), "jobs": jobs}


def _described(d365: Environment, job: Job) -> dict[str, Any]:
    status = job.at(d365.clock(), d365.speed).status
    return {"id": job.id, "description": job.description, "status": status, "starts": len(job.starts)}
