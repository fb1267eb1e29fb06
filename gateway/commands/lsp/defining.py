"""Where what the cursor points at is defined, and where it is used."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lsprotocol.types import Location as EditorLocation
from lsprotocol.types import Range

from gateway.commands.lsp.pointing import ElementName, KeyName, KeyValue, Pointed, Reference
from gateway.commands.lsp.project import NAMED_VALUES, Project
from gateway.commands.lsp.references import mentions
from gateway.commands.lsp.session import OpenText, Session
from gateway.documents.vocabulary import BASE
from gateway.reading.yaml_nodes import Scalar


def definitions(session: Session, text: OpenText, pointed: Pointed, project: Project | None) -> list[EditorLocation]:
    """The places that *pointed* is defined at; several where a document is used in several scopes."""
    return [] if project is None else list(_defined(session, text, pointed, project))


def _defined(session: Session, text: OpenText, pointed: Pointed, project: Project) -> Iterator[EditorLocation]:
    match pointed:
        case Reference(kind="fragments", declared=False):
            yield from _fragment(session, pointed, project)
        case Reference():
            yield from _entry(session, pointed, project)
        case ElementName(name=BASE.name):
            yield from _wider(session, text, project, "".join(pointed.parents[-1:]))
        case KeyName() if pointed.path[-1] == BASE.name:
            yield from _wider(session, text, project, pointed.path[0])
        case KeyValue():
            yield from _file(session, pointed, project)


def _file(session: Session, value: KeyValue, project: Project) -> Iterator[EditorLocation]:
    path = project.file_at(value.path, value.written)
    target = session.of_path(path) if path is not None else None
    if target is not None:
        yield _top(target)


def _top(text: OpenText) -> EditorLocation:
    return EditorLocation(text.uri, text.places.range(0, 0))


def _entry(session: Session, reference: Reference, project: Project) -> Iterator[EditorLocation]:
    entry, config = project.entry(reference.kind, reference.name), session.of_path(project.config)
    if entry is not None and config is not None:
        yield EditorLocation(config.uri, key_range(config, entry.key))


def key_range(config: OpenText, key: Scalar) -> Range:
    """The range of a key or value of the configuration, without its quotes."""
    start = config.places.of(key.location)
    return config.places.range(start, start + len(key.value))


def _fragment(session: Session, reference: Reference, project: Project) -> Iterator[EditorLocation]:
    """The fragment's document; its entry where that cannot be read."""
    entry = project.entry("fragments", reference.name)
    written = entry.value.value if entry is not None and isinstance(entry.value, Scalar) else ""
    document = session.of_path(project.path(written)) if written else None
    if document is not None:
        yield _top(document)
    else:
        yield from _entry(session, reference, project)


def _wider(session: Session, text: OpenText, project: Project, section: str) -> Iterator[EditorLocation]:
    """The same section of the documents of the next broader scope."""
    for path in project.wider.get(text.path, []):
        document = session.of_path(path)
        if document is not None:
            pattern = rf"^{re.escape(section)}:" if document.is_yaml else rf"<{re.escape(section)}\b"
            section_start = re.search(pattern, document.text, re.MULTILINE)
            at = section_start.start() if section_start else 0
            yield EditorLocation(document.uri, document.places.range(at, at))


# -- named values, wherever they are: a text, and where the name begins and ends in it
def uses(
    session: Session, name: str, project: Project, declaration: bool = True
) -> Iterator[tuple[OpenText, int, int]]:
    """Each place of a named value: its key in the configuration, and in every document that it names."""
    entry, config = project.entry(NAMED_VALUES, name), session.of_path(project.config)
    if declaration and entry is not None and config is not None:
        start = config.places.of(entry.key.location)
        yield config, start, start + len(name)
    for document in filter(None, map(session.of_path, project.named)):
        places = mentions(document.text, document.is_yaml)
        yield from ((document, start, end) for mentioned, start, end in places if mentioned == name)
