"""The error tree that ``gateway/errors.py`` draws is the one that the package has."""

from __future__ import annotations

import importlib
import pkgutil
import re

import gateway
from gateway import errors
from gateway.errors import GatewayError

_LINE = re.compile(r"^    (?P<indent>[│├└─ ]*)(?P<name>[A-Z]\w+)", re.MULTILINE)


def drawn() -> set[tuple[str, str]]:
    """Name and parent of each error in the picture."""
    above: list[str] = []
    pairs = set()
    for line in _LINE.finditer((errors.__doc__ or "").partition("Anything else")[0]):
        depth = len(line["indent"]) // 4
        above[depth:] = [line["name"]]
        pairs.add((line["name"], above[depth - 1] if depth else "Exception"))
    return pairs


def defined() -> set[tuple[str, str]]:
    """Name and parent of each error in any module of the package."""
    for module in pkgutil.walk_packages(gateway.__path__, "gateway."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    found: set[tuple[str, str]] = set()
    waiting = [GatewayError]
    while waiting:
        error = waiting.pop()
        found.add((error.__name__, error.__bases__[0].__name__))
        waiting += [child for child in error.__subclasses__() if child.__module__.startswith("gateway.")]
    return found


def test_the_branches_are_drawn_right() -> None:
    """The last error below GatewayError ends the picture's trunk; all others continue it."""
    trunk = re.findall("^    ([├└])──", errors.__doc__ or "", re.MULTILINE)
    assert trunk == [*"├" * (len(trunk) - 1), "└"]


def test_the_error_tree_is_drawn_whole() -> None:
    """Each error that the gateway raises on purpose is in the picture, below its parent, and nothing else is."""
    assert drawn() == defined()
