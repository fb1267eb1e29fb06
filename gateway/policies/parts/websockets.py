"""
WebSockets in front of policies that look into bodies: an API of `type: http` carries them, and nobody sees what they
carry.
"""

from __future__ import annotations

from gateway.errors import PolicyError
from gateway.wire.messages import Request


def refuse_websocket(request: Request, done: str) -> None:
    """Raises PolicyError: what *request* would open cannot be *done*."""
    if request.upgrade:
        message = f"What a WebSocket carries cannot be {done}; call the model over HTTP."
        raise PolicyError(501, "WebSocketNotSupported", message)
