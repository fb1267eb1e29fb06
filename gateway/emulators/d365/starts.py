"""
The action ``SetBatchJobToWaiting`` and the forms in which its answer comes.

Microsoft's page prints one set of keys in its sample and describes another; wrapped forms are usual for actions that
return text.

Source: Microsoft Learn, Finance & Operations "Batch OData API"; docs/emulators.md lists the forms of the answer.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from starlette.responses import JSONResponse, Response

from gateway.emulators.d365.errors import ODataError

Outcome = tuple[int, bool, str]


def _sample(outcome: Outcome) -> dict[str, Any]:
    job_id, ok, text = outcome
    details, message = ("", text) if ok else (text, "")
    head = {"ResponseStatusCode": 200, "IsSuccess": ok, "Batch JobId": job_id}
    return {**head, "ExceptionDetails": details, "reponseMessage": message}  # [sic], the space and the missing s


def _prose(outcome: Outcome) -> dict[str, Any]:
    names = {"Batch JobId": "BatchJobId", "reponseMessage": "ResponseMessage"}
    return {names.get(name, name): value for name, value in _sample(outcome).items()}


FORMS: dict[str, Callable[[Outcome], Any]] = {
    "sample": _sample,
    "prose": _prose,
    "wrapped": lambda outcome: {"@odata.context": "$metadata#BatchJobResponse", "value": _prose(outcome)},
    "text": lambda outcome: {"@odata.context": "$metadata#Edm.String", "value": json.dumps(_sample(outcome))},
    "empty": lambda _outcome: None,
}


def start_answer(form: str, outcome: Outcome) -> Response:
    """
    The action's answer.

    Args:
        form: ``sample``, ``prose``, ``wrapped``, ``text`` or ``empty`` (204, which cannot express a refusal).
        outcome: Job id, whether it was set to waiting, and a sentence.
    """
    body = FORMS[form](outcome)
    return Response(status_code=204) if body is None else JSONResponse(body)


def requested_job(body: bytes) -> int:
    """
    The job id in the action's body ``{"batchJobId": 5637144576}``.

    Raises:
        ODataError: 400 for anything else; the name is case sensitive.
    """
    try:
        job_id = json.loads(body)["batchJobId"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise ODataError(400, "The parameter 'batchJobId' of the action 'SetBatchJobToWaiting' is missing.") from None
    if isinstance(job_id, bool) or not isinstance(job_id, int):
        raise ODataError(400, "The parameter 'batchJobId' must be an Edm.Int64.")
    return job_id
