"""The router finds the API and operation that APIM would."""

from __future__ import annotations

import time
import timeit
from typing import Any

import pytest

from gateway.data_plane.routing import Match, RoutedApi, RoutedOperation, RoutedVersion, Router
from gateway.data_plane.routing.table import NOWHERE
from gateway.errors import LoadError, Location
from gateway.wire.headers import Headers
from gateway.wire.messages import Request
from tests.speed import on_this_machine


def operation(line: str, location: Location = NOWHERE) -> RoutedOperation:
    """``GET /jobs`` as an operation whose id is the line itself."""
    method, _, template = line.partition(" ")
    return RoutedOperation(line, method, template, line, location)


def operations(*lines: str) -> list[RoutedOperation]:
    """One operation a line."""
    return [operation(line) for line in lines]


def routed(id: str, path: str, *rest: Any, revision: str = "1", **facts: Any) -> RoutedApi:
    """An API; it is its own first revision."""
    return RoutedApi(id, path, *rest, revision=revision, **facts)


def match(router: Router, line: str, headers: tuple[tuple[str, str], ...] = ()) -> Match:
    """Match ``GET /path?query``."""
    method, _, target = line.partition(" ")
    path, _, query = target.partition("?")
    return router.match(Request(method, path, query, Headers(headers)))


BATCH = Router(
    [
        routed(
            "batch",
            "batch",
            operations(
                "GET /jobs/{id}",
                "POST /jobs",
                "GET /jobs/recent",
                "DELETE /jobs/{id}",
                "* /anything",
                "GET /anything",
                "GET /files/{name}.json",
                "GET /files/{name}",
                "GET /ranges/{low}-{high}",
                "GET /add?a={a}&b={b}",
                "GET /add?a={a}",
                "GET /run?action=start",
                "GET /tree/{*rest}",
                "GET /tree/leaf",
                "GET /static/*",
                "GET /{x}/y/z",
                "GET /w/{y}/{z}",
                "GET /Mixed/Caf\u00e9",
            ),
        )
    ]
)


@pytest.mark.parametrize(
    ("line", "template", "parameters"),
    [
        ("POST /batch/jobs", "POST /jobs", {}),
        ("POST /batch/jobs/", "POST /jobs", {}),
        ("POST /BATCH/Jobs", "POST /jobs", {}),
        ("GET /batch/jobs/17", "GET /jobs/{id}", {"id": "17"}),
        ("GET /Batch/Jobs/AbC", "GET /jobs/{id}", {"id": "AbC"}),
        ("GET /batch/jobs/17/", "GET /jobs/{id}", {"id": "17"}),
        ("GET /batch/jobs/a%20b%2Fc", "GET /jobs/{id}", {"id": "a b/c"}),
        ("GET /batch/jobs/recent", "GET /jobs/recent", {}),
        ("DELETE /batch/jobs/recent", "DELETE /jobs/{id}", {"id": "recent"}),
        ("PATCH /batch/anything", "* /anything", {}),
        ("GET /batch/anything", "GET /anything", {}),
        ("GET /batch/files/a.b.json", "GET /files/{name}.json", {"name": "a.b"}),
        ("GET /batch/files/A%2Eb.JSON", "GET /files/{name}.json", {"name": "A.b"}),
        ("GET /batch/files/.json", "GET /files/{name}", {"name": ".json"}),
        ("GET /batch/files/a.xml", "GET /files/{name}", {"name": "a.xml"}),
        ("GET /batch/ranges/1-2-3", "GET /ranges/{low}-{high}", {"low": "1", "high": "2-3"}),
        ("GET /batch/add?b=2&a=1%2B1", "GET /add?a={a}&b={b}", {"a": "1+1", "b": "2"}),
        ("GET /batch/add?a=1&a=2", "GET /add?a={a}", {"a": "1"}),
        ("GET /batch/run?action=start&x=", "GET /run?action=start", {}),
        ("GET /batch/tree/a/B/c", "GET /tree/{*rest}", {"rest": "a/B/c"}),
        ("GET /batch/tree/a/", "GET /tree/{*rest}", {"rest": "a"}),
        ("GET /batch/tree", "GET /tree/{*rest}", {"rest": ""}),
        ("GET /batch/tree/leaf", "GET /tree/leaf", {}),
        ("GET /batch/tree/leaf/vein", "GET /tree/{*rest}", {"rest": "leaf/vein"}),
        ("GET /batch/static/css/a.css", "GET /static/*", {"*": "css/a.css"}),
        ("GET /batch/w/y/z", "GET /{x}/y/z", {"x": "w"}),
        ("GET /batch/w/1/2", "GET /w/{y}/{z}", {"y": "1", "z": "2"}),
        ("GET /batch/mixed/caf%C3%A9", "GET /Mixed/Caf\u00e9", {}),
    ],
)
def test_request_finds_its_operation(line: str, template: str, parameters: dict[str, str]) -> None:
    """Each template form matches what the reference says, and parameters arrive URL-decoded."""
    found = match(BATCH, line)
    assert found.operation is not None
    assert (found.operation.id, found.parameters) == (template, parameters)


