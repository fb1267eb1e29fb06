"""ContentSafetyEmulator: the resource behind its HTTP side."""

from __future__ import annotations

from functools import cached_property

from starlette.applications import Starlette

from gateway.emulators.content_safety.routes import application
from gateway.emulators.content_safety.service import SafetyResource


class ContentSafetyEmulator(SafetyResource):
    """
    SafetyResource with its HTTP side; see there for arguments, attributes and the Python API.

    Attributes:
        app: The ASGI application, for ``serving.serve``.
    """

    @cached_property
    def app(self) -> Starlette:
        """The ASGI application."""
        return application(self)
