"""redis_reasons.py: fixed words for what servers and libraries say."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from redis._parsers.base import BaseParser
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError

from gateway.outside.redis_reasons import UNKNOWN, explain

SECRET = "hunter2"


def wrapped(error: Exception) -> Exception:
    """*error* behind one of the library, as it raises them."""
    try:
        try:
            raise error
        except type(error) as cause:
            raise RedisConnectionError(f"Error 1 connecting to {SECRET}") from cause
    except RedisConnectionError as outer:
        return outer


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ResponseError(f"WRONGPASS invalid username-password pair {SECRET}"), "user or password is refused"),
        (ResponseError("NOAUTH Authentication required."), "the server asks for a password"),
        (ResponseError(f"NOPERM User {SECRET} has no permissions"), "the user lacks a permission"),
        (ResponseError("MOVED 12182 10.0.0.1:6379"), "the server is a node of a cluster"),
        (ResponseError("READONLY You can't write"), "the server is a replica"),
        (ResponseError("CLUSTERDOWN The cluster is down"), "the cluster reports that it is down"),
        (ResponseError("OOM command not allowed"), "the server has no memory left"),
        (wrapped(ConnectionRefusedError(f"[Errno 111] {SECRET}")), "the connection is refused"),
        (TimeoutError(), "no answer in time"),
        (ValueError(SECRET), UNKNOWN.words),
    ],
)
def test_words(error: Exception, words: str) -> None:
    """The reason is found wherever libraries have put it, and nothing that they say is repeated."""
    reason = explain(error)
    assert reason.words == words
    assert SECRET not in f"{reason}"


@pytest.mark.parametrize(
    "error",
    [
        RedisConnectionError("Connection closed by server."),
        wrapped(ConnectionResetError(104, "Connection reset by peer")),
        wrapped(BrokenPipeError(32, "Broken pipe")),
    ],
)
def test_closed_connection(error: Exception) -> None:
    """Where TLS is used already, the remedy is not to write rediss://; a missing client certificate is named first."""
    assert explain(error).remedy == "if it expects TLS, write rediss:// in redis.url"
    assert explain(error, tls=True).remedy.startswith("if it asks for a client certificate, add certificate and key")


REPLIES = {
    "OOM command not allowed when used memory > 'maxmemory'.": "the server has no memory left",
    "READONLY You can't write against a read only replica.": "the server is a replica",
    "LOADING Redis is loading the dataset in memory": "the server is loading its data",
    "CROSSSLOT Keys in request don't hash to the same slot": "the server is a cluster behind one address",
    "CLUSTERDOWN The cluster is down": "the cluster reports that it is down",
    "MOVED 12182 10.0.0.1:6379": "the server is a node of a cluster",
    "NOREPLICAS Not enough good replicas to write.": "the server has too few replicas to accept writes",
    "MISCONF Errors writing to the AOF file": "the server cannot save to its disk",
    "BUSY Redis is busy running a script.": "the server is busy with a script",
    "NOPERM User hunter2 has no permissions": "the user lacks a permission",
    "ERR hunter2": "the server refuses a command",
}


@pytest.mark.parametrize("reply", REPLIES)
def test_replies(reply: str) -> None:
    """What a server replies is known as the library hands it over, which is without the code at the beginning."""
    parse: Callable[[str], Exception] = BaseParser.parse_error
    reason = explain(parse(reply))
    assert reason.words.startswith(REPLIES[reply])
    assert SECRET not in f"{reason}"
