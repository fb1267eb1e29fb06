"""A request's record in words: what was expected and found, and what to do. The one seam to the engine for words."""

from __future__ import annotations

from gateway.remedies.recorded import Record, record_in_words


def words(record: Record) -> tuple[str, ...]:
    """Sentences about a record as ``/requests`` gives it: what happened, then what to do where that is known."""
    explained = record_in_words(record)
    return tuple(filter(None, (explained.what, explained.remedy)))
