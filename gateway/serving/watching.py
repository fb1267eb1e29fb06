"""
Watching the files of a configuration: when the content of one changes, or one comes or goes, ask for a reload.

Folders are watched, not files: editors write beside a file and rename, and Kubernetes swaps a link to a folder.

ConfigurationSource: Kubernetes, "Mounted ConfigMaps are updated automatically" (the link ``..data``).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable
from pathlib import Path

import structlog
from watchfiles import awatch

from gateway.serving.source import ConfigurationSource, Snapshot, snapshot

log = structlog.get_logger("gateway.reload")

# A save is several events, and a deployment several files: what comes within this time is one change.
QUIET_MS = 100
LONGEST_MS = 1_000
CHECK_MS = 5_000  # file systems that report nothing (network shares) are looked at as often


async def watch(source: ConfigurationSource, reload: Callable[[], Awaitable[bool]]) -> None:
    """
    Call *reload*, which tells whether it succeeded, whenever *source* is not what it was; until cancelled.

    After a mistake a file that was missing may come: then those beside the known ones count, too.
    """
    known, succeeded = source.read, True
    while True:
        seen = await _changed(source, known, succeeded)
        before, around = source.read, await asyncio.to_thread(snapshot, source.repairs)
        succeeded = await reload()
        loaded = seen if source.read is before else source.read  # or a supervisor has read it, in another process
        known = loaded if succeeded else around


async def _changed(source: ConfigurationSource, known: Snapshot, sound: bool) -> Snapshot:
    """What is there once it differs from what is *known*; of a *sound* configuration, or of one with a mistake."""
    async for _ in _moments(source):
        seen = await asyncio.to_thread(snapshot, source.files if sound else source.repairs)
        if seen != known:
            break
    return seen


async def _moments(source: ConfigurationSource) -> AsyncIterator[None]:
    """Now, when something has happened around *source*, and now and then."""
    while True:
        yield
        async for _ in _events(_folders(source.files)):
            yield


async def _events(folders: Collection[Path]) -> AsyncIterator[None]:
    """When something has happened in *folders*, and now and then; it ends if they cannot be watched any longer."""
    try:
        async for _ in awatch(
            *folders, debounce=LONGEST_MS, step=QUIET_MS, recursive=False, rust_timeout=CHECK_MS, yield_on_timeout=True
        ):
            yield
    except OSError as error:  # a folder that has just gone, or the kernel's limit: files are still looked at
        log.warning("not_watched", detail=str(error))
        await asyncio.sleep(CHECK_MS / 1_000)


def _folders(files: Iterable[Path]) -> set[Path]:
    """Where *files* are, and where the links among them lead; what does not exist cannot be watched."""
    places = {place for file in files for place in (file.absolute().parent, file.resolve().parent)}
    return {place for place in places if place.is_dir()}
