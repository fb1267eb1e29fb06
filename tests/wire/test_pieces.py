"""Replacing in pieces gives what replacing at once gives."""

from __future__ import annotations

import random

import pytest

from gateway.wire import pieces
from gateway.wire.pieces import replace_in_pieces


@pytest.mark.parametrize(("old", "new"), [("a", "bb"), ("aa", "b"), ("aba", ""), ("abab", "a"), ("c" * 70, "x")])
def test_the_same_as_at_once(old: str, new: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The result is the same even if a match crosses the end of a piece, or overlaps itself."""
    monkeypatch.setattr(pieces, "PIECE", 64)
    chance = random.Random(old)
    for size in (0, 63, 64, 65, 640, 2_000):
        text = "".join(chance.choice("aaab" if "c" not in old else "cc") for _ in range(size))
        assert replace_in_pieces(text, old, new, lambda: None) == text.replace(old, new)
        assert (
            replace_in_pieces(text.encode(), old.encode(), new.encode(), lambda: None)
            == text.replace(old, new).encode()
        )


def test_somebody_else_has_a_turn_after_each_piece() -> None:
    """Ten pieces, ten rests; a short text needs none."""
    rests: list[None] = []
    replace_in_pieces("a" * (10 * pieces.PIECE), "a", "b", lambda: rests.append(None))
    assert len(rests) == 10
    replace_in_pieces("a" * 100, "a", "b", lambda: rests.append(None))
    assert len(rests) == 10
