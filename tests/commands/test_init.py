"""``gateway init``: a folder to begin with, which runs as it is."""

from __future__ import annotations

import asyncio
import re
import shlex
import sys
from pathlib import Path

import pytest

from gateway.assembly.app import build
from gateway.cli import main
from gateway.commands.init import start
from gateway.commands.init.start import begin
from gateway.config import parse
from gateway.errors import GatewayError
from gateway.serving.live import LiveGateway
from gateway.serving.running import Sockets, serving_gateway
from tests.wire.rig import Reply, ask


def run(line: str) -> None:
    """A command as it is printed. Raises SystemExit."""
    program, *arguments = shlex.split(line)
    assert program == "gateway"
    main(arguments)


def commands(printed: str) -> list[str]:
    return [line.strip() for line in printed.splitlines() if line.startswith("  ")]


@pytest.mark.parametrize("full", [False, True])
def test_what_it_writes_passes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], full: bool
) -> None:
    """The first two commands that are printed pass in the new folder, for the small one without a note."""
    monkeypatch.chdir(tmp_path)
    check, test, serve = commands(begin(Path("new folder"), full))
    for line in (check, test):
        with pytest.raises(SystemExit) as ended:
            run(line)
        assert ended.value.code == 0
    printed = capsys.readouterr().out
    assert re.search(r"^0 errors, 0 notes" if not full else r"^0 errors", printed, re.MULTILINE)
    assert re.search(r"^[34] passed, 0 failed$", printed, re.MULTILINE)
    assert serve == "gateway serve -c 'new folder/config.yaml'"


def test_it_serves(tmp_path: Path) -> None:
    """The third command's gateway answers the call that the configuration's comment names."""
    begin(tmp_path)
    text = (tmp_path / "config.yaml").read_text()
    assert "'http://127.0.0.1:8080/hello?name=Ada'" in text
    config = parse(re.sub(r":80\d\d\b(?= )", ":0", text), "config.yaml", tmp_path, {})

    async def call() -> Reply:
        async with serving_gateway(LiveGateway(build(config)), Sockets.bound(config)) as server:
            return await ask(server.port, b"GET /hello?name=Ada HTTP/1.1\r\nHost: a\r\n\r\n")

    reply = asyncio.run(call())
    assert reply.status == 200
    assert b"Hello, Ada!" in reply.body


@pytest.mark.parametrize("name", start.SMALL)
def test_nothing_is_overwritten(tmp_path: Path, name: str) -> None:
    """One file that is there keeps all of them from being written, and is named with what to do."""
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("mine")
    with pytest.raises(GatewayError, match=f"{re.escape(str(tmp_path / name))} is there already .*another folder"):
        begin(tmp_path)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [tmp_path / name]
    assert (tmp_path / name).read_text() == "mine"


def test_a_folder_that_cannot_be(tmp_path: Path) -> None:
    """A file in place of the folder is an error in one line."""
    (tmp_path / "file").write_text("")
    with pytest.raises(GatewayError, match=r"cannot be written: .*another folder"):
        begin(tmp_path / "file")


@pytest.mark.parametrize(("system", "quoted"), [("win32", '"a b'), ("darwin", "'a b")])
def test_what_to_run_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, system: str, quoted: str) -> None:
    """Where the gateway does not serve, the third command says where it does; paths are quoted for the shell there."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "platform", system)
    *_, serve = commands(begin(Path("a b")))
    assert f"-c {quoted}" in serve
    assert serve.endswith("(on Linux: in a container or WSL 2)")
