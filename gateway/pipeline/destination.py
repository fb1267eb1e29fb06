"""Where the policies of a pipeline send the client's request besides the backend of its API."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class Destination:
    """
    One place, as far as it is known at load.

    Attributes:
        url: An absolute URL.
        backend: The id of a backend of the configuration. Neither: an expression gives a URL for each request.
        any_backend: An expression chooses among the backends of the configuration.
    """

    url: str | None = None
    backend: str | None = None
    any_backend: bool = False

    @classmethod
    def at(cls, url: str) -> Self:
        """The place of *url*; anywhere, where it cannot be read."""
        try:
            parts = urlsplit(url.strip())
            return cls(url=url.strip()) if parts.hostname and parts.port != 0 else cls()
        except ValueError:
            return cls()

    @property
    def is_anywhere(self) -> bool:
        """Whether nothing about it is known at load."""
        return self.url is None and self.backend is None and not self.any_backend
