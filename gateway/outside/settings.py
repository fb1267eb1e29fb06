"""Settings of what the gateway reaches outside: its own identity, and where events go."""

from __future__ import annotations

from typing import Literal, Self, TypeAlias

from pydantic import model_validator

from gateway.reading.settings import Block, key_of, mistake
from gateway.reading.values import Duration, File, NewFile, Secret, Url

IdentitySource: TypeAlias = Literal[
    "app-service", "imds", "workload-identity", "client-credentials", "azure-identity", "static"
]


class IdentitySettings(Block):
    """Where the gateway's own identity gets its tokens."""

    source: IdentitySource
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
    """Federated token of `workload-identity`; read again for each fetch."""
    tokens: dict[str, Secret] = {}
    """Tokens of `static` by resource."""
    timeout_s: Duration = 10.0
    """One fetch as a whole."""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        for name, value in self._needed().items():
            if not value:
                raise mistake("missing-setting", f"source {self.source} needs {key_of(name)}", f"add {key_of(name)}")
        return self

    def _needed(self) -> dict[str, object]:
        """What the source cannot do without."""
        client: dict[str, object] = {"token_url": self.token_url, "client_id": self.client_id}
        needed: dict[str, dict[str, object]] = {
            "workload-identity": {**client, "token_file": self.token_file},
            "client-credentials": {**client, "client_secret": self.client_secret},
            "static": {"tokens": self.tokens},
        }
        return needed.get(self.source, {})


class KeptAuthorization(Block):
    """One authorization of the credential manager: client credentials at a token endpoint."""

    token_url: Url
    """Token endpoint of the provider."""
    client_id: str
    """Client at that provider."""
    client_secret: Secret
    """Its secret."""
    authentication: Literal["body", "header"] = "body"
    """Where the endpoint reads client and secret: form fields, or HTTP Basic."""
    scopes: tuple[str, ...] = ()
    """Scopes to ask for."""
    parameters: dict[str, str] = {}
    """Further form fields, such as `resource` or `audience`."""
    timeout_s: Duration = 10.0
    """One fetch as a whole."""


class ClientTls(Block):
    """TLS towards a server. Its certificate and its name are always verified."""

    ca: File | None = None
    """PEM file with the authorities that the server's certificate may come from. None: the system's."""
    certificate: File | None = None
    """PEM file with the gateway's own certificate, where the server asks for one."""
    key: File | None = None
    """PEM file with its private key, unencrypted."""

    @property
    def is_set(self) -> bool:
        """Whether anything is set."""
        return (self.ca or self.certificate) is not None

    @model_validator(mode="after")
    def _pair(self) -> Self:
        if (self.certificate is None) != (self.key is None):
            missing = "certificate" if self.certificate is None else "key"
            raise mistake("missing-setting", "certificate and key belong together", f"add {missing}")
        return self


class LoggerSettings(Block):
    """Where log-to-eventhub and similar policies write: an HTTP endpoint or a file."""

    url: Url | None = None
    """Events are posted here. Give this or *file*."""
    headers: dict[str, Secret] = {}
    """Header fields of each post."""
    resource: str | None = None
    """Resource that a token of the gateway's own identity is sent for, as `Authorization`. None: no token."""
    file: NewFile | None = None
    """Events are appended here, one JSON object per line."""

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if (self.url is None) == (self.file is None):
            raise mistake("one-of", "a logger has either url or file", "write one of them")
        return self
