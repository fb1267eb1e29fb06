"""System.Object, Exception, Type, Nullable<T>, Enum: what every value has."""

from __future__ import annotations

import struct

from gateway.expressions import primitives as p
from gateway.expressions.clr import NULLABLE, Type, definition_of, make
from gateway.expressions.collections import ArrayValue, strings
from gateway.expressions.equality import equal, hash_code
from gateway.expressions.formatting.composite import format_value
from gateway.expressions.formatting.text import NEW_LINE, TEXT, text
from gateway.expressions.operators import declare_comparison
from gateway.expressions.ordering import order
from gateway.expressions.runtime import represent, type_of
from gateway.expressions.signatures import define
from gateway.expressions.thrown import EXCEPTION_BASES, ExceptionValue, argument_null, thrown
from gateway.expressions.values import Char, EnumValue, TypeObject

define("System.Object", {
    "new()": object,
    "string ToString()": text,
    "bool Equals(object obj)": equal,
    "int GetHashCode()": hash_code,
    "Type GetType()": lambda value: TypeObject(type_of(value)),
    "static bool Equals(object objA, object objB)": equal,
    "static bool ReferenceEquals(object objA, object objB)": lambda left, right: left is right and not _is_boxed(left),
})  # fmt: skip
represent(TypeObject, define("System.RuntimeType", parents=("Type",)))
define("System.Type", {
    "string Name": lambda value: type_name(value.type),
    "string FullName": lambda value: value.type.full_name,
    "string Namespace": lambda value: value.type.definition.full_name.rpartition(".")[0],
})  # fmt: skip
declare_comparison(p.TYPE, ordered=False)


def _is_boxed(value: object) -> bool:
    """Whether it is of a value type, so that each object reference to it is to a separate box."""
    return value is not None and type_of(value).is_value


def type_name(clr_type: Type) -> str:
    """``Type.Name``."""
    name = clr_type.full_name.split("`")[0].rpartition(".")[2].rpartition("+")[2]
    return f"{name}`{len(clr_type.args)}" if clr_type.args and not name.endswith("]") else name


def _value(value: object) -> object:
    if value is None:
        raise thrown("InvalidOperationException", "Nullable object must have a value.")
    return value


def _value_or(types: tuple[Type, ...], value: object, *default: object) -> object:
    if value is not None:
        return value
    return default[0] if default else types[0].default


NULLABLE.table.update({
    "new(T value)": lambda value: value,
    "T Value": _value,
    "bool HasValue": lambda value: value is not None,
    "generic T GetValueOrDefault()": _value_or,
    "generic T GetValueOrDefault(T defaultValue)": _value_or,
    "string ToString()": text,
    "bool Equals(object other)": equal,
    "string ToString(string format)": lambda value, pattern: format_value(value, pattern),
})  # fmt: skip


def _base(error: ExceptionValue) -> ExceptionValue:
    while error.inner is not None:
        error = error.inner
    return error


def exception_text(error: ExceptionValue) -> str:
    """``ex.ToString()``, without a stack trace."""
    inner = ""
    if error.inner is not None:
        inner = f"{NEW_LINE} ---> {exception_text(error.inner)}{NEW_LINE}   --- End of inner exception stack trace ---"
    return f"{error.full_name}{': ' if error.message else ''}{error.message}{inner}"


