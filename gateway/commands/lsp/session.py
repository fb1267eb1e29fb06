"""
What an editor has open, and what belongs to it: texts that are not saved yet, the configuration of each.

Files are read only below the folders that the editor has opened, and where a configuration in them names others.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path

from pygls.uris import from_fs_path, to_fs_path

from gateway.commands.lsp.places import Places
from gateway.commands.lsp.project import Project
from gateway.documents.files import YAML_SUFFIXES
from gateway.reading.values import is_file

MAX_FILE_BYTES = 4 << 20  # of a file that is not open
_CONFIG_NAMES = ("config.yaml", "config.yml")
_CONFIG_NAME = re.compile(r"config(?:[.-][\w.-]+)?\.ya?ml")
_TOP_KEY = re.compile(r"^([a-z][\w-]*):", re.MULTILINE)
_POLICY_KEY = re.compile(r"^(?:inbound|backend|outbound|on-error|fragment):", re.MULTILINE)
_POLICY_TAG = re.compile(r"<(?:policies|fragment|inbound|outbound|on-error)\b")


@dataclass(frozen=True)
class OpenText:
    """
    A text in the editor, or of a file.

    Attributes:
        path: Its file, resolved; for a text without one a name that ends like that of its language.
        saved: It has a file.
        version: The editor's number of it; None for a text that is not open.
    """

    uri: str
    path: Path
    text: str
    encoding: str = "utf-16"
    saved: bool = True
    version: int | None = None

    @cached_property
    def places(self) -> Places:
        """Its places."""
        return Places(self.text, self.encoding)

    @property
    def is_yaml(self) -> bool:
        """Whether it is YAML, by its name."""
        return self.path.suffix.lower() in YAML_SUFFIXES


@dataclass(slots=True)
class EditorSettings:
    """
    What the editor has chosen.

    Attributes:
        config: File of the configuration; None for the nearest ``config.yaml`` upwards.
        assume_secrets: Environment variables that are not set have some value.
        target: ``azure`` reports what Azure is known to refuse, too.
    """

    config: str | None = None
    assume_secrets: bool = True
    target: str | None = None

    @classmethod
    def of(cls, options: object) -> EditorSettings:
        """What a client has sent; anything that is not one of the settings is ignored."""
        chosen = options if isinstance(options, dict) else {}
        config, target = chosen.get("config"), chosen.get("target")
        return cls(
            config=config if isinstance(config, str) and config else None,
            assume_secrets=chosen.get("assumeSecrets") is not False,
            target="azure" if target == "azure" else None,
        )


@dataclass(slots=True)
class Session:
    """Everything that is open in one editor."""

    encoding: str = "utf-16"
    folders: list[Path] = field(default_factory=list)
    settings: EditorSettings = field(default_factory=EditorSettings)
    texts: dict[str, OpenText] = field(default_factory=dict)
    _projects: dict[Path, Project] = field(default_factory=dict)

    # -- what is open
    def open(self, uri: str, text: str, language: str = "", version: int | None = None) -> None:
        """A text was opened or changed."""
        path = path_of(uri)
        suffix = ".xml" if "xml" in language else ".yaml"
        known = path is not None
        shown = path or Path(f"/untitled/document{suffix}")
        self.texts[uri] = OpenText(uri, shown, text, self.encoding, known, version)

    def close(self, uri: str) -> None:
        """A text was closed; what counts is its file again."""
        self.texts.pop(uri, None)

    def unsaved(self) -> dict[Path, bytes]:
        """The open texts by their files."""
        return {text.path: text.text.encode("utf-8", "surrogatepass") for text in self.texts.values() if text.saved}

    def of_path(self, path: Path) -> OpenText | None:
        """The text of a file: as it is open, or as it is stored; None where it cannot be read."""
        opened = next((text for text in self.texts.values() if text.path == path and text.saved), None)
        if opened is not None:
            return opened
        try:
            if not is_file(path) or path.stat().st_size > MAX_FILE_BYTES:
                return None
            stored = path.read_bytes().decode("utf-8-sig", "replace")
        except OSError:
            return None
        return OpenText(uri_of(path), path, stored, self.encoding)

    # -- what belongs together
    def project(self, text: OpenText) -> Project | None:
        """The configuration that *text* belongs to, or is."""
        if not text.saved:
            return None
        config = self._config_of(text.path)
        if config is None:
            return None
        project = self._projects.setdefault(config, Project(config))
        stored = self.of_path(config)
        if stored is not None:
            project.read(stored.text)
        return project

    def _config_of(self, path: Path) -> Path | None:
        if self._is_named_config(path):
            return path
        if self.settings.config is not None:
            chosen = ((folder / self.settings.config).resolve() for folder in self.folders)
            return next(filter(self._exists, chosen), None)
        root = next(filter(path.is_relative_to, self.folders), None)
        return None if root is None else next(self._upwards(path, root), None)

    def _is_named_config(self, path: Path) -> bool:
        text = next((text for text in self.texts.values() if text.path == path), None)
        return text is not None and kind_of(text) == "config"

    def _upwards(self, path: Path, root: Path) -> Iterator[Path]:
        for folder in path.parents:
            yield from (folder / name for name in _CONFIG_NAMES if self._is_ours(folder / name))
            if folder == root:
                return

    def _is_ours(self, path: Path) -> bool:
        config = self.of_path(path)
        return config is not None and _is_config(config)

    def _exists(self, path: Path) -> bool:
        return is_file(path) or any(text.path == path for text in self.texts.values())

    def kind(self, text: OpenText) -> str:
        """What *text* is: config, test, xml or yaml for a policy document; empty for anything else."""
        kind = kind_of(text)
        project = self.project(text) if not kind else None
        if project is not None and text.path in project.named:
            return "yaml" if text.is_yaml else "xml"
        return kind


def kind_of(text: OpenText) -> str:
    """What a text is by its name and content alone; see Session.kind."""
    if not text.is_yaml:
        return "xml" if _POLICY_TAG.search(text.text) else ""
    if ".policytest" in text.path.suffixes:
        return "test"
    if _is_config(text):
        return "config"
    return "yaml" if _POLICY_KEY.search(text.text) else ""


def _is_config(text: OpenText) -> bool:
    """Whether it is a configuration of ours, or may become one: other programs have a config.yaml as well."""
    if _CONFIG_NAME.fullmatch(text.path.name) is None:
        return False
    written = set(_TOP_KEY.findall(text.text))
    return not written or not written.isdisjoint(_settings())


@cache
def _settings() -> frozenset[str]:
    from gateway.config.model import Config
    from gateway.config.reference import keys

    return frozenset(keys(Config))


def path_of(uri: str) -> Path | None:
    """The file of a URI, resolved; None for a text without one."""
    try:
        name = to_fs_path(uri) if uri.startswith("file:") else None
        return None if not name else Path(name).resolve()
    except (OSError, ValueError, RuntimeError):
        return None


def uri_of(path: Path) -> str:
    """The URI of a file."""
    return from_fs_path(str(path)) or path.as_uri()
