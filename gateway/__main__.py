"""
The ``gateway`` command, and ``python -m gateway``.

Next to nothing is imported before ``main`` runs, so that Ctrl-C ends a command quietly while its modules load, too.
"""

import sys

from gateway.interruption import note_interrupts


def main() -> None:
    """Run the command line; 130 where it is interrupted while it loads."""
    if sys.argv[1:2] == ["serve"]:  # the others end by themselves
        note_interrupts()
    try:
        from gateway.cli import main as run
    except KeyboardInterrupt:
        sys.exit(130)
    run()


if __name__ == "__main__":
    main()
