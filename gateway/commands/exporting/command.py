"""The command line of ``gateway export``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter


def export_instance(
    source: Path,
    *,
    to: Literal["apiops", "apiops-cli"],
    output: Annotated[Path, Parameter(name=["--output", "-o"])],
    key_vault: str = "",
    strict: Annotated[bool, Parameter(negative="")] = False,
) -> int:
    """
    Write a configuration as a folder of artifacts that a publisher takes to Azure API Management.

    Secrets are never written. What Azure does not have is reported with its place.

    Parameters
    ----------
    source
        The configuration file.
    to
        Whose publisher is to take it: Azure/apiops, or apiops-cli.
    output
        The artifacts folder. Files of the same names are replaced, others are kept.
    key_vault
        URL of the Key Vault that has the secrets, such as https://contoso.vault.azure.net.
    strict
        Exit code 1 also when something that may matter for traffic needs you or was left out.
    """
    from gateway.commands.exporting.folder import Tool
    from gateway.commands.exporting.report import incomplete, lines
    from gateway.commands.exporting.running import exported, save
    from gateway.commands.exporting.source import ExportSource

    folder = exported(ExportSource.read(source), Tool(to), key_vault)
    save(folder, output)
    print("\n".join([*lines(folder), f"{len(folder.files)} files in {output}"]))
    return 1 if strict and incomplete(folder) else 0
