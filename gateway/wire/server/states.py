"""
The life of one client connection as a table: its states, what can happen in each, and what follows.

Two rules. A connection is in exactly one state, and only an event changes it. What the table does not list cannot
happen: it is a mistake in the gateway, never the client's.

Source: RFC 9112 §9; after the manner of h11's state machine.
"""

from __future__ import annotations

from enum import IntEnum


class ClientState(IntEnum):
    """The state of one connection between two events."""

    IDLE = 0
    """Between two requests: nothing of the next one has come. RFC 9112 §9.3."""
    HEAD = 1
    """A head is due: part of it has come, or the connection is new. RFC 9112 §2.2."""
    ANSWERING = 2
    """The request is complete, its answer is not. What the client sends ahead waits. RFC 9112 §9.3.2."""
    RECEIVING = 3
    """The request's body is on its way, and its answer is not complete. RFC 9112 §6."""
    DRAINING = 4
    """The answer is complete; the rest of the request's body is dropped, to keep the connection. RFC 9112 §9.3."""
    TUNNEL = 5
    """The protocol has been switched: the bytes of both sides belong to another one. RFC 9110 §7.8."""
    LINGERING = 6
    """The last answer has been written; what still comes is dropped until the client closes. RFC 9112 §9.6."""
    CLOSED = 7
    """Nothing is read any more; the transport sends what is left, or is gone."""


class ClientEvent(IntEnum):
    """What happens to a connection."""

    PART = 0
    """Part of a head has come."""
    REQUEST = 1
    """A head has come, and with it all of the request's body."""
    UPLOAD = 2
    """A head has come, and the request's body is still to come."""
    RECEIVED = 3
    """The request's body is complete."""
    ANSWERED = 4
    """The answer has been written, and the connection may carry another request."""
    SWITCHED = 5
    """The answer is 101."""
    LAST = 6
    """The last answer has been written, and the client may still be sending."""
    CLOSE = 7
    """The connection ends: by us, by the client, or by a time-out."""


IDLE, HEAD, ANSWERING, RECEIVING, DRAINING, TUNNEL, LINGERING, CLOSED = ClientState

TRANSITIONS: dict[ClientState, dict[ClientEvent, ClientState]] = {
    IDLE: {
        ClientEvent.PART: HEAD,
        ClientEvent.REQUEST: ANSWERING,
        ClientEvent.UPLOAD: RECEIVING,
        ClientEvent.LAST: LINGERING,  # a refused head
        ClientEvent.CLOSE: CLOSED,
    },
    HEAD: {
        ClientEvent.PART: HEAD,
        ClientEvent.REQUEST: ANSWERING,
        ClientEvent.UPLOAD: RECEIVING,
        ClientEvent.LAST: LINGERING,
        ClientEvent.CLOSE: CLOSED,
    },
    ANSWERING: {
        ClientEvent.ANSWERED: IDLE,
        ClientEvent.SWITCHED: TUNNEL,
        ClientEvent.LAST: LINGERING,  # pipelined requests are not answered: RFC 9112 §9.6
        ClientEvent.CLOSE: CLOSED,
    },
    RECEIVING: {
        ClientEvent.RECEIVED: ANSWERING,
        ClientEvent.ANSWERED: DRAINING,
        ClientEvent.LAST: LINGERING,
        ClientEvent.CLOSE: CLOSED,
    },
    DRAINING: {ClientEvent.RECEIVED: IDLE, ClientEvent.LAST: LINGERING, ClientEvent.CLOSE: CLOSED},
    TUNNEL: {ClientEvent.LAST: LINGERING, ClientEvent.CLOSE: CLOSED},
    LINGERING: {ClientEvent.CLOSE: CLOSED},
    CLOSED: {ClientEvent.CLOSE: CLOSED},  # we have closed; the transport reports it later
}


def on(event: ClientEvent) -> dict[ClientState, ClientState]:
    """The state after *event*, for each state; a state that the table does not list for it raises KeyError."""
    return {state: row[event] for state, row in TRANSITIONS.items() if event in row}
