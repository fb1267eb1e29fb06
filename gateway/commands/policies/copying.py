"""A ready-made document in the wanted form: shown, or written where nothing is overwritten."""

from __future__ import annotations

import re
from pathlib import Path

from gateway.commands.policies.listing import needed
from gateway.commands.ready_made import ReadyMade, document, documents, write_new
from gateway.documents.files import YAML_SUFFIXES, read_document
from gateway.documents.xml import format as xml_format
from gateway.documents.yaml.format import with_remarks
from gateway.errors import GatewayError
from gateway.policies import POLICIES

_POLICY_LINE = re.compile(r"^policy: .*$", re.MULTILINE)


def form(yaml: bool, xml: bool, copy: Path | None, output: Path | None) -> str:
    """The suffix that the options mean. Raises GatewayError: two of them exclude each other, or they do not tell it."""
    if yaml and xml:
        raise GatewayError("--yaml and --xml exclude each other")
    if copy is not None and output is not None:
        raise GatewayError("--copy and -o exclude each other")
    return ".xml" if xml else ".yaml" if yaml or output is None else _told(output)


def _told(output: Path) -> str:
    own = output.suffix.lower()
    if own not in (".xml", *YAML_SUFFIXES):
        raise GatewayError(f"{output} does not tell the form (call it NAME.yaml or NAME.xml)")
    return ".xml" if own == ".xml" else ".yaml"


def shown(name: str, suffix: str) -> str:
    """The document's text in YAML or XML. Raises GatewayError: none has this name."""
    return _text(document(name), suffix)


def copied(name: str | None, folder: Path, suffix: str) -> str:
    """Write the document, or all of them, with tests into *folder*; what was written. Raises GatewayError."""
    chosen = list(documents().values()) if name is None else [document(name)]
    files: dict[Path, str] = {}
    for entry in chosen:
        files[folder / f"{entry.name}{suffix}"] = _text(entry, suffix)
        tests = entry.tests.read_text("utf-8")
        files[folder / "tests" / entry.tests.name] = _POLICY_LINE.sub(f"policy: ../{entry.name}{suffix}", tests)
    write_new(files)
    return "\n".join([*(f"wrote {path}" for path in files), *_needs(chosen)])


def written_to(name: str | None, file: Path, suffix: str) -> str:
    """Write one document to *file*; what was written. Raises GatewayError."""
    if name is None:
        raise GatewayError("-o writes one document: name it (gateway policies lists them)")
    chosen = document(name)
    write_new({file: _text(chosen, suffix)})
    return "\n".join([f"wrote {file}", *_needs([chosen])])


def _needs(chosen: list[ReadyMade]) -> list[str]:
    return [f"{entry.name} needs {needs}" for entry in chosen if (needs := needed(entry))]


def _text(entry: ReadyMade, suffix: str) -> str:
    if suffix in entry.files:
        return entry.files[suffix].read_text("utf-8")
    text = entry.file.read_text("utf-8")
    return xml_format.dump(with_remarks(read_document(entry.file, POLICIES), text))  # XML comes in both forms