@pytest.mark.parametrize(
    "line",
    [
        "GET /batch",
        "GET /batch/",
        "GET /batch/jobs",
        "HEAD /batch/jobs/17",
        "OPTIONS /batch/jobs",
        "get /batch/jobs/17",
        "GET /batch/jobs//",
        "GET /batch/jobs/1/2",
        "GET /batch/jobs%2F17",
        "GET /batch/files/",
        "GET /batch/ranges/-2",
        "GET /batch/ranges/2-",
        "GET /batch/ranges/12",
        "GET /batch/ranges/-",
        "GET /batch/add",
        "GET /batch/add?b=1",
        "GET /batch/run?action=stop",
        "GET /batch/run?action=start&action=stop",
        "GET /batch/nothing/here",
    ],
)
def test_unmatched_request_keeps_its_api(line: str) -> None:
    """A path or method that no operation declares is a 404 in the API's own scope, never passed on."""
    found = match(BATCH, line)
    assert found.api is not None
    assert found.operation is None


PREFIXES = Router(
    [
        routed("root", "", operations("GET /own", "GET /batch/jobs/deep")),
        routed("batch", "/Batch/"),
        routed("deep", "batch/jobs/v2"),
    ]
)


@pytest.mark.parametrize(
    ("path", "api", "rest"),
    [
        ("/batch", "batch", ""),
        ("/batch/", "batch", "/"),
        ("/BATCH/Jobs/", "batch", "/Jobs/"),
        ("/batch/jobs/deep", "batch", "/jobs/deep"),
        ("/batch/jobs/v2/x%2Fy", "deep", "/x%2Fy"),
        ("/batch/jobs/v22", "batch", "/jobs/v22"),
        ("/batches", "root", "/batches"),
        ("/own", "root", "/own"),
        ("/", "root", "/"),
        ("", "root", ""),
    ],
)
def test_longest_prefix_of_whole_segments_wins(path: str, api: str, rest: str) -> None:
    """The API with the longest path prefix is taken, whole segments and any case, and the rest stays as it came."""
    found = match(PREFIXES, f"GET {path}")
    assert found.api is not None
    assert (found.api.id, found.rest_path) == (api, rest)


def test_api_without_operations_passes_everything() -> None:
    """An API that declares no operation has one that takes every method and path."""
    router = Router([routed("open", "open", payload="pipeline")])
    found = match(router, "BREW /open/any/%2E/path")
    assert found.operation is not None
    assert (found.operation.payload, found.parameters, found.rest_path) == ("pipeline", {}, "/any/%2E/path")


def test_unknown_prefix_has_no_api() -> None:
    """A path below no API's prefix is a 404 in the global scope."""
    found = match(Router([routed("batch", "batch")]), "GET /other")
    assert (found.api, found.operation, found.rest_path) == (None, None, "/other")


def test_matched_query_names_are_told() -> None:
    """The result names the query parameters that the template used."""
    assert match(BATCH, "GET /batch/add?b=2&a=1&c=3").matched_query == {"a", "b"}


VERSIONS = Router(
    [
        routed("seg-v0", "seg"),
        routed("seg-v1", "seg", version=RoutedVersion("segment", "v1")),
        routed("seg-v1-r2", "seg", version=RoutedVersion("segment", "v1"), revision="2", is_current=False),
        routed("head-0", "head"),
        routed("head-1", "head", version=RoutedVersion("header", "2024-01-01", "Api-Version")),
        routed("head-2", "head", version=RoutedVersion("header", "2025-01-01", "api-version")),
        routed("query-1", "query", version=RoutedVersion("query", "1", "api-version")),
        routed("rev-1", "rev"),
        routed("rev-2", "rev", revision="2", is_current=False),
        routed("root-2", "", revision="2", is_current=False),
    ]
)
OLD, NEW = ("api-version", "2024-01-01"), ("API-VERSION", "2025-01-01")


