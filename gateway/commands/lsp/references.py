"""Names in texts that an entry of the configuration has: what may be written, and where each one is."""

from __future__ import annotations

import re
from collections.abc import Iterator

from gateway.commands.lsp.offers import Offer, Offers
from gateway.commands.lsp.project import NAMED_VALUES, ConfigEntry, Project
from gateway.documents.placeholders import NAMED_VALUE
from gateway.pipeline.masking import MASK
from gateway.reading.yaml_nodes import Mapping, Scalar

_OPENED = re.compile(r"\{\{\s*([A-Za-z0-9._-]*)\Z")
_SHOWN = 200  # characters of a value


def named_value_offers(text: str, offset: int, project: Project | None) -> Offers | None:
    """The named values, where ``{{`` stands before the cursor; None elsewhere."""
    opened = _OPENED.search(text[max(0, offset - 300) : offset])
    if opened is None or project is None:
        return None
    close = "" if text.startswith("}}", offset) else "}}"
    entries = project.entries(NAMED_VALUES).values()
    offers = [
        Offer(entry.key.value, "reference", shown_value(entry), insert=entry.key.value + close) for entry in entries
    ]
    return Offers(offset - len(opened[1]), offset, offers)


def entry_offers(project: Project | None, kind: str | None) -> list[Offer]:
    """The entries of a mapping of the configuration."""
    if project is None or kind is None:
        return []
    return [Offer(name, "reference", f"{kind}: {summary(entry)}") for name, entry in project.entries(kind).items()]


def summary(entry: ConfigEntry) -> str:
    """What an entry is, in a few words: a file, a URL; never a secret."""
    if isinstance(entry.value, Scalar):
        return entry.value.value[:_SHOWN]
    for key in ("url", "file", "path", "name", "id"):
        value = entry.value.find(key) if isinstance(entry.value, Mapping) else None
        if isinstance(value, Scalar):
            return value.value[:_SHOWN]
    return ""


def shown_value(entry: ConfigEntry) -> str:
    """A named value as it may be shown: where it is from, and its text unless it is secret."""
    if isinstance(entry.value, Scalar):
        return entry.value.value[:_SHOWN]
    written = dict(_texts(entry.value)) if isinstance(entry.value, Mapping) else {}
    if "env" in written:
        return f"from the environment variable {written['env']}"
    if "file" in written:
        return f"from the file {written['file']}"
    secret = written.get("secret", "false").lower() not in ("false", "no", "off", "0", "n", "f")
    return MASK if secret else written.get("value", "")[:_SHOWN]


def _texts(node: Mapping) -> Iterator[tuple[str, str]]:
    yield from ((key.value, value.value) for key, value in node.entries if isinstance(value, Scalar))


_LIQUID = re.compile(
    r"<(set-body|value)\b[^<>]*\btemplate\s*=\s*[\"']liquid[\"'][^<>]*>.*?</\1\s*>", re.DOTALL | re.IGNORECASE
)
_LIQUID_KEY = re.compile(r"""^(?P<indent>\s*)(?:-\s+)?template:\s*["']?liquid\b""", re.MULTILINE | re.IGNORECASE)


def mentions(text: str, is_yaml: bool) -> Iterator[tuple[str, int, int]]:
    """Each ``{{name}}`` of a document: the name, and the offsets of its first character and behind its last."""
    hidden = list(_liquid_lines(text)) if is_yaml else [match.span() for match in _LIQUID.finditer(text)]
    for match in NAMED_VALUE.finditer(text):
        if not any(start <= match.start() < end for start, end in hidden):
            yield match[1], match.start(1), match.end(1)


def _liquid_lines(text: str) -> Iterator[tuple[int, int]]:
    """Where mappings with a Liquid template are: ``{{ }}`` is Liquid's there."""
    for match in _LIQUID_KEY.finditer(text):
        indent = len(match["indent"].lstrip("\n"))
        outer = re.compile(rf"^[ ]{{0,{max(indent - 1, 0)}}}[^\s]", re.MULTILINE)
        starts = [match.start() for match in outer.finditer(text, 0, match.start("indent") + 1)]
        behind = outer.search(text, match.end())
        yield (starts[-1] if starts and indent else 0), (behind.start() if behind else len(text))
