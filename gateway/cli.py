"""
The command line: its commands, and how their errors are reported.

Each command lives in ``gateway/commands`` and is imported when it is named, so that none pays for another's libraries.
Errors go to stderr as ``file:line:column: code: message (remedy)``.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence
from typing import TextIO

from cyclopts import App

from gateway.errors import GatewayError, LoadError
from gateway.outside.lean_imports import without
from gateway.telemetry.version import version

with without("rich"):  # to paint tracebacks: 0.2 s and 6 MiB for what is never used
    import structlog  # noqa: F401

# Name → where it is, and its line in `gateway --help`.
COMMANDS = {
    "serve": ("serve.command:serve", "Run the gateway."),
    "demo": (
        "demo.command:demo",
        "Run everything in one process on embedded defaults: emulators, notification service, gateway. Ctrl-C stops"
        " everything.",
    ),
    "init": (
        "init.command:init",
        "Write a small configuration with a first policy and its test, which run as they are. Nothing is overwritten.",
    ),
    "policies": (
        "policies.command:policies",
        "List the ready-made policy documents, or show or copy one. Nothing is overwritten.",
    ),
    "check": (
        "check.command:check",
        "Load configuration and policy documents and report every problem. Exit code 0 or 1.",
    ),
    "import": (
        "importing.command:import_instance",
        "Make a configuration and policy documents of an Azure API Management instance. Exit code 0 when the result"
        " loads.",
    ),
    "convert": (
        "convert:convert",
        "Print a policy document in the other form; meaning, order and comments are preserved.",
    ),
    "export": (
        "exporting.command:export_instance",
        "Write a configuration as a folder of artifacts that a publisher takes to Azure API Management.",
    ),
    "explain": (
        "explain.command:explain",
        "Explain why a token or a request was refused or accepted. Exit code 0 accepted, 1 refused, 2 unknown.",
    ),
    "test": (
        "policy_tests.command:run_policy_tests",
        "Run policy tests written in YAML; nothing leaves this process. Exit code 0 or 1.",
    ),
    "schema": (
        "schema:schema",
        "Print the JSON Schema of the configuration, of policy documents in YAML, or of policy tests, for editors.",
    ),
    "lsp": (
        "lsp.command:lsp",
        "Help an editor with policy documents, configurations and policy tests: a language server, which it starts.",
    ),
    "token": ("token:app", "Mint a token from the emulator's keys, or show one."),
    "keys": ("keys:app", "Withdraw a token issuer's key in a running gateway."),
    "report": (
        "report.command:report",
        "Write a support bundle: versions, configuration without secrets, findings, state of the running gateway.",
    ),
    "trace": ("trace:app", "Show traces of a running gateway, or have its next matching request traced."),
    "notifications": (
        "notifications.configured:app",
        "Inspect batch notifications, replay callbacks, run the service on its own.",
    ),
}

app = App(name="gateway", version=version, help="Run Azure API Management policies anywhere.")
for name, (place, summary) in COMMANDS.items():
    app.command(f"gateway.commands.{place}", name=name, help=summary)


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point of the ``gateway`` command."""
    for stream in (sys.stdout, sys.stderr):
        _print_everything(stream)
    try:
        outcome = app(arguments)
    except LoadError as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_code)
    except GatewayError as error:
        print(f"gateway: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except BrokenPipeError:  # the reader has seen enough: `gateway schema policy | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except KeyboardInterrupt:
        sys.exit(130)
    sys.exit(outcome if isinstance(outcome, int) else 0)


def _print_everything(stream: TextIO) -> None:
    """
    Documents and messages have characters that a system's own code page lacks (Windows uses one even for files and
    pipes): those are UTF-8, and a terminal shows an escape for what it cannot show.
    """
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(encoding=None if stream.isatty() else "utf-8", errors="backslashreplace")
