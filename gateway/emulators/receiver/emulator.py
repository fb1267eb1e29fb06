"""CallbackReceiver: the far end of callbacks behind its HTTP side."""

from __future__ import annotations

from functools import cached_property

from starlette.applications import Starlette

from gateway.emulators.receiver.recorder import Recorder
from gateway.emulators.receiver.routes import application


class CallbackReceiver(Recorder):
    """
    Recorder with its HTTP side; see there for arguments, attributes and the Python API.

    Attributes:
        app: The ASGI application, for ``serving.serve``.
    """

    @cached_property
    def app(self) -> Starlette:
        """The ASGI application."""
        return application(self)
