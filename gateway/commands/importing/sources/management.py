"""
JSON of the management API: the answers to GET, each in a file, in any order and under any names.

An answer is one resource, or a list ``{"value": […], "nextLink": …}``; what a resource is, its id says. An export of
an API (``?export=true``) holds the definition of that API.

Source: "API Management REST API", https://learn.microsoft.com/rest/api/apimanagement.
"""

from __future__ import annotations

import re
from pathlib import Path

from gateway.commands.importing.findings import ImportFinding, ImportOutcome
from gateway.commands.importing.json_nodes import read_nodes
from gateway.commands.importing.resources import ArmResource, Harvest
from gateway.commands.importing.sources.inputs import Inputs
from gateway.errors import LoadError, Location
from gateway.reading.yaml_nodes import Mapping, Scalar, Sequence, YamlNode

_SERVICE = re.compile(r"/providers/microsoft\.apimanagement/service/[^/]+(?P<below>/.*)?$", re.IGNORECASE)
_ID = re.compile(rb'"id"\s*:\s*"[^"]*/providers/Microsoft\.ApiManagement/service/', re.IGNORECASE)
_SEEN = 1 << 16  # bytes of a file in which the first id must occur
MAX_FILES = 20_000
_BESIDE = ("id", "type", "name", "properties", "location", "tags", "etag", "systemdata", "sku", "identity", "zones")


def recognises(path: Path) -> bool:
    """Whether *path* is such a file, or a folder with at least one."""
    files = [path] if path.is_file() else sorted(path.glob("*.json"))[:50]
    return any(_is_answer(file) for file in files)


def _is_answer(file: Path) -> bool:
    if file.suffix.lower() != ".json" or not file.is_file():
        return False
    with file.open("rb") as content:
        head = content.read(_SEEN).replace(b"\\/", b"/")
    return _ID.search(head) is not None and b"deploymentTemplate.json" not in head


def read(path: Path, inputs: Inputs) -> Harvest:
    """Every resource of the answers at *path*. Raises LoadError: a file is not JSON, or there are too many."""
    reader = _AnswerReader()
    for file in [path] if path.is_file() else _files(path):
        reader.answer(read_nodes(file))
    return reader.harvest()


def _files(folder: Path) -> list[Path]:
    files = sorted(file for file in folder.rglob("*.json") if file.is_file() and not file.is_symlink())
    if len(files) > MAX_FILES:
        message = f"more than {MAX_FILES} files of JSON"
        raise LoadError.at(Location(str(folder)), "too-large", message, "import it in parts")
    return files


class _AnswerReader:
    """Takes one answer after the other; a resource that came in a list and by itself is taken once."""

    def __init__(self) -> None:
        self._resources: dict[tuple[str, ...], ArmResource] = {}
        self._exports: dict[tuple[str, ...], Mapping] = {}
        self._pages: dict[str, Mapping] = {}
        self._findings: list[ImportFinding] = []

    def answer(self, root: YamlNode) -> None:
        """One file: a resource, a list of them, or a page of a list."""
        if isinstance(root, Sequence):
            for item in root.items:
                self._resource(item)
        elif isinstance(root, Mapping):
            self._object(root)

    def _object(self, root: Mapping) -> None:
        value = root.find("value")
        if not isinstance(value, Sequence):
            return self._resource(root)
        for item in value.items:
            self._resource(item)
        following = root.find("nextLink")
        if isinstance(following, Scalar) and following.value:
            self._pages[following.value] = root
        return None

    def _resource(self, node: YamlNode) -> None:
        below = _below(node)
        if below is None or not isinstance(node, Mapping):
            message = "this is not a resource of an API Management service: it has no id of one"
            self._find(ImportOutcome.LEFT_OUT, node, "JSON", message, "save whole answers of the management API")
            return
        if node.find("properties") is None and node.find("value") is not None:
            self._exports[_folded(below)] = node
            return
        resource = _made(node, below)
        known = self._resources.get(_folded(below))
        if known is None or len(known.properties.entries) <= len(resource.properties.entries):
            self._resources[_folded(below)] = resource

    def harvest(self) -> Harvest:
        """All that was taken."""
        for below, export in self._exports.items():
            self._join(below, export)
        self._unread()
        return Harvest(list(self._resources.values()), self._findings)

    def _join(self, below: tuple[str, ...], export: Mapping) -> None:
        """An exported definition becomes the API's own format and value."""
        api = self._resources.get(below)
        if api is None or len(below) != 2:
            message = "an export of something that is not here"
            self._find(ImportOutcome.LEFT_OUT, export, "export", message, "save the API as well")
            return
        own = (entry for entry in api.properties.entries if entry[0].value not in ("format", "value"))
        added = (entry for entry in export.entries if entry[0].value in ("format", "value"))
        properties = Mapping((*own, *added), api.properties.location)
        self._resources[below] = ArmResource(api.kind, api.name, properties, api.location, api.workspace)

    def _unread(self) -> None:
        """Lists that continue on a page that is not among the files."""
        for link, page in self._pages.items():
            message = f"the list continues at {link.partition('?')[0]}, which may not be among these files"
            self._find(ImportOutcome.NEEDS_YOU, page, "list", message, "save that page, too, or ask with a larger $top")

    def _find(self, outcome: ImportOutcome, node: YamlNode, what: str, message: str, remedy: str) -> None:
        self._findings.append(ImportFinding(outcome, node.location, what, message, remedy))


def _below(node: YamlNode) -> tuple[str, ...] | None:
    """The segments of the id behind the service: ``("apis", "orders", "operations", "create")``."""
    id = node.find("id") if isinstance(node, Mapping) else None
    match = _SERVICE.search(id.value) if isinstance(id, Scalar) else None
    if match is None:
        return None
    segments = tuple(segment for segment in (match["below"] or "").split("/") if segment)
    return segments if len(segments) % 2 == 0 else None


def _folded(below: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(segment.casefold() for segment in below)


def _made(node: Mapping, below: tuple[str, ...]) -> ArmResource:
    workspace = ""
    if below[:1] == ("workspaces",) and len(below) > 2:
        workspace, below = below[1], below[2:]
    properties = node.find("properties")
    if not isinstance(properties, Mapping):
        own = tuple(entry for entry in node.entries if entry[0].value.casefold() not in _BESIDE)
        properties = Mapping(own, node.location)
    return ArmResource("/".join(below[::2]), below[1::2], properties, node.location, workspace)
