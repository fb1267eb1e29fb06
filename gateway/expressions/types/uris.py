"""Uri and UriBuilder."""

from __future__ import annotations

import re
from operator import attrgetter
from typing import Any
from urllib.parse import quote, unquote, urljoin, urlsplit

from gateway.expressions.change_type import CHANGERS
from gateway.expressions.collections import strings
from gateway.expressions.formatting.text import TEXT, text
from gateway.expressions.json.convert import SERIALIZERS
from gateway.expressions.json.tree import URI as URI_KIND
from gateway.expressions.json.tree import JToken, JValue, declare_kind
from gateway.expressions.json.writer import LEAVES
from gateway.expressions.json.writer import quote as quote_json
from gateway.expressions.limits import charged
from gateway.expressions.operators import declare_comparison
from gateway.expressions.runtime import represent
from gateway.expressions.signatures import define
from gateway.expressions.thrown import Thrown, argument_null, out_of_range, thrown
from gateway.expressions.types.objects import enumeration
from gateway.expressions.values import EnumValue, Ref

PORTS = {"http": 80, "https": 443, "ftp": 21, "ws": 80, "wss": 443}
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_CONTROL = re.compile(r"[\x00-\x20]")
_SAFE = "-_.~!*'();:@&=+$,/?#[]%"


_HOST = re.compile(r"[\w%-]+(\.[\w%-]+)*\.?|[0-9a-f:.%]*:[^/]*")
_NUMBER = re.compile(r"0x[0-9a-f]+|\d+", re.ASCII)
_WELL_FORMED = re.compile(r"(?:[A-Za-z0-9\-_.~!*'();:@&=+$,/?\x80-\U0010ffff]|%[0-9A-Fa-f]{2})*")


def canonical(host: str) -> str:
    """*host*; one of numbers is an IPv4 address, whose last number fills the rest: ``1.2`` is ``1.0.0.2``."""
    parts = host.split(".")
    if len(parts) > 4 or not all(map(_NUMBER.fullmatch, parts)):
        return host
    try:
        *first, last = map(_number, parts)
        return ".".join(map(str, [*bytes(first), *last.to_bytes(5 - len(parts), "big")]))
    except (ValueError, OverflowError):  # 08, 256
        return host


def _number(part: str) -> int:
    """Decimal, or as in C: ``0x1f`` hexadecimal, ``017`` octal."""
    return int(part, 16 if part.startswith("0x") else 8 if part.startswith("0") else 10)


def is_well_formed(value: str, kind: EnumValue) -> bool:
    """``Uri.IsWellFormedUriString``: a URI in which everything is escaped that must be."""
    if not _try_create(value, kind, Ref()):
        return False
    start = f"://{_authority(value)}"
    before, mark, fragment = value.removeprefix(value.partition(start)[0] + start).partition("#")
    if not value.isascii() and (kind.value == RELATIVE or not _SCHEME.match(value)):
        return False
    return bool(_WELL_FORMED.fullmatch(before) and (not mark or _WELL_FORMED.fullmatch(fragment)))


def _bad(message: str) -> Thrown:
    return thrown("UriFormatException", f"Invalid URI: {message}")


