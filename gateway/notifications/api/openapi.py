"""The OpenAPI description of the API, built from the same tables that the code uses."""

from __future__ import annotations

from typing import Any

from gateway.notifications.api.problems import MEDIA_TYPE, SLUGS
from gateway.notifications.callbacks.profiles import PROFILES
from gateway.notifications.workflow.outcomes import Outcome
from gateway.notifications.workflow.transitions import State

Schema = dict[str, Any]

_MOMENT: Schema = {"type": ["string", "null"], "format": "date-time"}
_TEXT: Schema = {"type": ["string", "null"]}
_BEFORE: Schema = {"anyOf": [{"type": "number"}, {"type": "string", "format": "date-time"}]}


def document(prefix: str) -> Schema:
    """OpenAPI 3.1; *prefix* is where the service is found."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Batch notifications",
            "version": "1",
            "summary": "Starts a D365 F&O batch job and calls back when it has ended.",
        },
        "servers": [{"url": prefix or "/"}],
        "paths": {
            "/jobs": {"post": _create(), "get": _list(), "delete": _stop_by_key()},
            "/jobs/{id}": {"parameters": [_ID], "get": _show(), "delete": _stop()},
            "/jobs/{id}/replay": {"parameters": [_ID], "post": _replay()},
        },
        "components": {"schemas": {"JobRequest": _REQUEST, "Job": _JOB, "Problem": _PROBLEM}},
    }


_KEY: Schema = {
    "name": "Idempotency-Key",
    "in": "header",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": r"^[!#-~]+$"},
}
_ID: Schema = {"name": "id", "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}

_BATCH_JOB: Schema = {
    "type": "object",
    "description": "The run as F&O shows it; null before the outcome is known, or where F&O has no value.",
    "properties": {
        "description": _TEXT,
        "scheduledAt": _MOMENT,
        "startedAt": _MOMENT,
        "endedAt": _MOMENT,
        "link": _TEXT,
    },
}

_REQUEST: Schema = {
    "type": "object",
    "required": ["batchId", "callbackUrl"],
    "description": "batchId may also be BatchJobRecId or batchJobId, callbackUrl also callBackUri, in any case. "
    "Other members are ignored.",
    "properties": {
        "batchId": {"type": "integer", "format": "int64", "minimum": 1, "maximum": 2**63 - 1},
        "callbackUrl": {"type": "string", "format": "uri", "maxLength": 4096},
        "profile": {"type": "string", "enum": list(PROFILES)},
        "timeoutSeconds": {"type": "number", "minimum": 1, "maximum": 2_592_000},
        "environment": {"type": "string", "minLength": 1, "description": "One that the caller's rule allows."},
        "start": {
            "type": "boolean",
            "description": "false: nothing is started; a run that someone else starts is reported.",
        },
        "followUp": {
            "type": "boolean",
            "description": "After a report that a budget is used up, the actual end is reported, too; not with adf.",
        },
        "run": {"enum": ["next"], "description": "Nothing is started; the first run after this request is reported."},
    },
}

_JOB: Schema = {
    "type": "object",
    "required": ["id", "batchId", "status", "runtimeStatus"],
    "properties": {
        "id": {"type": "string"},
        "batchId": {"type": "integer"},
        "environment": {"type": "string"},
        "start": {"type": "boolean"},
        "run": {"enum": ["next", None]},
        "status": {"enum": [state.value for state in State]},
        "runtimeStatus": {"enum": ["Pending", "Running", "Completed", "Failed", "Canceled", "Terminated"]},
        "outcome": {"enum": [*(outcome.value for outcome in Outcome), None]},
        "message": _TEXT,
        "error": {"type": ["object", "null"]},
        "batchStatus": _TEXT,
        "scheduledFor": _MOMENT,
        "createdTime": _MOMENT,
        "lastUpdatedTime": _MOMENT,
        "startedTime": _MOMENT,
        "endedTime": _MOMENT,
        "deadline": _MOMENT,
        "batchJob": _BATCH_JOB,
        "followsJobId": _TEXT,
        "followUpUri": _TEXT,
        "callback": {"type": "object"},
        "attempts": {"type": "array", "items": {"type": "object"}},
        "statusQueryGetUri": {"type": "string"},
        "replayPostUri": {"type": "string"},
    },
}

_PROBLEM: Schema = {
    "type": "object",
    "required": ["type", "title", "status"],
    "properties": {
        "type": {"type": "string", "examples": [f"urn:gateway:problem:{slug}" for slug in SLUGS]},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "rule": {"type": "string"},
    },
}


def _create() -> Schema:
    return {
        "operationId": "create",
        "summary": "Start a batch job and be notified when it has ended.",
        "parameters": [_KEY],
        "requestBody": {"required": True, "content": {"application/json": {"schema": _ref("JobRequest")}}},
        "responses": {
            "202": _job("Accepted and durable.", headers=True),
            **_problems(400, 401, 403, 409, 413, 415, 422, 429, 503),
        },
    }


def _list() -> Schema:
    jobs = {"type": "array", "items": _ref("Job")}
    page = {"type": "object", "required": ["jobs"], "properties": {"jobs": jobs, "next": {"type": "string"}}}
    return {
        "operationId": "list",
        "summary": "The caller's jobs, newest first.",
        "parameters": [
            {"name": "status", "in": "query", "schema": {"enum": [state.value for state in State]}},
            {"name": "before", "in": "query", "schema": _BEFORE},
            {"name": "limit", "in": "query", "schema": {"type": "integer", "minimum": 1, "maximum": 1000}},
        ],
        "responses": {
            "200": {"description": "Jobs; a full page links to the next.", "content": _json(page)},
            **_problems(400, 401, 403, 503),
        },
    }


def _show() -> Schema:
    return {
        "operationId": "read",
        "summary": "One job: 202 while the outcome is open, 200 once it is known.",
        "responses": {
            "200": _job("The outcome is known."),
            "202": _job("Still running.", headers=True),
            **_problems(401, 403, 404, 503),
        },
    }


def _stop() -> Schema:
    return {
        "operationId": "stop",
        "summary": "Stop watching and calling back. The batch job itself continues.",
        "responses": {"200": _job("Stopped, or already ended."), **_problems(401, 403, 404, 503)},
    }


def _stop_by_key() -> Schema:
    return {
        "operationId": "stopByKey",
        "summary": "The same for the job that was requested with this Idempotency-Key.",
        "parameters": [_KEY | {"required": True}],
        "responses": {"200": _job("Stopped, or already ended."), **_problems(400, 401, 403, 404, 503)},
    }


def _replay() -> Schema:
    return {
        "operationId": "replay",
        "summary": "Send the callback again. Never starts the batch job.",
        "responses": {"202": _job("On its way.", headers=True), **_problems(401, 403, 404, 409, 429, 503)},
    }


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _job(description: str, headers: bool = False) -> Schema:
    answer: Schema = {"description": description, "content": _json(_ref("Job"))}
    if headers:
        answer["headers"] = {"Location": {"schema": {"type": "string"}}, "Retry-After": {"schema": {"type": "string"}}}
    return answer


def _json(schema: Schema) -> Schema:
    return {"application/json": {"schema": schema}}


def _problems(*statuses: int) -> Schema:
    content = {MEDIA_TYPE: {"schema": _ref("Problem")}}
    return {str(status): {"description": "Refused.", "content": content} for status in statuses}
