"""
Which operation an OData request calls: the entity set, singleton, function or action that its path begins with.

Names have case in OData, unlike paths in APIM, so a name in another case is not found: a service may have both.

Source: OData URL Conventions 4.01 §4.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from gateway.errors import PolicyError
from gateway.odata.failures import ODataMismatch
from gateway.odata.paths import first_name

if TYPE_CHECKING:
    from gateway.data_plane.dispatcher import OperationRuntime
    from gateway.pipeline.context import Context

_NO_OPERATION = "Unable to match incoming request to an operation."


class ODataSelector:
    """Chooses the operation of a request to one OData API."""

    def __init__(self, runtimes: Mapping[str, OperationRuntime]) -> None:
        """*runtimes* by the names that paths begin with."""
        self._runtimes = runtimes

    def select(self, context: Context) -> OperationRuntime:
        """The operation that is called. Raises PolicyError: 404."""
        try:
            name = first_name(context.request.path)
        except ODataMismatch as error:
            raise _not_found(error.message) from None
        runtime = self._runtimes.get(name)
        if runtime is None:
            raise _not_found(name)
        return runtime


def _not_found(named: str) -> PolicyError:
    expected = "an entity set, singleton, function or action of the metadata"
    return PolicyError(404, "OperationNotFound", _NO_OPERATION, "Resource not found", expected=expected, found=named)
