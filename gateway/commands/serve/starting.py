"""
Start the gateway of a configuration.

A container's command line is ``serve --config FILE``. Where one has nothing but such options, written out, they are
read here, and the library for command lines (with attrs, 4 MiB and 40 ms) is not loaded. It reads, explains and
refuses everything else.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, TypedDict

from gateway.commands.platforms import require_linux
from gateway.wire.memory import hold, keep

CONFIG = Path("config.yaml")
MOST_WORKERS = 1024
MOST_PORTS = 65_535


class Options(TypedDict, total=False):
    """Those of ``gateway serve`` that need no explanation."""

    config: Path
    workers: int | Literal["auto"]
    port: int
    watch: bool


def start(
    config: Path = CONFIG,
    *,
    workers: int | Literal["auto"] | None = None,
    port: int | None = None,
    watch: bool | None = None,
) -> int:
    """Serve until a signal stops it; its exit code. Raises GatewayError."""
    require_linux("gateway serve")
    hold()
    from gateway.serving.process import serve
    from gateway.serving.source import ConfigurationFile

    keep()
    return serve(ConfigurationFile(config), workers=workers, port=port, watch=watch)


def plain(arguments: Sequence[str]) -> Options | None:
    """The options of a command line that is ``serve`` with each option at most once; None for any other."""
    words = iter(arguments)
    if next(words, None) != "serve":
        return None
    options: Options = {}
    for word in words:
        option = _OPTIONS.get(word)
        value = None if option is None else option(word, next(words, "") if word in _WITH_VALUE else "")
        if value is None or value.keys() & options.keys():
            return None
        options |= value
    return options


def _config(_: str, value: str) -> Options | None:
    return {"config": Path(value)} if re.fullmatch(r"[\w./][\w./-]*", value, re.ASCII) else None


def _workers(_: str, value: str) -> Options | None:
    if value == "auto":
        return {"workers": "auto"}
    number = _number(value)
    return None if number is None or not 1 <= number <= MOST_WORKERS else {"workers": number}


def _port(_: str, value: str) -> Options | None:
    number = _number(value)
    return None if number is None or number > MOST_PORTS else {"port": number}


def _watch(word: str, _: str) -> Options:
    return {"watch": word == "--watch"}


def _number(value: str) -> int | None:
    return int(value) if re.fullmatch("0|[1-9][0-9]{0,4}", value) else None


_WITH_VALUE = {"-c": _config, "--config": _config, "--workers": _workers, "--port": _port}
_OPTIONS = _WITH_VALUE | {"--watch": _watch, "--no-watch": _watch}
