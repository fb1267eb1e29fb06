"""Which place in the file a path of keys and indexes means, and the plain data that the models check."""

from __future__ import annotations

from collections.abc import Sequence as SequenceOf
from typing import TypeAlias

from gateway.errors import Location
from gateway.reading.yaml_nodes import Mapping, Scalar, Sequence, YamlNode

Data: TypeAlias = "str | None | list[Data] | dict[str, Data]"


class Positions:
    """Looks up the positions of values."""

    __slots__ = ("_root",)

    def __init__(self, root: YamlNode) -> None:
        self._root = root

    def find(self, path: SequenceOf[object], key: bool = False) -> Location:
        """
        The position of the value under *path*, or of its *key*; as near as the file comes to it.

        Steps that the file does not have are skipped: pydantic names the members of unions too.
        """
        node, location = self._root, self._root.location
        for step in path:
            entry = _step(node, step)
            if entry is not None:
                name, node = entry
                location = name.location if key and name is not None else node.location
        return location


def _step(node: YamlNode, step: object) -> tuple[Scalar | None, YamlNode] | None:
    if isinstance(node, Mapping):
        return next((entry for entry in node.entries if entry[0].value == step), None)
    if isinstance(node, Sequence) and isinstance(step, int) and step < len(node.items):
        return None, node.items[step]
    return None


def plain(node: YamlNode) -> Data:
    """*node* as strings, lists and dicts; None where nothing is written."""
    if isinstance(node, Mapping):
        return {key.value: plain(value) for key, value in node.entries}
    if isinstance(node, Sequence):
        return [plain(item) for item in node.items]
    return None if node.null else node.value
