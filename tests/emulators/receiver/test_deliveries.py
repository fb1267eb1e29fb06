"""Recorded deliveries."""

from __future__ import annotations

from gateway.emulators.receiver.deliveries import Deliveries, Delivery


def _delivery(path: str, body: bytes = b"{}") -> Delivery:
    return Delivery("POST", path, (("a", "1"), ("a", "2")), body, 1.0, "absent", 200)


def test_under() -> None:
    """Deliveries are found by the beginning of their path, oldest first, and forgotten on request."""
    deliveries = Deliveries()
    for path in ("/callbacks/a", "/callbacks/b", "/callbacks/a?x=1"):
        deliveries.record(_delivery(path))
    assert [delivery.path for delivery in deliveries.under("/callbacks/a")] == ["/callbacks/a", "/callbacks/a?x=1"]
    deliveries.clear()
    assert deliveries.under() == []


def test_delivery() -> None:
    """A delivery gives its headers in any case, and its body as JSON where it is."""
    delivery = _delivery("/callbacks/a", b'{"x": 1}')
    assert (delivery.header("A"), delivery.header("b"), delivery.json()) == ("1", None, {"x": 1})
    assert _delivery("/", b"\xff").json() is None


def test_to_json() -> None:
    """The JSON form shows everything, repeated headers too."""
    shown = _delivery("/callbacks/a", b"\xff").to_json()
    assert shown["headers"] == [["a", "1"], ["a", "2"]]
    assert (shown["body"], shown["json"], shown["signature"]) == ("�", None, "absent")
