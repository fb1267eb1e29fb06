"""With which codes ``gateway serve`` ends, so that a service manager knows whether another start can help."""

from __future__ import annotations

from enum import IntEnum

from gateway.errors import GatewayError, LoadError


class ExitCode(IntEnum):
    """
    Those of sysexits.h where there is one.

    Attributes:
        STOPPED: A signal has stopped it, and requests could end.
        UNAVAILABLE: A store cannot be opened or reached; another start may find it.
        INTERNAL: A mistake of ours, or a process that hung and had to be killed.
        ADDRESS: An address is in use, does not exist on this machine, or is not allowed.
        CONFIGURATION: The configuration, or something that it names, has a mistake: no start can help.
    """

    STOPPED = 0
    UNAVAILABLE = 69
    INTERNAL = 70
    ADDRESS = 71
    CONFIGURATION = 78


_UNAVAILABLE = "unusable-store"  # code of a problem that may go away by itself


class AddressUnusable(GatewayError):
    """A listener cannot have its address."""


def code_of(error: BaseException) -> ExitCode:
    """The code with which *error* ends the gateway."""
    if isinstance(error, AddressUnusable):
        return ExitCode.ADDRESS
    if isinstance(error, LoadError):
        codes = {problem.code for problem in error.problems}
        return ExitCode.UNAVAILABLE if codes == {_UNAVAILABLE} else ExitCode.CONFIGURATION
    if isinstance(error, GatewayError):  # of what the command line or the service manager gave
        return ExitCode.CONFIGURATION
    return ExitCode.INTERNAL
