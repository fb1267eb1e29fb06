"""
What hosts accept of a report: the objects that ours use, as their formats define them.

Source: OASIS, "Static Analysis Results Interchange Format (SARIF) Version 2.1.0", 3.13 to 3.30; GitLab Docs, "Code
Quality report format".
"""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
NUMBER: Schema = {"type": "integer", "minimum": 1}
RELATIVE: Schema = {"type": "string", "pattern": r"^[A-Za-z0-9._~!$&'()*+,;=:@/?-]*(%[0-9A-F]{2}[^ ]*)*$"}


def _object(required: dict[str, Schema], **optional: Schema) -> Schema:
    return {
        "type": "object",
        "properties": {**required, **optional},
        "required": list(required),
        "additionalProperties": False,
    }


def _list(items: Schema, **more: object) -> Schema:
    return {"type": "array", "items": items, **more}


_DRIVER = _object(
    {"name": TEXT}, version=TEXT, informationUri=TEXT, rules=_list(_object({"id": TEXT}), uniqueItems=True)
)
_REGION = _object({"startLine": NUMBER, "startColumn": NUMBER})
_PHYSICAL = _object({"artifactLocation": _object({"uri": RELATIVE}), "region": _REGION})
_RESULT = _object(
    {"message": _object({"text": TEXT})},
    ruleId=TEXT,
    level={"enum": ["none", "note", "warning", "error"]},
    locations=_list(_object({"physicalLocation": _PHYSICAL})),
)
_RUN = _object(
    {"tool": _object({"driver": _DRIVER})},
    results=_list(_RESULT),
    columnKind={"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
)
SARIF = _object({"version": {"const": "2.1.0"}, "runs": _list(_RUN)}, **{"$schema": TEXT})

GITLAB = _list(
    _object(
        {
            "description": TEXT,
            "check_name": TEXT,
            "fingerprint": TEXT,
            "severity": {"enum": ["info", "minor", "major", "critical", "blocker"]},
            "location": _object({"path": TEXT, "lines": _object({"begin": NUMBER})}),
        }
    )
)
