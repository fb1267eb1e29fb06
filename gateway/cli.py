"""
The command line: its commands.

Each command lives in ``gateway/commands`` and is imported when it is named, so that none pays for another's libraries.
"""

from __future__ import annotations

from collections.abc import Sequence

from cyclopts import App

from gateway.commands.outcomes import end_with
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
    end_with(lambda: app(arguments))
