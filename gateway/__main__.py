"""
The ``gateway`` command, and ``python -m gateway``.

Next to nothing is imported before ``main`` runs, so that Ctrl-C ends a command quietly while its modules load, too.
"""

import gc
import sys
from collections.abc import Callable

from gateway.interruption import interrupted, note_interrupts


def main() -> None:
    """Run the command line; 130 where it is interrupted while it loads."""
    note_interrupts()
    try:
        gc.disable()  # modules stay: looking through them again and again takes a fifth of a start
        run = _command()
        gc.enable()
        run()
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception:
        # A library that is interrupted may say so by an error of its own, as pydantic does while it builds a class.
        if interrupted():
            sys.exit(130)
        raise


def _command() -> Callable[[], None]:
    """What runs the command line: `gateway serve` with plain options needs no library for that."""
    from gateway.commands.outcomes import end_with
    from gateway.commands.serve.starting import plain, start

    options = plain(sys.argv[1:])
    if options is not None:
        return lambda: end_with(lambda: start(**options))
    from gateway.cli import main

    return main


if __name__ == "__main__":
    main()
