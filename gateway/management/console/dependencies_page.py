"""What requests depend on: token issuers and backends, over all processes."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

from gateway.management.backends import BackendState
from gateway.management.console import figures, forms
from gateway.management.console.forms import NOBODY, Hand
from gateway.management.console.markup import Html, badge, code, element, joined, section, table
from gateway.management.console.state import IssuerState, ProcessState

PATH = "/console/dependencies"

T = TypeVar("T")


def content(states: Sequence[ProcessState], hand: Hand = NOBODY) -> list[Html]:
    """Both tables; one line for all processes together."""
    issuers = _grouped((issuer for state in states for issuer in state.issuers), lambda issuer: issuer.url)
    backends = _grouped((backend for state in states for backend in state.backends), lambda backend: backend.name)
    return [
        section(
            "Issuers",
            table(
                ["Metadata", "State", "#Keys", "Confirmed", "Last error"],
                map(_issuer, issuers),
                "No policy asks for tokens.",
            ),
            id="issuers",
        ),
        section("Withdraw a key", *_withdrawal(hand, sorted({group[0].url for group in issuers}))),
        section(
            "Backends",
            table(["Backend", "Where", "Circuit", "#In use", "#Idle", "#Waiting"], map(_backend, backends), "None."),
            element("p", "Connections are those over HTTP/1.1.", class_="quiet"),
            id="backends",
        ),
    ]


def _grouped(items: Iterable[T], name: Callable[[T], str]) -> list[list[T]]:
    groups: dict[str, list[T]] = {}
    for item in items:
        groups.setdefault(name(item), []).append(item)
    return list(groups.values())


# -- issuers
def _withdrawal(hand: Hand, issuers: Sequence[str]) -> Iterator[Html]:
    """For a key that has leaked, or that an issuer has called back."""
    yield element("p", "A withdrawn key is not used again, whatever its issuer publishes, until the gateway stops.")
    if hand.can_act:
        kid = forms.text("Key id (kid)", "kid", required="", size=36)
        issuer = forms.choice("Of", "issuer", {"": "every issuer", **{url: url for url in issuers}})
        button = element("button", "Withdraw the key", type="submit")
        yield hand.form("withdraw-key", forms.hidden("back", PATH), kid, issuer, button, class_="row")
    twin = code("gateway keys withdraw KID --issuer URL -c config.yaml")
    yield element("p", "Same as " if hand.can_act else "To do it: ", twin, class_="quiet")


def _issuer(group: list[IssuerState]) -> list[object]:
    """One issuer in all processes: the worst of them."""
    worst = min(group, key=lambda issuer: (issuer.ready, issuer.keys))
    stated = [element("div", element("small", worst.issuer))] if worst.issuer else []
    error = next((issuer.error for issuer in group if issuer.error), "")
    return [
        joined((code(worst.url), *stated)),
        _ready(group),
        _keys(worst),
        _confirmed(group),
        error or figures.NOTHING,
    ]


def _ready(group: list[IssuerState]) -> Html:
    ready = sum(issuer.ready for issuer in group)
    if ready == len(group):
        return badge("ready", "good")
    return badge("no keys" if not ready else f"no keys in {len(group) - ready} of {len(group)}", "bad")


def _keys(issuer: IssuerState) -> str:
    vanished = f" ({issuer.vanished_keys} no longer published)" if issuer.vanished_keys else ""
    return f"{issuer.keys}{vanished}"


def _confirmed(group: list[IssuerState]) -> str:
    """The oldest age of all; never, where one process has none."""
    ages = [issuer.age_s for issuer in group]
    if None in ages:
        return "never"
    return f"{figures.age(max(age for age in ages if age is not None))} ago"


# -- backends
def _backend(group: list[BackendState]) -> list[object]:
    first = group[0]
    numbers = [
        sum(backend.in_use for backend in group),
        sum(backend.idle for backend in group),
        sum(backend.waiting for backend in group),
    ]
    connections = map(figures.count, numbers) if first.kind == "http" else [figures.NOTHING] * 3
    return [joined((code(first.name), " ", element("small", first.kind))), _where(first), _circuit(group), *connections]


def _where(backend: BackendState) -> object:
    if backend.kind == "pool":
        return joined(map(code, backend.members), ", ")
    return "in this process" if backend.kind == "application" else code(backend.url)


def _circuit(group: list[BackendState]) -> object:
    open_ones = [backend.open_for_s for backend in group if backend.open_for_s]
    if open_ones:
        some = f" in {len(open_ones)} of {len(group)}" if len(group) > 1 else ""
        return badge(f"open{some} for {math.ceil(max(open_ones))} s", "bad")
    return figures.NOTHING if group[0].open_for_s is None else badge("closed", "good")
