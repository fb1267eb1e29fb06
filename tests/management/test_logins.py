"""Who calls the management plane: the token, a session, or whom a trusted proxy names; nobody else is believed."""

from __future__ import annotations

import ipaddress

import pytest

from gateway.management.attempts import PER_MINUTE
from gateway.management.logins import COOKIE, Logins, cookie

TOKEN = "0123456789abcdef"
PROXIES = (ipaddress.ip_network("10.0.0.0/8"),)


def scope(fields: list[tuple[str, str]], client: str = "10.1.1.1") -> dict[str, object]:
    headers = [(name.encode(), value.encode("latin-1")) for name, value in fields]
    return {"type": "http", "method": "GET", "headers": headers, "client": (client, 1)}


@pytest.mark.parametrize(
    ("fields", "client", "name"),
    [
        ([("authorization", f"Bearer {TOKEN}")], "10.1.1.1", "token"),
        ([("authorization", f"bearer  {TOKEN}")], "10.1.1.1", "token"),
        ([("authorization", f"Bearer {TOKEN[:-1]}")], "10.1.1.1", None),
        ([("authorization", TOKEN)], "10.1.1.1", None),
        ([("authorization", f"Bearer {TOKEN}"), ("authorization", "x")], "10.1.1.1", None),
        ([("x-user", "ann@example.org")], "10.1.1.1", "ann@example.org"),
        ([("x-user", "ann@example.org")], "::ffff:10.1.1.1", "ann@example.org"),
        ([("x-user", "ann")], "192.168.1.1", None),
        ([("x-user", "ann")], "::ffff:192.168.1.1", None),
        ([("x-user", "ann")], "", None),
        ([("x-user", "")], "10.1.1.1", None),
        ([("x-user", "a" * 201)], "10.1.1.1", None),
        ([("x-user", "ann"), ("x-user", "bob")], "10.1.1.1", None),
        ([("x-forwarded-user", "ann")], "10.1.1.1", None),
        ([("cookie", f"{COOKIE}=made-up")], "10.1.1.1", None),
        ([], "10.1.1.1", None),
    ],
)
def test_who_is_believed(fields: list[tuple[str, str]], client: str, name: str | None) -> None:
    """The right token, once; a name in the right header from the right proxy, once; nothing made up."""
    person = Logins(TOKEN, "X-User", PROXIES).person(scope(fields, client))
    assert (person and person.name) == name


def test_a_header_is_not_believed_unless_it_is_set() -> None:
    """Without the setting no proxy's header logs anybody in."""
    assert Logins(TOKEN).person(scope([("x-user", "ann"), ("remote-user", "ann"), ("x-forwarded-user", "ann")])) is None


def test_sessions() -> None:
    """The token begins a session, whose cookie is enough from then on; its forms have a secret of their own."""
    logins = Logins(TOKEN)
    first, second = (logins.begin(TOKEN, "10.0.0.1") or "" for _ in range(2))
    persons = [logins.person(scope([("cookie", f"a=b; {COOKIE}={one}")])) for one in (first, second)]
    assert [person and person.way for person in persons] == ["session", "session"]
    assert len({person.csrf for person in persons if person}) == 2
    assert cookie(first, True) == f"{COOKIE}={first}; Path=/; Max-Age=28800; HttpOnly; SameSite=Strict; Secure"
    assert "Max-Age=0" in cookie("", False)


def test_guesses_are_bounded() -> None:
    """Whether as a login or as a bearer: after ten wrong tokens even the right one has to wait."""
    logins = Logins(TOKEN)
    for number in range(PER_MINUTE):
        if number % 2:
            logins.begin("wrong", "10.0.0.1")
        else:
            logins.person(scope([("authorization", "Bearer wrong")], "10.0.0.1"))
    right = scope([("authorization", f"Bearer {TOKEN}")], "10.0.0.1")
    assert (logins.begin(TOKEN, "10.0.0.1"), logins.person(right)) == (None, None)
    assert logins.begin(TOKEN, "10.0.0.2")


def test_a_persons_forms_have_a_secret() -> None:
    """Whom a proxy has logged in has no session: the secret of their forms is made from their name by this process."""
    logins, others = Logins(None, "X-User", PROXIES), Logins(None, "X-User", PROXIES)
    pairs = ((logins, "a"), (logins, "a"), (logins, "b"), (others, "a"))
    persons = [one.person(scope([("x-user", name)])) for one, name in pairs]
    secrets = [person.csrf for person in persons if person]
    assert secrets[0] == secrets[1]
    assert len(set(secrets)) == 3


@pytest.mark.parametrize(("changes", "same"), [({}, True), ({"token": "x" * 16}, False), ({"header": "X-B"}, False)])
def test_a_reload_keeps_sessions(changes: dict[str, str], same: bool) -> None:
    """Sessions go on after a reload, but not with another token."""
    before: dict[str, str] = {"token": TOKEN, "header": "X-A"}
    after = before | changes
    assert Logins(before["token"], before["header"]).same(Logins(after["token"], after["header"])) == same
