"""get-authorization-context: an authorization in a variable."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from gateway.errors import LoadError, UpstreamError
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


@pytest.mark.parametrize("identity_type", ["jwt", '@("managed")'])
def test_callers_that_only_apim_knows(bench: Bench, identity_type: str) -> None:
    """Whose token a caller may have is not decided here, so a document that asks for that does not load."""
    with pytest.raises(LoadError) as refused:
        bench.compile(AUTHORIZATION.format(f"identity-type='{identity_type}'"))
    assert refused.value.problems[0].code == "cloud-only"


@pytest.mark.parametrize(("provider", "authorization"), [("https:/", "vault.azure.net"), ("p", "a/b"), ("", "a")])
def test_names_that_would_be_a_resource(bench: Bench, provider: str, authorization: str) -> None:
    """Names may come from a caller: together they are never the URL of a resource that the identity has tokens for."""
    asked = AUTHORIZATION.replace('"p"', f'"@(&quot;{provider}&quot;)"').replace(
        '"a"', f'"@(&quot;{authorization}&quot;)"'
    )
    with pytest.raises(UpstreamError, match="without a slash"):
        bench.use(credentials=Source(False)).run(asked.format(""))
