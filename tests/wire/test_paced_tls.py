"""A TLS session decrypts a little at a time, and what is only data not at all slower."""

from __future__ import annotations

import ssl

import pytest
import trustme

from gateway.wire.paced_tls import PacedTls, paced

OVERHEAD = 32 * 1024  # that a session may be given before it rests, its last piece included
Contexts = tuple[ssl.SSLContext, ssl.SSLContext]
RECORD = 23  # bytes of a record of one byte, at least


class Pair:
    """A client and a paced server that have shaken hands in memory."""

    def __init__(self, contexts: Contexts) -> None:
        server, client = contexts
        self.waiting, outgoing, incoming = ssl.MemoryBIO(), ssl.MemoryBIO(), ssl.MemoryBIO()
        self.client = client.wrap_bio(incoming, self.waiting, server_hostname="h")
        session = server.wrap_bio(self.waiting, outgoing, server_side=True)
        assert isinstance(session, PacedTls)
        self.session = session
        self.rests = 0
        while not all([_shaken(self.client), _shaken(session)]):
            incoming.write(outgoing.read())
        session.yield_turn = self._rest

    def _rest(self) -> bool:
        self.rests += 1
        return True

    def turn(self) -> list[bytes]:
        """What the data of one turn is: the loop reads until there is no more."""
        data = []
        while self.waiting.pending or self.session.pending():
            try:
                data.append(self.session.read(1 << 18))
            except ssl.SSLWantReadError:
                break
        return data


def _shaken(session: ssl.SSLObject) -> bool:
    try:
        session.do_handshake()
    except ssl.SSLWantReadError:
        return False
    return True


@pytest.fixture(scope="module")
def contexts() -> Contexts:
    """The server's and the client's."""
    server, client, authority = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context(), trustme.CA()
    authority.issue_cert("h").configure_cert(server)
    authority.configure_trust(client)
    return paced(server), client


def test_records_that_came_together(contexts: Contexts) -> None:
    """Several small records in one piece are all read in one turn."""
    pair = Pair(contexts)
    for text in (b"a", b"b", b"c"):
        pair.client.write(text)
    assert (pair.turn(), pair.rests) == ([b"a", b"b", b"c"], 0)


def test_a_large_handshake(contexts: Contexts) -> None:
    """A handshake is given all that has come: a client's chain of certificates may be longer than any other message."""
    pair = Pair(contexts)
    pair.session.yield_turn = None
    for _ in range(2_000):
        pair.client.write(b"a")
    assert len(pair.turn()) == 2_000


def test_data_does_not_rest(contexts: Contexts) -> None:
    """A megabyte of full records is read in one turn."""
    pair, content = Pair(contexts), b"x" * (1 << 20)
    pair.client.write(content)
    assert (b"".join(pair.turn()), pair.rests) == (content, 0)


def test_tiny_records_wait_for_the_next_turn(contexts: Contexts) -> None:
    """Of records of one byte a turn reads a bounded number, and all of them are read in the end."""
    pair, count = Pair(contexts), 5_000
    for _ in range(count):
        pair.client.write(b"a")
    turns: list[int] = []
    while sum(turns) < count:
        turns.append(len(pair.turn()))
    assert max(turns) <= OVERHEAD / RECORD * 1.1  # data that has come is no overhead
    assert pair.rests == len(turns) - 1


def test_nobody_reads_on(contexts: Contexts) -> None:
    """Where no later turn reads, as in a connection that closes, a flood of records is an error."""
    pair = Pair(contexts)
    pair.session.yield_turn = lambda: False
    for _ in range(2_000):
        pair.client.write(b"a")
    with pytest.raises(ssl.SSLError, match="without data"):
        pair.turn()


def test_too_much_waits(contexts: Contexts) -> None:
    """What is received faster than it is decrypted does not pile up."""
    pair = Pair(contexts)
    for _ in range(1 << 16):
        pair.client.write(b"a")
    with pytest.raises(ssl.SSLError, match="without data"):
        pair.turn()
