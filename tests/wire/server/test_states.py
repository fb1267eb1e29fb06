"""The table of a connection's states."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.wire.server.states import CLOSED, HEAD, TRANSITIONS, ClientEvent, ClientState, on

DOCUMENT = Path(__file__).parents[3] / "docs" / "wire.md"


def as_markdown() -> str:
    """The table as docs/wire.md shows it."""
    rows = [
        f"| {state.name} | {', '.join(f'{event.name} → {after.name}' for event, after in row.items())} |"
        for state, row in TRANSITIONS.items()
    ]
    return "\n".join(["| state | event → next state |", "|---|---|", *rows])


def test_the_document_shows_the_table() -> None:
    """docs/wire.md shows the table as it is."""
    assert as_markdown() in DOCUMENT.read_text()


@pytest.mark.parametrize("state", ClientState)
def test_every_state_can_close(state: ClientState) -> None:
    """A connection can end in whatever state it is: transports report their end at any time."""
    assert TRANSITIONS[state][ClientEvent.CLOSE] is CLOSED


def test_every_state_is_reached() -> None:
    """Each state follows from the first one, by events of the table."""
    reached: set[ClientState] = set()
    waiting = [HEAD]
    while waiting:
        state = waiting.pop()
        if state not in reached:
            reached.add(state)
            waiting += TRANSITIONS[state].values()
    assert reached == set(ClientState)


def test_what_is_closed_stays_closed() -> None:
    """Nothing begins on a connection that has had its last answer."""
    assert set(TRANSITIONS[ClientState.LINGERING]) == set(TRANSITIONS[CLOSED]) == {ClientEvent.CLOSE}


def test_an_event_that_is_not_listed_is_a_mistake_of_ours() -> None:
    """The table is complete: what it does not list fails instead of going unnoticed."""
    with pytest.raises(KeyError):
        on(ClientEvent.ANSWERED)[ClientState.IDLE]
