"""What an import would write, before anything is written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from gateway.commands.importing.findings import ImportFinding, ImportOutcome
from gateway.errors import Location


@dataclass(frozen=True, slots=True)
class WantedVariable:
    """An environment variable that the configuration reads: what it is for, and where the source has that."""

    name: str
    purpose: str
    location: Location
    secret: bool = True


@dataclass(slots=True)
class Planned:
    """
    What an import would write.

    Attributes:
        config: The configuration in its own keys, as plain mappings, lists and scalars.
        files: By path relative to the configuration, with ``/``: policies, definitions, schemas, examples.
        remarks: Comments of the configuration, by the path of keys and ids that they stand before.
        origins: Where the text of a file begins in the source, for files that are copied unchanged.
        variables: What the configuration reads from the environment, by name.
        findings: What became of each thing of the source.
    """

    config: dict[str, Any] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    remarks: dict[tuple[str, ...], str] = field(default_factory=dict)
    origins: dict[str, Location] = field(default_factory=dict)
    variables: dict[str, WantedVariable] = field(default_factory=dict)
    findings: list[ImportFinding] = field(default_factory=list)

    def counts(self) -> Mapping[ImportOutcome, int]:
        """How many findings there are of each outcome."""
        return {outcome: sum(1 for _ in self.of(outcome)) for outcome in ImportOutcome}

    def of(self, outcome: ImportOutcome) -> Iterator[ImportFinding]:
        """The findings of one outcome."""
        return (finding for finding in self.findings if finding.outcome is outcome)
