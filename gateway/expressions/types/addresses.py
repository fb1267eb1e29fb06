"""Uri, UriBuilder, WebUtility, HttpUtility, IPAddress."""

from __future__ import annotations

import html
import ipaddress
import re
from collections.abc import Callable
from urllib.parse import quote, unquote, unquote_plus, urljoin, urlsplit

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
from gateway.expressions.thrown import Thrown, argument_null, thrown
from gateway.expressions.types.objects import enumeration
from gateway.expressions.values import EnumValue, Ref

_PORTS = {"http": 80, "https": 443, "ftp": 21, "ws": 80, "wss": 443}
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_ESCAPED = re.compile(r"%[0-9A-Fa-f]{2}")
_SAFE = "-_.~!*'();:@&=+$,/?#[]%"


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
        self.host = (parts.hostname or "").lower()
        if not self.host and self.scheme in _PORTS:
            raise _bad("The hostname could not be parsed.")
        self.user = parts.netloc.rpartition("@")[0]
        self.port = port if port is not None else _PORTS.get(self.scheme, -1)
        self.path = _without_dots(quote(parts.path, _SAFE)) or ("/" if self.host else "")
        self.query, self.fragment = _marked("?", parts.query), _marked("#", parts.fragment)

    def require(self) -> UriValue:
        """This URI, or what .NET throws when a relative one is asked for its parts."""
        if not self.absolute:
            raise thrown("InvalidOperationException", "This operation is not supported for a relative URI.")
        return self

    @property
    def authority(self) -> str:
        """``host`` or ``host:port``."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port in (_PORTS.get(self.scheme), -1) else f"{host}:{self.port}"

    @property
    def text(self) -> str:
        """``AbsoluteUri``."""
        if not self.absolute:
            return self.original
        if not self.host:
            return f"{self.scheme}:{self.path}{self.query}{self.fragment}"
        user = f"{self.user}@" if self.user else ""
        return f"{self.scheme}://{user}{self.authority}{self.path}{self.query}{self.fragment}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, UriValue) and self.text.partition("#")[0] == other.text.partition("#")[0]

    def __hash__(self) -> int:
        return hash(self.text.partition("#")[0])


def _marked(mark: str, part: str) -> str:
    """*part* escaped, with its mark in front; nothing where it is empty."""
    return f"{mark}{quote(part, _SAFE)}" if part else ""


def _without_dots(path: str) -> str:
    """RFC 3986, section 5.2.4: ``.`` and ``..`` are gone from a path that begins at the root."""
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


KIND = enumeration("System.UriKind", RelativeOrAbsolute=0, Absolute=1, Relative=2)
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
    return UriValue(urljoin(base.require().text, text(relative) if isinstance(relative, UriValue) else relative))


def _try_create(value: str | None, kind: EnumValue, out: Ref) -> bool:
    out.value = None
    try:
        out.value = _new(value, kind)
    except Thrown:
        return False
    return True


def _segments(uri: UriValue) -> object:
    return strings(re.findall(r"[^/]*/|[^/]+", uri.require().path))


def _left_part(uri: UriValue, part: EnumValue) -> str:
    uri.require()
    shown = f"{uri.scheme}://"
    pieces = (uri.authority, uri.path, uri.query)
    return shown + "".join(pieces[: part.value])


def uri_text(uri: UriValue) -> str:
    """``uri.ToString()``: unescaped where that is safe."""
    if not uri.absolute:
        return uri.original
    return _ESCAPES.sub(lambda escape: _readable(escape[0]), uri.text)


_ESCAPES = re.compile(r"(?:%[0-9A-Fa-f]{2})+")
_RESERVED = re.compile(r"[:/?#\[\]@!$&'()*+,;=%\\\x00-\x1f\x7f]")


def _readable(escaped: str) -> str:
    """Unescaped, but for what has a meaning in a URI or is not text."""
    shown = unquote(escaped)
    if "\ufffd" in shown:
        return escaped
    return _RESERVED.sub(lambda reserved: f"%{ord(reserved[0]):02X}", shown)


def escape_data(value: str | None) -> str:
    """``Uri.EscapeDataString``: everything but RFC 3986's unreserved characters."""
    if value is None:
        raise argument_null("stringToEscape")
    return charged(quote(value, "-_.~"))


