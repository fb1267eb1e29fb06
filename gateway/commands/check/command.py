"""The command line of ``gateway check``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from gateway.commands.options import CONFIG


def check(
    *files: Path,
    config: Annotated[Path | None, Parameter(name=["--config", "-c"])] = None,
    format: Literal["text", "json", "sarif", "github", "azure-devops", "gitlab"] = "text",
    as_json: Annotated[bool, Parameter(name="--json", negative="")] = False,
    sarif: Path | None = None,
    assume_secrets: Annotated[bool, Parameter(negative="")] = False,
    target: Literal["azure", "envoy"] | None = None,
) -> int:
    """
    Load configuration and policy documents and report every problem. Exit code 0 or 1.

    Notes do not count: they name what only a configuration can answer, or what is worth a second look.

    Parameters
    ----------
    files
        Policy documents, or directories of them, to check on their own; unknown named values and fragments are notes
        then. Artifacts of APIOps are checked with their folder, each file for what it is.
    config
        Check this configuration and every document that it names; `config.yaml` when no files are given either.
    format
        Lines for people, one JSON object for each file, SARIF for code reviews, annotations for GitHub Actions or
        Azure Pipelines, or GitLab's Code Quality report.
    as_json
        The same as `--format json`.
    sarif
        Also write SARIF to this file, whatever is printed.
    assume_secrets
        Treat unset environment variables as set, to check where secrets are not available.
    target
        Also report what is refused where the documents will go: what Azure is known to refuse, which is no guarantee
        where nothing is found, or what cannot run as Envoy's external processor.
    """
    from gateway.commands.check.formats import FORMATS, write_sarif
    from gateway.commands.check.running import check_paths

    reports = check_paths(files, config if config or files else CONFIG, assume_secrets, target)
    print(FORMATS["json" if as_json else format](reports))
    if sarif is not None:
        write_sarif(sarif, reports)
    return 0 if all(report.ok for report in reports) else 1
