"""
Which API and which operation a request means: path prefix, version, revision, method, URL template.

``templates`` reads URL templates, ``tree`` finds the best one for a path, ``router`` finds the API.

Source: docs/reference/apim.md, "Matching and keys".
"""

from __future__ import annotations

from gateway.data_plane.routing.router import Match, Router
from gateway.data_plane.routing.table import RoutedApi, RoutedOperation, RoutedVersion

__all__ = ["Match", "RoutedApi", "RoutedOperation", "Router", "RoutedVersion"]
