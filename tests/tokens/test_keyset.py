"""Key sets change as a whole; vanished keys stay for a day."""

from __future__ import annotations

import datetime as dt
import json
import math

from gateway.tokens.keys import Key
from gateway.tokens.keyset import VANISHED_S, KeySet, merge
from gateway.tokens.withdrawn import WithdrawnKeys
from tests import published

HISTORY = published.ENTRA / "jwks.v2.common.history.json"


def key(name: str, kid: str | None = None, x5t: str | None = None) -> Key:
    """A key by name; its material is irrelevant here."""
    return Key(kid or name, frozenset({"RS256"}), name.encode(), name.encode(), None, x5t)


def kids(keyset: KeySet) -> list[str | None]:
    """Key ids in order."""
    return [each.kid for each in keyset.keys]


def test_first_set() -> None:
    """The first fetch is the set."""
    keyset = merge(None, "i", (key("a"),), 0)
    assert (keyset.issuer, kids(keyset), keyset.next_retirement) == ("i", ["a"], math.inf)


def test_nothing_changed() -> None:
    """An equal set, in any order, is the old object itself, so cached verdicts stay valid."""
    old = merge(None, "i", (key("a"), key("b")), 0)
    assert merge(old, "i", (key("b"), key("a")), 9) is old


def test_a_doubled_key_hides_no_new_one() -> None:
    """A set that listed one key twice and then lists another beside it has both."""
    doubled = merge(None, "i", (key("a"), key("a")), 0)
    assert kids(merge(doubled, "i", (key("a"), key("b")), 1)) == ["a", "b"]


def test_a_renewed_certificate_is_found() -> None:
    """A certificate renewed for the same key and kid is found by its new thumbprint, and by the old one for a day."""
    keyset = merge(merge(None, "i", (key("a", x5t="old"),), 0), "i", (key("a", x5t="new"),), 100)
    assert {"old", "new"} <= set(keyset.by_kid)


def test_a_withdrawn_key_is_taken_out() -> None:
    """Withdrawing by kid or thumbprint gives another set; withdrawing what is not there gives the same."""
    keyset = merge(None, "i", (key("a", x5t="t"), key("b")), 0)
    assert kids(keyset.without(WithdrawnKeys({"t"}))) == ["b"]
    assert keyset.without(WithdrawnKeys({"z"})) is keyset


def test_vanished_keys_keep_their_first_deadline() -> None:
    """A vanished key ends a day after it was first missed, however often it is missed again."""
    first = merge(merge(None, "i", (key("a"), key("b")), 0), "i", (key("b"),), 100)
    second = merge(first, "i", (key("b"),), 200)
    assert second is first
    assert kids(second) == ["b", "a"]
    assert second.retirement(second.keys[1]) == 100 + VANISHED_S
    third = merge(second, "i", (key("b"), key("c")), 300)
    assert third.retirement(third.by_kid["a"][0]) == 100 + VANISHED_S


def test_returning_key_is_published_again() -> None:
    """A key that comes back has no deadline any more."""
    gone = merge(merge(None, "i", (key("a"), key("b")), 0), "i", (key("b"),), 100)
    back = merge(gone, "i", (key("a"), key("b")), 200)
    assert back.retires == {}


def test_retired_keys_leave() -> None:
    """At the deadline the key is gone, in a new key set."""
    gone = merge(merge(None, "i", (key("a"), key("b")), 0), "i", (key("b"),), 100)
    assert gone.next_retirement == 100 + VANISHED_S
    after = gone.without_retired(100 + VANISHED_S)
    assert (kids(after), after.retires) == (["b"], {})
    assert kids(merge(gone, "i", (key("b"),), 100 + VANISHED_S)) == ["b"]


def test_renamed_key_keeps_its_old_name_for_a_day() -> None:
    """The same material under a new kid is a new key; both names work."""
    keyset = merge(merge(None, "i", (key("a"),), 0), "i", (key("a", "renamed"),), 100)
    assert set(keyset.by_kid) == {"a", "renamed"}
    assert keyset.retirement(keyset.by_kid["renamed"][0]) == math.inf


def test_another_issuer_starts_over() -> None:
    """When the metadata states another issuer, keys of the former do not carry over."""
    assert kids(merge(merge(None, "i", (key("a"),), 0), "j", (key("b"),), 1)) == ["b"]


def test_keys_answer_to_kid_and_thumbprint() -> None:
    """A certificate key is found by its x5t too; keys that share a kid are all found."""
    keyset = KeySet(None, (key("a", x5t="t"), key("b", "a"), Key(None, frozenset(), b"", b"")))
    assert {name: len(found) for name, found in keyset.by_kid.items()} == {"a": 2, "t": 1}


@published.needs(published.ENTRA)
def test_entra_history() -> None:
    """Through five months of Entra's flapping sets, no key published within the last day is ever unknown."""
    history = json.loads(HISTORY.read_text())
    keyset: KeySet | None = None
    seen: dict[str | None, float] = {}
    for event in history["events"]:
        now = dt.datetime.fromisoformat(event["at"]).timestamp()
        published = tuple(key(str(index)) for index in event["keys"])
        if keyset is not None:
            for each in keyset.keys:
                if keyset.retirement(each) == math.inf:
                    seen[each.kid] = now
        keyset = merge(keyset, "i", published, now)
        expected = {kid for kid, last in seen.items() if now - last < VANISHED_S} | {each.kid for each in published}
        assert expected <= set(keyset.by_kid)
        assert len(keyset.keys) <= 42
