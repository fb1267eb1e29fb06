"""The command line of ``gateway report``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from gateway.commands.options import CONFIG, ConfigPath


def report(
    *,
    config: ConfigPath = CONFIG,
    output: Annotated[Path | None, Parameter(name=["--output", "-o"])] = None,
    management: str | None = None,
    token_file: Path | None = None,
    with_policies: Annotated[bool, Parameter(negative="")] = False,
) -> None:
    """
    Write a support bundle: versions, configuration without secrets, findings, state of the running gateway.

    It also works when the configuration is broken or no gateway is running. Nothing is overwritten.

    Parameters
    ----------
    config
        The configuration file. What it contains is shown only where it cannot be a secret.
    output
        The file to write, `.zip` or `.tar.gz`; `gateway-report-TIME.zip` unless given. Only its owner may read it.
    management
        URL of the running gateway's management plane; the configuration's `management` address unless given.
    token_file
        A file with the token that the management plane asks for.
    with_policies
        Also include the policy documents: their structure and code, with `…` for texts.
    """
    from gateway.commands.report.bundle import place, write
    from gateway.commands.report.gathering import Asked, gather

    target = place(output)
    entries = gather(config, Asked(management, token_file), with_policies)
    for entry in entries:
        print(f"{len(entry.content):>9,} bytes  {entry.name:<24} {entry.about}")
    write(target, entries)
    print(f"Wrote {target}. Please read it before you send it.")
