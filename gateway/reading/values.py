"""
The kinds of values in a configuration: durations, secrets, files, addresses, URLs.

Source: docs/adr/0037.
"""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, Literal, NamedTuple, TypeAlias, TypeVar
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    PlainSerializer,
    PlainValidator,
    SecretStr,
    ValidationInfo,
    WithJsonSchema,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from gateway.reading import durations
from gateway.reading.settings import Surroundings, mistake

T = TypeVar("T")

MAX_SECRET_BYTES = 64 * 1024
_LONGEST_SHOWN = 300  # characters of a path in a message


# -- durations
def _duration(value: object) -> object:
    if isinstance(value, list | dict):
        raise mistake("bad-duration", "a duration belongs here", "write it as 500ms, 10s, 9m30s or 2h")
    if not isinstance(value, str):
        return value
    try:
        seconds = durations.parse(value)
    except ValueError as error:
        raise mistake("bad-duration", str(error)) from None
    return _in_range(seconds)


_DURATION = r"^(\d+d)?(\d+h)?(\d+m)?(\d+(\.\d+)?s)?(\d+ms)?$"

_LONGEST_S = 2.0**31 - 1  # what timers accept


def _in_range(seconds: float) -> float:
    if seconds > _LONGEST_S:
        raise mistake("bad-duration", "longer than 68 years", "write less")
    return seconds


def _positive(seconds: float) -> float:
    if seconds <= 0:
        raise mistake("bad-duration", "must be longer than zero", "write at least 1ms")
    return seconds


WRITTEN_DURATION = WithJsonSchema({"type": "string", "pattern": _DURATION, "examples": ["10s"]})
"""The form of a duration in a JSON Schema; marks the fields that are durations."""

Delay = Annotated[
    float,
    BeforeValidator(_duration),
    AfterValidator(_in_range),
    PlainSerializer(durations.format, return_type=str),
    WRITTEN_DURATION,
]
"""Seconds; written ``500ms``, ``10s``, ``9m30s``, ``2h``; may be ``0s``."""

Duration = Annotated[Delay, AfterValidator(_positive)]
"""The same where zero would make no sense."""


# -- secrets
def secret_text(value: object, surroundings: Surroundings) -> object:
    """The text behind ``{env: NAME}`` or ``{file: PATH}``; anything else unchanged."""
    match value:
        case {"env": str(name), **rest} if not rest:
            return _from_environment(name, surroundings.environ)
        case {"file": str(name), **rest} if not rest:
            return _from_file(surroundings.file(name))
        case dict():
            raise mistake("bad-secret", "a secret is text, {env: NAME} or {file: PATH}")
    return value


def _from_environment(name: str, environ: Mapping[str, str]) -> str:
    if name not in environ:
        raise mistake("unset-variable", f"the environment variable {name} is not set", f"export {name}")
    return environ[name]


def _from_file(path: Path) -> str:
    if not is_file(path):  # reading from a pipe would wait for whoever writes into it
        raise _unreadable(path, "no such file")
    try:
        with path.open("rb") as file:
            content = file.read(MAX_SECRET_BYTES + 1)
        text = content.decode("utf-8-sig")
    except OSError as error:
        raise _unreadable(path, error.strerror or "unreadable") from None
    except UnicodeDecodeError:
        raise _unreadable(path, "not UTF-8") from None
    if len(content) > MAX_SECRET_BYTES:
        raise mistake("unreadable-file", f"{path}: longer than {MAX_SECRET_BYTES} bytes")
    return text.removesuffix("\n").removesuffix("\r")


