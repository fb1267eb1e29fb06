"""
cors: let pages of other origins call the API, and answer their browsers' preflights.

A preflight carries neither key nor token. It is answered by the cors policies of its operation alone, before anything
else runs (``Pipeline.preflight``).

Source: APIM policy reference, "cors"; Fetch Standard, "CORS protocol".
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, ClassVar, Self
from urllib.parse import urlsplit

import structlog

from gateway.documents.model import Section
from gateway.documents.placeholders import is_unresolved
from gateway.documents.shape import ID, Attribute, Child, Content, Element, Kind
from gateway.errors import PolicyError
from gateway.pipeline.context import LastError
from gateway.pipeline.policy import PolicyType
from gateway.pipeline.values import Constant, combined
from gateway.policies.parts.elements import FIELD_NAME
from gateway.wire.messages import Response

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gateway.pipeline.context import Context
    from gateway.pipeline.settings import Settings
    from gateway.pipeline.step import Value
    from gateway.wire.messages import Request

log = structlog.get_logger("gateway.cors")

ANY = "*"

_DEFAULT_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}
_REMEDY = "write *, or scheme://host, with :port unless it is the scheme's default"

# Source: APIM "cors", allowed-methods: what is allowed where nothing is listed.
_DEFAULT_METHODS = frozenset({"GET", "POST"})
# Source: Fetch Standard, "CORS-safelisted method" and "CORS-safelisted request-header".
_SAFE_METHODS = frozenset({"GET", "HEAD", "POST"})
_SAFE_HEADERS = frozenset({"accept", "accept-language", "content-language", "content-type"})

_ORIGIN = Element("origin", "`*`, or an origin: scheme, host and port, no path.", content=Content.TEXT, required=True)
_METHOD = Element("method", "`*`, or a method.", content=Content.TEXT, required=True, format=FIELD_NAME)
_HEADER = Element("header", "`*`, or the name of a header.", content=Content.TEXT, required=True, format=FIELD_NAME)


@dataclass(frozen=True, slots=True)
class Cors(PolicyType):
    """One compiled cors; ``preflight`` is what the compiler looks for."""

    shape: ClassVar[Element] = Element(
        "cors",
        "Allows pages of other origins to call the API, and answers their browsers' preflights.",
        attributes=(
            ID,
            Attribute(
                "allow-credentials",
                "Whether requests may carry cookies and credentials.",
                Kind.BOOLEAN,
                default="false",
            ),
            Attribute(
                "terminate-unmatched-request",
                "Whether a GET, HEAD or preflight from an unknown origin gets an empty 200.",
                Kind.BOOLEAN,
                default="true",
            ),
        ),
        children=(
            Child(
                Element("allowed-origins", "Origins that may call.", children=(Child(_ORIGIN, 1, None),)),
                minimum=1,
            ),
            Child(
                Element(
                    "allowed-methods",
                    "Methods that may be used; GET and POST if absent.",
                    attributes=(
                        Attribute(
                            "preflight-result-max-age",
                            "Seconds for which a browser may remember the answer.",
                            Kind.INTEGER,
                            default="0",
                            minimum=-1,
                            maximum=86_400 * 365,
                        ),
                    ),
                    children=(Child(_METHOD, maximum=None),),
                )
            ),
            Child(Element("allowed-headers", "Request headers that may be sent.", children=(Child(_HEADER, 1, None),))),
            Child(
                Element(
                    "expose-headers", "Response headers that scripts may read.", children=(Child(_HEADER, 1, None),)
                )
            ),
        ),
    )
    sections: ClassVar[frozenset[Section]] = frozenset({Section.INBOUND})
    changes: ClassVar[None] = None
    answers_preflight: ClassVar[bool] = True

    origins: Value[frozenset[str]]
    methods: Value[frozenset[str]]
    headers: Value[frozenset[str]]
    exposed: Value[tuple[str, ...]]
    credentials: Value[bool]
    terminates: Value[bool]
    max_age_s: Value[int]

    @classmethod
    def compile(cls, settings: Settings) -> Self:
        """From ``<cors>``. Raises LoadError: credentials for every origin, or what is not an origin."""
        origins = combined(map(_origin, _children(settings.child("allowed-origins"), "origin")), _known)
        credentials = settings.boolean("allow-credentials")
        if _is(credentials, True) and _is(origins, frozenset({ANY})):
            remedy = "list the origins"
            raise settings.error("conflict", "credentials cannot be allowed for every origin", remedy)
        methods = settings.child("allowed-methods")
        return cls(
            origins=origins,
            methods=_texts(methods, "method") if methods and any(methods.all("method")) else Constant(_DEFAULT_METHODS),
            headers=_lowered(_texts(settings.child("allowed-headers"), "header")),
            exposed=combined(
                [_texts(settings.child("expose-headers"), "header")], lambda names: tuple(sorted(names[0]))
            ),
            credentials=credentials,
            terminates=settings.boolean("terminate-unmatched-request"),
            max_age_s=methods.integer("preflight-result-max-age") if methods else Constant(0),
        )

    def apply(self, context: Context) -> Response | None:
        """An empty 200 for unknown origins; otherwise the answer gets its headers when it is made."""
        request = context.request
        origin = request.headers.first("Origin")
        if origin is None:
            return None
        if self._knows(origin, context):
            context.on_answer(partial(_write, self._grants(origin, context)))
            return None
        ends = request.original_method in ("GET", "HEAD") and self.terminates(context)
        return self._refusal(context, {"origin": origin}) if ends else None

    def preflight(self, context: Context) -> Response | None:
        """The answer to a preflight; None leaves it to the next cors policy."""
        request = context.request
        origin = request.headers.first("Origin") or ""
        if not (self._knows(origin, context) and self._allows(request, context)):
            asked = {"origin": origin, "method": _announced_method(request)}
            return self._refusal(context, asked) if self.terminates(context) else None
        answer = Response(200)
        _write(self._grants(origin, context), answer)
        answer.headers.replace("Access-Control-Allow-Methods", _announced_method(request))
        if requested := request.headers.joined("Access-Control-Request-Headers"):
            answer.headers.replace("Access-Control-Allow-Headers", requested)
        if max_age_s := self.max_age_s(context):
            answer.headers.replace("Access-Control-Max-Age", str(max_age_s))
        return answer

    def _refusal(self, context: Context, asked: dict[str, str]) -> Response:
        """An empty 200, as in APIM; the browser keeps it from the page, and the request log says why."""
        expected = {"origins": sorted(self.origins(context)), "methods": sorted(self.methods(context))}
        message = "Origin, method or headers of the request are not allowed by cors."
        refusal = PolicyError(200, "OriginNotAllowed", message, expected=expected, found=asked)
        context.last_error = LastError.of(refusal, context.place)
        return Response(200)

    def _knows(self, origin: str, context: Context) -> bool:
        known = self.origins(context)
        return ANY in known or origin in known or _normalized(origin) in known

    def _allows(self, request: Request, context: Context) -> bool:
        methods, headers = self.methods(context), self.headers(context)
        method = _announced_method(request)
        requested = request.headers.joined("Access-Control-Request-Headers") or ""
        names = {name.strip().lower() for name in requested.split(",")} - {""}
        by_method = ANY in methods or method in methods or method in _SAFE_METHODS
        return by_method and (ANY in headers or names <= headers | _SAFE_HEADERS)

    def _grants(self, origin: str, context: Context) -> dict[str, str | None]:
        """The headers of every answer to *origin*; None removes the backend's."""
        credentials = self.credentials(context)
        everyone = ANY in self.origins(context) and not credentials
        exposed = self.exposed(context)
        return {
            "Access-Control-Allow-Origin": ANY if everyone else origin,
            "Access-Control-Allow-Credentials": "true" if credentials else None,
            "Access-Control-Expose-Headers": ",".join(exposed) or None,
        }