def _unescape(value: str | None) -> str:
    if value is None:
        raise argument_null("stringToUnescape")
    return unquote(value)


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
    "string Host": lambda uri: uri.require().host,
    "string DnsSafeHost": lambda uri: uri.require().host,
    "string IdnHost": lambda uri: uri.require().host,
    "string Authority": lambda uri: uri.require().authority,
    "string Scheme": lambda uri: uri.require().scheme,
    "string UserInfo": lambda uri: uri.require().user,
    "string OriginalString": lambda uri: uri.original,
    "int Port": lambda uri: uri.require().port,
    "bool IsAbsoluteUri": lambda uri: uri.absolute,
    "bool IsDefaultPort": lambda uri: uri.require().port == _PORTS.get(uri.scheme, -1),
    "bool IsLoopback": lambda uri: uri.require().host in ("localhost", "127.0.0.1", "::1"),
    "string[] Segments": _segments,
    "slow string GetLeftPart(UriPartial part)": _left_part,
    "slow bool IsBaseOf(Uri uri)": lambda uri, other: other.text.startswith(uri.text.rpartition("/")[0] + "/"),
    "slow string ToString()": uri_text,
    "slow static string EscapeDataString(string stringToEscape)": escape_data,
    "slow static string EscapeUriString(string stringToEscape)": lambda value: quote(value, "-_.~!*'();:@&=+$,/?#[]"),
    "slow static string UnescapeDataString(string stringToUnescape)": _unescape,
    "slow static bool TryCreate(string uriString, UriKind uriKind, out Uri result)": _try_create,
    "slow static bool IsWellFormedUriString(string uriString, UriKind uriKind)": lambda value, kind: _try_create(
        value, kind, Ref()
    ) and " " not in value,
    "static bool CheckSchemeName(string schemeName)": lambda name: bool(_SCHEME.fullmatch(f"{name}:")),
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
    """``System.UriBuilder``."""

    __slots__ = ("parts",)

    def __init__(self, value: object = "http://localhost/") -> None:
        uri = (
            value if isinstance(value, UriValue) else UriValue(str(value) if "://" in str(value) else f"http://{value}")
        )
        uri.require()
        self.parts: dict[str, object] = {
            "Scheme": uri.scheme, "Host": uri.host, "Port": -1 if uri.port == _PORTS.get(uri.scheme) else uri.port,
            "Path": uri.path, "Query": uri.query, "Fragment": uri.fragment,
        }  # fmt: skip

    @property
    def uri(self) -> UriValue:
        """The URI that the parts make."""
        return UriValue(self.text)

    @property
    def text(self) -> str:
        """The parts as one text."""
        p = self.parts
        port = f":{p['Port']}" if p["Port"] != -1 else ""
        query = str(p["Query"] or "").lstrip("?")
        fragment = str(p["Fragment"] or "").lstrip("#")
        path = str(p["Path"] or "/")
        shown = f"{p['Scheme']}://{p['Host']}{port}{path if path.startswith('/') else f'/{path}'}"
        return shown + (f"?{query}" if query else "") + (f"#{fragment}" if fragment else "")


def _part(name: str) -> tuple[Callable[[BuilderValue], object], Callable[[BuilderValue, object], None]]:
    return (lambda builder: builder.parts[name], lambda builder, value: builder.parts.__setitem__(name, value))


def _builder_text(builder: BuilderValue) -> str:
    """Unlike a Uri's, it has the port that the text it was made of implied."""
    return builder.text


BUILDER = define("System.UriBuilder", {
    "slow new()": BuilderValue,
    "slow new(string uri)": BuilderValue,
    "slow new(Uri uri)": BuilderValue,
    **{f"string {name}": _part(name) for name in ("Scheme", "Host", "Path", "Query", "Fragment")},
    "int Port": _part("Port"),
    "Uri Uri": lambda builder: builder.uri,
    "slow new(string schemeName, string hostName)": lambda scheme, host: BuilderValue(f"{scheme}://{host}/"),
    "slow new(string scheme, string host, int portNumber)":
        lambda scheme, host, port: BuilderValue(f"{scheme}://{host}:{port}/"),
    "slow new(string scheme, string host, int port, string pathValue)":
        lambda scheme, host, port, path: BuilderValue(f"{scheme}://{host}:{port}/{path.removeprefix('/')}"),
    "slow string ToString()": _builder_text,
})  # fmt: skip
represent(BuilderValue, BUILDER)
TEXT[BuilderValue] = _builder_text

_HTML = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;"}


def html_encode(value: str | None) -> str | None:
    if value is None:
        return None
    shown = re.sub(r"[&<>\"']|[\xa0-\xff]|[\U00010000-\U0010ffff]", lambda m: _HTML.get(m[0], f"&#{ord(m[0])};"), value)
    return charged(shown)


def url_encode(value: str | None) -> str | None:
    """WebUtility: a space becomes +, upper-case hex, and !*() stay."""
    return None if value is None else charged(quote(value, " !*()-_.").replace("~", "%7E").replace(" ", "+"))


def _http_url_encode(value: str | None) -> str | None:
    """HttpUtility: the same with lower-case hex."""
    shown = url_encode(value)
    return None if shown is None else _ESCAPED.sub(lambda m: m[0].lower(), shown)


