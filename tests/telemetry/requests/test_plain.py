"""What a record keeps of a value: plain, short, masked."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.telemetry import logs
from gateway.telemetry.requests import plain as plain_module
from gateway.telemetry.requests.plain import MAX_TOTAL_CHARACTERS, Plain, masked, plain, plain_members

JWT = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0.c2lnbmF0dXJl"


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ("short", "short"),
        ("x" * 500, "x" * 200 + "…"),
        (401, 401),
        (None, None),
        (True, True),
        (("b", "a"), ["b", "a"]),
        (frozenset({"a"}), ["a"]),
        (list(range(25)), [*range(20), "…"]),
        ({"limit": 3, "names": ["a"]}, {"limit": 3, "names": ["a"]}),
        ([[[["deep"]]]], [[["(list)"]]]),
        (b"bytes", "(bytes)"),
        (object(), "(object)"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_values_become_plain(value: object, kept: Plain) -> None:
    """Texts are cut, lists shortened, and what is not plain is named by its type."""
    assert plain(value) == kept


def test_size_is_bounded() -> None:
    """No value makes a record large, however many texts it has."""
    many = plain([{f"{n}" * 300: "y" * 300 for n in range(20)}, *(["z" * 300] * 20 for _ in range(20))])
    assert len(str(many)) < 3 * MAX_TOTAL_CHARACTERS


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (f"a token {JWT} in a text", "a token ***** in a text"),
        (f"/cut/{JWT[:30]}…", "/cut/*****…"),
        ("Bearer abcdefghijkl", "Bearer *****"),
        ({"found": [JWT]}, {"found": ["*****"]}),
        ({JWT: 1}, {"*****": 1}),
        ("the-named-value", "*****"),
        ("eyJ is no token", "eyJ is no token"),
        (7, 7),
    ],
    ids=lambda value: str(value)[:20],
)
def test_secrets_are_masked(value: Plain, shown: Plain) -> None:
    """Tokens, even cut ones, credentials and configured secrets are not shown, at any depth."""
    logs.hide(["the-named-value"])
    try:
        assert masked(value) == shown
    finally:
        logs.hide([])


def test_nothing_that_is_nested_takes_much() -> None:
    """A claim of thousands of empty objects, and ten such claims, leave a bounded number of values."""
    deep: list[object] = [[[{} for _ in range(20)] for _ in range(20)] for _ in range(20)]
    assert len(str(plain(deep))) < 4_000
    assert len(str(plain_members({name: deep for name in "abcdefghij"}))) < 4_000


TEXTS = st.sampled_from(["", "a", "x" * 200, "x" * 201, "x" * 1900])
SCALARS = st.one_of(TEXTS, st.sampled_from([1, True, None, 0.5, 1 << 70]))
MEMBERS = st.dictionaries(st.text("ab", max_size=4), st.one_of(SCALARS, st.lists(SCALARS, max_size=25)), max_size=14)


@given(MEMBERS)
def test_members_that_need_no_cut_are_kept_as_the_others(members: dict[str, object]) -> None:
    """The quick way for a few short members gives what reducing each of them gives."""
    reduction = plain_module._Reduction()
    reduced = {name: reduction.of(value, plain_module._MAX_DEPTH) for name, value in members.items()}
    kept = plain_members(members)
    assert kept == reduced
    assert list(map(type, kept.values())) == list(map(type, reduced.values()))
    assert kept is not members
