"""
Artifacts folders of APIOps: each file is checked for what it is, in the terms of those who keep them.

The whole folder is imported into a private place and checked there as a configuration; what is found is reported at its
place in the folder.
"""

from __future__ import annotations

import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from gateway.commands.check.report import Report, check_config
from gateway.commands.importing.checking import with_sources
from gateway.commands.importing.findings import ImportFinding, ImportOutcome
from gateway.commands.importing.mapping.service import mapped
from gateway.commands.importing.planned import Planned
from gateway.commands.importing.resources import ArmResource, Harvest
from gateway.commands.importing.sources import apiops
from gateway.commands.importing.sources.apiops.folders import artifact_folders, files_in, folder_of
from gateway.commands.importing.sources.apiops.layout import Artifact, artifact_of
from gateway.commands.importing.writing.folder import CONFIG, write
from gateway.documents.placeholders import NAMED_VALUE
from gateway.errors import Location, Problem
from gateway.reading.yaml_nodes import Scalar


@dataclass(frozen=True, slots=True)
class FolderToCheck:
    """An artifacts folder, and the files of it that were named; None: all of them."""

    root: Path
    named: frozenset[Path] | None

    @property
    def artifacts(self) -> dict[Path, Artifact]:
        """Every file that is understood, and what it is. Raises LoadError: the folder is too large."""
        known = ((path, artifact_of(parts)) for path, parts in files_in(self.root))
        return {path: artifact for path, artifact in known if artifact is not None}

    def wants(self, path: Path) -> bool:
        """Whether *path* is to be reported."""
        return self.named is None or path in self.named


def folders_among(paths: Sequence[Path]) -> list[FolderToCheck]:
    """The artifacts folders at or below *paths*, or around those that are files of one."""
    whole = {root for path in paths if path.is_dir() for root in artifact_folders(path)}
    folders = [FolderToCheck(root, None) for root in sorted(whole)]
    single = _around(paths).items()
    return [*folders, *(FolderToCheck(root, frozenset(files)) for root, files in single if root not in whole)]


def _around(paths: Sequence[Path]) -> dict[Path, set[Path]]:
    """The files of artifacts folders among *paths*, by folder."""
    named: dict[Path, set[Path]] = defaultdict(set)
    for path in paths:
        if (root := folder_of(path)) is not None:
            named[root].add(path)
    return named


def check_artifacts(folder: FolderToCheck) -> list[Report]:
    """A report for each file of *folder*. Raises LoadError: it is too large."""
    harvest = apiops.read_folder(folder.root)
    plan = mapped(harvest, folder.root.as_posix())
    problems = [*_unknown_values(harvest), *map(_problem, _of(harvest.findings, ImportOutcome.NEEDS_YOU))]
    notes = [_problem(finding) for finding in plan.findings if _is_note(finding, harvest)]
    with tempfile.TemporaryDirectory(prefix="gateway-check-") as private:
        write(plan, Path(private))
        for report in check_config(Path(private) / CONFIG, assume_secrets=True):
            problems += _in_the_source(report.problems, Path(private), plan, folder.root)
            notes += _in_the_source(report.notes, Path(private), plan, folder.root)
    return list(_reports(folder, _by_file(problems), _by_file(notes)))


def _reports(
    folder: FolderToCheck, problems: Mapping[str, list[Problem]], notes: Mapping[str, list[Problem]]
) -> Iterator[Report]:
    artifacts = folder.artifacts
    others = {Path(file) for file in (*problems, *notes)} - artifacts.keys()
    for path in [*artifacts, *sorted(others)]:
        if folder.wants(path):
            own, noted = problems.get(str(path), ()), notes.get(str(path), ())
            yield Report(str(path), tuple(own), tuple(noted), f"ok, {_described(artifacts.get(path))}")


def _described(artifact: Artifact | None) -> str:
    """What a file is: ``policy document of apis orders``."""
    if artifact is None:
        return "not read"
    kind, name = artifact.kind.removesuffix("policies").strip("/"), "/".join(artifact.name).removesuffix("/policy")
    return f"{artifact.role.value} of {kind} {name}" if kind else f"global {artifact.role.value}"


