"""``gateway serve --apim`` from end to end: prepare, greet, serve, clean up."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import Never

from gateway.commands.importing.sources.inputs import Inputs
from gateway.commands.serve.greeting import greeting
from gateway.commands.serve.preparing import prepare
from gateway.config import load
from gateway.serving.private_folder import private_folder
from gateway.serving.process import serve
from gateway.serving.source import ConfigurationFile


def serve_instance(source: Path, inputs: Inputs, port: int | None, watch: bool | None) -> int:
    """
    Serve the instance at *source* on this machine until a signal; with *watch*, edits of its policies are taken over.

    Returns:
        The exit code.

    Raises:
        LoadError: It cannot be read, or cannot run.
    """
    signal.signal(signal.SIGTERM, _leave)  # until serving has its own: the folder is removed in any case
    with private_folder("gateway-apim-") as folder:
        instance = prepare(source, inputs, folder, port=port)
        config = load(instance.config)
        print(greeting(instance, config, f"http://{config.listen}"), flush=True)
        return serve(ConfigurationFile(instance.config), workers=1, watch=watch)


def _leave(number: int, frame: object) -> Never:
    sys.exit(128 + number)