_MESSAGES = {
    "SystemException": "System error.",
    "CultureNotFoundException": "Culture is not supported.",
    "ApplicationException": "Error in the application.",
    "ArgumentException": "Value does not fall within the expected range.",
    "ArithmeticException": "Overflow or underflow in the arithmetic operation.",
    "DivideByZeroException": "Attempted to divide by zero.",
    "OverflowException": "Arithmetic operation resulted in an overflow.",
    "FormatException": "One of the identified items was in an invalid format.",
    "UriFormatException": "One of the identified items was in an invalid format.",
    "IndexOutOfRangeException": "Index was outside the bounds of the array.",
    "InvalidCastException": "Specified cast is not valid.",
    "InvalidOperationException": "Operation is not valid due to the current state of the object.",
    "WebException": "Operation is not valid due to the current state of the object.",
    "NotImplementedException": "The method or operation is not implemented.",
    "NotSupportedException": "Specified method is not supported.",
    "NullReferenceException": "Object reference not set to an instance of an object.",
    "RankException": "Attempted to operate on an array with the incorrect number of dimensions.",
    "TimeoutException": "The operation has timed out.",
    "RegexMatchTimeoutException": "The operation has timed out.",
    "UnauthorizedAccessException": "Attempted to perform an unauthorized operation.",
    "OutOfMemoryException": "Insufficient memory to continue the execution of the program.",
    "AggregateException": "One or more errors occurred.",
    "KeyNotFoundException": "The given key was not present in the dictionary.",
    "IOException": "I/O error occurred.",
    "SecurityException": "Security error.",
    "CryptographicException": "Error occurred during a cryptographic operation.",
    "SwitchExpressionException": "Non-exhaustive switch expression failed to match its input.",
    "DecoderFallbackException": "Value does not fall within the expected range.",
    "EncoderFallbackException": "Value does not fall within the expected range.",
}


# Exceptions whose constructors replace a null message by their default.
_ARGUMENT_KINDS = ("DecoderFallbackException", "EncoderFallbackException")


def _default_message(full_name: str) -> str | None:
    """The message of the constructor without one."""
    return _MESSAGES.get(full_name.rpartition(".")[2])


def _of_inner(full_name: str, inner: ExceptionValue | None) -> str:
    """An AggregateException's message contains those of its inner exceptions."""
    return f" ({inner.message})" if inner is not None and full_name == "System.AggregateException" else ""


def _exception_table(full_name: str) -> dict[str, object]:
    name = full_name.rpartition(".")[2]
    default = (
        _MESSAGES["ArgumentException"]
        if name in (*_ARGUMENT_KINDS, "ArgumentException", "CultureNotFoundException")
        else f"Exception of type '{full_name}' was thrown."
    )

    def create(message: str | None = None, inner: ExceptionValue | None = None) -> ExceptionValue:
        shown = default if message is None else message
        return ExceptionValue(full_name, shown + _of_inner(full_name, inner), inner)

    return {
        "new()": lambda: create(_default_message(full_name)),
        "new(string message)": create,
        "new(string message, Exception innerException)": create,
    }


# Source: .NET API reference, "Exception.HResult" of each class.
_RESULT_CODES = {
    "System.SystemException": -2146233087, "System.ApplicationException": -2146232832,
    "System.ArgumentException": -2147024809, "System.ArgumentNullException": -2147467261,
    "System.ArgumentOutOfRangeException": -2146233086, "System.ArithmeticException": -2147024362,
    "System.DivideByZeroException": -2147352558, "System.OverflowException": -2146233066,
    "System.FormatException": -2146233033, "System.IndexOutOfRangeException": -2146233080,
    "System.InvalidCastException": -2147467262, "System.InvalidOperationException": -2146233079,
    "System.ObjectDisposedException": -2146232798, "System.NotImplementedException": -2147467263,
    "System.NotSupportedException": -2146233067, "System.NullReferenceException": -2147467261,
    "System.RankException": -2146233065, "System.TimeoutException": -2146233083,
    "System.UnauthorizedAccessException": -2147024891, "System.OutOfMemoryException": -2147024882,
    "System.Collections.Generic.KeyNotFoundException": -2146232969, "System.IO.IOException": -2146232800,
    "System.Security.SecurityException": -2146233078, "System.Xml.XmlException": -2146232000,
    "System.Exception": -2146233088,
}  # fmt: skip


