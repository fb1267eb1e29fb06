"""The gateway's own identity: where tokens for authentication-managed-identity come from outside Azure, and in it."""

from __future__ import annotations

from typing import Literal, TypeAlias

from pydantic import model_validator

from gateway.config.values import Duration, File, Model, Secret, Url, mistake

Source: TypeAlias = Literal[
    "app-service", "imds", "workload-identity", "client-credentials", "azure-identity", "static"
]

# What a source cannot do without.
_NEEDED: dict[str, tuple[str, ...]] = {
    "workload-identity": ("token_url", "client_id", "token_file"),
    "client-credentials": ("token_url", "client_id", "client_secret"),
    "static": ("tokens",),
}


class ManagedIdentity(Model):
    """Where the gateway's own identity gets its tokens."""

    source: Source
    """`app-service` (`IDENTITY_ENDPOINT`), `imds` (the virtual machine's endpoint), `workload-identity` (a federated \
token file), `client-credentials` (a token endpoint and a secret), `azure-identity` (its DefaultAzureCredential; the \
extra `[azure]`), or `static` (fixed tokens)."""
    endpoint: Url | None = None
    """Endpoint of `app-service` or `imds`. None: `IDENTITY_ENDPOINT`, and 169.254.169.254."""
    endpoint_header: Secret | None = None
    """Value of `X-IDENTITY-HEADER` for `app-service`. None: `IDENTITY_HEADER`."""
    token_url: Url | None = None
    """Token endpoint of `client-credentials` and `workload-identity`."""
    client_id: str = ""
    """Identity to use where the policy names none."""
    client_secret: Secret | None = None
    """Secret of `client-credentials`."""
    token_file: File | None = None
    """Federated token of `workload-identity`; read anew for each fetch."""
    tokens: dict[str, Secret] = {}
    """Tokens of `static` by resource."""
    timeout_s: Duration = 10.0
    """One fetch as a whole."""

    @model_validator(mode="after")
    def _complete(self) -> ManagedIdentity:
        for name in _NEEDED.get(self.source, ()):
            if not getattr(self, name):
                key = name.replace("_", "-")
                raise mistake("missing-setting", f"source {self.source} needs {key}", f"add {key}")
        return self
