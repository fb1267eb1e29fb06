"""Files of a plan that are copies of the source's: they are used where they are, so that messages name them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gateway.commands.importing.planned import Planned

_BOM = b"\xef\xbb\xbf"
_SUFFIXES = {"policies": (".xml",), "definitions": (".yaml", ".yml", ".json")}


def with_originals(plan: Planned) -> Planned:
    """*plan* whose configuration names the source's own files, where these have the same text."""
    originals = {path: str(file) for path in plan.files if (file := _original(path, plan)) is not None}
    files = {path: content for path, content in plan.files.items() if path not in originals}
    return Planned(_named(plan.config, originals), files, plan.remarks, plan.origins, plan.variables, plan.findings)


def _original(path: str, plan: Planned) -> Path | None:
    """The file of the source that has the same text as the plan's *path*, or None."""
    origin = plan.origins.get(path)
    if origin is None or (origin.line, origin.column) != (1, 1):
        return None
    file = Path(origin.file).resolve()
    if file.suffix.lower() not in _SUFFIXES.get(path.partition("/")[0], ()) or not file.is_file():
        return None
    return file if file.read_bytes().removeprefix(_BOM) == plan.files[path] else None


def _named(value: Any, names: Mapping[str, str]) -> Any:
    """*value* with *names* for the texts that have one."""
    if isinstance(value, dict):
        return {key: _named(inner, names) for key, inner in value.items()}
    if isinstance(value, list):
        return [_named(inner, names) for inner in value]
    return names.get(value, value) if isinstance(value, str) else value
