"""
The command line: ``gateway serve | demo | check | convert | explain | test | token | notifications | schema``.

Each command is a thin function: it reads its arguments, calls the part that does the work, and turns the outcome into
text and an exit code. Errors go to stderr as ``file:line:column: code: message (remedy)``.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import App, Parameter
from cyclopts.validators import Number

from gateway import __version__
from gateway.errors import GatewayError, LoadError
from gateway.outside.lean_imports import without

with without("rich"):  # to paint tracebacks: 0.2 s and 6 MiB for what is never used
    import structlog  # noqa: F401

app = App(name="gateway", version=__version__, help="Run Azure API Management policies anywhere.")

CONFIG = Path("config.yaml")

Port = Annotated[int, Parameter(validator=Number(gte=0, lte=65_535))]
DemoPort = Annotated[int, Parameter(validator=Number(gte=1, lte=65_530))]  # the emulators take the next five
Workers = Annotated[int, Parameter(validator=Number(gte=1, lte=1024))]
ConfigPath = Annotated[Path, Parameter(name=["--config", "-c"], help="The configuration file.")]


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point of the ``gateway`` command."""
    try:
        outcome = app(arguments)
    except LoadError as error:
        print(error, file=sys.stderr)
        sys.exit(1)
    except GatewayError as error:
        print(f"gateway: {error}", file=sys.stderr)
        sys.exit(1)
    except BrokenPipeError:  # the reader has seen enough: `gateway schema policy | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except KeyboardInterrupt:
        sys.exit(130)
    sys.exit(outcome if isinstance(outcome, int) else 0)


@app.command
def serve(config: ConfigPath = CONFIG, *, workers: Workers | None = None, port: Port | None = None) -> None:
    """
    Run the gateway.

    Parameters
    ----------
    workers
        Processes that share the listening socket; the configuration's `workers` unless given.
    port
        Listen on this port instead of the configuration's.
    """
    from gateway.serving.process import serve as run

    run(config, workers=workers, port=port)


@app.command
def demo(*, port: DemoPort = 8080) -> None:
    """
    Run everything in one process on embedded defaults: emulators, notification service, gateway. Ctrl-C stops all.

    Parameters
    ----------
    port
        The gateway's port; the emulators take the next ones.
    """
    from gateway.commands.demo import run

    run(port)


@app.command
def check(
    *files: Path,
    config: Annotated[Path | None, Parameter(name=["--config", "-c"])] = None,
    as_json: Annotated[bool, Parameter(name="--json", negative="")] = False,
) -> int:
    """
    Load configuration and policy documents and report every problem. Exit code 0 or 1.

    Parameters
    ----------
    files
        Policy documents, or directories of them, to check on their own; unknown named values and fragments are notes
        then.
    config
        Check this configuration and every document that it names; `config.yaml` when no files are given either.
    as_json
        Print one JSON object per file.
    """
    from gateway.commands.check import check_all

    reports = check_all(files, config if config or files else CONFIG)
    for report in reports:
        _print_report(report.as_json() if as_json else None, [*report.problems, *report.notes], report.file)
    return 0 if all(report.ok for report in reports) else 1


def _print_report(as_json: dict[str, object] | None, findings: Sequence[object], file: str) -> None:
    if as_json is not None:
        print(json.dumps(as_json))
        return
    for finding in findings:
        print(finding)
    if not findings:
        print(f"{file}: ok")


@app.command
def convert(file: Path, *, to: Literal["yaml", "xml"]) -> None:
    """
    Print a policy document in the other form; its meaning stays the same.

    Parameters
    ----------
    file
        The document, XML or YAML by its suffix.
    to
        The form to print.
    """
    from gateway.documents.files import read_document
    from gateway.documents.xml import format as xml_format
    from gateway.documents.yaml import format as yaml_format
    from gateway.policies import POLICIES

    document = read_document(file, POLICIES)
    print(yaml_format.dump(document, POLICIES) if to == "yaml" else xml_format.dump(document), end="")


@app.command
def explain(  # noqa: PLR0913 (one option each)
    token: str,
    *,
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
    Say step by step why a token passes or is refused. Exit code 0 accepted, 1 refused, 2 cannot be judged.

    Parameters
    ----------
    token
        The token, `-` for standard input, or @FILE.
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
    from gateway.commands.explain import Question, config_of_policy, moment, read_token, run
    from gateway.config import load
    from gateway.telemetry import logs

    logs.configure("error", "console")
    values = dict(text.partition("=")[::2] for text in named_value or ())
    try:
        if (policy is None) == (config is None):
            raise GatewayError("name either --policy FILE or -c CONFIG")
        if policy is not None and not policy.is_file():
            raise GatewayError(f"{policy} is not a file; --policy names a policy document")
        judged = load(config) if config is not None else config_of_policy(policy, values)  # type: ignore[arg-type]
        return run(Question(read_token(token), moment(at), offline), judged, (api, operation), as_json)
    except GatewayError as error:
        print(error, file=sys.stderr)
        return 2


@app.command(name="test")
def run_policy_tests(
    *files: Path,
    only: Annotated[str | None, Parameter(name=["--only", "-k"])] = None,
    junit: Path | None = None,
) -> int:
    """
    Run policy tests written in YAML; nothing leaves this process. Exit code 0 or 1.

    Parameters
    ----------
    files
        Test files, or directories of them; without any, every *.policytest.yaml below the current directory.
    only
        Only tests whose name contains this text.
    junit
        Write a JUnit report to this file.
    """
    from gateway.commands.policy_tests.command import run_tests
    from gateway.telemetry import logs

    logs.configure("error", "console")
    return run_tests(files, only, junit)


@app.command
def schema(what: Literal["config", "policy", "test"]) -> None:
    """
    Print the JSON Schema of the configuration, of policy documents in YAML, or of policy tests, for editors.

    Parameters
    ----------
    what
        Which of them.
    """
    from gateway.documents.schema import policy_schema
    from gateway.policies import POLICIES

    if what == "policy":
        print(json.dumps(policy_schema(POLICIES), indent=2))
    elif what == "test":
        from gateway.commands.policy_tests.model import json_schema as test_schema

        print(json.dumps(test_schema(), indent=2))
    else:
        from gateway.config import json_schema

        print(json.dumps(json_schema(), indent=2))


app.command("gateway.commands.token:app", name="token")
app.command("gateway.commands.keys:app", name="keys")
app.command("gateway.commands.notifications.configured:app", name="notifications")
