"""What an export prints: one line for each thing that is written in another way, needs a person or is left out."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.commands.exporting.folder import ExportFolder
from gateway.commands.importing.findings import ImportOutcome

_ORDER = (ImportOutcome.CHANGED, ImportOutcome.NEEDS_YOU, ImportOutcome.LEFT_OUT)


def lines(folder: ExportFolder) -> Iterator[str]:
    """``OUTCOME: FILE:LINE:COLUMN: THING: MESSAGE (REMEDY)``."""
    for finding in sorted(folder.findings, key=lambda finding: (_ORDER.index(finding.outcome), finding.location)):
        tail = f" ({finding.remedy})" if finding.remedy else ""
        yield f"{finding.outcome}: {finding.location}: {finding.what}: {finding.message}{tail}"


def incomplete(folder: ExportFolder) -> bool:
    """Whether something that may matter for traffic needs a person or was left out."""
    matters = (ImportOutcome.NEEDS_YOU, ImportOutcome.LEFT_OUT)
    return any(finding.outcome in matters and not finding.harmless for finding in folder.findings)
