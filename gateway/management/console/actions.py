"""
What the console can do: each action is posted by a form of a page, by someone who is logged in, and is in the log.

Nothing here is possible without ``console: {actions: true}``. Each action has a twin on the command line, which the
pages name.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from gateway.errors import GatewayError
from gateway.management.console import forms, try_page
from gateway.management.console.login import onward, require_own_form
from gateway.management.console.markup import Html, badge, element, link
from gateway.management.console.page import Frame
from gateway.management.console.sources import Sources
from gateway.management.guard import Visitors
from gateway.management.logins import PERSON, client_of

log = structlog.get_logger("gateway.console")

LONGEST_SUBJECT = 200


@dataclass(frozen=True, slots=True)
class Done:
    """
    What an action has come to.

    Attributes:
        text: One sentence for the page.
        content: What the page shows below it.
    """

    succeeded: bool
    text: str
    content: Sequence[Html] = ()


Action = Callable[[Sources, Mapping[str, str]], Awaitable[Done]]


@dataclass(frozen=True, slots=True)
class ActionPages:
    """One address for all actions: the last segment of the path is the action's name."""

    access: Visitors
    frame: Frame
    sources: Sources

    async def answer(self, request: Request) -> Response:
        """Do it, note it in the log, and say what it has come to."""
        name = request.path_params["action"]
        if not self.access.actions:
            raise HTTPException(403, "Actions are switched off; console: {actions: true} allows them")
        action = ACTIONS.get(name)
        if action is None:
            raise HTTPException(404, "No such action")
        fields = await forms.read(request)
        person = require_own_form(request.scope.get(PERSON), fields)
        done = Done(False, "It failed; the log of the gateway says more.")
        try:
            done = await action(self.sources, fields)
        except GatewayError as error:
            done = Done(False, str(error))
        finally:  # whatever else goes wrong, or if the browser has gone: some of it may have been done
            log.info(
                "console_action",
                action=name,
                person=person.name,
                client=client_of(request.scope),
                subject=_subject(name, fields)[:LONGEST_SUBJECT],
                outcome="done" if done.succeeded else "failed",
            )
        return self._page(name, done, fields)

    def _page(self, name: str, done: Done, fields: Mapping[str, str]) -> Response:
        mark = badge("done", "good") if done.succeeded else badge("not done", "bad")
        content: list[Html] = [
            element("p", mark, f" {done.text}", class_=f"verdict {'good' if done.succeeded else 'bad'}", role="status"),
            element("p", _back(name, fields)),
            *done.content,
        ]
        path, title = (try_page.PATH, "Try it") if name == "try" else ("", name.replace("-", " ").capitalize())
        page = self.frame.page(path, title, content, time.time())
        return HTMLResponse(page.encode("utf-8", "replace"), 200 if done.succeeded else 409)


def _back(name: str, fields: Mapping[str, str]) -> Html:
    if name != "try":
        return link(onward(fields.get("back", "/")), "Back")
    kept = {field: fields.get(field, "").partition("?")[0] for field in try_page.REMEMBERED}  # a query may be secret
    return link(f"{try_page.PATH}?{urlencode(kept)}", "Back to the form")


async def _reload(sources: Sources, _: Mapping[str, str]) -> Done:
    report = await sources.perform("reload", {})
    if not report["reloaded"]:
        return Done(False, f"The configuration before stays in force: {'; '.join(report['problems'])}")
    waiting = ", ".join(report["needs-restart"])
    return Done(True, "The new configuration is in force." + (f" Only after a restart: {waiting}." if waiting else ""))


async def _withdraw_key(sources: Sources, fields: Mapping[str, str]) -> Done:
    kid = fields.get("kid", "").strip()
    if not kid:
        return Done(False, "Name the key: its kid.")
    report = await sources.perform("withdraw-key", {"kid": kid, "issuer": fields.get("issuer", "").strip()})
    if report.get("error"):
        return Done(False, str(report["error"]))
    issuers = ", ".join(report["issuers"])
    text = (
        f"Until the gateway stops, no token signed with it is accepted: {issuers}."
        if issuers
        else "No issuer uses it now; should one publish it, its tokens are refused until the gateway stops."
    )
    return Done(True, f"Withdrawn. {text}")


async def _replay(sources: Sources, fields: Mapping[str, str]) -> Done:
    report = await sources.perform("replay", {"job": fields.get("job", "")})
    is_done = bool(report["done"])
    return Done(is_done, "Its callback is sent again." if is_done else "It is not finished, or there is no such job.")


async def _stop(sources: Sources, fields: Mapping[str, str]) -> Done:
    report = await sources.perform("stop", {"job": fields.get("job", "")})
    if not report["done"]:
        return Done(False, "It is finished already, or there is no such job.")
    return Done(True, "Watching has stopped, and no callback follows; F&O's batch job itself continues.")


async def _try(sources: Sources, fields: Mapping[str, str]) -> Done:
    given = {name: fields.get(name, "") for name in ("method", "path", "headers", "token", "body", "stub")}
    report = await sources.perform("try", given)
    return Done(
        True,
        f"{_subject('try', fields)} was sent {'to a stub' if given['stub'] else 'for real'}.",
        content=try_page.outcome(report),
    )


def _subject(action: str, fields: Mapping[str, str]) -> str:
    """What the action *action* is done to, for the log; no secret, and no query."""
    if action == "try":
        return f"{fields.get('method', '')} {fields.get('path', '').partition('?')[0]}"
    if action == "withdraw-key":
        return " of ".join(filter(None, (fields.get("kid", "").strip(), fields.get("issuer", "").strip())))
    return fields.get("job", "") if action in ("replay", "stop") else "configuration"


ACTIONS: Mapping[str, Action] = {
    "reload": _reload,
    "withdraw-key": _withdraw_key,
    "replay": _replay,
    "stop": _stop,
    "try": _try,
}
