"""The command line of ``gateway explain``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from gateway.commands.options import CONFIG
from gateway.errors import GatewayError

if TYPE_CHECKING:
    from gateway.config import Config


def explain(  # noqa: PLR0913 (one option each)
    token: str | None = None,
    *,
    request: str | None = None,
    policy: Path | None = None,
    config: Annotated[Path | None, Parameter(name=["--config", "-c"])] = None,
    api: str | None = None,
    operation: str | None = None,
    named_value: Annotated[list[str] | None, Parameter(name="--named-value", negative="")] = None,
    at: str | None = None,
    offline: Annotated[bool, Parameter(negative="")] = False,
    as_json: Annotated[bool, Parameter(name="--json", negative="")] = False,
) -> int:
    """
    Explain why a token or a request was refused or accepted. Exit code 0 accepted, 1 refused, 2 unknown.

    Parameters
    ----------
    token
        The token, `-` for standard input, or @FILE.
    request
        Instead of a token: the id of a request that the running gateway of `--config` has served, from `x-request-id`
        of its answer or from the log.
    policy
        A policy document on its own.
    config
        A configuration, in place of `--policy`.
    api
        API of the configuration; needed when it has several.
    operation
        Operation of that API.
    named_value
        NAME=VALUE for `--policy`; may be repeated.
    at
        Judge at this time, ISO 8601 or seconds since the epoch; now unless given.
    offline
        Fetch no keys.
    as_json
        Print one JSON object.
    """
    from gateway.commands.explain.judging import UNKNOWN, Question, moment, read_token, run
    from gateway.telemetry import logs

    logs.configure("error", "console")
    try:
        if request is not None:
            return _request(request, token, config, as_json)
        if token is None:
            raise GatewayError("name a token, or a request with --request ID")
        judged = _config(policy, config, named_value or [])
        return run(Question(read_token(token), moment(at), offline), judged, (api, operation), as_json)
    except GatewayError as error:
        print(error, file=sys.stderr)
        return UNKNOWN


def _request(request_id: str, token: str | None, config: Path | None, as_json: bool) -> int:
    from gateway.commands.explain.request import run
    from gateway.config import load

    if token is not None:
        raise GatewayError("name either a token or --request ID")
    return run(load(config or CONFIG), request_id, as_json)


def _config(policy: Path | None, config: Path | None, named_values: list[str]) -> Config:
    from gateway.commands.explain.judging import config_of_policy
    from gateway.config import load

    if config is not None and policy is None:
        return load(config)
    if policy is None or config is not None:
        raise GatewayError("name either --policy FILE or -c CONFIG")
    if not policy.is_file():
        raise GatewayError(f"{policy} is not a file; --policy names a policy document")
    return config_of_policy(policy, dict(text.partition("=")[::2] for text in named_values))
