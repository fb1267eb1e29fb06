"""
The heads of the answers on one connection, found in its bytes and checked.

A head that equals the last one on the connection is neither searched for nor parsed again, and of one that varies it
only the lines that have changed are read (docs/adr/0009, docs/adr/0090).

Source: RFC 9112 §2.2 and §4; RFC 9110 §15.2 for interim answers.
"""

from __future__ import annotations

from collections.abc import Callable

from gateway.wire.settings import UpstreamSettings
from gateway.wire.upstream.response_head import ResponseError, ResponseHead, parse_response, vary_response

MAX_INTERIM = 16  # 1xx answers to one request
_WHOLE_BYTES = 8 * 1024  # a body up to here is passed on with its head: backends often send them in two pieces


class HeadReader:
    """
    Reads one head after the other.

    Attributes:
        rest: What followed the head that ``read`` returned last.
    """

    __slots__ = (
        "_held",
        "_inform",
        "_interim",
        "_last_data",
        "_last_head",
        "_last_lines",
        "_last_method",
        "_settings",
        "rest",
    )

    def __init__(self, settings: UpstreamSettings, inform: Callable[[ResponseHead], None]) -> None:
        """*inform*: gets the heads of interim answers."""
        self._settings = settings
        self._inform = inform
        self.rest = b""
        self._held = b""  # a head that is not complete, or a complete one whose short body is not
        self._interim = 0
        self._last_data = b""  # of a final head, with the empty line at its end
        self._last_lines: list[str] = []
        self._last_method = ""
        self._last_head: ResponseHead | None = None

    @property
    def has_begun(self) -> bool:
        """Whether anything of the answer that is due has come."""
        return bool(self._held or self._interim)

    def read(self, data: bytes, method: str) -> ResponseHead | None:
        """
        The final head of the answer to a request with *method* once it is complete; None while more has to come.

        Raises:
            ResponseError: The backend broke the protocol.
        """
        data = self._held + data if self._held else data
        head = self._last_head
        if head is None or method != self._last_method or not data.startswith(self._last_data):
            head = self._read_new(data, method)
            if head is None:
                return None
            data = self._held
        rest = data[len(self._last_data) :]
        if len(rest) < head.length <= _WHOLE_BYTES:
            self._held = data
            return None
        self._held, self._interim, self.rest = b"", 0, rest
        return head

    def _read_new(self, data: bytes, method: str) -> ResponseHead | None:
        """The final head in *data*, remembered, with which what is held begins then; None while more has to come."""
        while True:
            end = data.find(b"\r\n\r\n")
            if end < 0 or end > self._settings.max_head_bytes:
                self._hold(data)
                return None
            lines = data[:end].decode("latin-1").split("\r\n")
            head = self._varied(lines, method)
            if head is None:
                head = parse_response(data[:end], lines, method, self._settings.max_fields)
            if head.is_final:
                self._held = data
                self._last_data, self._last_lines, self._last_method, self._last_head = (
                    data[: end + 4],
                    lines,
                    method,
                    head,
                )
                return head
            data = data[end + 4 :]
            self._pass_on(head)

    def _varied(self, lines: list[str], method: str) -> ResponseHead | None:
        """The last head, if it could be made the one with *lines*. Raises ResponseError."""
        last = self._last_head
        if last is None or method != self._last_method:
            return None
        return last if vary_response(last, self._last_lines, lines, method) else None

    def _hold(self, data: bytes) -> None:
        """Keep the beginning of a head, unless it can only go wrong."""
        self._held = data
        if len(data) > self._settings.max_head_bytes:
            raise ResponseError("its answer's head is too large")
        if data.count(b"\n") != data.count(b"\r\n"):  # it will never end as a head must
            raise ResponseError("a bare line end in its answer's head")

    def _pass_on(self, head: ResponseHead) -> None:
        self._interim += 1
        if self._interim > MAX_INTERIM:
            raise ResponseError("too many interim answers")
        self._inform(head)
