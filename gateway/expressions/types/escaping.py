"""WebUtility and HttpUtility: HTML and URLs escaped and read."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from urllib.parse import quote, unquote_plus

from gateway.expressions.json.writer import quote as quote_json
from gateway.expressions.limits import charged
from gateway.expressions.signatures import define

_ESCAPED = re.compile(r"%[0-9A-Fa-f]{2}")
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
_PATH = re.compile(r"((?:[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*)?)([^?#]*)(.*)", re.DOTALL)


def _path_encode(value: str) -> str:
    """``UrlPathEncode``: blanks, control characters and what is not ASCII in the path alone, with small letters."""
    match = _PATH.fullmatch(value)
    start, path, rest = match.groups() if match else ("", value, "")
    return start + re.sub(r"[^!-~]", lambda char: _percents(char[0]), path) + rest


def _percents(char: str) -> str:
    return "".join(f"%{byte:02x}" for byte in char.encode())


define("System.Web.HttpUtility", {
    **_WEB,
    "slow static string UrlEncode(string str)": _http_url_encode,
    "slow static string UrlPathEncode(string str)": _nullable(_path_encode),
    "slow static string JavaScriptStringEncode(string value)": lambda value: _script(value or ""),
}, kind="static")  # fmt: skip


def _script(value: str) -> str:
    return quote_json(value)[1:-1].replace("'", "\\u0027").replace("<", "\\u003c").replace(">", "\\u003e")