def is_file(path: Path) -> bool:
    """Whether *path* is a file, and a path at all: names may be too long, or hold a NUL."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def _unreadable(path: Path, reason: str) -> Exception:
    return mistake("unreadable-file", f"{_shown(path)}: {reason}", "check path and permissions")


def _secret(value: object, info: ValidationInfo) -> object:
    return secret_text(value, info.context) if isinstance(info.context, Surroundings) else value


SOURCES_SCHEMA: list[dict[str, Any]] = [
    {"type": "string"},
    *(
        {
            "type": "object",
            "properties": {key: {"type": "string"}},
            "required": [key],
            "additionalProperties": False,
        }
        for key in ("env", "file")
    ),
]

Secret = Annotated[SecretStr, BeforeValidator(_secret), WithJsonSchema({"anyOf": SOURCES_SCHEMA})]
"""A text that is never shown; ``{env: NAME}`` or ``{file: PATH}`` keeps it out of the file."""


def revealed(secret: SecretStr | None) -> str | None:
    """The text of *secret*, for the part that needs it."""
    return None if secret is None else secret.get_secret_value()


# -- files
def _existing(path: Path, info: ValidationInfo) -> Path:
    if not isinstance(info.context, Surroundings):
        return path
    written = info.context.file(path)
    require_file(written)
    return written.resolve()


def require_file(path: Path) -> None:
    """Refuse what is not a file that can be read."""
    if not is_file(path):
        raise mistake("no-such-file", f"{_shown(path)} is not a file", _instead(path))
    if not os.access(path, os.R_OK):
        raise mistake("unreadable-file", f"{path}: permission denied", "let the gateway's user read it")


def _instead(path: Path) -> str:
    """What to write: a path from Windows has another separator."""
    slashed = Path(str(path).replace("\\", "/"))
    if slashed != path and is_file(slashed):
        return "write / between folders; it works on Windows, too"
    return "relative paths start at the configuration file"


def _shown(path: Path) -> str:
    """The path without ``..`` and links; shortened where it is none."""
    text = os.path.abspath(path) if "\0" not in str(path) else repr(str(path))
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"


File = Annotated[Path, AfterValidator(_existing), WithJsonSchema({"type": "string"})]
"""A file that must exist; made absolute."""


def _absolute(path: Path, info: ValidationInfo) -> Path:
    return info.context.directory / path if isinstance(info.context, Surroundings) else path


NewFile = Annotated[Path, AfterValidator(_absolute), WithJsonSchema({"type": "string"})]
"""A file that will be written; made absolute."""


# -- addresses and URLs
UNIX: Final = "unix:"
"""Stands for the address of whatever has connected to a Unix socket."""


class Address(NamedTuple):
    """Where a listener binds; an IPv6 host has no brackets here."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


_LONGEST_UNIX_BYTES = 107  # unix(7)


class UnixAddress(NamedTuple):
    """Where a listener binds for this machine only: the file of a Unix socket."""

    path: Path

    def __str__(self) -> str:
        return f"{UNIX}{self.path}"


Place: TypeAlias = Address | UnixAddress
"""Where a listener binds."""

_ADDRESS = re.compile(r"(?:\[(?P<v6>[0-9a-fA-F:.]+)\]|(?P<host>[A-Za-z0-9.-]+)):(?P<port>\d{1,5})")


def _address(value: object, info: ValidationInfo) -> Place:
    if isinstance(value, Address | UnixAddress):
        return value
    if isinstance(value, str) and value.startswith(UNIX):
        return UnixAddress(_unix_path(value.removeprefix(UNIX), info))
    parts = _ADDRESS.fullmatch(value) if isinstance(value, str) else None
    if parts is None:
        remedy = "write 127.0.0.1:8080, [::]:8080 or unix:/run/http.sock"
        raise mistake("bad-address", "an address is host:port or unix:path", remedy)
    if int(parts["port"]) > 65_535:
        raise mistake("bad-address", f"port {parts['port']} is too high", "the highest port is 65535")
    return Address(parts["v6"] or parts["host"], int(parts["port"]))


def _unix_path(text: str, info: ValidationInfo) -> Path:
    """The file of a Unix socket, which need not exist; made absolute."""
    if not text or text.startswith(("//", "@")) or not text.isprintable():
        raise mistake("bad-address", f"{text!r} is not the path of a socket file", "write /run/http.sock")
    path = Path(text)
    if isinstance(info.context, Surroundings):
        path = info.context.directory / path
    if len(os.fsencode(path)) > _LONGEST_UNIX_BYTES:
        message = f"the path of a socket file has at most {_LONGEST_UNIX_BYTES} bytes"
        raise mistake("bad-address", message, "choose a folder with a shorter name")
    return path


def _mode(value: object) -> int:
    if isinstance(value, int):
        return value
    if not isinstance(value, str) or not re.fullmatch("0?[0-7]{3}", value):
        raise mistake("bad-value", "permissions are three octal digits", "write 0660")
    return int(value, 8)


FileMode = Annotated[
    int,
    PlainValidator(_mode),
    PlainSerializer(lambda mode: f"{mode:04o}", return_type=str),
    WithJsonSchema({"type": "string", "pattern": "^0?[0-7]{3}$", "examples": ["0660"]}),
]
"""Permissions of a file, in octal digits."""


def _unix_file(value: object, info: ValidationInfo) -> Path:
    return value if isinstance(value, Path) else _unix_path(value if isinstance(value, str) else "", info)


UnixFile = Annotated[
    Path, PlainValidator(_unix_file), PlainSerializer(str, return_type=str), WithJsonSchema({"type": "string"})
]
"""The file of a Unix socket; made absolute."""

Listen = Annotated[
    Place,
    PlainValidator(_address),
    PlainSerializer(str, return_type=str),
    WithJsonSchema({"type": "string", "examples": ["127.0.0.1:8080", "unix:/run/http.sock"]}),
]
"""``host:port``, or ``unix:`` and the path of a socket file."""


