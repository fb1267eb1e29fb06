"""Translation of errors: whatever Python raises inside an expression becomes a .NET exception here."""

from __future__ import annotations

import decimal

from gateway.expressions.thrown import Thrown, argument_null, key_not_found, thrown


def as_thrown(error: Exception) -> Thrown:
    """*error* as the .NET exception that an expression may catch."""
    if isinstance(error, Thrown):
        return error
    if isinstance(error, KeyError):
        return _without_key(error.args[0])
    if isinstance(error, (TypeError, AttributeError)) and "NoneType" in str(error):
        return thrown("ArgumentNullException", "Value cannot be null.")
    for kinds, name, message in _TABLE:
        if isinstance(error, kinds):
            return thrown(name, message)
    return thrown("InvalidOperationException", "Operation is not valid due to the current state of the object.")


def _without_key(key: object) -> Thrown:
    """The exception of an indexer for a key that a dictionary does not or cannot have."""
    return argument_null("key") if key is None else key_not_found(key)


_TABLE: tuple[tuple[type[Exception] | tuple[type[Exception], ...], str, str], ...] = (
    (ZeroDivisionError, "DivideByZeroException", "Attempted to divide by zero."),
    (
        (OverflowError, decimal.Overflow, decimal.InvalidOperation),
        "OverflowException",
        "Arithmetic operation resulted in an overflow.",
    ),
    (IndexError, "ArgumentOutOfRangeException", "Index was out of range."),
    (
        TimeoutError,
        "RegexMatchTimeoutException",
        "The Regex engine has timed out while trying to match a pattern to an input string.",
    ),
    (MemoryError, "OutOfMemoryException", "Insufficient memory to continue the execution of the program."),
    (ValueError, "FormatException", "Input string was not in a correct format."),
)