@pytest.mark.parametrize(
    ("path", "headers", "api", "rest"),
    [
        ("/seg/x", (), "seg-v0", "/x"),
        ("/seg/V1/x", (), "seg-v1", "/x"),
        ("/seg/v1;rev=2/x", (), "seg-v1-r2", "/x"),
        ("/seg/v9/x", (), "seg-v0", "/v9/x"),
        ("/head/x", (), "head-0", "/x"),
        ("/head/x", (OLD,), "head-1", "/x"),
        ("/head/x", (NEW,), "head-2", "/x"),
        ("/head/x", (OLD, NEW), None, "/head/x"),
        ("/head/x", (("api-version", "1"),), None, "/head/x"),
        ("/query/x", (), None, "/query/x"),
        ("/query/x?api-version=1", (), "query-1", "/x"),
        ("/query/x?api-version=1&api-version=1", (), "query-1", "/x"),
        ("/query/x?api-version=1&api-version=2", (), None, "/query/x"),
        ("/rev/x", (), "rev-1", "/x"),
        ("/rev;rev=1/x", (), "rev-1", "/x"),
        ("/rev;rev=2/x", (), "rev-2", "/x"),
        ("/rev;REV=2", (), "rev-2", ""),
        ("/rev;rev=3/x", (), None, "/rev;rev=3/x"),
        ("/;rev=2/x", (), "root-2", "/x"),
    ],
)
def test_version_and_revision_choose_the_api(
    path: str, headers: tuple[tuple[str, str], ...], api: str | None, rest: str
) -> None:
    """Versions by segment, header or query and revisions by ;rev= each lead to their own API; unknown ones to none."""
    found = match(VERSIONS, f"GET {path}", headers)
    assert (found.api and found.api.id, found.rest_path) == (api, rest)


PLACE = Location("config.yaml", 7, 3)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("GET /jobs/{id}", "GET /jobs/{name}/"),
        ("GET /a?x={x}&y={y}", "GET /a?y={b}&x={a}"),
        ("* /{*rest}", "* /*"),
        ("GET /Files/{a}.json", "GET /files/{b}.JSON"),
        ("GET /", "GET "),
    ],
)
def test_operations_for_the_same_requests_refuse_to_load(first: str, second: str) -> None:
    """Two operations that match exactly the same requests are reported with their place."""
    with pytest.raises(LoadError) as caught:
        Router([routed("api", "api", [operation(first), operation(second, PLACE)])])
    assert [(problem.code, problem.location) for problem in caught.value.problems] == [("duplicate-operation", PLACE)]


@pytest.mark.parametrize(
    "twin",
    [
        routed("b", "/A/", location=PLACE),
        routed("b", "a", revision="2", location=PLACE),
        routed("b", "a", is_current=False, location=PLACE),
        routed("b", "", version=RoutedVersion("segment", "A"), location=PLACE),
    ],
    ids=["path", "two-current", "same-revision", "version-as-path"],
)
def test_apis_for_the_same_requests_refuse_to_load(twin: RoutedApi) -> None:
    """Two APIs cannot claim one path, version and revision."""
    with pytest.raises(LoadError) as caught:
        Router([routed("a", "a"), twin])
    assert [(problem.code, problem.location) for problem in caught.value.problems] == [("duplicate-api", PLACE)]


def test_same_header_version_twice_refuses_to_load() -> None:
    """One version value belongs to one API; header names compare without case."""
    apis = [routed(id, "a", version=RoutedVersion("header", "1", name)) for id, name in (("x", "V"), ("y", "v"))]
    with pytest.raises(LoadError, match="duplicate-api"):
        Router(apis)


def test_every_mistake_is_told_at_once() -> None:
    """Loading reports the problems of all APIs and operations together."""
    apis = [routed("a", "a", operations("GET /{", "GET /*/x")), routed("b", "b*"), routed("c", "c")]
    with pytest.raises(LoadError) as caught:
        Router(apis)
    assert [problem.code for problem in caught.value.problems] == [
        "bad-url-template",
        "bad-url-template",
        "bad-api-path",
    ]


