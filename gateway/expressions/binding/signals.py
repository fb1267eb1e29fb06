"""How a statement says that control goes elsewhere; a ``return`` is a one-tuple with the value."""

from __future__ import annotations

BREAK: tuple[object, ...] = ("break", None)
CONTINUE: tuple[object, ...] = ("continue", None)
