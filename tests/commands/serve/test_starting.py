"""``gateway serve`` with plain options is read without a library for command lines, and means the same."""

from __future__ import annotations

from itertools import chain, product

import pytest
from cyclopts import CycloptsError

from gateway.cli import app
from gateway.commands.serve.command import serve
from gateway.commands.serve.starting import plain

OPTIONS = [
    *product(["-c", "--config"], ["config.yaml", "/etc/gateway/config.yaml", "../a-b_c.yml", "-", "", "--port", "a b"]),
    *product(["--workers"], ["auto", "1", "04", "+2", "1024", "1025", "0", "-1", "1e1", "1_0", "0x10", " 3", "\u0662"]),
    *product(["--port"], ["0", "8080", "65535", "65536", "00", "99999999999999999999", "http"]),
    ("--watch",),
    ("--no-watch",),
    ("--config=a.yaml",),
    ("--workers",),
    ("--apim", "folder"),
    ("--set", "a=b"),
    ("a.yaml",),
    ("-h",),
    ("--help",),
    ("--version",),
    ("--",),
    ("--watching",),
]
"""Every option, with values that are as they should be and others."""

READ_ALONE = [
    [],
    ["-c", "config.yaml"],
    ["--config", "/etc/gateway/config.yaml"],
    ["--config", "a.yaml", "--workers", "2"],
    ["--workers", "auto", "--port", "0", "-c", "a.yaml", "--no-watch"],
    ["--watch"],
]


@pytest.mark.parametrize("arguments", READ_ALONE, ids=" ".join)
def test_what_containers_say_is_plain(arguments: list[str]) -> None:
    """A command line of options that are written out is read alone."""
    assert plain(["serve", *arguments]) is not None


def test_plain_options_mean_what_the_command_declares() -> None:
    """What is read alone, the library reads in the same way; what it refuses or explains is left to it."""
    lines = [["serve", *chain(*options)] for count in (1, 2) for options in product(OPTIONS, repeat=count)]
    read_alone = [(line, options) for line in lines if (options := plain(line)) is not None]
    assert len(read_alone) > len(READ_ALONE)
    for line, options in read_alone:
        assert _by_the_library(line) == options


def _by_the_library(line: list[str]) -> object:
    try:
        command, bound, _ = app.parse_args(line, exit_on_error=False, print_error=False)
    except CycloptsError as error:
        return error
    return dict(bound.kwargs) | dict(zip(["config"], bound.args, strict=False)) if command is serve else command


@pytest.mark.parametrize("line", [[], ["check"], ["--help"], ["serve.", "-c", "a.yaml"], ["-c", "a.yaml", "serve"]])
def test_every_other_command_is_the_librarys(line: list[str]) -> None:
    """Only ``serve`` is read alone."""
    assert plain(line) is None
