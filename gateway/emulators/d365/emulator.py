"""D365Emulator: the environment behind its HTTP side."""

from __future__ import annotations

from functools import cached_property

from starlette.applications import Starlette

from gateway.emulators.d365.environment import Environment
from gateway.emulators.d365.routes import application


class D365Emulator(Environment):
    """
    Environment with its HTTP side; see there for arguments, attributes and the Python API.

    Attributes:
        app: The ASGI application, for ``serving.serve``.
    """

    @cached_property
    def app(self) -> Starlette:
        """The ASGI application."""
        return application(self)
