"""The running gateway's management plane, asked by a command."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gateway.errors import GatewayError
from gateway.reading.values import Address, revealed

if TYPE_CHECKING:
    from gateway.config import Config

TIMEOUT_S = 10.0


def ask(config: Config, path: str, body: object = None, method: str | None = None) -> Any:
    """
    The JSON that the running gateway of *config* answers to *path*, asked with the console's token if there is one.

    Args:
        body: Sent as JSON, in a POST unless *method* is another.

    Raises:
        GatewayError: It does not answer, or refuses; with its own words where it has any.
    """
    import httpx2

    place, token = config.management, revealed(config.console.token)
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    authority, path_of_socket = (str(place), None) if isinstance(place, Address) else ("localhost", str(place.path))
    verb = method or ("GET" if body is None else "POST")
    try:
        transport = httpx2.HTTPTransport(uds=path_of_socket, trust_env=False)
        with httpx2.Client(transport=transport, timeout=TIMEOUT_S, trust_env=False) as client:
            answer = client.request(verb, f"http://{authority}{path}", headers=headers, json=body)
    except httpx2.HTTPError as error:
        raise GatewayError(f"the gateway at {place} does not answer: {error}; is it running?") from None
    if not answer.is_success:
        raise GatewayError(f"the gateway at {place} refused: {_said(answer)}")
    return answer.json()


def _said(answer: Any) -> str:
    """What an answer with an error says."""
    try:
        return str(answer.json()["error"])
    except (ValueError, KeyError, TypeError):
        return f"{answer.status_code} {answer.text.strip()[:200]}".strip()
