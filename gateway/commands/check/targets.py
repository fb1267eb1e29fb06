"""Where documents can go, with what is refused there and what is said where nothing is."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from gateway.commands.check import azure
from gateway.data_plane.envoy.ext_proc import refusals
from gateway.documents.model import PolicyDocument
from gateway.errors import Problem

TARGETS: Mapping[str, tuple[Callable[[PolicyDocument], list[Problem]], str]] = {
    "azure": (azure.refused, "nothing found that Azure is known to refuse"),
    "envoy": (refusals.refused, "nothing found that cannot run behind Envoy"),
}
