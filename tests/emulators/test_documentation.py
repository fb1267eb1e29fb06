"""The page about the emulators tells the truth: its Python runs, and the paths it names exist."""

from __future__ import annotations

import re
from pathlib import Path

from gateway.emulators.content_safety import ContentSafetyEmulator
from gateway.emulators.d365 import D365Emulator
from gateway.emulators.entra import EntraEmulator
from gateway.emulators.openai import OpenAIEmulator
from gateway.emulators.receiver import CallbackReceiver

PAGE = (Path(__file__).parents[2] / "docs" / "emulators.md").read_text()


def test_code_runs() -> None:
    """The Python blocks run, one after another, as a reader would try them."""
    blocks = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert len(blocks) >= 8
    exec("\n".join(blocks), {})


def test_control_paths() -> None:
    """Every control endpoint is on the page, and every one on the page exists."""
    emulators = (EntraEmulator(), D365Emulator(), CallbackReceiver(), OpenAIEmulator(), ContentSafetyEmulator())
    routes = {getattr(route, "path", "") for emulator in emulators for route in emulator.app.routes}
    served = {path for path in routes if path.startswith("/emulator")}
    assert served == set(re.findall(r"`(?:GET|POST|DELETE) (/emulator[/a-z]*)", PAGE))
