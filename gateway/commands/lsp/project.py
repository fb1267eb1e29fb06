"""
What a configuration names, for an editor: its named values, fragments and backends with their places, and which
document belongs to which scope.

Read from the file's own mappings, so that a mistake elsewhere in it takes nothing away; environment variables and
files with secrets are never looked at.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from gateway.errors import LoadError, Location
from gateway.reading.yaml_nodes import Mapping, Scalar, Sequence, YamlNode, compose

# Attributes of policies that name an entry of the configuration, and the mapping that it is in.
KINDS = {
    "fragment-id": "fragments",
    "backend-id": "backends",
    "certificate-id": "certificates",
    "issuer-certificate-id": "certificates",
    "logger-id": "loggers",
    "schema-id": "schemas",
}
# The same for keys of the configuration itself: the list or mapping whose ids they name.
CONFIG_KINDS = {
    "backend": "backends",
    "products": "products",
    "apis": "apis",
    "api": "apis",
    "product": "products",
    "groups": "groups",
    "user": "users",
    "certificate": "certificates",
}
NAMED_VALUES = "named-values"
_FILES = ("policy", "openapi", "file", "key", "ca", "client-ca", "global-policy")


@dataclass(frozen=True, slots=True)
class ConfigEntry:
    """An entry of a mapping of the configuration: its key, and what is written below it."""

    key: Scalar
    value: YamlNode


@dataclass(slots=True)
class Project:
    """
    One configuration.

    Attributes:
        config: Its file.
        wider: Policy document → the documents of the next broader scope that has any.
        named: The policy documents that it names, those of fragments included, and where.
    """

    config: Path
    wider: dict[Path, list[Path]] = field(default_factory=dict)
    named: dict[Path, Location] = field(default_factory=dict)
    _root: Mapping | None = None
    _text: str | None = None

    def read(self, text: str) -> None:
        """Take the configuration's *text*; what was read before stays where it is not YAML at the moment."""
        if text == self._text:
            return
        self._text = text
        try:
            root = compose(text, str(self.config))
        except (LoadError, UnicodeError):
            return
        if isinstance(root, Mapping):
            self._root = root
            self.wider, self.named = {}, {}
            _Scopes(self).read(root)

    def entries(self, kind: str) -> dict[str, ConfigEntry]:
        """The entries of a mapping such as ``backends``, by name; of a list such as ``apis``, by id."""
        node = None if self._root is None else self._root.find(kind)
        if isinstance(node, Mapping):
            return {key.value: ConfigEntry(key, value) for key, value in node.entries}
        ids = ((item, item.find("id")) for item in items(node) if isinstance(item, Mapping))
        return {key.value: ConfigEntry(key, item) for item, key in ids if isinstance(key, Scalar)}

    def entry(self, kind: str, name: str) -> ConfigEntry | None:
        """One of them, or None."""
        return self.entries(kind).get(name)

    def path(self, name: str) -> Path:
        """The file that the configuration calls *name*."""
        return _resolved(self.config.parent / name)

    def file_at(self, path: tuple[str, ...], written: str) -> Path | None:
        """The file that a value of the configuration names, by the path of its keys; None for other values."""
        names_file = path[-1:] and path[-1] in _FILES or path[:1] in (("fragments",), ("schemas",)) and len(path) == 2
        return self.path(written) if names_file and written else None


def _resolved(path: Path) -> Path:
    try:
        return path.resolve()
    except (OSError, ValueError, RuntimeError):  # too long, a NUL, a circle of links
        return path


def items(node: YamlNode | None) -> tuple[YamlNode, ...]:
    """The items of a list; nothing of anything else."""
    return node.items if isinstance(node, Sequence) else ()


def _below(node: YamlNode | None, key: str) -> YamlNode | None:
    return node.find(key) if isinstance(node, Mapping) else None


def text_at(node: YamlNode | None, key: str) -> str:
    """The text under *key* of a mapping; empty where there is none."""
    value = _below(node, key)
    return value.value if isinstance(value, Scalar) else ""


def texts_at(node: YamlNode | None, key: str) -> list[str]:
    """The texts of the list under *key*."""
    return [item.value for item in items(_below(node, key)) if isinstance(item, Scalar)]


class _Scopes:
    """Which document is in which scope: operation, API, product, global."""

    def __init__(self, project: Project) -> None:
        self._project = project

    def read(self, root: Mapping) -> None:
        everywhere = self._documents(root.find("global-policy"))
        products = {text_at(item, "id"): item for item in items(root.find("products"))}
        by_product = {name: self._documents(_below(item, "policy")) for name, item in products.items()}
        for documents in by_product.values():
            self._widen(documents, everywhere)
        for api in items(root.find("apis")):
            self._api(api, products, by_product, everywhere)
        fragments = root.find("fragments")
        for _, value in fragments.entries if isinstance(fragments, Mapping) else ():
            self._documents(value)

    def _api(
        self,
        api: YamlNode,
        products: dict[str, YamlNode],
        by_product: dict[str, list[Path]],
        everywhere: list[Path],
    ) -> None:
        own, name = self._documents(_below(api, "policy")), text_at(api, "id")
        containing = [
            *texts_at(api, "products"),
            *(key for key, item in products.items() if name in texts_at(item, "apis")),
        ]
        around = [path for product in containing for path in by_product.get(product, [])] or everywhere
        self._widen(own, around)
        for operation in items(_below(api, "operations")):
            self._widen(self._documents(_below(operation, "policy")), own or around)

    def _documents(self, name: YamlNode | None) -> list[Path]:
        if not isinstance(name, Scalar) or not name.value:
            return []
        path = self._project.path(name.value)
        self._project.named.setdefault(path, name.location)
        return [path]

    def _widen(self, documents: list[Path], around: list[Path]) -> None:
        for document in documents:
            wider = self._project.wider.setdefault(document, [])
            wider += [path for path in around if path not in wider and path != document]
