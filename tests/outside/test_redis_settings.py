"""redis_settings.py: what may be said about Redis, and the mistakes that are noticed without asking it."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.config import parse
from gateway.errors import LoadError
from gateway.outside.redis_settings import RedisSettings

HERE = Path(__file__).parent
SECRET = "hunter2"


def redis(text: str) -> RedisSettings:
    """The settings that *text* makes."""
    found = parse(f"redis: {text}\n", "config.yaml", HERE, {"URL": f"rediss://u:{SECRET}@h:1"}).redis
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("text", "urls", "topology"),
    [
        ("redis://h", ("redis://h",), "single"),
        ("{env: URL}", (f"rediss://u:{SECRET}@h:1",), "single"),
        ("unix:///run/redis.sock", ("unix:///run/redis.sock",), "single"),
        ("{url: {env: URL}}", (f"rediss://u:{SECRET}@h:1",), "single"),
        ("{url: [redis://a, redis://b], topology: cluster}", ("redis://a", "redis://b"), "cluster"),
        ("{url: redis://a, topology: sentinel, service: main}", ("redis://a",), "sentinel"),
    ],
)
def test_forms(text: str, urls: tuple[str, ...], topology: str) -> None:
    """A text, or where it is to be read from, is one server's URL; a mapping says more. No form is shown."""
    settings = redis(text)
    assert (settings.urls, settings.topology) == (urls, topology)
    assert SECRET not in repr(settings)


MISTAKES = {
    f"http://:{SECRET}@h": "1:8: bad-url: redis: not a Redis URL",
    f"redis://:{SECRET}@": "1:8: bad-url: redis: not a Redis URL",
    f'"redis://:{SECRET}@h:0"': "1:9: bad-url: redis: not a Redis URL",
    "unix://": "1:8: bad-url: redis: not a Redis URL",
    "{url: []}": "1:14: ",
    "{env: NOPE}": "1:8: unset-variable: redis: the environment variable NOPE is not set",
    f"{{url: [redis://:{SECRET}@a, redis://b]}}": "1:14: bad-value: redis: one server has one address",
    "{url: [redis://a, rediss://b], topology: cluster}": "1:14: bad-value: redis: the addresses have different",
    "{url: redis://a/3, topology: cluster}": "1:14: bad-value: redis: a cluster has database 0 only",
    "{url: unix:///a, topology: cluster}": "1:14: bad-value: redis: a cluster is not reached through a socket",
    "{url: redis://a, topology: sentinel}": "1:8: missing-setting: redis: sentinel and service belong together",
    "{url: redis://a, service: main}": "1:8: missing-setting: redis: sentinel and service belong together",
    "{url: redis://a, tls: {ca: __init__.py}}": "1:30: bad-value: redis: tls applies to rediss:// only",
    "{url: rediss://a, tls: {key: __init__.py}}": "1:31: missing-setting: redis.tls: certificate and key belong",
    "{url: redis://example.com, entra: {}}": "1:42: bad-value: redis: a token would be sent unencrypted",
    f"{{url: rediss://:{SECRET}@a, entra: {{}}}}": "bad-value: redis: url has a user, and so has entra",
}


@pytest.mark.parametrize("text", MISTAKES)
def test_mistakes(text: str) -> None:
    """Each is refused with its place and a remedy, and no password is repeated."""
    with pytest.raises(LoadError) as refused:
        redis(text)
    assert MISTAKES[text] in str(refused.value)
    assert SECRET not in str(refused.value)
