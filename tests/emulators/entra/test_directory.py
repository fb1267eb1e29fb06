"""The directory finds applications and resources by the names that clients use."""

from __future__ import annotations

import pytest

from gateway.emulators.entra.directory import API, CLIENT, Directory, documentation_directory


@pytest.mark.parametrize(
    ("name", "version"),
    [
        (API, 2),
        (f"api://{API}", 2),
        (f"api://{API}/", 2),
        ("api://batch", 2),
        ("https://contoso.operations.dynamics.com", 1),
    ],
)
def test_resource(name: str, version: int) -> None:
    """A resource is found by id and by URI; any other name is a resource with version 1 tokens."""
    resource = documentation_directory().resource(name)
    assert resource is not None
    assert resource.token_version == version


def test_closed() -> None:
    """A closed directory knows only what is registered."""
    assert Directory(open=False).resource("api://x") is None


@pytest.mark.parametrize(("client_id", "known"), [(CLIENT, True), (CLIENT.upper(), True), ("nobody", False)])
def test_application(client_id: str, known: bool) -> None:
    """An application is found in any letter case."""
    assert (documentation_directory().application(client_id) is not None) == known
