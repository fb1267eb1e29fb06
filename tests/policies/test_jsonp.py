"""jsonp: JSON wrapped in the callback that the caller names."""

from __future__ import annotations

import pytest

from gateway.errors import PolicyError
from tests.policies.bench import Bench, answer, get, new_context

JSON = [("Content-Type", "application/json; charset=utf-8")]


@pytest.mark.parametrize(
    ("url", "headers", "expected"),
    [
        ("/?cb=a.b", JSON, b'/**/a.b({"x":1});'),
        ("/", JSON, b'{"x":1}'),
        ("/?cb=a", [("Content-Type", "text/html")], b'{"x":1}'),
    ],
    ids=["wrapped", "no callback", "no JSON"],
)
def test_jsonp(bench: Bench, url: str, headers: list[tuple[str, str]], expected: bytes) -> None:
    """JSON is wrapped when a callback is named."""
    context = new_context(get(url), answer(200, '{"x":1}', headers))
    ran = bench.run('<jsonp callback-parameter-name="cb"/>', section="outbound", context=context)
    assert ran.response.body.content == expected


@pytest.mark.parametrize("url", ["/?cb=alert(1)", "/?cb=a&cb=b", "/?cb="])
def test_a_callback_is_a_name(bench: Bench, url: str) -> None:
    """Nothing but an identifier gets into the script."""
    with pytest.raises(PolicyError) as caught:
        bench.run(
            '<jsonp callback-parameter-name="cb"/>',
            section="outbound",
            context=new_context(get(url), answer(200, "{}", JSON)),
        )
    assert caught.value.reason == "CallbackParameterInvalid"
