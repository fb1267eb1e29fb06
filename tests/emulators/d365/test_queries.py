"""Query options: selection, order, counting and paging."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from gateway.emulators.d365.errors import ODataError
from gateway.emulators.d365.queries import QueryOptions, page

URL = "https://contoso.example/data/BatchJobs"
ROWS = [{"BatchJobRecId": number, "StartTime": -number} for number in range(1, 6)]


def _page(given: dict[str, str], page_size: int = 100) -> dict[str, Any]:
    return page(QueryOptions.parse(given), ROWS, page_size, URL, lambda row: row["BatchJobRecId"])


@pytest.mark.parametrize(
    ("given", "ids"),
    [
        ({}, [1, 2, 3, 4, 5]),
        ({"$top": "2"}, [1, 2]),
        ({"$skip": "3"}, [4, 5]),
        ({"$orderby": "StartTime"}, [5, 4, 3, 2, 1]),
        ({"$orderby": "BatchJobRecId desc", "$top": "1"}, [5]),
        ({"$filter": "BatchJobRecId gt 3", "cross-company": "true"}, [4, 5]),
    ],
)
def test_rows(given: dict[str, str], ids: list[int]) -> None:
    """The options choose and order rows."""
    body = _page(given)
    assert body["value"] == ids
    assert body["@odata.context"] == "https://contoso.example/data/$metadata#BatchJobs"
    assert "@odata.count" not in body


def test_count() -> None:
    """The count is of all rows that match, whatever ``$top`` says."""
    assert _page({"$count": "true", "$top": "1"})["@odata.count"] == 5


@pytest.mark.parametrize(
    ("given", "pages"),
    [
        ({}, [[1, 2], [3, 4], [5]]),
        ({"$top": "3"}, [[1, 2], [3]]),
        ({"$skip": "1", "$filter": "BatchJobRecId gt 1"}, [[3, 4], [5]]),
    ],
)
def test_pages(given: dict[str, str], pages: list[list[int]]) -> None:
    """Following ``@odata.nextLink`` verbatim returns every row once."""
    seen = []
    while True:
        body = _page(given, 2)
        seen.append(body["value"])
        if "@odata.nextLink" not in body:
            break
        given = dict(parse_qsl(urlsplit(body["@odata.nextLink"]).query))
    assert seen == pages


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"$expand": "Tasks"}, "'\\$expand' is not supported"),
        ({"$select": "BatchJobRecId,Caption"}, "No property 'Caption'"),
        ({"$orderby": "caption"}, "No property 'caption'"),
        ({"$top": "-1"}, "is not a number"),
    ],
)
def test_refused(given: dict[str, str], message: str) -> None:
    """Unknown options, unknown properties and invalid numbers get a 400."""
    with pytest.raises(ODataError, match=message):
        QueryOptions.parse(given)


@pytest.mark.parametrize(
    ("text", "names"), [("A", None), ("*", ()), ("BatchJobRecId, Status", ("BatchJobRecId", "Status"))]
)
def test_select(text: str, names: tuple[str, ...] | None) -> None:
    """``$select`` lists known fields; an asterisk means all."""
    if names is not None:
        assert QueryOptions.parse({"$select": text}).select == names
