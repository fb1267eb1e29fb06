"""The token inspector: what a token says, in words, and which routes it would pass and why not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from gateway.management.console import figures, forms
from gateway.management.console.markup import Html, badge, code, element, facts, joined, link, section, table
from gateway.management.logins import Person

PATH = "/console/token"

# What the members of a token mean to those who read them here. Source: RFC 7519 §4.1; Microsoft "Access token claims".
MEANINGS = {
    "iss": "issuer: who made it",
    "aud": "audience: for whom it was made",
    "sub": "subject: the caller, by a name that differs from application to application",
    "oid": "object id: the caller in the tenant",
    "tid": "tenant",
    "azp": "application that asked for it",
    "appid": "application that asked for it",
    "scp": "scopes: what a user lets the application do",
    "roles": "application roles",
    "exp": "expires",
    "nbf": "not before",
    "iat": "issued",
    "ver": "version of the token's form",
    "kid": "key that signed it",
    "alg": "algorithm",
}
_TIMES = ("exp", "nbf", "iat")
_MARKS = {
    "passes": ("passes", "good"),
    "refused": ("refused", "bad"),
    "unknown": ("cannot be judged", "warn"),
    "open": ("no token needed", ""),
}


def content(person: Person | None, token: str, report: Mapping[str, Any] | None, now: float, mints: bool) -> list[Html]:
    """The form, and what is known of *token*. *mints*: whether there is an issuer here that makes one."""
    page = [_form(person, token, mints)]
    if report is None:
        return page
    if report["error"]:
        problem = element("strong", "This is not a token. ")
        return [*page, element("p", problem, report["error"], class_="verdict bad", role="alert")]
    claims = [(_named(name), _claim(name, value, now)) for name, value in report["claims"].items()]
    header = [(_named(name), _claim(name, value, now)) for name, value in report["header"].items()]
    return [
        *page,
        element("div", _summary(report["routes"]), class_="verdict", role="status"),
        section("Routes", _routes(report["routes"]), *_left_out(report["left_out"])),
        section("Claims, as the token has them", facts(claims) if claims else element("p", "They are encrypted.")),
        section("Header", facts(header)),
        *([section("Why not", *_reasons(report["routes"]))] if _refusing(report["routes"]) else []),
    ]


def _form(person: Person | None, token: str, mints: bool) -> Html:
    hint = element("p", "It stays in the gateway: it is not logged, kept, or in any address.", class_="quiet")
    area = forms.area("Token", "token", token, rows=5)
    buttons: list[object] = [element("button", "Inspect", type="submit", class_="main")]
    if mints:
        buttons += [" ", element("button", "Make one (demo)", type="submit", name="mint", value="1")]
    twin = element("p", "Same as ", code("gateway explain TOKEN -c config.yaml --api API"), class_="quiet")
    return forms.posted(PATH, person, area, element("p", *buttons), hint, twin)


def _named(name: str) -> Html:
    meaning = MEANINGS.get(name)
    return joined((code(name), *([" ", element("small", meaning)] if meaning else [])))


def _claim(name: str, value: object, now: float) -> object:
    if name in _TIMES and isinstance(value, int | float) and 0 <= value < 1e11:
        away = value - now
        when = f"in {figures.age(away)}" if away >= 0 else f"{figures.age(-away)} ago"
        return joined((f"{figures.moment(value)} UTC, {when} ", code(value)))
    if isinstance(value, list):
        return joined(map(code, value), ", ")
    return code(value)


def _summary(routes: Sequence[Mapping[str, Any]]) -> Html:
    checked = [route for route in routes if route["outcome"] != "open"]
    passing = sum(route["outcome"] == "passes" for route in checked)
    if not checked:
        return element("p", "No route here checks a token.")
    if len(checked) == 1:
        return element("p", f"It {'passes' if passing else 'does not pass'} the only route that checks a token.")
    which = {0: "none", len(checked): "all"}.get(passing, str(passing))
    return element("p", f"It passes {which} of the {len(checked)} routes that check a token.")


def _routes(routes: Sequence[Mapping[str, Any]]) -> Html:
    rows = [
        [
            link(f"/console/apis/{quote(route['api'], safe='')}", route["api"]),
            _operation(route),
            badge(*_MARKS[route["outcome"]]),
            _because(route),
        ]
        for route in routes
    ]
    return table(["API", "Operation", "This token", "Because"], rows, "There is no route.")


def _operation(route: Mapping[str, Any]) -> Html:
    name = f"{route['method']} {route['template']}" if route["operation"] else "every request"
    product = f" (product {route['product']})" if route["product"] else ""
    return joined((code(name), product))


def _because(route: Mapping[str, Any]) -> object:
    for check in route["checks"]:
        if check["outcome"] != "passes":
            decisive = next((step for step in check["steps"] if step["outcome"] != "passed"), None)
            said = check["note"] if decisive is None else decisive["reason"] or decisive["hint"] or decisive["name"]
            return joined((said, element("small", f" {check['policy']}{_branch(check)}")))
    return figures.NOTHING


def _branch(check: Mapping[str, Any]) -> str:
    return ", only in a branch" if check["conditional"] else ""


def _left_out(number: int) -> list[Html]:
    return [element("p", f"{figures.count(number)} more were not judged.", class_="quiet")] if number else []


def _refusing(routes: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Every check that does not let it pass, each once."""
    checks = (check for route in routes for check in route["checks"] if check["outcome"] != "passes")
    return list({(check["place"], str(check["steps"])): check for check in checks}.values())


def _reasons(routes: Sequence[Mapping[str, Any]]) -> Iterator[Html]:
    for check in _refusing(routes)[:20]:
        rows = [
            [
                step["name"],
                badge(step["outcome"], {"passed": "good", "failed": "bad"}.get(step["outcome"], "warn")),
                step["expected"] or figures.NOTHING,
                step["found"] or figures.NOTHING,
                step["hint"] or step["message"] or figures.NOTHING,
            ]
            for step in check["steps"]
        ]
        head = element("h3", code(check["policy"]), element("small", f" {check['scope']} {check['place']}"))
        yield element("div", head, table(["Check", "Outcome", "Expected", "Found", "What to do"], rows, check["note"]))
