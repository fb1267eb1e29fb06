"""Whatever is thrown at an emulator, it answers: a refusal in the service's own form, never an accident."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.emulators.d365.access import Access
from gateway.emulators.d365.errors import ODataError
from gateway.emulators.d365.filters import parse_filter
from gateway.emulators.d365.queries import QueryOptions
from gateway.emulators.d365.starts import requested_job
from gateway.emulators.entra.credentials import with_basic
from gateway.emulators.entra.forms import parse_form
from gateway.emulators.receiver.deliveries import Delivery
from gateway.emulators.receiver.signatures import check_signature
from gateway.emulators.receiver.webhook import judge_callback

ACCESS = Access()
WORDS = st.lists(st.sampled_from(["BatchJobRecId", "eq", "and", "or", "not", "(", ")", "7", "'x*'", "Status", "%"]))


@given(st.one_of(st.text(), WORDS.map(" ".join)))
def test_filter(text: str) -> None:
    """A filter parses or is a 400."""
    with contextlib.suppress(ODataError):
        parse_filter(text)


@given(st.dictionaries(st.sampled_from(["$top", "$skip", "$select", "$orderby", "$skiptoken", "$x"]), st.text()))
def test_query(given_options: dict[str, str]) -> None:
    """Query options parse or are a 400."""
    with contextlib.suppress(ODataError):
        QueryOptions.parse(given_options)


@pytest.mark.parametrize(
    "text", ["(" * 5000, "not " * 5000, "BatchJobRecId eq " + "9" * 5000], ids=["deep", "not", "long"]
)
def test_filter_limits(text: str) -> None:
    """Depth and length of numbers have limits."""
    with pytest.raises(ODataError):
        parse_filter(text)


@pytest.mark.parametrize("depth", [100_000])
def test_deep_json(depth: int) -> None:
    """JSON that is nested too deeply is refused as invalid."""
    body = b"[" * depth
    assert judge_callback(True, "application/json", body) == 400
    assert Delivery("POST", "/", (), body, 0.0, "absent", 200).json() is None
    with pytest.raises(ODataError):
        requested_job(body)


def test_long_numbers() -> None:
    """Numbers longer than any real one are refused, not converted."""
    digits = "9" * 5000
    headers = {"webhook-id": "m", "webhook-timestamp": digits, "webhook-signature": "v1,x"}
    assert check_signature("whsec_" + "A" * 32, headers, b"", 0.0).startswith("invalid")
    with pytest.raises(ODataError):
        QueryOptions.parse({"$top": digits})


@given(st.binary())
def test_start_body(body: bytes) -> None:
    """A start's body names a job or is a 400."""
    with contextlib.suppress(ODataError):
        requested_job(body)


@given(st.text())
def test_authorization(text: str) -> None:
    """A foreign authorization identifies no client."""
    assert ACCESS.client(f"Bearer {text}", "http://d365", 0.0) is None
    assert with_basic({"a": "1"}, text)["a"] == "1"


@given(st.sampled_from(["application/x-www-form-urlencoded", "multipart/form-data; boundary=B"]), st.binary())
def test_form(content_type: str, body: bytes) -> None:
    """Any body is parsed to fields, or to none."""
    assert all(isinstance(value, str) for value in parse_form(content_type, body).values())


@given(st.text(), st.text(), st.binary())
def test_signature(timestamp: str, signature: str, body: bytes) -> None:
    """Neither accidental nor forged signatures verify."""
    headers = {"webhook-id": "m", "webhook-timestamp": timestamp, "webhook-signature": signature}
    assert check_signature("whsec_" + "A" * 32, headers, body, 0.0).startswith("invalid")


@given(st.booleans(), st.binary())
def test_callback(report_status: bool, body: bytes) -> None:
    """A callback is judged or refused."""
    assert judge_callback(report_status, "application/json", body) is not None