class UriValue:
    """``System.Uri``: its original text and, when absolute, its parts."""

    __slots__ = ("absolute", "host", "original", "path", "port", "query", "fragment", "scheme", "user")

    def __init__(self, original: str, absolute: bool = True) -> None:
        self.original = original
        self.absolute = absolute
        if not absolute:
            return
        if not _SCHEME.match(original.strip()):
            raise _bad("The format of the URI could not be determined.")
        self._split(original.strip())

    def _split(self, shown: str) -> None:
        try:
            parts = urlsplit(shown)
            port = parts.port
        except ValueError:
            raise _bad("Invalid port specified.") from None
        self.scheme = parts.scheme.lower()
        self.host = canonical((parts.hostname or "").lower())
        self._check_host(shown)
        self.user = parts.netloc.rpartition("@")[0]
        self.port = port if port is not None else PORTS.get(self.scheme, -1)
        self.path = _without_dots(quote(parts.path, _SAFE)) or ("/" if self.host else "")
        self.query, self.fragment = _marked("?", parts.query), _marked("#", parts.fragment)

    def _check_host(self, shown: str) -> None:
        if _CONTROL.search(_authority(shown)) or (self.scheme in PORTS and not _HOST.fullmatch(self.host)):
            raise _bad("The hostname could not be parsed.")

    def require(self) -> UriValue:
        """This URI. Raises Thrown, as .NET does, if it is relative: it has no parts."""
        if not self.absolute:
            raise thrown("InvalidOperationException", "This operation is not supported for a relative URI.")
        return self

    @property
    def authority(self) -> str:
        """``host`` or ``host:port``."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port in (PORTS.get(self.scheme), -1) else f"{host}:{self.port}"

    @property
    def text(self) -> str:
        """``AbsoluteUri``."""
        if not self.absolute:
            return self.original
        if not self.host:
            return f"{self.scheme}:{self.path}{self.query}{self.fragment}"
        return f"{self.scheme}://{login(self.user)}{self.authority}{self.path}{self.query}{self.fragment}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, UriValue) and self.text.partition("#")[0] == other.text.partition("#")[0]

    def __hash__(self) -> int:
        return hash(self.text.partition("#")[0])


def login(user: str) -> str:
    """``user@``, if there is a user."""
    return f"{user}@" if user else ""


def _authority(shown: str) -> str:
    """User, host and port as written, in an absolute URI."""
    return shown.partition("://")[2].partition("/")[0]


def _marked(mark: str, part: str) -> str:
    """*part* escaped, with its mark before it; empty if *part* is empty."""
    return f"{mark}{quote(part, _SAFE)}" if part else ""


def _without_dots(path: str) -> str:
    """RFC 3986, section 5.2.4: Remove ``.`` and ``..`` from a path that begins at the root."""
    if not path.startswith("/") or "/." not in path:
        return path
    segments = path.split("/")[1:]
    kept: list[str] = []
    for segment in segments:
        if segment not in (".", ".."):
            kept.append(segment)
        elif segment == "..":
            kept = kept[:-1]
    if segments[-1] in (".", "..") and kept:
        kept.append("")
    return "/" + "/".join(kept)


RELATIVE = 2
KIND = enumeration("System.UriKind", RelativeOrAbsolute=0, Absolute=1, Relative=RELATIVE)
PARTIAL = enumeration("System.UriPartial", Scheme=0, Authority=1, Path=2, Query=3)


def _new(value: str | None, kind: EnumValue | None = None) -> UriValue:
    if value is None:
        raise argument_null("uriString")
    wanted = 1 if kind is None else kind.value
    if not value.strip() and wanted == 1:
        raise _bad("The URI is empty.")
    relative = not _SCHEME.match(value.strip())
    if wanted == 2 and not relative:
        raise _bad("A relative URI cannot be created because the 'uriString' parameter represents an absolute URI.")
    return UriValue(value, absolute=not (relative and wanted != 1))


def _combined(base: UriValue, relative: str | UriValue) -> UriValue:
    if not base.absolute:
        raise out_of_range("baseUri")
    return UriValue(urljoin(base.require().text, text(relative) if isinstance(relative, UriValue) else relative))


def _try_create(value: str | None, kind: EnumValue, out: Ref) -> bool:
    out.value = None
    try:
        out.value = _new(value, kind)
    except Thrown:
        return False
    return True


def _is_base_of(uri: UriValue, other: UriValue) -> bool:
    if not uri.absolute:
        return False
    whole = other if other.absolute else _combined(uri, other)
    return whole.text.startswith(uri.text.rpartition("/")[0] + "/")


def _segments(uri: UriValue) -> object:
    return strings(re.findall(r"[^/]*/|[^/]+", uri.require().path))


def _left_part(uri: UriValue, part: EnumValue) -> str:
    uri.require()
    if not uri.host and uri.scheme != "file":
        return _left_of_opaque(uri, part.value)
    shown = f"{uri.scheme}://"
    pieces = (f"{login(uri.user)}{uri.authority}", uri.path, uri.query)
    return shown + "".join(pieces[: part.value])


def _left_of_opaque(uri: UriValue, part: int) -> str:
    """Of a URI without an authority, such as ``urn:a:b``."""
    pieces = (f"{uri.scheme}:", uri.path, uri.query)
    return "" if part == 1 else "".join(pieces[: max(part, 1)])


def uri_text(uri: UriValue) -> str:
    """``uri.ToString()``: unescaped where that is safe."""
    if not uri.absolute:
        return uri.original
    return readable(uri.text)


_ESCAPES = re.compile(r"(?:%[0-9A-Fa-f]{2})+")
_RESERVED = re.compile(r"[:/?#\[\]@!$&'()*+,;=%\\\x00-\x1f\x7f]")


def readable(value: str) -> str:
    """Unescaped, except for characters that have a meaning in a URI or are not text."""
    return _ESCAPES.sub(lambda escape: _unescaped(escape[0]), value)


def _unescaped(escaped: str) -> str:
    shown = unquote(escaped)
    if "\ufffd" in shown:
        return escaped
    return _RESERVED.sub(lambda reserved: f"%{ord(reserved[0]):02X}", shown)


def escape_data(value: str | None) -> str:
    """``Uri.EscapeDataString``: everything but RFC 3986's unreserved characters."""
    if value is None:
        raise argument_null("stringToEscape")
    return charged(quote(value, "-_.~"))