def test_explicit_method_comes_before_any_method() -> None:
    """An operation for the method itself wins over ``*`` on the same template, whatever their order."""
    for lines in (("* /a", "GET /a", "POST /a?x={x}"), ("GET /a", "POST /a?x={x}", "* /a")):
        router = Router([routed("a", "a", operations(*lines))])
        ids = [
            found.operation and found.operation.id for found in (match(router, f"{m} /a/a") for m in ("GET", "POST"))
        ]
        assert ids == ["GET /a", "* /a"]


def test_order_of_operations_does_not_matter() -> None:
    """Precedence depends on the templates; reversing the list changes nothing."""
    lines = [
        "GET /{a}",
        "GET /x",
        "GET /x{a}",
        "GET /*",
        "GET /{a}/{b}",
        "GET /{a}/*",
        "GET /x/*",
        "GET /x/{b}",
        "GET /x{a}/z",
    ]
    paths = ["/", "/x", "/xy", "/y", "/x/y", "/y/z", "/x/y/z", "/p/q/r", "/xy/z"]
    forward, backward = (Router([routed("a", "", operations(*order))]) for order in (lines, lines[::-1]))
    found = [match(forward, f"GET {path}").operation for path in paths]
    assert found == [match(backward, f"GET {path}").operation for path in paths]
    assert [operation and operation.url_template for operation in found] == [
        "/*", "/x", "/x{a}", "/{a}", "/x/{b}", "/{a}/{b}", "/x/*", "/{a}/*", "/x{a}/z",
    ]  # fmt: skip


def test_document_order_breaks_a_tie() -> None:
    """Where two templates are equally specific, the first one in the document wins."""
    for lines in (["GET /{a}/x", "GET /x/{b}"], ["GET /x/{b}", "GET /{a}/x"], ["GET /a{x}", "GET /{x}b"]):
        found = match(Router([routed("a", "", operations(*lines))]), "GET /x/x" if "a{" not in lines[0] else "GET /ab")
        assert found.operation is not None
        assert found.operation.id == lines[0]


@pytest.mark.parametrize("path", ["/ops/secret;rev=1", "/ops/x;rev=1/secret", "/ops;rev=1/secret;rev=1"])
def test_only_the_apis_own_segment_has_revisions(path: str) -> None:
    """A revision elsewhere matches nothing: a server that ignores it would serve a stricter operation."""
    api = routed("ops", "ops", operations("GET /secret", "GET /*"))
    found = Router([api]).match(Request("GET", path))
    assert (found.api, found.operation) == (api, None)


def many_apis(count: int) -> list[RoutedApi]:
    """*count* APIs of twenty operations."""
    lines = [line for index in range(10) for line in (f"GET /things{index}/{{id}}", f"POST /things{index}")]
    return [routed(f"api-{number}", f"area/api{number}", operations(*lines)) for number in range(count)]


def best_of(router: Router, request: Request) -> float:
    """Seconds for 2,000 matches, the quietest of ten tries."""
    return min(timeit.repeat(lambda: router.match(request), number=2_000, repeat=10))


@pytest.mark.slow
def test_a_thousand_apis_route_like_ten() -> None:
    """1,000 APIs of 20 operations load quickly and cost a match no more than 10 do."""
    apis = many_apis(1_000)
    start = time.thread_time()
    large, small = Router(apis), Router(apis[:10])
    assert time.thread_time() - start < on_this_machine(3)
    request = Request("GET", "/area/api7/things3/42")
    assert large.match(request).operation == small.match(request).operation
    ratios = [best_of(large, request) / best_of(small, request) for _ in range(5)]
    assert min(ratios) <= 1.2


def test_hostile_paths_cost_no_more_than_their_length() -> None:
    """Templates that overlap in every segment do not make a long path expensive."""
    lines = [
        f"GET {'/{a}' * 0}" + "".join(f"/{{p{i}}}" for i in range(depth)) + f"/end{depth}" for depth in range(1, 20)
    ]
    lines += ["GET /{a}-{b}-{c}-{d}-{e}", "GET /{*rest}"]
    router = Router([routed("a", "", operations(*lines))])
    start = time.perf_counter()
    assert match(router, "GET " + "/p" * 4_000).operation is not None
    assert match(router, "GET /" + "-" * 8_000 + "x").operation is not None
    assert time.perf_counter() - start < on_this_machine(0.5)
