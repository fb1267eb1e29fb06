"""Where a token is found in a header: the prepared way for the usual line says what the general way says."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.errors import PolicyError, TokenError
from gateway.pipeline.context import Context
from gateway.pipeline.values import Constant
from gateway.policies.parts.token_source import BearerToken, HeaderToken
from gateway.wire.headers import Headers
from gateway.wire.messages import Request
from tests.policies.bench import new_context

GENERAL = HeaderToken(Constant("Authorization"), None, forgiving=True)
PREPARED = BearerToken("authorization", "Authorization: Bearer ", GENERAL)

PIECES = st.sampled_from(
    ["Authorization", "authorization", ":", " ", "\t", "Bearer", "bearer", "Basic", "a.b.c", "x", "\xa0"]
)
LINES = st.one_of(
    st.lists(PIECES, max_size=4).map("".join).map(lambda rest: f"Authorization:{rest}"),
    st.lists(PIECES, max_size=3).map("".join).map(lambda rest: f"Authorization: Bearer {rest}"),
)


def said(source: HeaderToken | BearerToken, line: str) -> tuple[str, str]:
    """The token, or why there is none."""
    context: Context = new_context(Request("GET", "/", "", Headers.from_lines({"authorization": line})))
    try:
        return "token", source(context)
    except (TokenError, PolicyError) as error:
        return error.reason, error.message


@settings(max_examples=500)
@given(st.lists(LINES, min_size=1, max_size=2))
def test_both_ways_say_the_same(lines: list[str]) -> None:
    """Whatever white space, scheme or second line there is."""
    block = "\r\n".join(lines)
    assert said(PREPARED, block) == said(GENERAL, block)


@pytest.mark.parametrize(
    "line", ["Authorization: Bearer a.b.c", "authorization: Bearer a.b.c", "Authorization:\tBearer  a.b.c "]
)
def test_the_usual_token(line: str) -> None:
    """A token behind its scheme, however the client spells the name."""
    assert said(PREPARED, line) == ("token", "a.b.c")
