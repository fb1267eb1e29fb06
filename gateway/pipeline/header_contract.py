"""
Which request headers belong to the policies and not to the client.

A header that a pipeline sets with ``override`` is set by the gateway alone: whatever the client sends under that name,
in any spelling, never reaches the backend, on any route of that API. Two kinds of header still belong to the client:

* standard request fields (Authorization, Accept, …), which policies replace without making them an identity;
* headers that the pipeline reads before it sets them (a correlation id that is kept when the client sent one): only
  look-alike spellings are removed then.

Source: docs/security.md; ADR 3.
"""

from __future__ import annotations

from dataclasses import dataclass, field

# RFC 9110, 9111, 6265, 7239, W3C Trace Context and gRPC request fields, and what browsers send.
STANDARD = frozenset(
    """
    accept accept-charset accept-encoding accept-language authorization cache-control connection content-encoding
    content-language content-length content-location content-type cookie date expect forwarded from host if-match
    if-modified-since if-none-match if-range if-unmodified-since max-forwards origin pragma prefer proxy-authorization
    range referer te trailer transfer-encoding upgrade user-agent via traceparent tracestate baggage soapaction
    x-forwarded-for x-forwarded-host x-forwarded-proto ocp-apim-subscription-key
    grpc-timeout grpc-encoding grpc-accept-encoding
    """.split()
)


@dataclass(slots=True)
class ContractBuilder:
    """
    Collects, in the order in which policies run, what one pipeline reads and sets.

    Attributes:
        owned: Names that only the gateway may set.
        guarded: Names that the client may send, but in their own spelling only.
    """

    owned: set[str] = field(default_factory=set)
    guarded: set[str] = field(default_factory=set)
    _read: set[str] = field(default_factory=set)

    def reads(self, texts: set[str]) -> None:
        """An expression mentions *texts* as string literals: any of them may be a header's name."""
        self._read |= {text.lower() for text in texts}

    def sets(self, name: str) -> None:
        """A policy overrides the request header *name*."""
        lowered = name.lower()
        if lowered in STANDARD:
            return
        if lowered in self._read and lowered not in self.owned:
            self.guarded.add(lowered)
        else:
            self.owned.add(lowered)