def _write(grants: dict[str, str | None], answer: Response) -> None:
    for name, value in grants.items():
        answer.headers.replace(name, *([] if value is None else [value]))
    if grants["Access-Control-Allow-Origin"] != ANY:
        answer.headers.append("Vary", "Origin")


def _announced_method(request: Request) -> str:
    return request.headers.first("Access-Control-Request-Method") or ""


def _children(settings: Settings | None, name: str) -> Iterable[Settings]:
    return settings.all(name) if settings else ()


def _origin(settings: Settings) -> Value[str]:
    """One ``<origin>``, normalized. Raises LoadError: APIM refuses it when the policy is saved."""
    text = settings.content()
    if isinstance(text, Constant):
        if (reason := _mistake(text.value.strip())) and not is_unresolved(text.value):
            raise settings.error("bad-value", f"origin cannot be {text.value.strip()!r}: {reason}", _REMEDY)
        return Constant(_normalized(text.value.strip()) or "")
    return lambda context: _computed(text(context).strip())


def _computed(text: str) -> str:
    """An origin that an expression gave; one that cannot be an origin allows nothing, and the log shows why."""
    if reason := _mistake(text):
        log.warning("origin_ignored", origin=text[:200], reason=reason)
        return ""
    return _normalized(text) or ""


def _known(origins: tuple[str, ...]) -> frozenset[str]:
    return frozenset(origins) - {""}


def _mistake(text: str) -> str:
    """Why *text* is not an origin; empty when it is one."""
    if text in (ANY, "null"):
        return ""
    if "*" in text:
        return "a wildcard is only allowed alone, for all origins"
    if "://" not in text:
        return "the scheme is missing"
    if text.rstrip("/").count("/") > 2 or "?" in text or "#" in text:
        return "an origin has no path and no query"
    return "" if _normalized(text) else "it is not a scheme with a host"


def _normalized(text: str) -> str | None:
    """
    The origin as browsers write it: lower case, IDNA, without the scheme's own port; None where it is not an origin.

    Source: RFC 6454 §6.1 and §6.2; Fetch Standard, "Origin header".
    """
    if text in (ANY, "null"):
        return text
    try:
        parts = urlsplit(text.lower())
        host, port = _host(parts.hostname or ""), parts.port
    except ValueError:
        return None
    if not (host and parts.scheme) or "@" in parts.netloc or parts.path.strip("/"):
        return None
    return f"{parts.scheme}://{host}{_port(parts.scheme, port)}"


def _host(name: str) -> str:
    return f"[{name}]" if ":" in name else name.encode("idna").decode("ascii")


def _port(scheme: str, port: int | None) -> str:
    return "" if port in (None, _DEFAULT_PORTS.get(scheme)) else f":{port}"


def _texts(settings: Settings | None, name: str) -> Value[frozenset[str]]:
    values = [entry.content() for entry in _children(settings, name)]
    return combined(values, lambda texts: frozenset(text.strip() for text in texts))


def _lowered(texts: Value[frozenset[str]]) -> Value[frozenset[str]]:
    return combined([texts], lambda sets: frozenset(text.lower() for text in sets[0]))


def _is(value: Value[object], expected: object) -> bool:
    return isinstance(value, Constant) and value.value == expected
