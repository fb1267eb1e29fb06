"""A withdrawn key is withdrawn under every name."""

from __future__ import annotations

from gateway.tokens.withdrawn import WithdrawnKeys
from tests.tokens.test_keyset import key


def test_by_kid_or_thumbprint() -> None:
    """A key is withdrawn by its id or its certificate's thumbprint; where none is, the keys stay the same object."""
    keys = (key("a", x5t="t"), key("b"))
    assert [left.kid for left in WithdrawnKeys({"t"}).without(keys)] == ["b"]
    assert [left.kid for left in WithdrawnKeys({"a"}).without(keys)] == ["b"]
    assert WithdrawnKeys({"z"}).without(keys) is keys


def test_whatever_it_is_called_later() -> None:
    """The same material under another key id is the same key, beside the withdrawn name and after it has gone."""
    withdrawn = WithdrawnKeys()
    withdrawn.add("old")
    assert withdrawn.without((key("a", kid="renamed"),)) != ()  # not known yet
    assert withdrawn.without((key("a", kid="renamed"), key("a", kid="old"))) == ()
    assert withdrawn.without((key("a", kid="renamed"),)) == ()


def test_what_was_seen_is_handed_on() -> None:
    """Who takes over knows the material of withdrawn names, and lets it pass where the name is not withdrawn."""
    before = WithdrawnKeys({"old"})
    assert before.without((key("a", kid="old"),)) == ()
    same, other = WithdrawnKeys({"old"}), WithdrawnKeys({"another"})
    for after in (same, other):
        after.learn(before)
    assert same.without((key("a", kid="renamed"),)) == ()
    assert other.without((key("a", kid="renamed"),)) != ()
