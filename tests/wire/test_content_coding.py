"""Content codings undone: every member, both forms of deflate, no bomb."""

from __future__ import annotations

import gzip
import os
import random
import time
import zlib
from collections.abc import Callable

import brotli  # type: ignore[import-untyped]
import pytest

from gateway.wire.body import BodyTooLarge, DecodedBody
from gateway.wire.content_coding import MOST_MEMBERS, CodingError, codings, decode
from tests.speed import on_this_machine

RAW = zlib.compressobj(wbits=-15)
RAW_BYTES = RAW.compress(b"hello") + RAW.flush()


@pytest.mark.parametrize(
    ("content", "applied"),
    [
        (gzip.compress(b"hello"), ["gzip"]),
        (gzip.compress(b"hel") + gzip.compress(b"lo"), ["x-gzip"]),
        (zlib.compress(b"hello"), ["deflate"]),
        (RAW_BYTES, ["deflate"]),
        (gzip.compress(zlib.compress(b"hello")), ["deflate", "gzip"]),
        (brotli.compress(b"hello"), ["br"]),
        (b"hello", []),
    ],
    ids="gzip members zlib raw both brotli none".split(),
)
def test_codings_are_undone(content: bytes, applied: list[str]) -> None:
    """The last coding is undone first."""
    assert decode(content, applied, 100) == b"hello"


@pytest.mark.parametrize(
    ("content", "applied"),
    [
        (b"x", ["zstd"]),
        (b"not brotli", ["br"]),
        (brotli.compress(b"hello" * 100)[:-4], ["br"]),
        (brotli.compress(b"hello") + b"more", ["br"]),
        (b"not gzip", ["gzip"]),
        (gzip.compress(b"hello")[:-4], ["gzip"]),
        (zlib.compress(b"hello") + b"more", ["deflate"]),
        (b"x", ["gzip"] * 4),
    ],
    ids="unknown brotli-broken brotli-cut brotli-followed broken cut followed many".split(),
)
def test_what_cannot_be_undone(content: bytes, applied: list[str]) -> None:
    """A broken, cut or unknown coding is an error, never a part of the content."""
    with pytest.raises(CodingError):
        decode(content, applied, 100)


def test_no_bomb_goes_off() -> None:
    """The limit holds for the sum of all members."""
    with pytest.raises(BodyTooLarge):
        decode(gzip.compress(b"a" * 60) * 2, ["gzip"], 100)
    with pytest.raises(BodyTooLarge):
        decode(brotli.compress(b"a" * 50_000_000), ["br"], 1_000_000)


@pytest.mark.parametrize("size", [0, 1, 262_143, 262_144, 262_145, 3 * 262_144, 1_000_000])
@pytest.mark.parametrize("make", [bytes, os.urandom], ids=["zeros", "random"])
def test_content_of_any_length(size: int, make: Callable[[int], bytes]) -> None:
    """What is as long as the pieces in which it is undone, or longer, loses nothing and gains nothing."""
    content = make(size)
    raw = zlib.compressobj(wbits=-15)
    assert decode(raw.compress(content) + raw.flush(), ["deflate"], size) == content
    assert decode(zlib.compress(content), ["deflate"], size) == content
    assert decode(gzip.compress(content) * 3, ["gzip"], 3 * size) == content * 3


def test_empty_members_are_counted() -> None:
    """A file of nothing but empty members, each of which costs something, is refused at the limit."""
    member = gzip.compress(b"")
    assert decode(member * MOST_MEMBERS, ["gzip"], 100) == b""
    begin = time.thread_time()
    with pytest.raises(CodingError, match="members"):
        decode(member * 500_000, ["gzip"], 100)
    assert time.thread_time() - begin < on_this_machine(1.0)


def test_names_of_codings() -> None:
    """A list in the order of application, in any case, identity left out."""
    assert codings("GZIP , identity,deflate") == ["gzip", "deflate"]
    assert codings(None) == []


def test_a_decoded_body_keeps_what_was_sent() -> None:
    """Readers see plain bytes until the body is replaced or used up."""
    body = DecodedBody(b"coded", b"plain")
    assert (body.read(preserve=True), body.content) == (b"plain", b"coded")
    assert (body.read(), body.content, body.read()) == (b"plain", b"", b"")
    body = DecodedBody(b"coded", b"plain")
    body.replace(b"new")
    assert (body.read(preserve=True), body.content) == (b"new", b"new")


def test_all_of_noise_comes_out() -> None:
    """What hardly shrinks is whole too: at its end everything has been read while much is still to come out."""
    noise = random.Random(1).randbytes(3_000_000)
    assert decode(brotli.compress(noise, quality=1), ["br"], len(noise)) == noise
