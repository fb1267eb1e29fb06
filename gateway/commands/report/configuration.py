"""
A configuration without its secrets, whatever state it is in.

It is written anew from what may be shown: comments are dropped, because nothing tells which of them hold a secret, and
so is what the settings do not know. A file that is not YAML is not shown at all.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic_core import PydanticCustomError

from gateway.commands.report.forms import entry_of, hidden_parts, is_secret, item_of, models, shown, shown_key
from gateway.commands.report.hiding import MASK, Hidden
from gateway.config.materials import NamedValueSettings
from gateway.config.model import Config
from gateway.config.positions import plain
from gateway.errors import LoadError
from gateway.reading.files import read_bytes
from gateway.reading.settings import Block, Surroundings, key_of
from gateway.reading.values import MAX_SECRET_BYTES, is_file, secret_text
from gateway.reading.yaml_nodes import Mapping as YamlMapping
from gateway.reading.yaml_nodes import Scalar, Sequence, YamlNode, compose

_UNKNOWN = "(unknown key {number})"
# What an unset variable may be called: anything else may be the secret itself, in the place of the variable's name.
_VARIABLE = re.compile(r"[A-Z]{2,20}(_[A-Z]{2,20}){0,5}")


class MaskedConfiguration:
    """
    The file at *path* as it may be shown.

    Attributes:
        text: YAML, or why there is none.
        management: The address under ``management``, where the file has one.
        token: What the management plane asks for, where the file says it.
        is_read: Whether the file is YAML: only then it is known what in it has to be hidden.
        variables: The environment variables that secrets are read from, and whether each is set.
    """

    def __init__(self, path: Path, hidden: Hidden, environ: Mapping[str, str]) -> None:
        self._hidden = hidden
        self._surroundings = Surroundings(path.resolve().parent, environ)
        self._unknown = 0
        self.management: str | None = None
        self.is_read = False
        self.token: str | None = None
        self.variables: dict[str, bool] = {}
        self.text = self._masked(path)

    def _masked(self, path: Path) -> str:
        try:
            root = compose(read_bytes(path, "name it with -c FILE"), str(path))
        except LoadError as error:
            places = "\n".join(f"# {problem.location.line}: {problem.code}" for problem in error.problems)
            return f"# The file cannot be read, so nothing of it is shown.\n{places}\n"
        self.is_read = True
        self.token = self._console_token(root)
        data = self._value(root, Config, ())
        if isinstance(data, dict):
            self.management = data.get("management")
        return str(yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=1000))

    def _console_token(self, root: YamlNode) -> str | None:
        console = root.find("console") if isinstance(root, YamlMapping) else None
        written = console.find("token") if isinstance(console, YamlMapping) else None
        try:
            token = None if written is None else secret_text(plain(written), self._surroundings)
        except PydanticCustomError:  # the variable or the file is not there
            return None
        return token if isinstance(token, str) else None

    def _value(self, node: YamlNode, kind: Any, path: tuple[str, ...]) -> object:
        """What is shown of *node*, which stands under *path* and should be of *kind*; None: unknown."""
        if kind is None:
            return self._hide_all(node)
        if isinstance(node, YamlMapping):
            return self._mapping(node, kind, path)
        if isinstance(node, Sequence):
            item = item_of(kind)
            return [self._value(member, item, (*path, "[]")) for member in node.items]
        return self._scalar(node, kind, path)

    def _scalar(self, node: Scalar, kind: Any, path: tuple[str, ...]) -> object:
        if node.null:
            return None
        if is_secret(kind) or NamedValueSettings in models(kind):
            return self._hidden.secret(node.value)
        for part in hidden_parts(node.value) if "://" in node.value else ():
            self._hidden.secret(part)
        text = shown(node.value, kind, ".".join(path))
        return self._hidden.private(node.value) if text is None else _native(text) if node.plain else text

    def _mapping(self, node: YamlMapping, kind: Any, path: tuple[str, ...]) -> object:
        if is_secret(kind) and len(node.entries) == 1:
            return self._reference(*node.entries[0])
        blocks = models(kind)
        if NamedValueSettings in blocks:
            return self._named_value(node)
        if blocks:
            return self._block(node, blocks[0], path)
        entry = entry_of(kind)
        if entry is None:
            return self._hide_all(node)
        keys, values = entry
        return {self._key(name, keys): self._value(value, values, (*path, "NAME")) for name, value in node.entries}

    def _block(self, node: YamlMapping, model: type[Block], path: tuple[str, ...]) -> dict[str, object]:
        kinds = {
            field.alias or key_of(name): operator.getitem(Annotated, (field.annotation, *field.metadata, None))
            for name, field in model.model_fields.items()
        }
        return {
            name.value if name.value in kinds else self._unknown_key(name.value, list(kinds)): self._value(
                value, kinds.get(name.value), (*path, name.value)
            )
            for name, value in node.entries
        }

    def _named_value(self, node: YamlMapping) -> dict[str, object]:
        """``{value, secret}``, or where the value comes from."""
        masked: dict[str, object] = {}
        for name, value in node.entries:
            if name.value in ("env", "file"):
                source = self._reference(name, value)
                masked |= source if isinstance(source, dict) else {name.value: source}
            elif name.value == "secret":
                masked["secret"] = self._value(value, bool, ())
            else:
                masked[name.value if name.value == "value" else self._unknown_key(name.value, [])] = self._hide_all(
                    value
                )
        return masked

    def _key(self, name: Scalar, kind: Any) -> str:
        for part in hidden_parts(name.value) if "://" in name.value else ():
            self._hidden.secret(part)
        return shown_key(name.value, kind) or self._unknown_key(name.value, [])

    def _unknown_key(self, text: str, known: list[str]) -> str:
        """A misspelt key is shown; anything else that is no key may be a secret."""
        if get_close_matches(text.replace("_", "-").lower(), known, n=1, cutoff=0.75) and len(text) < 40:
            return text
        self._hidden.secret(text)
        self._unknown += 1
        return _UNKNOWN.format(number=self._unknown)

    def _reference(self, source: Scalar, value: YamlNode) -> object:
        """``{env: NAME}`` or ``{file: PATH}``; what it leads to is hidden."""
        if not isinstance(value, Scalar) or source.value not in ("env", "file"):
            return self._hide_all(value)
        if source.value == "env":
            return self._variable(value.value)
        text = shown(value.value, Path, "")
        if text is None:
            return self._hidden.secret(value.value)
        self._hidden.secret(_content(self._surroundings.directory / value.value))
        return {"file": text}

    def _variable(self, name: str) -> object:
        environ = self._surroundings.environ
        if name not in environ and not _VARIABLE.fullmatch(name):
            return {"env": self._hidden.secret(name)}  # perhaps the secret itself
        self.variables[name] = name in environ
        self._hidden.secret(environ.get(name, ""))
        return {"env": name}

    def _hide_all(self, node: YamlNode) -> str:
        """Hide everything in *node*, keys included."""
        if isinstance(node, Scalar):
            self._hidden.secret(node.value)
        elif isinstance(node, Sequence):
            for item in node.items:
                self._hide_all(item)
        else:
            for key, value in node.entries:
                self._hidden.private(key.value)
                self._hide_all(value)
        return MASK


def _native(text: str) -> object:
    """*text* as the number or boolean that it was, so that it is not written in quotes."""
    if re.fullmatch(r"-?(0|[1-9]\d{0,17})", text):
        return int(text)
    return {"true": True, "false": False}.get(text, text)


def _content(path: Path) -> str:
    """The text of a secret's file; empty where it cannot be read."""
    try:
        return path.read_bytes()[:MAX_SECRET_BYTES].decode("utf-8", "replace") if is_file(path) else ""
    except OSError:
        return ""
