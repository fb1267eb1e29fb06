"""Which streams a client may still send frames of, and when it is told that the rest is not read."""

from __future__ import annotations

from gateway.wire.server.http2.numbers import StreamNumbers


def test_a_whole_tick_lies_between_an_early_answer_and_the_news_that_the_rest_is_not_read() -> None:
    """curl drops an answer that comes together with RST_STREAM, so the tick that just happens to come is not enough."""
    numbers = StreamNumbers()
    for stream_id in (1, 3):
        numbers.begin(stream_id)
        numbers.answer_early(stream_id)
    assert numbers.take_unread() == set()
    numbers.has_ended(3)  # its client needs no news
    assert numbers.take_unread() == {1}
    assert numbers.take_unread() == set()
