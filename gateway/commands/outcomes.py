"""How a command ends: its exit code, and how its errors are reported: ``file:line:column: code: message (remedy)``."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable
from typing import NoReturn, TextIO

from gateway.errors import GatewayError, LoadError


def end_with(command: Callable[[], object]) -> NoReturn:
    """Run *command* and exit with what it returns, or with the code of its error, which stderr tells."""
    for stream in (sys.stdout, sys.stderr):
        _print_everything(stream)
    try:
        outcome = command()
    except LoadError as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_code)
    except GatewayError as error:
        print(f"gateway: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except BrokenPipeError:  # the reader has seen enough: `gateway schema policy | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except KeyboardInterrupt:
        sys.exit(130)
    sys.exit(outcome if isinstance(outcome, int) else 0)


def _print_everything(stream: TextIO) -> None:
    """
    Documents and messages have characters that a system's own code page lacks (Windows uses one even for files and
    pipes): those are UTF-8, and a terminal shows an escape for what it cannot show.
    """
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(encoding=None if stream.isatty() else "utf-8", errors="backslashreplace")
