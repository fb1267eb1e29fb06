"""
The texts of whole requests and answers, for those who judge them: beside the event loop where that takes long.

What a stranger sends decides how many members there are, so a long body is read in a worker process, whose time and
memory are limited.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from gateway.language_models.event_splitter import EventSplitter
from gateway.language_models.guarded_stream import event_lanes
from gateway.language_models.joined_parts import joined_parts
from gateway.language_models.model_texts import holds_tokens, texts
from gateway.reading.json_text import unambiguous

if TYPE_CHECKING:
    from gateway.pipeline.beside import Beside
    from gateway.wire.work import Work

# A body up to this size is read in one turn of the loop.
SHORT = 32 * 1024

EVENTS = "text/event-stream"
_NO_TEXT = ("image/", "audio/", "video/")


async def request_texts(content: bytes, beside: Beside, work: Work, most: int) -> list[str] | None:
    """The text of a request, at most *most* characters; None: it cannot be read. Raises WorkExceeded."""
    if len(content) <= SHORT:
        return _texts_of_request(content)
    return _listed(await beside.run(work, request_job, content, most))


async def answer_texts(content: bytes, kind: str, beside: Beside, work: Work, most: int) -> list[str] | None:
    """The texts of an answer of the media type *kind*, which are one for each part of it; None: it cannot be read."""
    if not content.strip() or kind.startswith(_NO_TEXT):
        return []
    if len(content) <= SHORT:
        return _texts_of_answer(content, kind)
    return _listed(await beside.run(work, answer_job, content, kind, most))


def request_job(content: bytes, most: int) -> bytes:
    """In a worker process: the same as JSON."""
    return _packed(_texts_of_request(content), most)


def answer_job(content: bytes, kind: str, most: int) -> bytes:
    """In a worker process: the same as JSON."""
    return _packed(_texts_of_answer(content, kind), most)


def _packed(several: Sequence[str] | None, most: int) -> bytes:
    """More than *most* characters are refused, so no more of them are handed over."""
    return json.dumps(several and [text[: most + 1] for text in several]).encode()


def _listed(content: bytes) -> list[str] | None:
    return json.loads(content)  # type: ignore[no-any-return]


def _texts_of_request(content: bytes) -> list[str] | None:
    document = _unambiguous(content)
    if document is None or holds_tokens(document):
        return None
    return [_whole_text(document)]


def _whole_text(document: Any) -> str:
    """Every text, and once more as one what stands in several parts."""
    return "\n".join([*texts(document), *joined_parts(document)])


def _texts_of_answer(content: bytes, kind: str) -> list[str] | None:
    if kind == EVENTS:
        splitter = EventSplitter()
        return _lanes([*splitter.feed(content), splitter.finish()])
    document = _unambiguous(content)
    if document is not None:
        return [_whole_text(document)]
    if is_json(kind):
        return None
    if kind.startswith("text/"):
        return [content.decode("utf-8", "replace")]
    return _lanes([b"data:" + line for line in content.splitlines()])  # each may be JSON


def _lanes(events: Sequence[bytes]) -> list[str]:
    """The texts of a stream that is in memory, one for each answer or part of one."""
    lanes: dict[object, list[str]] = {}
    for event in events:
        for lane, text in event_lanes(event):
            lanes.setdefault(lane, []).append(text)
    return ["".join(pieces) for pieces in lanes.values()]


def is_json(kind: str) -> bool:
    """Source: RFC 8259 and RFC 6839 §3.1."""
    return kind in ("application/json", "text/json") or kind.endswith("+json")


def _unambiguous(content: bytes) -> Any:
    """JSON; None where it is none that has one meaning, so that what the model reads is not known."""
    try:
        return json.loads(content, object_pairs_hook=unambiguous)
    except (ValueError, RecursionError):
        return None
