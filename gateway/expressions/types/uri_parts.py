"""Members of Uri that take it apart by flags, compare it and escape single characters."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import unquote

from gateway.expressions.signatures import define
from gateway.expressions.thrown import argument_null, null_reference, out_of_range, thrown
from gateway.expressions.types.objects import enumeration
from gateway.expressions.types.searching import by_culture, folded
from gateway.expressions.types.strings import compare
from gateway.expressions.types.uris import PORTS, UriValue, login, readable
from gateway.expressions.values import EnumValue

_WHOLE_TEXT = -0x80000000
_FLAGS = {
    "Scheme": 1, "UserInfo": 2, "Host": 4, "Port": 8, "Path": 16, "Query": 32, "Fragment": 64, "StrongPort": 128,
    "NormalizedHost": 256, "KeepDelimiter": 0x40000000,
}  # fmt: skip
COMPONENTS = enumeration(
    "System.UriComponents", **_FLAGS, SchemeAndServer=13, HostAndPort=132, StrongAuthority=134, AbsoluteUri=127,
    PathAndQuery=48, HttpRequestUrl=61, SerializationInfoString=_WHOLE_TEXT,
)  # fmt: skip
FORMAT = enumeration("System.UriFormat", UriEscaped=1, Unescaped=2, SafeUnescaped=3)
HOST_TYPE = enumeration("System.UriHostNameType", Unknown=0, Basic=1, Dns=2, IPv4=3, IPv6=4)
_NAME = re.compile(r"(?=.{1,255}$)[^\W_](?:[\w-]{0,61}[\w])?(?:\.[^\W_](?:[\w-]{0,61}[\w])?)*\.?")


def _formatted(value: str, form: EnumValue) -> str:
    if form.value == FORMAT.definition.values["UriEscaped"]:
        return value
    return unquote(value) if form.value == FORMAT.definition.values["Unescaped"] else readable(value)


def components(uri: UriValue, wanted: EnumValue, form: EnumValue) -> str:
    """``GetComponents``: the parts with their delimiters, those at the ends without."""
    uri.require()
    flags, keep = wanted.value & 0xFF, bool(wanted.value & _FLAGS["KeepDelimiter"])
    if flags == _FLAGS["Path"] and not keep:
        return _formatted(uri.path.removeprefix("/"), form)
    shown = _server(uri, flags)
    for flag, value in (("Path", uri.path), ("Query", uri.query), ("Fragment", uri.fragment)):
        if flags & _FLAGS[flag]:
            shown += _tail(value, form, bool(shown) or keep or flag == "Path")
    return shown


def _components_or_text(uri: UriValue, wanted: EnumValue, form: EnumValue) -> str:
    """``GetComponents``; of a relative URI there is only the whole text."""
    whole = not uri.absolute and wanted.value == _WHOLE_TEXT
    return uri.original if whole else components(uri, wanted, form)


def _tail(value: str, form: EnumValue, follows: bool) -> str:
    """Path, query or fragment; a mark is left out where nothing is in front of it."""
    return _formatted(value if follows else value[1:], form)


def _delimiter(uri: UriValue) -> str:
    return "://" if uri.host else ":"


def _server(uri: UriValue, flags: int) -> str:
    """Scheme, user, host and port, as far as *flags* ask for them."""
    named = bool(flags & _FLAGS["Host"])
    port = _port(uri, flags)
    parts = {
        "Scheme": uri.scheme + ("" if flags == _FLAGS["Scheme"] else _delimiter(uri)),
        "UserInfo": login(uri.user) if named else uri.user,
        "Host": f"[{uri.host}]" if ":" in uri.host else uri.host,
    }
    shown = "".join(part for flag, part in parts.items() if flags & _FLAGS[flag])
    return shown + (":" if port and named else "") + port


def _port(uri: UriValue, flags: int) -> str:
    usual = uri.port == PORTS.get(uri.scheme, -1)
    strong = flags & _FLAGS["StrongPort"] and uri.port != -1
    return str(uri.port) if strong or (flags & _FLAGS["Port"] and not usual) else ""


def _host_type(name: str | None) -> int:
    if not name:
        return 0
    bare = name[1:-1] if name.startswith("[") and name.endswith("]") else name
    try:
        return 3 if ipaddress.ip_address(bare).version == 4 and bare == name else 4
    except ValueError:
        return 2 if _NAME.fullmatch(name) else 0


def _is_hex(char: str) -> bool:
    return char in "0123456789abcdefABCDEF"


def _from_hex(char: str) -> int:
    if not _is_hex(char):
        raise thrown("ArgumentException", "Value does not fall within the expected range. (Parameter 'digit')", "digit")
    return int(char, 16)


def _hex_escape(char: str) -> str:
    if ord(char) > 0xFF:
        raise out_of_range("character")
    return f"%{ord(char):02X}"


def _is_encoded(pattern: str | None, index: int) -> bool:
    if pattern is None:
        raise null_reference()
    if index < 0:
        raise thrown("IndexOutOfRangeException", "Index was outside the bounds of the array.")
    return len(pattern) - index >= 3 and pattern[index] == "%" and all(map(_is_hex, pattern[index + 1 : index + 3]))


def _relative(uri: UriValue, other: UriValue | None) -> UriValue:
    """``MakeRelativeUri``: the way from here to *other*, which it is itself where server and scheme differ."""
    if other is None:
        raise argument_null("uri")
    uri.require(), other.require()
    if (uri.scheme, uri.authority) != (other.scheme, other.authority):
        return other
    shown = _way(uri.path, other.path)
    first = shown.partition("/")[0]
    if ":" in first:
        shown = f"./{shown}"
    return UriValue(shown + other.query + other.fragment, absolute=False)


def _way(start: str, goal: str) -> str:
    same = 0
    last = -1
    while same < min(len(start), len(goal)) and start[same] == goal[same]:
        last = same if start[same] == "/" else last
        same += 1
    if same == len(start) == len(goal):
        return ""
    if same == len(start) and start.endswith("/"):
        return goal[same:]
    ups = start[last + 1 :].count("/")
    way = "../" * ups + goal[last + 1 :]
    return way or "./"


def _compared(left: UriValue | None, right: UriValue | None, *how: EnumValue) -> int:
    if left is None or right is None:
        return (left is not None) - (right is not None)
    if not (left.absolute and right.absolute):
        return left.absolute - right.absolute or compare(left.original, right.original, how[-1])
    parts, form, comparison = how
    first, second = components(left, parts, form), components(right, parts, form)
    if by_culture(comparison):
        return compare(first, second, comparison)
    return compare(folded(first, comparison), folded(second, comparison), comparison)


define("System.Uri", {
    "slow string GetComponents(UriComponents components, UriFormat format)": _components_or_text,
    "slow Uri MakeRelativeUri(Uri uri)": _relative,
    "slow static int Compare(Uri uri1, Uri uri2, UriComponents partsToCompare, UriFormat compareFormat, "
    "StringComparison comparisonType)": _compared,
    "static UriHostNameType CheckHostName(string name)": lambda name: EnumValue(HOST_TYPE, _host_type(name)),
    "UriHostNameType HostNameType": lambda uri: EnumValue(
        HOST_TYPE, _host_type(uri.require().host) or int(uri.scheme == "file")
    ),
    "bool IsFile": lambda uri: uri.require().scheme == "file",
    "bool IsUnc": lambda uri: uri.require().scheme == "file" and bool(uri.host),
    "bool UserEscaped": lambda _uri: False,
    "slow bool IsWellFormedOriginalString()": lambda uri: " " not in uri.original,
    "static string HexEscape(char character)": _hex_escape,
    "static bool IsHexDigit(char character)": _is_hex,
    "static int FromHex(char digit)": _from_hex,
    "static bool IsHexEncoding(string pattern, int index)": _is_encoded,
    "const string SchemeDelimiter": "://",
    **{f"const string UriScheme{name}": scheme for name, scheme in {
        "File": "file", "Ftp": "ftp", "Sftp": "sftp", "Ftps": "ftps", "Gopher": "gopher", "Ws": "ws", "Wss": "wss",
        "Mailto": "mailto", "News": "news", "Nntp": "nntp", "Ssh": "ssh", "Telnet": "telnet", "NetTcp": "net.tcp",
        "NetPipe": "net.pipe"}.items()},
})  # fmt: skip
