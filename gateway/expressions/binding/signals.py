"""How a statement signals that control goes elsewhere; a ``return`` is a one-tuple with the value."""

from __future__ import annotations

from dataclasses import dataclass

BREAK: tuple[object, ...] = ("break", None)
CONTINUE: tuple[object, ...] = ("continue", None)


@dataclass(frozen=True, slots=True)
class Jump:
    """``goto label``."""

    label: str


@dataclass(frozen=True, slots=True)
class CaseJump:
    """``goto case value``, or ``goto default`` if *is_default*."""

    value: object = None
    is_default: bool = False
