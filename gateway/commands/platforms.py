"""Which commands run where: what serves needs Linux, what helps to write policies runs on every system."""

from __future__ import annotations

import sys

from gateway.documentation import page
from gateway.errors import GatewayError


def require_linux(command: str) -> None:
    """Raises GatewayError, with what to do: *command* serves, and this system is not Linux."""
    if sys.platform != "linux":
        raise GatewayError(
            f"{command} runs on Linux, and this is {_NAMES.get(sys.platform, sys.platform)}: run it in a container"
            f"{' or in WSL 2' if sys.platform == 'win32' else ''}; check, convert, test and the other commands for"
            f" writing policies run here (see {page('install', 'windows-and-macos')})"
        )


_NAMES = {"win32": "Windows", "darwin": "macOS"}