def _host_and_port(value: object, info: ValidationInfo) -> Address:
    place = _address(value, info)
    if isinstance(place, UnixAddress):
        raise mistake("bad-address", "this listener has no socket file", "write 127.0.0.1:8083")
    return place


ListenTcp = Annotated[
    Address,
    PlainValidator(_host_and_port),
    PlainSerializer(str, return_type=str),
    WithJsonSchema({"type": "string", "examples": ["127.0.0.1:8083"]}),
]
"""``host:port``."""


def http_url(value: str) -> str:
    """*value* when it is an absolute http or https URL without user, fragment or control characters."""
    try:
        parts = urlsplit(value)
        good = parts.scheme in ("http", "https") and parts.hostname and parts.username is None and not parts.fragment
        _ = parts.port
    except ValueError:
        good = False
    if not good or re.search(r"[\x00-\x20\x7f]", value):
        raise mistake("bad-url", "not an absolute http or https URL", "write https://host/path, without user or #")
    return value


Url = Annotated[str, AfterValidator(http_url)]
"""An absolute http or https URL."""


def _base_url(value: str) -> str:
    if "?" in value:
        remedy = "remove it; a backend's credentials.query adds parameters to every request"
        raise mistake("bad-url", "the URL of a backend has no query", remedy)
    return value


def _not_a_file(value: str) -> str:
    if re.match(r"(?:https?\+)?unix:", value):
        remedy = "write url: http://NAME/PATH, and unix-socket: with the path of the file"
        raise mistake("bad-url", "the URL of a backend does not name a socket file", remedy)
    return value


BaseUrl = Annotated[str, AfterValidator(_not_a_file), AfterValidator(http_url), AfterValidator(_base_url)]
"""The same for a backend: paths are added to it, so it has no query."""


def _network(value: object) -> object:
    if isinstance(value, ipaddress.IPv4Network | ipaddress.IPv6Network):
        return value
    try:
        return ipaddress.ip_network(value if isinstance(value, str) else "")
    except ValueError as error:
        message = str(error) if isinstance(value, str) and value else "not a network"
        raise mistake("bad-network", message, "write 10.0.0.0/8 or 192.0.2.7") from None


Network = Annotated[
    ipaddress.IPv4Network | ipaddress.IPv6Network,
    BeforeValidator(_network),
    PlainSerializer(str, return_type=str),
    WithJsonSchema({"type": "string", "examples": ["10.0.0.0/8"]}),
]
"""An IP network or address."""


def _peers(value: object) -> object:
    return value if value == UNIX else _network(value)


Peers = Annotated[
    ipaddress.IPv4Network | ipaddress.IPv6Network | Literal["unix:"],
    BeforeValidator(_peers),
    PlainSerializer(str, return_type=str),
    WithJsonSchema({"type": "string", "examples": ["10.0.0.0/8", UNIX]}),
]
"""An IP network or address, or ``unix:``: everything that may connect to the gateway's Unix sockets."""

LOOPBACK_NETWORKS = (ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128"))


@dataclass(frozen=True, slots=True)
class TextForm:
    """
    A text of one form: *pattern* for editors, what it is made of and an example for people.

    Args:
        pattern: A regular expression that JSON Schema and Python read alike, from ``^`` to ``$``.
    """

    pattern: str
    wanted: str
    remedy: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {**handler(schema), "pattern": self.pattern}

    def check(self, value: str) -> str:
        """*value* when it has this form."""
        if re.fullmatch(self.pattern.removesuffix("$"), value, re.ASCII) is None:
            raise mistake("bad-value", f"{self.wanted} belongs here", self.remedy)
        return value


HostName = Annotated[
    str,
    TextForm(
        r"^[A-Za-z0-9][A-Za-z0-9-]{0,62}(\.[A-Za-z0-9-]{1,63})*$", "the name of a host", "write gateway.example.com"
    ),
]
"""The name of a host, without a port."""

Id = Annotated[
    str,
    TextForm(
        r"^[A-Za-z0-9][A-Za-z0-9._-]{0,255}$",
        "a name of letters, digits, dot, dash and underscore, a letter or digit first,",
        "write it like orders-v1",
    ),
]
"""A name: letters, digits, dot, dash and underscore."""

Count = Annotated[int, Field(ge=1, le=2**53)]
Status = Annotated[int, Field(ge=100, le=599)]


def _listed(value: object) -> object:
    return value if isinstance(value, list | tuple) else [value]


class _OneInSchema:
    """Lets editors accept one item in place of a list."""

    @staticmethod
    def __get_pydantic_json_schema__(schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        several = handler(schema)
        return {"anyOf": [several["items"], several]}


OneOrMore = Annotated[tuple[T, ...], BeforeValidator(_listed), _OneInSchema]
"""One value, or a list of them."""
