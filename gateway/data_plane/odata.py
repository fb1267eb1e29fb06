"""
Which operation an OData request calls: the entity set, singleton, function or action that its path begins with.

Names have case in OData, unlike paths in APIM, so a name in another case is not found: a service may have both. The
service document and the metadata are whole paths that are read: with anything more behind them, or an empty segment in
front of a name, a service may find something else there.

Source: OData URL Conventions 4.01 §4.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from gateway.errors import PolicyError
from gateway.odata.failures import ODataMismatch
from gateway.odata.paths import PART, decoded, first_name

if TYPE_CHECKING:
    from gateway.data_plane.dispatcher import OperationRuntime
    from gateway.pipeline.context import Context
    from gateway.wire.messages import Request

_NO_OPERATION = "Unable to match incoming request to an operation."


class ODataSelector:
    """Chooses the operation of a request to one OData API."""

    def __init__(
        self, runtimes: Mapping[str, OperationRuntime], documents: Mapping[str, OperationRuntime] | None = None
    ) -> None:
        """*runtimes* by the names that paths begin with; *documents* by whole paths, without slashes at either end."""
        self._runtimes = runtimes
        self._documents = documents or {}

    def select(self, context: Context) -> OperationRuntime:
        """The operation that is called. Raises PolicyError: 404."""
        request = context.request
        try:
            name = first_name(request.path)
            runtime = self._runtimes.get(name) or self._document(request)
        except ODataMismatch as error:
            raise _not_found(error.message) from None
        if runtime is None:
            raise _not_found(name)
        return runtime

    def _document(self, request: Request) -> OperationRuntime | None:
        """What describes the service, if *request* reads that and nothing else."""
        if request.method not in ("GET", "HEAD"):
            return None
        return self._documents.get(decoded(request.path.removeprefix("/"), PART).removesuffix("/"))


def _not_found(named: str) -> PolicyError:
    expected = "an entity set, singleton, function or action of the metadata"
    return PolicyError(404, "OperationNotFound", _NO_OPERATION, "Resource not found", expected=expected, found=named)
