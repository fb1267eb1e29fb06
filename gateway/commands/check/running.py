"""One check from end to end: a configuration, documents on their own, artifacts folders of APIOps."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from gateway.commands.check.report import Report, check_all, documents_in, for_azure
from gateway.commands.importing.sources.apiops.folders import artifact_folders, folder_of


def check_paths(
    files: Iterable[Path], config: Path | None, assume_secrets: bool = False, target: str | None = None
) -> list[Report]:
    """
    Check *config* with every document that it names, and each of *files*, or in them: those of an artifacts folder with
    that folder, others on their own.

    Args:
        assume_secrets: Environment variables that are not set have some value.
        target: ``azure`` reports what Azure is known to refuse, too.
    """
    paths = list(files)
    among = [path for path in paths if _is_of_folder(path)]
    if not among:
        return check_all(paths, config, assume_secrets, target)
    others, artifacts = _artifacts(paths, among)
    if target is not None:
        artifacts = for_azure(artifacts, [Path(report.file) for report in artifacts if report.file.endswith(".xml")])
    return [*check_all(others, config, assume_secrets, target), *artifacts]


def _is_of_folder(path: Path) -> bool:
    """Whether *path* is a file of an artifacts folder, or has such a folder in it."""
    return bool(artifact_folders(path)) if path.is_dir() else folder_of(path) is not None


def _artifacts(paths: Sequence[Path], among: Sequence[Path]) -> tuple[list[Path], list[Report]]:
    """The documents of *paths* that are in no artifacts folder, and the reports of those folders."""
    from gateway.commands.check.artifacts import check_artifacts, folders_among  # with all that an import needs

    folders = folders_among(among)
    roots = [folder.root for folder in folders]
    others = [path for path in documents_in(paths) if not any(path.is_relative_to(root) for root in roots)]
    artifacts = [report for folder in folders for report in check_artifacts(folder)]
    return others, artifacts