def _result_code(error: ExceptionValue) -> int:
    """That of its own class, or of the nearest that has one."""
    name = error.full_name
    while name not in _RESULT_CODES:
        name = EXCEPTION_BASES[name]
    return _RESULT_CODES[name]


define("System.Exception", {
    **_exception_table("System.Exception"),
    "string Message": lambda error: error.message,
    "Exception InnerException": lambda error: error.inner,
    "Exception GetBaseException()": _base,
    "string StackTrace": lambda error: "" if error.raised else None,
    "string Source": (lambda _error: None, lambda _error, _value: None),
    "string HelpLink": (lambda _error: None, lambda _error, _value: None),
    "int HResult": _result_code,
    "string ToString()": exception_text,
})  # fmt: skip


def _argument_error(full_name: str, default: str) -> dict[str, object]:
    """Unlike with any other exception, the single text argument of these is the parameter's name, not the message."""

    def create(param: str | None, message: str | None) -> ExceptionValue:
        shown = f"Exception of type '{full_name}' was thrown." if message is None else message
        return ExceptionValue(full_name, shown + (f" (Parameter '{param}')" if param else ""), param=param)

    def usual(param: str | None = None) -> ExceptionValue:
        return create(param, default)

    table = {**_exception_table(full_name), "new()": usual, "new(string paramName, string message)": create}
    del table["new(string message)"]
    return {**table, "new(string paramName)": usual}


def _out_of_range(param: str | None, actual: object, message: str | None) -> ExceptionValue:
    shown = f"Exception of type '{_RANGE}' was thrown." if message is None else message
    made = ExceptionValue(_RANGE, _argument_message(shown, param), param=param)
    if actual is not None:
        made.message += f"{NEW_LINE}Actual value was {text(actual)}."
        made.actual = actual
    return made


def _argument_message(message: str | None, param: str | None) -> str:
    shown = _MESSAGES["ArgumentException"] if message is None else message
    return f"{shown} (Parameter '{param}')" if param else shown


_RANGE = "System.ArgumentOutOfRangeException"
_ARGUMENT_ERRORS = {
    "System.ArgumentNullException": "Value cannot be null.",
    "System.ArgumentOutOfRangeException": "Specified argument was out of the range of valid values.",
}

for _name, _parent in EXCEPTION_BASES.items():
    if _name != "System.Exception":
        _default = _ARGUMENT_ERRORS.get(_name)
        define(_name, _argument_error(_name, _default) if _default else _exception_table(_name), parents=(_parent,))
_disposed = definition_of("System.ObjectDisposedException").table
del _disposed["new()"]
_disposed["new(string message)"] = lambda name: ExceptionValue(
    "System.ObjectDisposedException",
    "Cannot access a disposed object." + (f"{NEW_LINE}Object name: '{name}'." if name else ""),
)
# Expressions may catch these, but a name without its namespace makes none of them.
for _made in ("Text.RegularExpressions.RegexParse", "Xml.Xml", "Runtime.CompilerServices.SwitchExpression"):
    for _row in _exception_table(""):
        del definition_of(f"System.{_made}Exception").table[_row]
define(
    _RANGE,
    {
        "new(string paramName, object actualValue, string message)": _out_of_range,
        "object ActualValue": lambda error: error.actual,
    },
)
define("System.ArgumentException", {
    "string ParamName": lambda error: error.param,
    "new(string message, string paramName)": lambda message, param: ExceptionValue(
        "System.ArgumentException", _argument_message(message, param), param=param
    ),
})  # fmt: skip


def _exception_type(error: ExceptionValue) -> Type:
    definition = definition_of(error.full_name)
    return make(definition)


represent(ExceptionValue, _exception_type)
TEXT[ExceptionValue] = exception_text


