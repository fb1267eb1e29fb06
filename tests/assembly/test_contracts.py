"""What one API's documents make trustworthy cannot be forged through another API to the same backend."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.assembly.contracts import contracts
from gateway.config import parse
from gateway.pipeline.destination import Destination
from gateway.pipeline.pipeline import Pipeline

OWNING = [Pipeline(owned_headers=frozenset({"caller-objectid"}))]
GUARDING = [Pipeline(guarded_headers=frozenset({"caller-objectid"}))]
CONFIG = """
backends:
  one: {url: "https://backend.example/base"}
  other: {url: "http://other.example"}
  pool: {pool: [{backend: one}, {backend: other}]}
apis:
  - {id: owner, path: owner, backend: one}
  - {id: neighbour, path: neighbour, WHERE}
"""


def names(where: str, pipelines: list[Pipeline]) -> frozenset[str]:
    """What the neighbour's clients may not send."""
    config = parse(CONFIG.replace("WHERE", where), "config.yaml", Path.cwd(), {})
    return contracts(config, {"owner": OWNING, "neighbour": pipelines}, frozenset())["neighbour"].names


@pytest.mark.parametrize(
    ("where", "forgeable"),
    [
        ("backend: one", False),
        ("backend: pool", False),
        ('service-url: "https://backend.example/elsewhere"', False),
        ('service-url: "https://BACKEND.example:443"', False),
        ('service-url: "https://backend.example:8443"', True),
        ('service-url: "https://backend.example."', False),
        ('service-url: "https://.backend.example"', True),
        ('service-url: "https://unrelated.example"', True),
        ("backend: other", True),
        ("name: leads nowhere", True),
    ],
)
def test_a_name_is_owned_on_every_way_to_a_backend(where: str, forgeable: bool) -> None:
    """Host and port decide, however they are written; another backend's headers stay the client's."""
    assert ("caller-objectid" not in names(where, [Pipeline()])) is forgeable


DESTINATIONS = [
    pytest.param([Destination(url="https://backend.example/x")], False, id="the same place"),
    pytest.param([Destination(backend="one")], False, id="the same backend"),
    pytest.param([Destination(backend="pool")], False, id="a pool with it"),
    pytest.param([Destination(any_backend=True)], False, id="one of the configuration"),
    pytest.param([Destination()], False, id="chosen by an expression"),
    pytest.param([Destination.at("http://[broken")], False, id="not to be read"),
    pytest.param([Destination(url="https://unrelated.example"), Destination(backend="other")], True, id="others"),
    pytest.param([], True, id="none"),
]


@pytest.mark.parametrize(("destinations", "forgeable"), DESTINATIONS)
def test_policies_lead_to_backends_too(destinations: list[Destination], forgeable: bool) -> None:
    """A backend chosen by a policy counts like the API's own; one chosen by an expression may be any backend."""
    leading = [Pipeline(destinations=frozenset(destinations))]
    assert ("caller-objectid" not in names("backend: other", leading)) is forgeable


@pytest.mark.parametrize(
    ("chosen", "forgeable"), [(Destination(), False), (Destination.at("http://unrelated.example"), True)]
)
def test_an_owner_that_leads_anywhere(chosen: Destination, forgeable: bool) -> None:
    """If an expression chooses the owner's backend, clients of every other API cannot send the name, either."""
    owning = [Pipeline(owned_headers=frozenset({"caller-objectid"}), destinations=frozenset({chosen}))]
    config = parse(CONFIG.replace("WHERE", "backend: other"), "config.yaml", Path.cwd(), {})
    taken = contracts(config, {"owner": owning, "neighbour": [Pipeline()]}, frozenset())["neighbour"].names
    assert ("caller-objectid" not in taken) is forgeable


def test_an_api_that_reads_the_clients_value_keeps_it() -> None:
    """A name that the neighbour itself guards stays readable for its own policies."""
    assert names("backend: one", GUARDING) == frozenset()
