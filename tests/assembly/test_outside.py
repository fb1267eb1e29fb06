"""outside.py: what a configuration names and the start does not find."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from gateway.assembly.outside import Outside
from gateway.config import parse
from gateway.errors import LoadError
from gateway.notifications.store.database import FileLock

_CONFIG = """\
notifications:
  store: {store}
  allow-readable-urls: true
  d365: {{instance-url: "http://127.0.0.1:9", token-url: "http://127.0.0.1:9/t", client-id: i, client-secret: s}}
  default-caller: {{name: all, batch-jobs: "*"}}
"""


def refusal(directory: Path, store: str) -> str:
    """How the start refuses this store."""
    outside = Outside.of(parse(_CONFIG.format(store=store), "config.yaml", directory, {}), CollectorRegistry())

    async def start() -> None:
        async with AsyncExitStack() as running:
            await outside.start(running)

    with pytest.raises(LoadError) as caught:
        asyncio.run(start())
    return str(caught.value)


@pytest.mark.parametrize(
    ("store", "said"),
    [
        ("folder", "Is a directory (name a file: {0}/folder is a folder)"),
        ("no/n.db", "No such file or directory (make the folder {0}/no)"),
        (
            "text/n.db",
            "Not a directory (name another folder: {0}/text is a file)",
        ),
        ("text", "file is not a database (name another file)"),
    ],
)
def test_store_in_a_file(store: str, said: str, tmp_path: Path) -> None:
    """A store that cannot be opened is refused with the configuration's place, the reason and what to do."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "text").write_text("no database\n" * 100)
    beginning = f"config.yaml:2:10: unusable-store: the store {tmp_path / store} cannot be used: "
    assert refusal(tmp_path, f"sqlite:///{store}") == beginning + said.format(tmp_path)
    assert not (tmp_path / "folder.lock").exists()


def test_store_on_a_server(tmp_path: Path) -> None:
    """A server that does not answer is refused likewise, without the password."""
    said = refusal(tmp_path, "postgresql://user:hidden@127.0.0.1:1/jobs")
    assert said.startswith("config.yaml:2:10: unusable-store: the store cannot be used: ")
    assert said.endswith(" (check that the server runs, and the URL's host, database and user)")
    assert "hidden" not in said


def test_store_in_use(tmp_path: Path) -> None:
    """So is a file on which another process works."""
    lock = FileLock(str(tmp_path / "n.db"))
    try:
        said = refusal(tmp_path, "sqlite:///n.db")
    finally:
        lock.release()
    assert said.startswith("config.yaml:2:10: unusable-store: ")
    assert "replicas need a PostgreSQL store" in said