def _escape_uri(value: str | None) -> str:
    if value is None:
        raise argument_null("stringToEscape")
    return quote(value, "-_.~!*'();:@&=+$,/?#[]")


def _unescape(value: str | None) -> str:
    if value is None:
        raise argument_null("stringToUnescape")
    return _ESCAPES.sub(lambda escape: _decoded(escape[0]), value)


def _decoded(escaped: str) -> str:
    """What is UTF-8 as text, the rest as it is."""
    return re.sub(
        "[\udc80-\udcff]", lambda byte: f"%{ord(byte[0]) - 0xDC00:02X}", unquote(escaped, errors="surrogateescape")
    )


def _idn(host: str) -> str:
    """A host with other letters than those of ASCII in the form for DNS."""
    return host if host.isascii() else host.encode("idna").decode()


URI = define("System.Uri", {
    "slow new(string uriString)": _new,
    "slow new(string uriString, UriKind uriKind)": _new,
    "slow new(Uri baseUri, string relativeUri)": _combined,
    "slow new(Uri baseUri, Uri relativeUri)": _combined,
    "string AbsoluteUri": lambda uri: uri.require().text,
    "string AbsolutePath": lambda uri: uri.require().path,
    "slow string LocalPath": lambda uri: unquote(uri.require().path),
    "string PathAndQuery": lambda uri: uri.require().path + uri.query,
    "string Query": lambda uri: uri.require().query,
    "string Fragment": lambda uri: uri.require().fragment,
    "string Host": lambda uri: f"[{uri.host}]" if ":" in uri.require().host else uri.host,
    "string DnsSafeHost": lambda uri: uri.require().host,
    "string IdnHost": lambda uri: _idn(uri.require().host),
    "string Authority": lambda uri: uri.require().authority,
    "string Scheme": lambda uri: uri.require().scheme,
    "string UserInfo": lambda uri: uri.require().user,
    "string OriginalString": lambda uri: uri.original,
    "int Port": lambda uri: uri.require().port,
    "bool IsAbsoluteUri": lambda uri: uri.absolute,
    "bool IsDefaultPort": lambda uri: uri.require().port == PORTS.get(uri.scheme, -1),
    "bool IsLoopback": lambda uri: uri.require().host in ("localhost", "127.0.0.1", "::1"),
    "string[] Segments": _segments,
    "slow string GetLeftPart(UriPartial part)": _left_part,
    "slow bool IsBaseOf(Uri uri)": _is_base_of,
    "slow string ToString()": uri_text,
    "slow static string EscapeDataString(string stringToEscape)": escape_data,
    "slow static string EscapeUriString(string stringToEscape)": _escape_uri,
    "slow static string UnescapeDataString(string stringToUnescape)": _unescape,
    "slow static bool TryCreate(string uriString, UriKind uriKind, out Uri result)": _try_create,
    "slow static bool IsWellFormedUriString(string uriString, UriKind uriKind)": is_well_formed,
    "static bool CheckSchemeName(string schemeName)":
        lambda name: name is not None and bool(_SCHEME.fullmatch(f"{name}:")),
    "const string UriSchemeHttp": "http",
    "const string UriSchemeHttps": "https",
})  # fmt: skip
declare_comparison(URI, ordered=False)
represent(UriValue, URI)
TEXT[UriValue] = uri_text
CHANGERS[URI] = lambda value: _new(text(value), EnumValue(KIND, 0))


def _serialize(uri: UriValue) -> JToken:
    return JValue(uri)


declare_kind(UriValue, URI_KIND)
LEAVES[UriValue] = lambda uri: quote_json(uri.original)
SERIALIZERS[UriValue] = _serialize


