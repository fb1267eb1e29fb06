"""
.NET exceptions: the value that ``catch (Exception ex)`` sees, and the Python exception that carries it.

Source: .NET API reference, "Exception" and the types listed here.
"""

from __future__ import annotations

_BASES = {
    "System.SystemException": "System.Exception",
    "System.ApplicationException": "System.Exception",
    "System.ArgumentException": "System.SystemException",
    "System.ArgumentNullException": "System.ArgumentException",
    "System.ArgumentOutOfRangeException": "System.ArgumentException",
    "System.ArithmeticException": "System.SystemException",
    "System.DivideByZeroException": "System.ArithmeticException",
    "System.OverflowException": "System.ArithmeticException",
    "System.FormatException": "System.SystemException",
    "System.UriFormatException": "System.FormatException",
    "System.IndexOutOfRangeException": "System.SystemException",
    "System.InvalidCastException": "System.SystemException",
    "System.InvalidOperationException": "System.SystemException",
    "System.ObjectDisposedException": "System.InvalidOperationException",
    "System.NotImplementedException": "System.SystemException",
    "System.NotSupportedException": "System.SystemException",
    "System.NullReferenceException": "System.SystemException",
    "System.RankException": "System.SystemException",
    "System.TimeoutException": "System.SystemException",
    "System.UnauthorizedAccessException": "System.SystemException",
    "System.OutOfMemoryException": "System.SystemException",
    "System.AggregateException": "System.Exception",
    "System.Collections.Generic.KeyNotFoundException": "System.SystemException",
    "System.IO.IOException": "System.SystemException",
    "System.Net.WebException": "System.InvalidOperationException",
    "System.Security.SecurityException": "System.SystemException",
    "System.Security.Cryptography.CryptographicException": "System.SystemException",
    "System.Text.RegularExpressions.RegexMatchTimeoutException": "System.TimeoutException",
    "System.Text.DecoderFallbackException": "System.ArgumentException",
    "System.Text.RegularExpressions.RegexParseException": "System.ArgumentException",
    "System.Runtime.CompilerServices.SwitchExpressionException": "System.InvalidOperationException",
    "System.Text.EncoderFallbackException": "System.ArgumentException",
    "System.InvalidTimeZoneException": "System.Exception",
    "System.Xml.XmlException": "System.SystemException",
    "Newtonsoft.Json.JsonException": "System.Exception",
    "Newtonsoft.Json.JsonReaderException": "Newtonsoft.Json.JsonException",
    "Newtonsoft.Json.JsonSerializationException": "Newtonsoft.Json.JsonException",
    "Newtonsoft.Json.JsonWriterException": "Newtonsoft.Json.JsonException",
    "Microsoft.CSharp.RuntimeBinder.RuntimeBinderException": "System.Exception",
    "System.TimeZoneNotFoundException": "System.Exception",
    "System.Globalization.CultureNotFoundException": "System.ArgumentException",
}
EXCEPTION_BASES = {"System.Exception": "System.Object", **_BASES}
_FULL_NAMES = {name.rpartition(".")[2]: name for name in EXCEPTION_BASES}


class ExceptionValue:
    """A .NET exception object; *full_name* is one of EXCEPTION_BASES."""

    __slots__ = ("actual", "data", "full_name", "inner", "message", "param", "raised")

    def __init__(
        self, full_name: str, message: str, inner: ExceptionValue | None = None, param: str | None = None
    ) -> None:
        self.full_name = full_name
        self.message = message
        self.inner = inner
        self.param = param
        self.data: object = None
        self.actual: object = None
        self.raised = False

    @property
    def name(self) -> str:
        """The short name, such as ``FormatException``."""
        return self.full_name.rpartition(".")[2]


class Thrown(Exception):
    """A .NET exception on its way to a ``catch`` or out of the expression."""

    def __init__(self, value: ExceptionValue) -> None:
        super().__init__(value.message)
        self.value = value
        value.raised = True


def thrown(name: str, message: str, param: str | None = None) -> Thrown:
    """A new exception by its short name, ready to raise."""
    return Thrown(ExceptionValue(_FULL_NAMES[name], message, param=param))


def null_reference() -> Thrown:
    """The exception of a member access on null."""
    return thrown("NullReferenceException", "Object reference not set to an instance of an object.")


def argument_null(param: str) -> Thrown:
    """The exception of a library method for a null that it does not accept."""
    return thrown("ArgumentNullException", f"Value cannot be null. (Parameter '{param}')", param)


def out_of_range(param: str, detail: str = "") -> Thrown:
    """The exception of a library method for an index or count out of range."""
    text = detail or "Specified argument was out of the range of valid values."
    return thrown("ArgumentOutOfRangeException", f"{text} (Parameter '{param}')", param)


def negative(param: str, value: int) -> Thrown:
    """What a library method throws for a number that must not be below zero."""
    return _out_of_bounds(param, value, "must be a non-negative value")


def too_large(param: str, value: int, limit: int) -> Thrown:
    """What a library method throws for a number above *limit*."""
    return _out_of_bounds(param, value, f"must be less than or equal to '{limit}'")


def _out_of_bounds(param: str, value: int, rule: str) -> Thrown:
    text = f"{param} ('{value}') {rule}. (Parameter '{param}')\r\nActual value was {value}."
    return thrown("ArgumentOutOfRangeException", text, param)


def invalid_cast(source: str, target: str) -> Thrown:
    """The exception of a cast between unrelated run-time types."""
    message = f"Unable to cast object of type '{source}' to type '{target}'."
    return thrown("InvalidCastException", message)


def key_not_found(key: object) -> Thrown:
    """The exception of a dictionary's indexer for a missing key."""
    return thrown("KeyNotFoundException", f"The given key '{key}' was not present in the dictionary.")


def modified() -> Thrown:
    """What the walk through a collection throws that has been changed meanwhile."""
    return thrown("InvalidOperationException", "Collection was modified; enumeration operation may not execute.")


def derives(full_name: str, ancestor: str) -> bool:
    """Whether the exception type *full_name* is *ancestor* or inherits from it."""
    while full_name != ancestor:
        if full_name not in EXCEPTION_BASES:
            return False
        full_name = EXCEPTION_BASES[full_name]
    return True
