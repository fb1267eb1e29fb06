"""
What Envoy has to change in the query.

Envoy takes a query apart at ``&`` and ``=`` without decoding anything, replaces and removes names as they are spelled,
and writes the rest as it was. So both sides are compared in this form here.

Source: Envoy ``Http::Utility::QueryParamsMulti``.
"""

from __future__ import annotations

from gateway.errors import GatewayError


class QueryNotExpressible(GatewayError):
    """A name with several values that have changed: Envoy sets one value of each name."""


def query_changes(before: str, after: str) -> tuple[list[tuple[str, str]], list[str]]:
    """
    Parameters to set, with their values, and names to remove; nothing is decoded.

    Raises:
        QueryNotExpressible
    """
    if before == after:
        return [], []
    was, wanted = _taken_apart(before), _taken_apart(after)
    replaced = [(name, _only(name, values)) for name, values in wanted.items() if was.get(name) != values]
    return replaced, [name for name in was if name not in wanted]


def _only(name: str, values: list[str]) -> str:
    if len(values) > 1:
        raise QueryNotExpressible(f"the query parameter {name} has {len(values)} values")
    return values[0]


def _taken_apart(query: str) -> dict[str, list[str]]:
    values_by_name: dict[str, list[str]] = {}
    for pair in filter(None, query.split("&")):
        name, _, value = pair.partition("=")
        values_by_name.setdefault(name, []).append(value)
    return values_by_name
