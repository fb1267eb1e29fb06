"""
The query options of a collection, and its pages.

Source: OData 4.0 part 1 section 11.2; Microsoft Learn, Finance & Operations "Open Data Protocol (OData)".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import urlencode

from gateway.emulators.d365.errors import ODataError
from gateway.emulators.d365.filters import Filter, parse_filter
from gateway.emulators.d365.rows import FIELDS

OPTIONS = frozenset({"$filter", "$select", "$top", "$skip", "$count", "$orderby", "$skiptoken", "cross-company"})
MAX_DIGITS = 9


@dataclass(frozen=True, slots=True)
class QueryOptions:
    """The options of one request; ``given`` are its parameters as they came, for the link to the next page."""

    given: Mapping[str, str]
    filter: Filter | None
    select: tuple[str, ...]
    order: tuple[str, bool] | None
    top: int | None
    skip: int
    count: bool

    @classmethod
    def parse(cls, given: Mapping[str, str]) -> Self:
        """
        Read the parameters of a URL.

        Raises:
            ODataError: 400 for an unknown ``$`` option, an unknown property or an invalid number.
        """
        for name in given:
            if name.startswith("$") and name not in OPTIONS:
                raise ODataError(400, f"The query option '{name}' is not supported.")
        text = given.get("$filter")
        return cls(
            given=given,
            filter=parse_filter(text) if text is not None else None,
            select=_select(given.get("$select")),
            order=_order(given.get("$orderby")),
            top=_number(given, "$top"),
            skip=(_number(given, "$skip") or 0) + (_number(given, "$skiptoken") or 0),
            count=given.get("$count") == "true",
        )


def page(
    query: QueryOptions,
    rows: Iterable[dict[str, Any]],
    page_size: int,
    url: str,
    shape: Callable[[dict[str, Any]], Any],
) -> dict[str, Any]:
    """
    The body of a collection's answer.

    Args:
        rows: All rows that exist.
        page_size: At most this many rows; a further page is linked by ``@odata.nextLink``.
        url: The collection's URL.
        shape: Makes a row ready to be sent.
    """
    passing = [row for row in rows if query.filter is None or query.filter.test(row)]
    if query.order:
        name, descending = query.order
        passing.sort(key=lambda row: row[name], reverse=descending)
    rest = passing[query.skip :][: query.top]
    body: dict[str, Any] = {"@odata.context": f"{url.rsplit('/', 1)[0]}/$metadata#BatchJobs"}
    if query.count:
        body["@odata.count"] = len(passing)
    body["value"] = [shape(row) for row in rest[:page_size]]
    if len(rest) > page_size:
        body["@odata.nextLink"] = f"{url}?{urlencode(_next(query, page_size))}"
    return body


def _next(query: QueryOptions, page_size: int) -> dict[str, str]:
    # $skip is already in $skiptoken, and $top counts over all pages, so both change from page to page.
    options = {name: value for name, value in query.given.items() if name not in ("$skip", "$skiptoken", "$top")}
    if query.top is not None:
        options["$top"] = str(query.top - page_size)
    return options | {"$skiptoken": str(query.skip + page_size)}


def _select(text: str | None) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(",")) if text and text != "*" else ()
    for name in names:
        _known(name)
    return names


def _order(text: str | None) -> tuple[str, bool] | None:
    if not text:
        return None
    name, _, direction = text.strip().partition(" ")
    return _known(name), direction.strip() == "desc"


def _known(name: str) -> str:
    if name not in FIELDS:
        raise ODataError(400, f"No property '{name}' on type 'Microsoft.Dynamics.DataEntities.BatchJob'.")
    return name


def _number(given: Mapping[str, str], name: str) -> int | None:
    text = given.get(name)
    if text is not None and not (text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS):
        raise ODataError(400, f"The value '{text}' of {name} is not a number.")
    return None if text is None else int(text)
