"""Which place in the file a path of keys and indexes means, and the plain data that the models check."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Sequence as SequenceOf
from typing import TypeAlias

from gateway.errors import Location
from gateway.reading.yaml_nodes import Mapping, Scalar, Sequence, YamlNode

Data: TypeAlias = "str | None | list[Data] | dict[str, Data]"


class Positions:
    """
    Looks up the positions of values.

    Args:
        again: Reads *root* once more. With a thousand APIs its nodes take more memory than what is served: once nobody
            is expected to ask, they are let go.
    """

    __slots__ = ("_again", "_root")

    def __init__(self, root: YamlNode, again: Callable[[], YamlNode] | None = None) -> None:
        self._root: YamlNode | None = root
        self._again = again

    def let_go(self) -> None:
        """Keep no nodes until somebody asks again."""
        if self._again is not None:
            self._root = None

    def _nodes(self) -> YamlNode:
        if self._root is None and self._again is not None:
            self._root = self._again()
        assert self._root is not None  # noqa: S101 (only what can be read again is let go)
        return self._root

    def find(self, path: SequenceOf[object], key: bool = False) -> Location:
        """
        The position of the value under *path*, or of its *key*; as near as the file comes to it.

        Steps that the file does not have are skipped: pydantic names the members of unions too.
        """
        node = self._nodes()
        location = node.location
        for step in path:
            entry = _step(node, step)
            if entry is not None:
                name, node = entry
                location = name.location if key and name is not None else node.location
        return Location(location.file, location.line + 0, location.column + 0)  # numbers of its own, see ``plain``


def _step(node: YamlNode, step: object) -> tuple[Scalar | None, YamlNode] | None:
    if isinstance(node, Mapping):
        return next((entry for entry in node.entries if entry[0].value == step), None)
    if isinstance(node, Sequence) and isinstance(step, int) and step < len(node.items):
        return None, node.items[step]
    return None


def plain(node: YamlNode, texts: dict[str, str] | None = None) -> Data:
    """
    *node* as strings, lists and dicts; None where nothing is written.

    Strings are copies, one of each: a single object that stays in a page of memory keeps the page, and the nodes of a
    large file take hundreds of them.
    """
    texts = {} if texts is None else texts
    if isinstance(node, Mapping):
        return {_copied(key.value, texts): plain(value, texts) for key, value in node.entries}
    if isinstance(node, Sequence):
        return [plain(item, texts) for item in node.items]
    return None if node.null else _copied(node.value, texts)


def _copied(text: str, texts: dict[str, str]) -> str:
    return texts.get(text) or texts.setdefault(text, str(text.encode(), "utf-8"))