class BuilderValue:
    """``System.UriBuilder``: the parts of a URI, each checked when it is set."""

    __slots__ = ("fragment", "host", "path", "port", "query", "scheme", "user")
    scheme: str
    host: str
    port: int
    path: str

    def __init__(
        self, scheme: str | None = "http", host: str | None = "localhost", port: int = -1, path: str | None = "/"
    ) -> None:
        self.user = self.query = self.fragment = ""
        _set_scheme(self, scheme)
        _set_host(self, host)
        _set_port(self, port)
        _set_path(self, path)

    @staticmethod
    def of(value: str | UriValue | None) -> BuilderValue:
        """The parts of a URI; a text without a scheme gets ``http``."""
        if value is None:
            raise argument_null("uri")
        uri = value.require() if isinstance(value, UriValue) else _new(value, EnumValue(KIND, 0))
        if not uri.absolute:
            uri = UriValue(f"http://{uri.original}")
        builder = BuilderValue(uri.scheme, uri.host, uri.port, uri.path)
        builder.user, builder.query, builder.fragment = uri.user, uri.query, uri.fragment
        return builder

    @property
    def text(self) -> str:
        """The parts as one text; the port is written even if it was implied by the scheme."""
        slash = "/" if self.host and not self.path.startswith("/") else ""
        return f"{self._start}{login(self.user)}{self.host}{self._ending}{slash}{self.path}{self.query}{self.fragment}"

    @property
    def _start(self) -> str:
        delimiter = "://" if self.host or self.scheme in PORTS else ":"
        return f"{self.scheme}{delimiter}" if self.scheme else ""

    @property
    def _ending(self) -> str:
        return f":{self.port}" if self.port != -1 and self.host else ""


LAST_PORT = 65535


def _set_scheme(builder: BuilderValue, scheme: str | None) -> None:
    name = (scheme or "").partition(":")[0]
    if name and not _SCHEME.fullmatch(f"{name}:"):
        raise thrown("ArgumentException", "Invalid URI: The URI scheme is not valid. (Parameter 'value')", "value")
    builder.scheme = name.lower()


def _set_host(builder: BuilderValue, host: str | None) -> None:
    name = host or ""
    builder.host = f"[{name}]" if ":" in name and not name.startswith("[") else name


def _set_port(builder: BuilderValue, port: int) -> None:
    if not -1 <= port <= LAST_PORT:
        raise out_of_range("value")
    builder.port = port


def _set_path(builder: BuilderValue, path: str | None) -> None:
    builder.path = quote((path or "/").replace("\\", "/"), _SAFE)


def _set_query(builder: BuilderValue, query: str | None) -> None:
    builder.query = f"?{query.removeprefix('?')}" if query else ""


def _set_fragment(builder: BuilderValue, fragment: str | None) -> None:
    builder.fragment = f"#{fragment.removeprefix('#')}" if fragment else ""


def _with_extra(*parts: Any) -> BuilderValue:
    """The longest constructor, whose last text is ``?query`` or ``#fragment``."""
    builder, extra = BuilderValue(*parts[:-1]), parts[-1] or ""
    if extra and extra[0] not in "?#":
        raise thrown("ArgumentException", "Extra portion of URI not valid. (Parameter 'extraValue')", "extraValue")
    query, mark, fragment = extra.partition("#")
    _set_query(builder, query)
    _set_fragment(builder, f"{mark}{fragment}")
    return builder


def _user_name(builder: BuilderValue, name: str | None) -> None:
    _, mark, password = builder.user.partition(":")
    builder.user = f"{name or ''}{mark}{password}"


def _password(builder: BuilderValue, password: str | None) -> None:
    builder.user = builder.user.partition(":")[0] + (f":{password}" if password else "")


BUILDER = define("System.UriBuilder", {
    "slow new()": BuilderValue,
    "slow new(string uri)": BuilderValue.of,
    "slow new(Uri uri)": BuilderValue.of,
    "slow new(string schemeName, string hostName)": BuilderValue,
    "slow new(string scheme, string host, int portNumber)": BuilderValue,
    "slow new(string scheme, string host, int port, string pathValue)": BuilderValue,
    "slow new(string scheme, string host, int port, string path, string extraValue)": _with_extra,
    "string Scheme": (attrgetter("scheme"), _set_scheme),
    "string Host": (attrgetter("host"), _set_host),
    "int Port": (attrgetter("port"), _set_port),
    "string Path": (attrgetter("path"), _set_path),
    "string Query": (attrgetter("query"), _set_query),
    "string Fragment": (attrgetter("fragment"), _set_fragment),
    "string UserName": (lambda builder: builder.user.partition(":")[0], _user_name),
    "string Password": (lambda builder: builder.user.partition(":")[2], _password),
    "Uri Uri": lambda builder: UriValue(builder.text),
    "slow string ToString()": attrgetter("text"),
})  # fmt: skip
represent(BuilderValue, BUILDER)
TEXT[BuilderValue] = attrgetter("text")
