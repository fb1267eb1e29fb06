"""
The life of one connection to a backend, as a table.

A connection carries one exchange at a time. Each state lists what may happen in it and where that leads; anything else
is a bug of ours and raises KeyError.

Source: RFC 9112 §6 and §9; RFC 9110 §7.8 and §15.2.
"""

from __future__ import annotations

from enum import IntEnum, auto
from typing import Final


class ConnectionState(IntEnum):
    """What a connection is doing."""

    OPENING = auto()
    """TCP, TLS or a proxy's CONNECT is under way."""
    IDLE = auto()
    """Nothing is under way; whatever the backend sends now answers no request."""
    AWAITING = auto()
    """A request has begun to go out; the head of its answer is due."""
    ANSWERING = auto()
    """The answer's head has been passed on; its body flows to the client."""
    TUNNEL = auto()
    """Another protocol: bytes flow both ways until one side ends."""
    LINGERING = auto()
    """A tunnel has ended on our side: what comes is dropped until the backend closes, within a deadline."""
    CLOSING = auto()
    """It carries nothing more; what is unsent may still go out, within a deadline."""
    CLOSED = auto()


class ConnectionEvent(IntEnum):
    """What happens to a connection."""

    OPENED = auto()
    REQUEST = auto()
    BODY = auto()
    """The answer's head is complete, its body is not."""
    SWITCH = auto()
    END = auto()
    """The answer is complete, and the connection can carry another request."""
    LEAVE = auto()
    """Our side of a tunnel ends."""
    CLOSE = auto()
    LOST = auto()


_State, _Event = ConnectionState, ConnectionEvent

# What may happen in every state: closing twice is harmless, and a peer can leave whenever it likes.
_ALWAYS = {_Event.CLOSE: _State.CLOSING, _Event.LOST: _State.CLOSED}

TRANSITIONS: Final[dict[ConnectionState, dict[ConnectionEvent, ConnectionState]]] = {
    _State.OPENING: {**_ALWAYS, _Event.OPENED: _State.IDLE},
    _State.IDLE: {**_ALWAYS, _Event.REQUEST: _State.AWAITING},  # RFC 9112 §9.3: one after the other
    _State.AWAITING: {
        **_ALWAYS,
        _Event.BODY: _State.ANSWERING,  # RFC 9112 §6.3
        _Event.SWITCH: _State.TUNNEL,  # RFC 9110 §7.8: 101 ends HTTP on this connection
        _Event.END: _State.IDLE,  # a body that came with its head, or none
    },
    _State.ANSWERING: {**_ALWAYS, _Event.END: _State.IDLE},  # RFC 9112 §9.3: reusable once both messages are complete
    _State.TUNNEL: {**_ALWAYS, _Event.LEAVE: _State.LINGERING},  # never back to HTTP
    _State.LINGERING: _ALWAYS,
    _State.CLOSING: _ALWAYS,
    _State.CLOSED: {_Event.CLOSE: _State.CLOSED, _Event.LOST: _State.CLOSED},
}


def on(event: ConnectionEvent) -> dict[ConnectionState, ConnectionState]:
    """The state after *event*, for each state; a state that the table does not list for it raises KeyError."""
    return {state: row[event] for state, row in TRANSITIONS.items() if event in row}
