"""
The ``gateway`` command, and ``python -m gateway``.

Next to nothing is imported before ``main`` runs, so that Ctrl-C ends a command quietly while its modules load, too.
"""

import sys

from gateway.interruption import interrupted, note_interrupts


def main() -> None:
    """Run the command line; 130 where it is interrupted while it loads."""
    note_interrupts()
    try:
        from gateway.cli import main as run

        run()
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception:
        # A library that is interrupted may say so by an error of its own, as pydantic does while it builds a class.
        if interrupted():
            sys.exit(130)
        raise


if __name__ == "__main__":
    main()
