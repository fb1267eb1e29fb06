"""The table of a backend connection's life has no dead ends and no way back."""

from __future__ import annotations

import pytest

from gateway.wire.upstream.states import TRANSITIONS, ConnectionEvent, ConnectionState


def _reachable(start: ConnectionState) -> set[ConnectionState]:
    """Every state that *start* leads to."""
    seen: set[ConnectionState] = set()
    waiting = [start]
    while waiting:
        new = set(TRANSITIONS[waiting.pop()].values()) - seen
        seen |= new
        waiting += new
    return seen


@pytest.mark.parametrize("state", ConnectionState)
def test_every_state_can_be_closed_and_lost(state: ConnectionState) -> None:
    """Whatever a connection does, it can be closed, and its peer can leave."""
    assert TRANSITIONS[state][ConnectionEvent.LOST] is ConnectionState.CLOSED
    assert TRANSITIONS[state][ConnectionEvent.CLOSE] in (ConnectionState.CLOSING, ConnectionState.CLOSED)


def test_every_state_is_reached() -> None:
    """Every state is reached from the first one."""
    assert _reachable(ConnectionState.OPENING) == set(ConnectionState) - {ConnectionState.OPENING}


@pytest.mark.parametrize(
    "state", [ConnectionState.TUNNEL, ConnectionState.LINGERING, ConnectionState.CLOSING, ConnectionState.CLOSED]
)
def test_a_connection_that_ends_carries_no_request(state: ConnectionState) -> None:
    """After a switch of protocols or the decision to close no request goes out."""
    assert ConnectionState.AWAITING not in _reachable(state)


def test_one_request_at_a_time() -> None:
    """A request begins only where nothing is under way: nothing is pipelined."""
    takers = {state for state, events in TRANSITIONS.items() if ConnectionEvent.REQUEST in events}
    assert takers == {ConnectionState.IDLE}
