"""A key is withdrawn through the management plane, in one process and in all workers."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from gateway.management.withdrawal import MAX_BODY_BYTES, PATH, WithdrawalBook, WithdrawnMaterial, withdrawal_route

URL = "https://a.example/.well-known/openid-configuration"


def client(asked: list[tuple[str, str | None]], error: str = "") -> TestClient:
    """The endpoint in front of issuers that note what they are asked."""

    async def withdraw(kid: str, issuer: str | None) -> Sequence[str]:
        if error:
            raise RuntimeError(error)
        asked.append((kid, issuer))
        return [URL]

    return TestClient(Starlette(routes=[withdrawal_route(withdraw)]))


@pytest.mark.parametrize("body", [{"kid": "k1"}, {"kid": "k1", "issuer": URL}])
def test_withdrawing(body: dict[str, str]) -> None:
    """The answer names the issuers that had used the key."""
    asked: list[tuple[str, str | None]] = []
    answer = client(asked).post(PATH, json=body)
    assert (answer.status_code, answer.json()) == (200, {"kid": "k1", "issuers": [URL]})
    assert asked == [("k1", body.get("issuer"))]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"{}",
        b'{"kid": 1}',
        b'{"kid": ""}',
        b'{"kid": "k", "all": true}',
        b'"' + b"x" * MAX_BODY_BYTES,
    ],
)
def test_malformed_bodies(body: bytes) -> None:
    """A malformed body withdraws nothing."""
    asked: list[tuple[str, str | None]] = []
    answer = client(asked).post(PATH, content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, asked) == (400, [])


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_what_a_web_page_could_send(content_type: str) -> None:
    """A body that a browser sends across origins without a preflight is refused by its type."""
    asked: list[tuple[str, str | None]] = []
    answer = client(asked).post(PATH, content=b'{"kid": "k1"}', headers={"Content-Type": content_type})
    assert (answer.status_code, asked) == (415, [])


def test_an_issuer_that_no_policy_uses() -> None:
    """A mistyped URL withdraws nothing, and the answer says so."""

    async def withdraw(kid: str, issuer: str | None) -> Sequence[str]:
        raise LookupError(f"no policy uses the issuer {issuer}")

    answer = TestClient(Starlette(routes=[withdrawal_route(withdraw)])).post(PATH, json={"kid": "k1", "issuer": URL})
    assert (answer.status_code, answer.json()) == (404, {"error": f"no policy uses the issuer {URL}"})


def test_the_book(tmp_path: Path) -> None:
    """What has been withdrawn is found again, in order; before the first there is no file."""
    book = WithdrawalBook(tmp_path / "book")
    assert book.withdrawn() == []
    book.note("k1", None)
    book.note('"k2"\n', URL)
    assert WithdrawalBook(tmp_path / "book").withdrawn() == [("k1", None), ('"k2"\n', URL)]


def test_what_was_seen_is_noted_once(tmp_path: Path) -> None:
    """Each worker adds what is new to it; those that are started later read all of it."""
    file = tmp_path / "seen"
    first, second = WithdrawnMaterial(file), WithdrawnMaterial(file)
    assert first.read() == set()
    for _ in range(3):
        first.note({(URL, "k1", b"\x00\xff")})
    assert second.read() == {(URL, "k1", b"\x00\xff")}
    second.note({(URL, "k1", b"\x00\xff"), (URL, "k2\n", b"b")})
    assert len(file.read_text().splitlines()) == 2
    assert WithdrawnMaterial(file).read() == {(URL, "k1", b"\x00\xff"), (URL, "k2\n", b"b")}


def test_a_worker_that_does_not_answer() -> None:
    """If one worker may still use the key, the answer is not a success."""
    assert client([], "a worker did not withdraw the key").post(PATH, json={"kid": "k1"}).status_code == 503


@pytest.mark.parametrize("fits", [0, 5])
def test_half_a_line_is_never_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fits: int) -> None:
    """A full disk takes a part of a line, or nothing: every later worker reads the whole file when it starts."""
    book, seen = WithdrawalBook(tmp_path / "book"), WithdrawnMaterial(tmp_path / "seen")
    book.note("before", None)
    seen.note({("u", "before", b"1")})
    write = io.FileIO.write

    class Full(io.FileIO):
        def write(self, content: object) -> int:
            return write(self, bytes(content)[:fits])  # type: ignore[call-overload]

    monkeypatch.setattr(Path, "open", lambda self, *_args, **_options: Full(self, "a"))
    with pytest.raises(OSError, match="No space"):
        book.note("after", None)
    with pytest.raises(OSError, match="No space"):
        seen.note({("u", "after", b"2")})
    monkeypatch.undo()
    assert book.withdrawn() == [("before", None)]
    seen.note({("u", "after", b"2")})  # it is still new
    assert WithdrawnMaterial(tmp_path / "seen").read() == {("u", "before", b"1"), ("u", "after", b"2")}
