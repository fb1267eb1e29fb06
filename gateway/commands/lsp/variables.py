"""The variables of the request that a document sets, by the policies before a place in its text."""

from __future__ import annotations

import re

_XML = re.compile(
    r"<set-variable\b[^<>]*?\bname\s*=\s*[\"']([^\"'<>]+)[\"']|\b[a-z-]*variable-name\s*=\s*[\"']([^\"'<>@]+)[\"']"
)
_YAML = re.compile(
    r"\bset-variable:\s*(?:\{\s*)?(?:[a-z-]+:[^\n]*\n\s*)*?name:\s*[\"']?([\w.-]+)"
    r"|\b[a-z-]*variable-name:\s*[\"']?([\w.-]+)"
)


def set_before(text: str, offset: int, is_yaml: bool) -> list[str]:
    """Names in the order in which they are set before *offset*, each once."""
    pattern = _YAML if is_yaml else _XML
    return list(dict.fromkeys(name or other for name, other in pattern.findall(text[:offset])))
