"""
Makes what the notes of one request refer to small enough to be kept, and takes its credentials out.

A request brings credentials of its own (``Authorization``, cookies, keys), and policies may fetch further ones. They
are not kept, nor is any copy of them that a policy has made.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_plus

from gateway.expressions.entities import Authorization
from gateway.pipeline.changes import EVERYTHING, RESPONSE, Lines, Picture
from gateway.pipeline.masking import MASK, MAX_SEARCHED, Cut, Masking, is_secret_name
from gateway.pipeline.notes import Mark, Note, Shown, held
from gateway.pipeline.step import PipelineStep
from gateway.tokens.jwt import Jwt
from gateway.wire.messages import Request, join_paths

if TYPE_CHECKING:
    from gateway.pipeline.context import Context
    from gateway.wire.messages import Target

MAX_CHARACTERS = 32_768  # of all texts of one trace
MAX_CREDENTIALS = 32
_SHORTEST_CREDENTIAL = 6  # shorter ones are in other words by chance
_LEFT_OUT = Shown("(left out: the trace is long)")


class Reducer:
    """
    Reduces the values of one request; ``Reducing``.

    Attributes:
        hidden: Names of variables that hold secrets.
    """

    def __init__(self, request: Request, masking: Masking, credentials: Iterable[str], hidden: frozenset[str]) -> None:
        self.hidden = hidden
        self._request = request
        self._masking = masking
        long = {text for text in credentials if len(text) >= _SHORTEST_CREDENTIAL}
        self._credentials = sorted(long, key=len, reverse=True)[:MAX_CREDENTIALS]
        self._left = MAX_CHARACTERS

    @classmethod
    def of(cls, context: Context, events: list[Note], masking: Masking) -> Reducer:
        """For the request of *context*, which has left *events*."""
        hidden = frozenset(_secret_variables(events)) | {name for name in context.variables if is_secret_name(name)}
        credentials = [
            *_in_lines(_received(context, events), masking),
            *_in_query(context.request.original_query, masking),
            *_in_variables(context, hidden),
        ]
        return cls(context.request, masking, credentials, hidden)

    def text(self, text: str) -> str:
        """*text* without the request's credentials, or its beginning."""
        if isinstance(text, Shown):
            return text
        for credential in self._credentials:
            if credential in text:
                text = text.replace(credential, MASK)
        if len(text) > MAX_SEARCHED:
            text = Cut(text[:MAX_SEARCHED])
        self._left -= len(text)
        return text if self._left >= 0 else _LEFT_OUT

    def url(self, target: Target | None, path: str, query: str) -> str:
        """The URL of a request to *target*."""
        base = self._request.original_url if target is None else target.url
        whole = path if target is None else join_paths(base.path, path)
        return self.text(f"{base.scheme}://{base.authority}{whole}{'?' if query else ''}{query}")

    def line(self, key: str, line: str) -> str:
        """A header's lines, or its name and a mask."""
        if self._masking.hides_header(key):
            return f"{line.partition(':')[0]}: {MASK}"
        return self.text(line)

    def lines(self, lines: Lines) -> dict[str, str]:
        """See ``line``."""
        return {key: self.line(key, line) for key, line in lines.items()}

    def value(self, name: str, value: object) -> object:
        """A variable's value: a text, a plain value, the safe claims of a token, or its type."""
        if name in self.hidden:
            return Shown(MASK)
        value = held(value)
        if isinstance(value, str):
            return self.text(value)
        return self._masking.claims(value.payload) if isinstance(value, Jwt) else value

    def marked(self, mark: Mark, value: Any) -> Any:
        """The value of a mark's note."""
        match mark:
            case Mark.FAILED:
                reason, message, response = value
                return reason, self.text(message), RESPONSE.reduced(response, self)
            case Mark.CAUGHT:
                return value[0], self.text(value[1])
            case Mark.SAID:
                source, text, metadata = value
                return source, self.text(text), [(name, self.text(item)) for name, item in metadata]
            case Mark.LEFT_OUT:
                return EVERYTHING.reduced(value, self)
            case Mark.ANSWERED | Mark.POLICY_ANSWERED:
                return None
        return value

    def picture(self, context: Context) -> Picture:
        """How the request is now."""
        request, response = context.request, context.response
        variables = {name: self.value(name, value) for name, value in context.variables.items()}
        url = self.url(request.target, request.path, request.query)
        lines = self.lines(request.headers.lines)
        if response is None:
            return Picture(request.method, url, lines, variables=variables)
        return Picture(request.method, url, lines, response.status_code, self.lines(response.headers.lines), variables)


# -- credentials of one request
def _received(context: Context, events: list[Note]) -> Iterator[tuple[str, str]]:
    """Key and lines of every header that the request and its response have had."""
    yield from context.request.headers.lines.items()
    if context.response is not None:
        yield from context.response.headers.lines.items()
    for step, _, before in events:
        if isinstance(step, PipelineStep) and step.policy.changes is not None:
            yield from step.policy.changes.lines(before)


def _in_lines(lines: Iterable[tuple[str, str]], masking: Masking) -> Iterator[str]:
    for single in (line for key, block in lines if masking.hides_header(key) for line in block.split("\r\n")):
        yield from _in_value(single.partition(":")[2].strip())


def _in_value(value: str) -> Iterator[str]:
    """What a credential's header consists of: the whole, what follows a scheme, a user's password, single cookies."""
    yield value
    scheme, _, rest = value.partition(" ")
    yield rest.strip()
    if scheme.lower() == "basic":
        yield from _password(rest.strip())
    if "=" in value:
        yield from (pair.partition("=")[2].strip() for pair in value.split(";"))


def _password(encoded: str) -> Iterator[str]:
    try:
        pair = base64.b64decode(encoded, validate=True).decode()
    except ValueError:  # not base64, not UTF-8, or not even ASCII
        return
    yield pair
    yield pair.partition(":")[2]


def _in_query(query: str, masking: Masking) -> Iterator[str]:
    for match in masking.parameters.finditer(f"?{query}") if query else ():
        yield match[2]
        yield unquote_plus(match[2])


def _secret_variables(events: list[Note]) -> Iterator[str]:
    for step, *_ in events:
        if isinstance(step, PipelineStep) and step.place.sets_secrets and step.policy.changes is not None:
            yield from step.policy.changes.variables


def _in_variables(context: Context, hidden: frozenset[str]) -> Iterator[str]:
    for name in hidden:
        value = context.variables.get(name)
        if isinstance(value, str):
            yield value
        elif isinstance(value, Authorization):
            yield value.access_token
