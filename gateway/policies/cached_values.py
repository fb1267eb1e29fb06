"""
What cache-lookup-value, cache-store-value and cache-remove-value share: the cache they mean, and values as bytes.

Source: APIM policy reference, "cache-lookup-value".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from gateway.pipeline.shape import Attribute
from gateway.value_cache import Codec, Form
from gateway.wire.body import Body
from gateway.wire.headers import Headers
from gateway.wire.messages import Response

if TYPE_CHECKING:
    from gateway.pipeline.settings import Settings
    from gateway.value_cache import ValueCache
    from gateway.value_cache.seam import CachingType

CACHING_TYPE = Attribute(
    "caching-type",
    "`internal`: this process; `external`: Redis; `prefer-external`: Redis where it is configured.",
    default="prefer-external",
    choices=("prefer-external", "external", "internal"),
    expression=False,
)

# Responses of send-request are the only kept type that is not C#'s own.
_RESPONSE = 1


def cache_of(settings: Settings) -> ValueCache:
    """The cache that ``caching-type`` means. Raises LoadError: there is no external one."""
    cache = settings.services.caches.choose(cast("CachingType", settings.constant("caching-type")))
    if cache is None:
        remedy = "configure Redis, or write prefer-external"
        raise settings.error("no-external-cache", "no external cache is configured", remedy, at="caching-type")
    return cache


def _dump(response: Response) -> object:
    headers = [list(field) for field in response.headers.items()]
    return [response.status_code, response.reason, headers, response.body.read(preserve=True)]


def _load(kept: object) -> Response:
    status_code, reason, headers, content = cast("tuple[int, str, list[list[str]], bytes]", kept)
    return Response(status_code, Headers((name, value) for name, value in headers), Body(content), reason)


CODEC = Codec([Form(_RESPONSE, Response, _dump, _load)])
