"""Sessions of the console end by time, by idleness, by logging out, and when there are too many."""

from __future__ import annotations

import pytest

from gateway.management.sessions import IDLE_S, LASTS_S, MOST, Sessions


class Clock:
    """Seconds, moved by hand."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(
    ("pauses", "lives"),
    [([IDLE_S], True), ([IDLE_S + 1], False), ([IDLE_S] * 8, True), ([IDLE_S] * 8 + [1.0], False), ([LASTS_S], False)],
)
def test_time(pauses: list[float], lives: bool) -> None:
    """A session lives while it is used, and eight hours at most."""
    clock = Clock()
    sessions = Sessions(clock)
    session_id = sessions.begin()
    found = None
    for pause in pauses:
        clock.now += pause
        found = sessions.find(session_id)
    assert (found is not None) == lives


def test_ids() -> None:
    """Ids are long and unlike each other; another's, an empty one and one that has logged out are none."""
    sessions = Sessions()
    first, second = sessions.begin(), sessions.begin()
    assert len(first) >= 43
    assert len({first, second, sessions.find(first) and "x"}) == 3
    sessions.end(first)
    assert sessions.find(second)
    assert [one for one in (first, "", "x" * 5000, "\ud800") if sessions.find(one)] == []


def test_their_number_is_bounded() -> None:
    """The session that was used longest ago makes room, and no id is kept as it is."""
    sessions = Sessions()
    ids = [sessions.begin() for _ in range(MOST)]
    assert sessions.find(ids[0])
    sessions.begin()
    assert (sessions.find(ids[0]) is not None, sessions.find(ids[1])) == (True, None)
    assert not [key for key in sessions._sessions if key.hex() in ids]
