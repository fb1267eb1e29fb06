"""OpenAIEmulator: the service of models behind its HTTP side."""

from __future__ import annotations

from functools import cached_property

from starlette.applications import Starlette

from gateway.emulators.openai.routes import application
from gateway.emulators.openai.service import ModelService


class OpenAIEmulator(ModelService):
    """
    ModelService with its HTTP side; see there for arguments, attributes and the Python API.

    Attributes:
        app: The ASGI application, for ``serving.serve``.
    """

    @cached_property
    def app(self) -> Starlette:
        """The ASGI application."""
        return application(self)
