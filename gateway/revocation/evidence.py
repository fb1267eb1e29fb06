"""What a list or a responder says about a certificate, and for how long."""

from __future__ import annotations

from dataclasses import dataclass


class Undecided(Exception):
    """A source does not say whether a certificate is revoked; the text says why, for the log."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """
    A source's word.

    Attributes:
        revoked: Whether the certificate is revoked or on hold.
        holds_until: Seconds since the epoch; the source's own nextUpdate.
    """

    revoked: bool
    holds_until: float
