"""W3C Trace Context: what is taken, and what is not."""

from __future__ import annotations

import pytest

from gateway.telemetry.trace_context import parse, received, restore
from gateway.wire.headers import Headers

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
GOOD = f"00-{TRACE}-{SPAN}-01"


@pytest.mark.parametrize(
    ("traceparent", "sampled"),
    [
        (GOOD, True),
        (f"00-{TRACE}-{SPAN}-00", False),
        (f"00-{TRACE}-{SPAN}-03", True),
        (f"01-{TRACE}-{SPAN}-01", True),
        (f"cc-{TRACE}-{SPAN}-01-what-the-future-brings", True),
        (f"00-{TRACE}-{SPAN}-01-more", None),
        (f"ff-{TRACE}-{SPAN}-01", None),
        (f"00-{TRACE.upper()}-{SPAN}-01", None),
        (f"00-{'0' * 32}-{SPAN}-01", None),
        (f"00-{TRACE}-{'0' * 16}-01", None),
        (f"00-{TRACE[1:]}-{SPAN}-01", None),
        (f"00-{TRACE}-{SPAN}", None),
        (f"00-{TRACE}-{SPAN}-1", None),
        (f"0-{TRACE}-{SPAN}-01", None),
        (f"01-{TRACE}-{SPAN}-01-{'x' * 300}", None),
        ("", None),
    ],
)
def test_traceparent(traceparent: str, sampled: bool | None) -> None:
    """Versions of the future are read as far as they are known; whatever else is malformed is none."""
    context = parse(traceparent)
    assert (None if context is None else context.sampled) is sampled
    assert context is None or (context.trace_id, context.span_id) == (TRACE, SPAN)


@pytest.mark.parametrize(
    ("tracestate", "kept"),
    [
        ("a=1", "a=1"),
        ("a=1, b=2,,\tc=3", "a=1,b=2,c=3"),
        ("tenant@system=x y", "tenant@system=x y"),
        ("a=1,a=2", ""),
        ("A=1", ""),
        ("a=", ""),
        ("a", ""),
        ("a=1=2", ""),
        ("a=\x7f", ""),
        (",".join(f"k{number}=1" for number in range(33)), ""),
        (f"a={'x' * 255},b={'x' * 252}", f"a={'x' * 255},b={'x' * 252}"),
        (f"a={'x' * 255},b={'x' * 253}", ""),
    ],
)
def test_tracestate(tracestate: str, kept: str) -> None:
    """A list that breaks the rules, or is longer than 512 characters, is left out; the trace is continued."""
    context = parse(GOOD, tracestate)
    assert context is not None
    assert context.state == kept
    assert restore(context.stored) is not None
    assert getattr(restore(context.stored), "state", None) == kept


def test_fields() -> None:
    """Several lines of tracestate are one; two traceparents are none, and no field is none."""
    context = received(Headers([("traceparent", GOOD), ("tracestate", "a=1"), ("tracestate", "b=2")]))
    assert context is not None
    assert context.fields == {"traceparent": GOOD, "tracestate": "a=1,b=2"}
    assert received(Headers([("traceparent", GOOD), ("traceparent", GOOD)])) is None
    assert received(Headers([("tracestate", "a=1")])) is None
    assert restore(None) is None
