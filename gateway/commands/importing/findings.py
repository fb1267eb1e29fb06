"""What an import tells about each thing it found: taken over, changed, left to a person, or left out."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from gateway.errors import Location


class ImportOutcome(StrEnum):
    """What became of a thing of the source; the order is that of the report."""

    MAPPED = "mapped"
    CHANGED = "changed"
    NEEDS_YOU = "needs you"
    LEFT_OUT = "left out"


@dataclass(frozen=True, slots=True)
class ImportFinding:
    """
    One line of the report.

    Attributes:
        outcome: What became of it.
        location: Where the source has it.
        what: The thing, as its users call it: ``API orders``, ``named value client-secret``.
        message: What was done, or why not.
        remedy: What a person can do; empty where nothing is to be done.
        harmless: It has no effect on traffic (a description, a portal's page): `--strict` accepts it.
    """

    outcome: ImportOutcome
    location: Location
    what: str
    message: str
    remedy: str = ""
    harmless: bool = False
