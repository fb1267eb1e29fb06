"""Ids of requests: of the form of UUIDs, and never the same twice."""

from __future__ import annotations

import os
import uuid

from gateway.wire.request_ids import draw_id, pool_of


def test_ids_are_random_uuids() -> None:
    """Each id is a UUID of version 4 in canonical form, and no two have the same half."""
    ids = [draw_id() for _ in range(500)]
    assert all((uuid.UUID(drawn).version, str(uuid.UUID(drawn))) == (4, drawn) for drawn in ids)
    assert len({drawn[19:] for drawn in ids}) == 500


def test_ids_are_drawn_behind_a_start() -> None:
    """Whoever writes ids into lines draws the whole line."""
    assert uuid.UUID(pool_of("x-id: ").draw().removeprefix("x-id: ")).version == 4


def test_processes_do_not_share_ids() -> None:
    """A forked process draws others than its parent has in store."""
    draw_id()
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.write(writing, draw_id().encode())
        os._exit(0)
    os.waitpid(child, 0)
    theirs = os.read(reading, 36).decode()
    os.close(reading)
    os.close(writing)
    assert theirs not in [draw_id() for _ in range(100)]
