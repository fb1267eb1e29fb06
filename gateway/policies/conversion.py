"""What xml-to-json and json-to-xml share: whether the caller accepts the other form. Source: RFC 9110 §12.5.1."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateway.wire.messages import Request


def accepts(request: Request, form: str) -> bool:
    """Whether the request's Accept allows ``json`` or ``xml``; without the header everything is accepted."""
    accept = request.headers.joined("Accept")
    if accept is None:
        return True
    kinds = [kind.partition(";")[0].strip().lower() for kind in accept.split(",")]
    wildcards = {"*/*", "application/*", "text/*"}
    return any(kind in wildcards or kind.endswith((f"/{form}", f"+{form}")) for kind in kinds)
