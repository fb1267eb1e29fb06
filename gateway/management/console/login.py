"""Logging in to the console with the management plane's token, and out again."""

from __future__ import annotations

import math
import time

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from gateway.management.console import forms
from gateway.management.console.markup import Html, element
from gateway.management.console.page import Frame
from gateway.management.guard import LOGIN, Visitors
from gateway.management.logins import COOKIE, PERSON, Person, client_of, cookie, is_equal

LOGOUT = "/console/logout"
MOST_BYTES = 8 * 1024  # of a form that anyone can send

log = structlog.get_logger("gateway.console")


class LoginPages:
    """The two addresses. *frame*: around the page."""

    def __init__(self, access: Visitors, frame: Frame) -> None:
        self._logins = access.logins
        self._frame = frame.bare()

    async def enter(self, request: Request) -> Response:
        """The form, or a session for the right token."""
        if request.method == "GET":
            return self._form(onward(request.query_params.get("next", "/")))
        fields, client = await forms.read(request, MOST_BYTES), client_of(request.scope)
        target = onward(fields.get("next", "/"))
        session = self._logins.begin(fields.get("token", "").strip(), client)
        log.info("console_login", client=client, outcome="done" if session else "refused")
        if session is None:
            return self._refused(target, client)
        encrypted = request.headers.get("origin", "").startswith("https:")
        return RedirectResponse(target, 303, {"Set-Cookie": cookie(session, encrypted)})

    async def leave(self, request: Request) -> Response:
        """End the session."""
        person: Person | None = request.scope.get(PERSON)
        require_own_form(person, await forms.read(request))
        self._logins.sessions.end(request.cookies.get(COOKIE, ""))
        return RedirectResponse(LOGIN, 303, {"Set-Cookie": cookie("", False)})

    def _refused(self, target: str, client: str) -> Response:
        wait_s = self._logins.wait_s(client)
        if wait_s:
            return self._form(target, f"Too many wrong tokens: wait {math.ceil(wait_s)} s.", 429)
        return self._form(target, "That is not the token.", 401)

    def _form(self, target: str, mistake: str = "", status: int = 200) -> Response:
        content: list[Html] = []
        if mistake:
            content.append(element("p", mistake, class_="verdict bad", role="alert"))
        if self._logins.token is None:
            content.append(element("p", "No token is configured: there is nothing to log in with."))
        else:
            content.append(_token_form(target))
        page = self._frame.page("", "Log in", content, time.time())
        return HTMLResponse(page.encode("utf-8", "replace"), status)


def _token_form(target: str) -> Html:
    token = forms.text("Token", "token", kind="password", required="", size=40)
    button = element("button", "Log in", type="submit", class_="main")
    hint = element("p", "The token is the one under console/token in the configuration.", class_="quiet")
    return element("form", forms.hidden("next", target), token, button, hint, method="post", action=LOGIN)


def onward(path: str) -> str:
    """Where to go after the login: a page of the console, never another site."""
    return path if path == "/" or path.startswith("/console/") else "/"


def require_own_form(person: Person | None, fields: dict[str, str]) -> Person:
    """
    The one who has posted *fields* from a form of ours.

    Raises:
        HTTPException: 403: nobody is logged in, or the form is not from this login.
    """
    if person is None:
        raise HTTPException(403, "Log in first")
    if person.csrf and not is_equal(fields.get(forms.CSRF, ""), person.csrf):
        raise HTTPException(403, "The form is not from this login; open the page again")
    return person