def _nullable(run: Callable[[str], str]) -> Callable[[str | None], str | None]:
    return lambda value: None if value is None else run(value)


_WEB: dict[str, object] = {
    "slow static string HtmlEncode(string value)": html_encode,
    "slow static string HtmlDecode(string value)": _nullable(html.unescape),
    "slow static string UrlDecode(string encodedValue)": _nullable(unquote_plus),
}
define("System.Net.WebUtility", {**_WEB, "static string UrlEncode(string value)": url_encode}, kind="static")
define("System.Web.HttpUtility", {
    **_WEB,
    "slow static string UrlEncode(string str)": _http_url_encode,
    "slow static string UrlPathEncode(string str)": _nullable(lambda value: quote(value, "-_.~!*'();:@&=+$,/?#[]%")),
    "slow static string JavaScriptStringEncode(string value)": lambda value: _script(value or ""),
}, kind="static")  # fmt: skip


def _script(value: str) -> str:
    from gateway.expressions.json.writer import quote as quote_json

    return quote_json(value)[1:-1].replace("'", "\\u0027").replace("<", "\\u003c").replace(">", "\\u003e")


FAMILY = enumeration("System.Net.Sockets.AddressFamily", Unspecified=0, InterNetwork=2, InterNetworkV6=23)
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def _parse_address(value: str | None) -> Address:
    if value is None:
        raise argument_null("ipString")
    try:
        return _classic(value) or ipaddress.ip_address(value.strip("[]"))
    except ValueError:
        raise thrown("FormatException", "An invalid IP address was specified.") from None


def _classic(value: str) -> ipaddress.IPv4Address | None:
    """``1.2.3``, ``0x7f.1``, ``010.0.0.1``: fewer parts, hexadecimal and octal ones, as inet_aton has them."""
    parts = value.split(".")
    if len(parts) > IPV4_PARTS or not all(map(_PART.fullmatch, parts)):
        return None
    *head, last = [int(part, _radix(part)) for part in parts]
    if max(head, default=0) > LAST_OCTET or last >= 256 ** (IPV4_PARTS - len(head)):
        return None
    for place, number in enumerate(head):
        last += number << 8 * (IPV4_PARTS - 1 - place)
    return ipaddress.IPv4Address(last)


def _radix(part: str) -> int:
    return 16 if part[:2].lower() == "0x" else 8 if part[0] == "0" else 10


_PART = re.compile(r"0[xX][0-9a-fA-F]+|0[0-7]*|[1-9]\d*", re.ASCII)
IPV4_PARTS, LAST_OCTET = 4, 255


def _address_text(address: Address) -> str:
    """An IPv4 address in IPv6 is written in both notations."""
    mapped = getattr(address, "ipv4_mapped", None)
    return str(address) if mapped is None else f"::ffff:{mapped}"


def _try_address(value: str | None, out: Ref) -> bool:
    out.value = None
    try:
        out.value = _parse_address(value)
    except Thrown:
        return False
    return True


def _unmapped(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """The IPv4 address inside an IPv4-mapped one; any other as it is."""
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return address if mapped is None else mapped


ADDRESS = define("System.Net.IPAddress", {
    "slow new(byte[] address)": lambda data: ipaddress.ip_address(bytes(data)),
    "static IPAddress Parse(string ipString)": _parse_address,
    "static bool TryParse(string ipString, out IPAddress address)": _try_address,
    "static bool IsLoopback(IPAddress address)": lambda address: address.is_loopback,
    "const IPAddress Loopback": ipaddress.ip_address("127.0.0.1"),
    "const IPAddress Any": ipaddress.IPv4Address(0),
    "const IPAddress Broadcast": ipaddress.ip_address("255.255.255.255"),
    "const IPAddress IPv6Any": ipaddress.IPv6Address(0),
    "const IPAddress IPv6Loopback": ipaddress.IPv6Address(1),
    "const IPAddress IPv6None": ipaddress.IPv6Address(0),
    "const IPAddress None": ipaddress.ip_address("255.255.255.255"),
    "AddressFamily AddressFamily": lambda address: EnumValue(FAMILY, 2 if address.version == 4 else 23),
    "byte[] GetAddressBytes()": lambda address: bytearray(address.packed),
    "bool IsIPv4MappedToIPv6": lambda address: _unmapped(address) is not address,
    "IPAddress MapToIPv4()": _unmapped,
    "IPAddress MapToIPv6()":
        lambda address: address if address.version == 6 else ipaddress.ip_address(f"::ffff:{address}"),
    "slow string ToString()": _address_text,
})  # fmt: skip
for _class in (ipaddress.IPv4Address, ipaddress.IPv6Address):
    represent(_class, ADDRESS)
    TEXT[_class] = _address_text