def enumeration(full_name: str, **names: int) -> Type:
    """Put an enumeration on the allow-list."""
    clr_type = define(full_name, kind="enum", parents=("Enum",))
    clr_type.definition.values.update(names)
    clr_type.definition.default = EnumValue(clr_type, 0)
    constants = {f"const {clr_type.name} {name}": EnumValue(clr_type, value) for name, value in names.items()}
    clr_type.definition.table.update(constants)
    return clr_type


def parse_enum(clr_type: Type, name: str | None, ignore_case: bool = False) -> EnumValue:
    """``Enum.Parse``."""
    if name is None:
        raise argument_null("value")
    value = find_enum(clr_type, name, ignore_case)
    if value is None:
        raise thrown("ArgumentException", f"Requested value '{name}' was not found.")
    return value


def find_enum(clr_type: Type, name: str | None, ignore_case: bool = False) -> EnumValue | None:
    """The value with that *name* or number, or None."""
    shown = (name or "").strip()
    if shown.lstrip("+-").isdigit():
        return EnumValue(clr_type, int(shown))
    fold = str.lower if ignore_case else str
    known = {fold(known_name): value for known_name, value in clr_type.definition.values.items()}
    total = 0
    for part in shown.split(","):
        if fold(part.strip()) not in known:
            return None
        total |= known[fold(part.strip())]
    return EnumValue(clr_type, total)


def _enum_of(enum: TypeObject) -> Type:
    if enum is None:
        raise argument_null("enumType")
    if enum.type.kind != "enum":
        raise thrown("ArgumentException", "Type provided must be an Enum. (Parameter 'enumType')", "enumType")
    return enum.type


def _by_value(clr_type: Type) -> list[tuple[int, str]]:
    """Values and names as .NET lists them: in the order of unsigned numbers."""
    return sorted(((value, name) for name, value in clr_type.definition.values.items()), key=lambda pair: pair[0])


def _enum_names(clr_type: Type) -> list[str | None]:
    return [name for _, name in _by_value(clr_type)]


def _enum_values(clr_type: Type) -> ArrayValue:
    return ArrayValue([EnumValue(clr_type, value) for value, _ in _by_value(clr_type)], clr_type)


_NOT_A_BASE = (
    "The value passed in must be an enum base or an underlying type for an enum, such as an Int32. (Parameter 'value')"
)


def _number_of(value: object) -> int:
    """The number that a value of an enumeration has, or of what may be its underlying type."""
    if isinstance(value, Char):
        return ord(value)
    if isinstance(value, EnumValue):
        return value.value
    if isinstance(value, float):
        return int.from_bytes(struct.pack("<d", value)[:4], "little", signed=True)
    if isinstance(value, int):
        return int(value)
    raise thrown("ArgumentException", _NOT_A_BASE, "value")


def _given(value: object) -> object:
    if value is None:
        raise argument_null("value")
    return value


def _to_enum(enum: TypeObject, value: object) -> EnumValue:
    """``Enum.ToObject``."""
    _given(value if enum is not None else 0)
    return EnumValue(_enum_of(enum), _number_of(value))


def _name_in(enum: TypeObject, value: object) -> str | None:
    """``Enum.GetName``."""
    _given(value if enum is not None else 0)
    clr_type = _enum_of(enum)
    if isinstance(value, bool | float):
        raise thrown("ArgumentException", _NOT_A_BASE, "value")
    return _enum_name(clr_type, value)


def _enum_name(clr_type: Type, value: object) -> str | None:
    number = _number_of(value)
    return next((name for number_of_name, name in _by_value(clr_type) if number_of_name == number), None)


def _check_kind(clr_type: Type, value: object, ending: str) -> None:
    """Raise unless *value* is of the enumeration or its Int32; the *ending* is that of the message."""
    kind = type_of(value)
    if isinstance(value, EnumValue) and kind is not clr_type:
        message = f"Object must be the same type as the enum. The type passed in was '{kind.full_name}'; the enum type"
        raise thrown("ArgumentException", f"{message} was '{clr_type.full_name}'.")
    if not isinstance(value, EnumValue) and kind is not p.INT:
        message = f"Enum underlying type and the object must be same type or object{ending}. Type passed in was"
        raise thrown("ArgumentException", f"{message} '{kind.full_name}'; the enum underlying type was 'System.Int32'.")


