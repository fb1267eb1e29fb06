"""HPACK's decoder: the examples of RFC 7541, the hpack library as the judge, and bounds."""

from __future__ import annotations

import random

import pytest
from hpack import Decoder, Encoder
from hpack.exceptions import HPACKError
from hpack.table import table_entry_size

from gateway.wire.server.http2.frames import ConnectionFault
from gateway.wire.server.http2.hpack import FieldsTooLarge, HpackDecoder
from gateway.wire.server.http2.huffman import decoded

START = [(b":method", b"GET"), (b":scheme", b"http"), (b":path", b"/"), (b":authority", b"www.example.com")]
SECURE = [(b":method", b"GET"), (b":scheme", b"https"), (b":path", b"/index.html"), START[3]]
REQUESTS = [START, [*START, (b"cache-control", b"no-cache")], [*SECURE, (b"custom-key", b"custom-value")]]
# RFC 7541 appendices C.3 and C.4: three requests of one connection, without Huffman code and with it.
EXAMPLES = {
    "C.2.1 literal, added": (
        ["400a637573746f6d2d6b65790d637573746f6d2d686561646572"],
        [[(b"custom-key", b"custom-header")]],
    ),
    "C.2.2 literal, not added": (["040c2f73616d706c652f70617468"], [[(b":path", b"/sample/path")]]),
    "C.2.3 never added": (["100870617373776f726406736563726574"], [[(b"password", b"secret")]]),
    "C.2.4 indexed": (["82"], [[(b":method", b"GET")]]),
    "C.3": (
        [
            "828684410f7777772e6578616d706c652e636f6d",
            "828684be58086e6f2d6361636865",
            "828785bf400a637573746f6d2d6b65790c637573746f6d2d76616c7565",
        ],
        REQUESTS,
    ),
    "C.4": (
        [
            "828684418cf1e3c2e5f23a6ba0ab90f4ff",
            "828684be5886a8eb10649cbf",
            "828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf",
        ],
        REQUESTS,
    ),
}  # fmt: skip
NAMES = [b":path", b"cookie", b"authorization", b"x-a", b"x-b", b"accept", b"user-agent"]


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_examples_of_the_rfc(name: str) -> None:
    """Every block of an appendix means what the appendix says, in the order of its connection."""
    blocks, meanings = EXAMPLES[name]
    decoder = HpackDecoder(10_000)
    assert [list(decoder.decode(bytes.fromhex(block))) for block in blocks] == meanings


def test_random_fields_mean_the_same_as_to_the_library() -> None:
    """What the library encodes, with additions, evictions and changes of the table's size, is read as it was."""
    for seed in range(60):
        chance = random.Random(seed)
        encoder, decoder = Encoder(), HpackDecoder(1 << 20)
        for _ in range(20):
            if chance.random() < 0.1:
                encoder.header_table_size = chance.choice([0, 64, 500, 4096])
            fields = [(chance.choice(NAMES), _value(chance)) for _ in range(chance.randrange(8))]
            block = encoder.encode(fields, huffman=chance.random() < 0.7)
            assert list(decoder.decode(block)) == fields


def _value(chance: random.Random) -> bytes:
    return chance.choice([b"", b"same", chance.randbytes(chance.randrange(40)), b"a" * chance.randrange(900)])


def test_random_blocks_fail_as_in_the_library() -> None:
    """A block that the library refuses is refused, and any other one means the same, with the same table behind it."""
    agreed = 0
    for seed in range(400):
        chance = random.Random(seed)
        library, decoder = Decoder(1 << 20), HpackDecoder(1 << 20)
        for _ in range(4):
            block = _mutated(chance)
            expected = _outcome(library, block)
            if expected is None:
                with pytest.raises(ConnectionFault):
                    decoder.decode(block)
                break
            assert list(decoder.decode(block)) == expected
            agreed += 1
    assert agreed > 200


def _mutated(chance: random.Random) -> bytes:
    block = bytearray(
        Encoder().encode([(chance.choice(NAMES), _value(chance)) for _ in range(5)], chance.random() < 0.5)
    )
    for _ in range(chance.randrange(2)):
        block[chance.randrange(len(block))] = chance.randrange(256)
    return bytes(block)


def _outcome(library: Decoder, block: bytes) -> list[tuple[bytes, bytes]] | None:
    try:
        return [(bytes(name), bytes(value)) for name, value in library.decode(block, raw=True)]
    except (HPACKError, IndexError, ValueError):
        return None


def test_every_octet_has_its_code() -> None:
    """All 256 octets, alone and together, pass through the Huffman code."""
    for content in [*(bytes([octet]) for octet in range(256)), bytes(range(256))]:
        block = Encoder().encode([(b"x", content)])
        assert HpackDecoder(1 << 20).decode(block) == [(b"x", content)]


@pytest.mark.parametrize("code", ["ffffffff", "0000000000ff", "1f00", "fffffffc", "01"], ids=str)
def test_wrong_padding_is_refused(code: str) -> None:
    """The end-of-string symbol, padding of a whole octet, and padding with zeros are refused."""
    with pytest.raises(ValueError, match="Huffman"):
        decoded(bytes.fromhex(code))


def test_what_is_too_large_leaves_the_table_right() -> None:
    """A block with too much in it is refused, and the one behind it means what its client means."""
    encoder, decoder = Encoder(), HpackDecoder(1000)
    large = [(b"x-first", b"1"), (b"x-large", b"v" * 2000), (b"x-last", b"2")]
    with pytest.raises(FieldsTooLarge) as caught:
        decoder.decode(encoder.encode(large))
    assert caught.value.size == sum(table_entry_size(*field) for field in large)
    again = [(b"x-last", b"2"), (b"x-first", b"1")]
    assert decoder.decode(encoder.encode(again)) == again
