"""
authentication-basic: user name and password for the backend.

Source: APIM policy reference, "authentication-basic"; RFC 7617.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

from gateway.documents.model import Section
from gateway.documents.shape import ID, Attribute, Element
from gateway.pipeline.changes import Change, Header
from gateway.pipeline.policy import PolicyType

if TYPE_CHECKING:
    from gateway.pipeline.context import Context
    from gateway.pipeline.settings import Settings
    from gateway.pipeline.step import Value
    from gateway.wire.headers import Headers


@dataclass(frozen=True, slots=True)
class AuthenticationBasic(PolicyType):
    """One compiled authentication-basic."""

    shape: ClassVar[Element] = Element(
        "authentication-basic",
        "Authenticates to the backend with user name and password, replacing the client's credentials.",
        attributes=(
            ID,
            Attribute("username", "User name.", required=True),
            Attribute("password", "Password; a secret named value.", required=True),
        ),
    )
    sections: ClassVar[frozenset[Section]] = frozenset({Section.INBOUND})
    changes: ClassVar[Change] = Header("authorization", on_request=True)

    username: Value[str]
    password: Value[str]

    @classmethod
    def compile(cls, settings: Settings) -> Self:
        """From ``<authentication-basic>``."""
        return cls(settings.text("username"), settings.text("password"))

    def apply(self, context: Context) -> None:
        """Sets ``Authorization`` of the request to the backend."""
        self.change(context.request.headers, context)

    def change(self, headers: Headers, context: Context) -> None:
        """Authenticate the message with *headers*; send-request uses it for its own."""
        pair = f"{self.username(context)}:{self.password(context)}"
        headers.replace("Authorization", f"Basic {base64.b64encode(pair.encode()).decode()}")
