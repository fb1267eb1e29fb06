"""One check from end to end: a configuration, documents on their own, artifacts folders of APIOps."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain
from pathlib import Path

from gateway.commands.check.report import Report, check_all, documents_in, for_target
from gateway.commands.importing.sources.apiops.folders import artifact_folders, folder_of


def check_paths(
    files: Iterable[Path], config: Path | None, assume_secrets: bool = False, target: str | None = None
) -> list[Report]:
    """
    Check *config* with every document that it names, and each of *files*, or in them: those of an artifacts folder with
    that folder, others on their own.

    Args:
        assume_secrets: Environment variables that are not set have some value.
        target: ``azure`` or ``envoy``: what is refused there is reported, too.
    """
    paths = list(files)
    among = [path for path in paths if _is_of_artifacts(path)]
    if not among:
        return check_all(paths, config, assume_secrets, target)
    from gateway.commands.check.artifacts import check_artifacts, folders_among  # with all that an import needs

    folders = folders_among(among)
    artifacts = list(chain.from_iterable(map(check_artifacts, folders)))
    if target is not None:
        artifacts = for_target(target, artifacts, _documents(artifacts))
    others = _outside(documents_in(paths), [folder.root for folder in folders])
    return [*check_all(others, config, assume_secrets, target), *artifacts]


def _documents(artifacts: Iterable[Report]) -> list[Path]:
    return [Path(report.file) for report in artifacts if report.file.endswith(".xml")]


def _is_of_artifacts(path: Path) -> bool:
    """Whether an artifacts folder is at or below *path*, or around it."""
    return bool(artifact_folders(path)) if path.is_dir() else folder_of(path) is not None


def _outside(documents: Iterable[Path], roots: Iterable[Path]) -> list[Path]:
    """Those of *documents* that are in none of *roots*."""
    folders = tuple(roots)
    return [path for path in documents if not any(path.is_relative_to(root) for root in folders)]
