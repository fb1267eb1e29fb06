"""The kinds of values in a configuration: what each accepts, what it means, and the code of its refusal."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from gateway.reading.settings import Surroundings
from gateway.reading.values import (
    MAX_SECRET_BYTES,
    Address,
    Delay,
    Duration,
    File,
    HostName,
    Listen,
    Network,
    NewFile,
    OneOrMore,
    Secret,
    Url,
    revealed,
)


@pytest.fixture
def here(tmp_path: Path) -> Surroundings:
    """A directory with a few files, and an environment."""
    (tmp_path / "key").write_bytes(b"\xef\xbb\xbfs3cret \r\n")
    (tmp_path / "long").write_bytes(b"x" * (MAX_SECRET_BYTES + 1))
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    return Surroundings(tmp_path, {"TOKEN": "t", "EMPTY": ""})


def read(kind: Any, value: object, here: Surroundings) -> Any:
    """*value* as *kind* reads it."""
    return TypeAdapter[Any](kind).validate_python(value, context=here)


@pytest.mark.parametrize(
    ("kind", "written", "value"),
    [
        (Duration, "1m30s", 90.0), (Delay, "0s", 0.0), (Delay, 2.5, 2.5),
        (Listen, "127.0.0.1:80", Address("127.0.0.1", 80)), (Listen, "[::1]:0", Address("::1", 0)),
        (Url, "https://a.test:8443/p?q", "https://a.test:8443/p?q"),
        (Network, "10.0.0.0/8", ipaddress.ip_network("10.0.0.0/8")),
        (Network, "192.0.2.7", ipaddress.ip_network("192.0.2.7/32")),
        (HostName, "a-b.test", "a-b.test"), (OneOrMore[int], 1, (1,)), (OneOrMore[int], [1, 2], (1, 2)),
    ],
)  # fmt: skip
def test_values(kind: Any, written: object, value: object, here: Surroundings) -> None:
    """Each kind reads its form."""
    assert read(kind, written, here) == value


@pytest.mark.parametrize(
    ("kind", "written", "code"),
    [
        (Duration, "0s", "bad-duration"), (Duration, "soon", "bad-duration"), (Delay, "99999999h", "bad-duration"),
        (Listen, "80", "bad-address"), (Listen, "::1:80", "bad-address"), (Listen, "a:99999", "bad-address"),
        (Url, "a.test", "bad-url"), (Url, "ftp://a", "bad-url"), (Url, "https://u@a", "bad-url"),
        (Url, "https://a#f", "bad-url"), (Url, "https://a/\n", "bad-url"), (Url, "https://a:x", "bad-url"),
        (Url, "https://", "bad-url"), (Network, "10.0.0.1/8", "bad-network"), (Network, "a", "bad-network"),
        (HostName, "a:80", "bad-value"), (HostName, "-a", "bad-value"),
    ],
)  # fmt: skip
def test_what_is_refused(kind: Any, written: object, code: str, here: Surroundings) -> None:
    """Everything else is a mistake with a code."""
    with pytest.raises(ValidationError) as caught:
        read(kind, written, here)
    assert [error["type"] for error in caught.value.errors()] == [code]


@pytest.mark.parametrize(
    ("written", "text"),
    [("plain", "plain"), ({"env": "TOKEN"}, "t"), ({"env": "EMPTY"}, ""), ({"file": "key"}, "s3cret ")],
    ids=["text", "environment", "empty variable", "file"],
)
def test_secrets(written: object, text: str, here: Surroundings) -> None:
    """From the text, the environment or a file, whose line end and byte-order mark do not count; never shown."""
    secret = read(Secret, written, here)
    assert revealed(secret) == text
    assert "s3cret" not in repr(secret)


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ({"env": "NONE"}, "unset-variable"),
        ({"file": "none"}, "unreadable-file"),
        ({"file": "long"}, "unreadable-file"),
        ({"file": "binary"}, "unreadable-file"),
        ({"file": "key", "env": "TOKEN"}, "bad-secret"),
        ({}, "bad-secret"),
    ],
    ids="variable missing long binary both neither".split(),
)
def test_secrets_that_are_not_there(written: object, code: str, here: Surroundings) -> None:
    """Refused with a code, without any of the content."""
    with pytest.raises(ValidationError) as caught:
        read(Secret, written, here)
    assert [error["type"] for error in caught.value.errors()] == [code]
    assert "xxx" not in str(caught.value)


def test_files(here: Surroundings) -> None:
    """Relative paths start at the configuration; a file to be written need not be there."""
    assert read(File, "key", here) == (here.directory / "key").resolve()
    assert read(NewFile, "new", here) == here.directory / "new"
    with pytest.raises(ValidationError, match="is not a file"):
        read(File, ".", here)


@pytest.mark.parametrize(
    ("written", "remedy"),
    [
        ("policies\\a.xml", "write / between folders; it works on Windows, too"),
        ("policies\\b.xml", "relative paths start at the configuration file"),
    ],
)
def test_paths_from_windows(here: Surroundings, written: str, remedy: str) -> None:
    """A backslash, which separates folders on Windows only, is answered with what to write, if that file is there."""
    (here.directory / "policies").mkdir()
    (here.directory / "policies" / "a.xml").write_text("")
    with pytest.raises(ValidationError) as refused:
        read(File, written, here)
    assert remedy in str(refused.value.errors())
