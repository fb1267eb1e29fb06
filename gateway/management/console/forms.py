"""Forms of the console: what a browser posts, read within bounds, and the buttons that post it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl

from starlette.exceptions import HTTPException
from starlette.requests import Request

from gateway.management.bodies import bounded, is_of_type
from gateway.management.console.markup import Html, code, element
from gateway.management.logins import Person

MOST_BYTES = 256 * 1024
MOST_FIELDS = 40
PATH = "/console/actions"
CSRF = "csrf"


async def read(request: Request, most_bytes: int = MOST_BYTES) -> dict[str, str]:
    """
    The fields of a posted form, the last one of each name.

    Raises:
        HTTPException: 415, 413 or 400: it is no form, or larger than any of ours.
    """
    if not is_of_type(request, "application/x-www-form-urlencoded"):
        raise HTTPException(415, "Send a form")
    body = await bounded(request, most_bytes)
    if body is None:
        raise HTTPException(413, "The form is too large")
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=MOST_FIELDS))
    except ValueError:
        raise HTTPException(400, "The form cannot be read") from None


@dataclass(frozen=True, slots=True)
class Hand:
    """
    What the one who looks at a page may do.

    Attributes:
        person: None: nobody is logged in.
        allowed: Whether actions are switched on.
    """

    person: Person | None = None
    allowed: bool = False

    @property
    def can_act(self) -> bool:
        """Whether buttons are shown."""
        return self.allowed and self.person is not None

    def form(self, action: str, *content: object, **attributes: object) -> Html:
        """A form that does *action*."""
        return posted(f"{PATH}/{action}", self.person, *content, **attributes)

    def button(self, action: str, label: str, values: Mapping[str, str], command: str) -> Html:
        """A button that does *action*, with the command that does the same; the command alone where it may not."""
        twin = element("span", "Same as ", code(command), class_="quiet")
        if not self.can_act:
            return element("p", "To do it: ", code(command))
        fields = (hidden(name, value) for name, value in values.items())
        return element("p", self.form(action, *fields, element("button", label, type="submit"), class_="here"), twin)


NOBODY = Hand()


def posted(path: str, person: Person | None, *content: object, **attributes: object) -> Html:
    """A form that is posted to *path*, with what proves that it is ours."""
    proof = [hidden(CSRF, person.csrf)] if person is not None and person.csrf else []
    return element("form", *proof, *content, method="post", action=path, **attributes)


def hidden(name: str, value: str) -> Html:
    """A value that goes along."""
    return element("input", type="hidden", name=name, value=value)


def text(label: str, name: str, value: str = "", kind: str = "text", **attributes: object) -> Html:
    """A field of one line below its *label*."""
    attributes = {"autocomplete": "off", "spellcheck": "false", **attributes}
    return element("label", label, element("input", type=kind, name=name, value=value, **attributes))


def area(label: str, name: str, value: str = "", **attributes: object) -> Html:
    """A field of several lines."""
    field = element("textarea", value, name=name, spellcheck="false", autocomplete="off", **attributes)
    return element("label", label, field, class_="wide")


def choice(label: str, name: str, options: Mapping[str, str], chosen: str = "") -> Html:
    """One of several; *options*: value → text."""
    given = (
        element("option", text, value=value, selected="" if value == chosen else None)
        for value, text in options.items()
    )
    return element("label", label, element("select", *given, name=name))
