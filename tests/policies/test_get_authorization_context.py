"""get-authorization-context: an authorization in a variable."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from gateway.errors import UpstreamError
from gateway.expressions.entities import Authorization
from tests.policies.bench import Bench


@dataclass
class Source:
    """A credential source with one authorization."""

    later: bool

    def token(self, resource: str, client_id: str | None) -> object:
        return self._later(resource) if self.later else f"token of {resource}"

    async def _later(self, resource: str) -> str:
        return f"token of {resource}"


AUTHORIZATION = '<get-authorization-context provider-id="p" authorization-id="a" context-variable-name="v" {0}/>'


@pytest.mark.parametrize("later", [False, True])
def test_authorizations(bench: Bench, later: bool) -> None:
    """The variable holds the authorization; without a source there is none."""
    found = bench.use(credentials=Source(later)).run(AUTHORIZATION.format("")).variables["v"]
    assert found == Authorization("token of p/a")
    bench.use(credentials=None)
    with pytest.raises(UpstreamError):
        bench.run(AUTHORIZATION.format(""))
    assert bench.run(AUTHORIZATION.format('ignore-error="true"')).variables == {"v": None}