def _is_defined(enum: TypeObject, value: object) -> bool:
    _given(value if enum is not None else 0)
    clr_type = _enum_of(enum)
    known = clr_type.definition.values
    if isinstance(value, str) and not isinstance(value, Char):
        return value in known
    if isinstance(value, bool | float):
        raise thrown("InvalidOperationException", "Unknown enum type.")
    _check_kind(clr_type, value, " must be a String")
    return _number_of(value) in known.values()


def _format_enum(enum: TypeObject, value: object, pattern: str | None) -> str:
    """``Enum.Format``."""
    _given(value if enum is not None else 0)
    if pattern is None:
        raise argument_null("format")
    clr_type = _enum_of(enum)
    _check_kind(clr_type, value, "")
    if not pattern:
        raise thrown("FormatException", 'Format string can be only "G", "g", "X", "x", "F", "f", "D" or "d".')
    return format_value(EnumValue(clr_type, _number_of(value)), pattern)


def _parse_of(enum: TypeObject, name: str | None, ignore_case: bool = False) -> EnumValue:
    _given(name if enum is not None else 0)
    return parse_enum(_enum_of(enum), name, ignore_case)


def _try_parse(types: tuple[Type, ...], name: str, ignore_case: object, out: object = None) -> bool:
    ref, fold = (ignore_case, False) if out is None else (out, bool(ignore_case))
    value = find_enum(types[0], name, fold)
    ref.value = value if value is not None else EnumValue(types[0], 0)  # type: ignore[attr-defined]
    return value is not None


define("System.Enum", {
    "static object Parse(Type enumType, string value)": _parse_of,
    "static object Parse(Type enumType, string value, bool ignoreCase)": _parse_of,
    "static generic T Parse<T>(string value)": lambda types, name: parse_enum(types[0], name),
    "static generic T Parse<T>(string value, bool ignoreCase)":
        lambda types, name, fold: parse_enum(types[0], name, fold),
    "static generic bool TryParse<T>(string value, out T result)": _try_parse,
    "static generic bool TryParse<T>(string value, bool ignoreCase, out T result)": _try_parse,
    "static bool IsDefined(Type enumType, object value)": lambda enum, value: _is_defined(enum, value),
    "static enums generic bool IsDefined<T>(T value)": lambda types, value: _is_defined(TypeObject(types[0]), value),
    "static Type GetUnderlyingType(Type enumType)": lambda enum: (_enum_of(enum), TypeObject(p.INT))[1],
    "static string GetName(Type enumType, object value)": _name_in,
    "static enums generic string GetName<T>(T value)": lambda types, value: _enum_name(types[0], value),
    "static string[] GetNames(Type enumType)": lambda enum: strings(_enum_names(_enum_of(enum))),
    "static generic string[] GetNames<T>()": lambda types: strings(_enum_names(types[0])),
    "static Array GetValues(Type enumType)": lambda enum: _enum_values(_enum_of(enum)),
    "static generic T[] GetValues<T>()": lambda types: _enum_values(types[0]),
    "static object ToObject(Type enumType, object value)": _to_enum,
    "static string Format(Type enumType, object value, string format)": _format_enum,
    "int CompareTo(object target)": order,
    "bool Equals(object obj)": equal,
    "int GetHashCode()": lambda value: value.value,
    "string ToString(string format, IFormatProvider provider)":
        lambda value, pattern, _provider: format_value(value, pattern),
    "bool HasFlag(Enum flag)": lambda value, flag: value.value & flag.value == flag.value,
    "string ToString(string format)": lambda value, pattern: format_value(value, pattern),
})  # fmt: skip