def _by_file(problems: Iterable[Problem]) -> dict[str, list[Problem]]:
    by_file: dict[str, list[Problem]] = {}
    for problem in sorted(dict.fromkeys(problems), key=lambda problem: problem.location):
        by_file.setdefault(problem.location.file, []).append(problem)
    return by_file


# -- what the import says
def _of(findings: Iterable[ImportFinding], outcome: ImportOutcome) -> Iterator[ImportFinding]:
    return (finding for finding in findings if finding.outcome is outcome and not finding.harmless)


def _is_note(finding: ImportFinding, harvest: Harvest) -> bool:
    """What the gateway does otherwise, or not at all, is no mistake of those who wrote the folder."""
    if finding.harmless or finding.outcome is ImportOutcome.MAPPED:
        return False
    if finding.outcome is ImportOutcome.CHANGED:
        return finding.what.endswith("definition")
    told_already = finding in harvest.findings or "a policy uses it" in finding.message
    return finding.outcome is ImportOutcome.LEFT_OUT or not told_already


def _problem(finding: ImportFinding) -> Problem:
    code = finding.outcome.value.replace(" ", "-")
    return Problem(finding.location, code, f"{finding.what}: {finding.message}", finding.remedy)


def _unknown_values(harvest: Harvest) -> Iterator[Problem]:
    """Named values that a policy uses and the folder does not have, each where it is first used in a document."""
    known = {_shown(resource) for resource in harvest.of("namedValues")}
    remedy = _REMEDIES["unknown-named-value"]
    for text in _documents(harvest):
        unknown = ((name, place) for name, place in _uses(text).items() if name not in known)
        for name, place in unknown:
            yield Problem(place, "unknown-named-value", f"no named value {name!r} in the folder", remedy)


def _uses(text: Scalar) -> dict[str, Location]:
    """The named values in a document, each with the place where it is first used."""
    uses: dict[str, Location] = {}
    for match in NAMED_VALUE.finditer(text.value):
        uses.setdefault(match[1], text.location.behind(text.value[: match.start()]))
    return uses


def _documents(harvest: Harvest) -> Iterator[Scalar]:
    """The text of every policy document and fragment."""
    for resource in harvest.resources:
        value = resource.properties.find("value")
        if resource.kind.rpartition("/")[2] in ("policies", "policyFragments") and isinstance(value, Scalar):
            yield value


def _shown(resource: ArmResource) -> str:
    """The name by which policies know a named value."""
    name = resource.properties.find("displayName")
    return name.value if isinstance(name, Scalar) else resource.name[-1]


# -- what the check of the result says
_REMEDIES = {
    "unknown-backend": "add its folder under backends",
    "unknown-fragment": "add its folder under policy fragments",
    "unknown-named-value": "add its folder under named values",
}


def _in_the_source(problems: Iterable[Problem], private: Path, plan: Planned, root: Path) -> Iterator[Problem]:
    """*problems* of the imported configuration, at their places in the folder at *root*."""
    origins = _Origins(private / CONFIG, root)
    for checked in with_sources(problems, private, plan):
        problem = checked.problem
        location = checked.source or origins.of(problem.location)
        remedy = _REMEDIES.get(problem.code, problem.remedy)
        yield Problem(location, problem.code, problem.message, remedy)


class _Origins:
    """Where the parts of an imported configuration are from: its comments say it."""

    def __init__(self, config: Path, root: Path) -> None:
        self._lines = config.read_text(encoding="utf-8").splitlines()
        self._root = root

    def of(self, location: Location) -> Location:
        """The place named by the nearest comment before *location*; the folder where there is none."""
        for line in reversed(self._lines[: location.line]):
            file, _, number = line.strip().removeprefix("# ").rpartition(":")
            if line.lstrip().startswith("# ") and number.isdigit():
                return Location(str(self._root / file), int(number))
        return Location(str(self._root))
