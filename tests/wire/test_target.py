"""One normal form of the path: what routing matches is what the backend gets."""

from __future__ import annotations

import pytest

from gateway.wire.target import TargetError, split_target

NORMAL = [
    ("/", "/", ""),
    ("/a/b/", "/a/b/", ""),
    ("/a?b=c&d", "/a", "b=c&d"),
    ("/a?", "/a", ""),
    ("/a??b/../c", "/a", "?b/../c"),
    ("/%7Euser", "/~user", ""),
    ("/%61bc", "/abc", ""),
    ("/a%2db", "/a-b", ""),
    ("/%c3%a9", "/%C3%A9", ""),
    ("/a%20b", "/a%20b", ""),
    ("/a%3Fb", "/a%3Fb", ""),
    ("/a%23b", "/a%23b", ""),
    ("/a;rev=2/b", "/a;rev=2/b", ""),
    ("/a%3Bb", "/a%3Bb", ""),
    ("/...", "/...", ""),
    ("/.well-known/x", "/.well-known/x", ""),
    ("/a.b/c..d", "/a.b/c..d", ""),
    ("/odata/Jobs('1')", "/odata/Jobs('1')", ""),
    ("/a?q=%2F..%00", "/a", "q=%2F..%00"),
    ('/a?filter={"a":[1]}', "/a", 'filter={"a":[1]}'),
]

REFUSED = [
    ("/.", "dot segment"),
    ("/..", "dot segment"),
    ("/a/../b", "dot segment inside"),
    ("/a/./b", "single dot"),
    ("/%2e%2e/a", "escaped dots"),
    ("/.%2E/a", "half escaped dots"),
    ("/%252e%252e/a", "double escape"),
    ("/a;v=1/b", "a path parameter"),
    ("/admin;", "an empty path parameter"),
    ("/a;rev=2;x=1/b", "a second path parameter"),
    ("/a/..;/b", "dots with a parameter"),
    ("/a/..;x=1/b", "dots with a named parameter"),
    ("/a/%2e%2e;/b", "escaped dots with a parameter"),
    ("//a", "double slash at the start"),
    ("/a//b", "double slash"),
    ("/a//", "double slash at the end"),
    ("/a%2Fb", "escaped slash"),
    ("/a%2fb", "escaped slash, lower case"),
    ("/a%5Cb", "escaped backslash"),
    ("/a\\b", "backslash"),
    ("/a%00b", "NUL"),
    ("/a%0d%0ab", "CRLF"),
    ("/a%7F", "DEL"),
    ("/a%", "cut escape"),
    ("/a%2", "half escape"),
    ("/a%zz", "bad escape"),
    ("/a%u002e", "IIS escape"),
    ("/a%c0%ae", "overlong dot"),
    ("/a%c0%af", "overlong slash"),
    ("/a%ff", "not UTF-8"),
    ("/a%ed%a0%80", "surrogate"),
    ("/\xe9", "raw byte above 0x7E"),
    ("/a\x7f", "raw DEL"),
    ("/a<b", "delimiter"),
    ('/a"b', "quote"),
    ("/a{b}", "brace"),
    ("/a|b", "pipe"),
    ("/a#b", "fragment"),
    ("/a?b#c", "fragment in the query"),
    ("/a?%zz", "bad escape in the query"),
    ("/a?\xe9", "raw byte in the query"),
    ("a", "no slash"),
    ("", "nothing"),
]


@pytest.mark.parametrize(("target", "path", "query"), NORMAL, ids=[case[0] for case in NORMAL])
def test_brings_a_target_into_its_normal_form(target: str, path: str, query: str) -> None:
    """A clear target keeps its meaning, and its normal form is stable."""
    assert split_target(target) == (path, query)
    assert split_target(path) == (path, "")


@pytest.mark.parametrize("target", [case[0] for case in REFUSED], ids=[case[1] for case in REFUSED])
def test_refuses_an_ambiguous_target(target: str) -> None:
    """What a router and a backend could read as different paths is refused."""
    with pytest.raises(TargetError):
        split_target(target)
