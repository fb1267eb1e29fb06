"""Convert, BitConverter, Math, Random, Buffer."""

from __future__ import annotations

import base64
import binascii
import math
import re
import struct
from collections.abc import Callable
from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_FLOOR, Decimal
from typing import Any

from gateway.expressions import primitives as p
from gateway.expressions.arithmetic import ARITHMETIC, float_divide
from gateway.expressions.change_type import change_type, convert_to
from gateway.expressions.clr import NULLABLE, Type
from gateway.expressions.formatting.text import text
from gateway.expressions.signatures import define
from gateway.expressions.thrown import Thrown, argument_null, negative, out_of_range, thrown, too_large
from gateway.expressions.types.dates import DATETIME
from gateway.expressions.types.numbers import compare_values, parse_integer, round_decimal
from gateway.expressions.types.objects import enumeration
from gateway.expressions.values import INTEGRALS, Byte, EnumValue, Int16, Ref, TypeObject, wrapper


def from_base64(value: str | None) -> bytearray:
    """``Convert.FromBase64String``: strict, but white space is skipped."""
    if value is None:
        raise argument_null("s")
    compact = re.sub(r"[ \t\r\n]", "", value)
    if len(compact) % 4:
        raise _not_base64()
    try:
        return bytearray(base64.b64decode(compact, validate=True))
    except (binascii.Error, ValueError):
        raise _not_base64() from None


def _not_base64() -> Thrown:
    message = (
        "The input is not a valid Base-64 string as it contains a non-base 64 character, more than two padding "
        "characters, or an illegal character among the padding characters."
    )
    return thrown("FormatException", message)


BASE64 = enumeration("System.Base64FormattingOptions", InsertLineBreaks=1)
BASE64.definition.values["None"] = 0
BASE64.definition.table["const Base64FormattingOptions None"] = EnumValue(BASE64, 0)


def _check_part(start: int, count: int, size: int, name: str) -> None:
    if start < 0 or count < 0:
        raise negative("length", count) if count < 0 else negative(name, start)
    if start > size - count:
        raise too_large(name, start, size - count)


def to_base64(data: object, *rest: object) -> str:
    """``Convert.ToBase64String``."""
    if data is None:
        raise argument_null("inArray")
    raw = bytes(data)  # type: ignore[call-overload]
    if len(rest) >= 2:
        _check_part(int(rest[0]), int(rest[1]), len(raw), "offset")  # type: ignore[call-overload]
        raw = raw[int(rest[0]) : int(rest[0]) + int(rest[1])]  # type: ignore[call-overload]
    shown = base64.b64encode(raw).decode()
    if rest and isinstance(rest[-1], EnumValue) and rest[-1].value == 1:
        return "\r\n".join(shown[i : i + 76] for i in range(0, len(shown), 76))
    return shown


def _digits(value: str, radix: int) -> str:
    """What is a number by itself in a text that shows one to that base."""
    if not value:
        raise out_of_range("Index was out of range. Must be non-negative and less than the size of the collection.")
    if radix != 10 and value.startswith("-"):
        raise thrown("ArgumentException", "String cannot contain a minus sign if the base is not 10.")
    shown = value.lower().removeprefix("0x") if radix == 16 else value
    if not re.fullmatch(r"[+-]?[0-9a-fA-F]{1,64}", shown):
        raise thrown("FormatException", "Could not find any recognizable digits.")
    return shown


def _from_radix(name: str) -> Callable[[str | None, int], object]:
    make, low, high = INTEGRALS[name]
    wrap = wrapper(name)

    def convert(value: str | None, radix: int) -> object:
        if radix not in (2, 8, 10, 16):
            raise thrown("ArgumentException", "Invalid Base.")
        if value is None:
            return make(0)
        number = int(_digits(value, radix), radix)
        if number > (high - low if radix != 10 else high):
            raise thrown("OverflowException", "Value was either too large or too small.")
        return wrap(number)

    return convert


def _to_radix(value: int, radix: int) -> str:
    bits = {Int16: 16, Byte: 8}.get(type(value), 32 if type(value) is int else 64)
    number = value & ((1 << bits) - 1) if radix != 10 else int(value)
    shapes = {2: "b", 8: "o", 10: "d", 16: "x"}
    if radix not in shapes:
        raise thrown("ArgumentException", "Invalid Base.")
    return format(int(number), shapes[radix])


def _change(value: object, kind: TypeObject) -> object:
    """``ChangeType``, which does not convert null to a value type."""
    if kind is None:
        raise argument_null("conversionType")
    if value is None and (kind.type.is_value or kind.type.definition is NULLABLE):
        raise thrown("InvalidCastException", "Null object cannot be converted to a value type.")
    return convert_to(value, kind.type)


def _changer(target: Type) -> Callable[..., object]:
    if target is p.CHAR:
        return _to_char
    return lambda value, *_provider: convert_to(value, target, casts=True)


def _to_char(value: object, *_provider: object) -> object:
    """Unlike that to a number, the conversion to a char refuses null."""
    if value is None:
        raise argument_null("value")
    return convert_to(value, p.CHAR, casts=True)


_TARGETS = {
    "ToBoolean": p.BOOL, "ToByte": p.BYTE, "ToSByte": p.SBYTE, "ToChar": p.CHAR, "ToInt16": p.SHORT, "ToInt32": p.INT,
    "ToInt64": p.LONG, "ToUInt16": p.USHORT, "ToUInt32": p.UINT, "ToUInt64": p.ULONG, "ToSingle": p.FLOAT,
    "ToDouble": p.DOUBLE, "ToDecimal": p.DECIMAL, "ToString": p.STRING, "ToDateTime": DATETIME,
}  # fmt: skip


def _result(clr_type: Type) -> str:
    return clr_type.definition.keyword or clr_type.definition.name


def _from_hex(value: str | None) -> bytearray:
    if value is None:
        raise argument_null("s")
    if len(value) % 2:
        raise thrown("FormatException", "The input is not a valid hex string as its length is not a multiple of 2.")
    try:
        return bytearray(bytes.fromhex(value))
    except ValueError:
        message = "The input is not a valid hex string as it contains a non-hex character."
        raise thrown("FormatException", message) from None


define("System.Convert", {
    **{f"static {_result(clr_type)} {name}(object value)": _changer(clr_type) for name, clr_type in _TARGETS.items()},
    **{f"static {_result(clr_type)} {name}(object value, IFormatProvider provider)": _changer(clr_type)
       for name, clr_type in _TARGETS.items()},
    "static string ToString(object value)": text,
    "static string ToString(object value, IFormatProvider provider)": lambda value, _provider: text(value),
    "static string ToString(string value)": lambda value: value,
    "static string ToString(string value, IFormatProvider provider)": lambda value, _provider: value,
    "static sbyte ToSByte(string value, IFormatProvider provider)":
        lambda value, _provider: parse_integer(value, "sbyte"),
    **{f"static {keyword} {name}(string value, int fromBase)": _from_radix(keyword)
       for name, clr_type in _TARGETS.items() if (keyword := p.INTEGRAL.get(clr_type, ""))},
    **{f"static string ToString({name} value, int toBase)": _to_radix for name in ("byte", "short")},
    "static string ToString(int value, int toBase)": _to_radix,
    "static string ToString(long value, int toBase)": _to_radix,
    "static byte[] FromBase64String(string s)": from_base64,
    "static string ToBase64String(byte[] inArray)": to_base64,
    "slow static string ToBase64String(byte[] inArray, Base64FormattingOptions options)": to_base64,
    "static string ToBase64String(byte[] inArray, int offset, int length)": to_base64,
    "slow static string ToBase64String(byte[] inArray, int offset, int length, Base64FormattingOptions options)":
        to_base64,
    "static byte[] FromHexString(string s)": _from_hex,
    "static string ToHexString(byte[] inArray)": lambda data: bytes(data).hex().upper(),
    "static object ChangeType(object value, Type conversionType)": _change,
    "static object ChangeType(object value, Type conversionType, IFormatProvider provider)":
        lambda value, kind, _provider: _change(value, kind),
}, kind="static")  # fmt: skip

_PACK = {"bool": "?", "short": "<h", "int": "<i", "long": "<q", "ushort": "<H", "uint": "<I", "ulong": "<Q",
         "float": "<f", "double": "<d"}  # fmt: skip


def dotnet_nan(value: object) -> object:
    """.NET's NaN has its sign bit set."""
    return -abs(value) if isinstance(value, float) and math.isnan(value) else value


def _packer(shape: str) -> Callable[[object], bytearray]:
    return lambda value: bytearray(struct.pack(shape, dotnet_nan(value)))


def _unpacker(name: str) -> Callable[[bytes, int], object]:
    clr_type = next(t for t in (*p.NUMERIC, p.BOOL) if t.definition.keyword == name)
    shape = _PACK[name]

    def read(data: bytes, start: int) -> object:
        if data is None:
            raise argument_null("value")
        if not 0 <= start < len(data):
            detail = "Index was out of range. Must be non-negative and less than the size of the collection."
            raise out_of_range("startIndex", detail)
        if start > len(data) - struct.calcsize(shape):
            message = "The array starting from the specified index is not long enough to read a value of the specified"
            raise thrown("ArgumentException", f"{message} type. (Parameter 'value')", "value")
        return change_type(struct.unpack_from(shape, bytes(data), start)[0], clr_type)

    return read


def _dashed(data: bytes, *bounds: int) -> str:
    if data is None:
        raise argument_null("value")
    raw = bytes(data)
    start, count = (*bounds, len(raw) - bounds[0])[:2] if bounds else (0, len(raw))
    if bounds and (count < 0 or not 0 <= start < max(len(raw), 1)):
        raise out_of_range("startIndex")
    if start > len(raw) - count:
        raise thrown("ArgumentException", "Offset and length were out of bounds for the array.")
    return raw[start : start + count].hex("-").upper() if raw else ""


_UNPACK = {"ToInt16": "short", "ToInt32": "int", "ToInt64": "long", "ToUInt16": "ushort", "ToUInt32": "uint",
           "ToUInt64": "ulong", "ToSingle": "float", "ToDouble": "double", "ToBoolean": "bool"}  # fmt: skip
define("System.BitConverter", {
    **{f"static byte[] GetBytes({name} value)": _packer(shape) for name, shape in _PACK.items()},
    **{f"static {name} {method}(byte[] value, int startIndex)": _unpacker(name) for method, name in _UNPACK.items()},
    "static string ToString(byte[] value)": _dashed,
    "static string ToString(byte[] value, int startIndex)": _dashed,
    "static string ToString(byte[] value, int startIndex, int length)": _dashed,
    "const bool IsLittleEndian": True,
}, kind="static")  # fmt: skip


def _block_copy(source: bytes, start: int, target: bytearray, offset: int, count: int) -> None:
    if min(start, offset, count) < 0 or start + count > len(source) or offset + count > len(target):
        raise thrown("ArgumentException", "Offset and length were out of bounds for the array.")
    target[offset : offset + count] = source[start : start + count]


define("System.Buffer", {
    "static void BlockCopy(byte[] src, int srcOffset, byte[] dst, int dstOffset, int count)": _block_copy,
}, kind="static")  # fmt: skip


def _round(value: float, digits: int = 0, mode: EnumValue | None = None) -> float:
    """``Math.Round`` of a double: scaled, rounded, scaled back, as .NET does it."""
    if not 0 <= digits <= 15:
        raise out_of_range("digits", "Rounding digits must be between 0 and 15, inclusive.")
    if not math.isfinite(value) or abs(value) >= 1e16:
        return value
    power = 10.0**digits
    return math.copysign(_round_whole(value * power, mode.value if mode is not None else 0) / power, value)


def _round_whole(value: float, mode: int) -> float:
    if mode == 0:
        return float(round(value))
    if mode == 1:
        return math.copysign(math.floor(abs(value) + 0.5), value)
    if mode == 2:
        return float(math.trunc(value))
    return float(math.floor(value) if mode == 3 else math.ceil(value))


def _power(base: float, exponent: float) -> float:
    odd = exponent % 2 == 1
    try:
        power = math.pow(base, exponent)
    except OverflowError:
        return -math.inf if base < 0 and odd else math.inf
    except ValueError:
        return math.nan if base else math.copysign(math.inf, base) if odd else math.inf
    return power


def _signed_zero(run: Callable[[float], int]) -> Callable[[float], float]:
    """A rounding that keeps the sign of what becomes zero."""
    return lambda value: math.copysign(float(run(value)), value) if math.isfinite(value) else value


def nan_on_error(run: Callable[..., float]) -> Callable[..., float]:
    """A function of Python's ``math`` as .NET has it: NaN outside its domain, infinity beyond its range."""

    def call(*values: float) -> float:
        try:
            return run(*values)
        except ValueError:
            return math.nan
        except OverflowError:
            return math.inf

    return call


def _log(value: float) -> float:
    return -math.inf if value == 0 else nan_on_error(math.log)(value)


def _log_to_base(value: float, base: float) -> float:
    if math.isnan(value) or base == 1 or (value != 1 and base in (0, math.inf)):
        return math.nan
    return float_divide(_log(value), _log(base))


def _log10(value: float) -> float:
    return -math.inf if value == 0 else nan_on_error(math.log10)(value)


def _abs(name: str) -> Callable[[int], object]:
    make, _, high = INTEGRALS[name]

    def absolute(value: int) -> object:
        if -value > high:
            raise thrown("OverflowException", "Negating the minimum value of a twos complement number is invalid.")
        return make(abs(value))

    return absolute


def _clamp(value: object, low: object, high: object) -> object:
    bound = not _is_nan(low) and not _is_nan(high)
    if bound and compare_values(low, high) > 0:
        raise thrown("ArgumentException", f"'{low}' cannot be greater than {high}.")
    if not bound or _is_nan(value):
        return _clamped_beside_nan(value, low, high)
    return low if compare_values(value, low) < 0 else high if compare_values(value, high) > 0 else value


def _clamped_beside_nan(value: object, low: object, high: object) -> object:
    """No comparison with NaN is true, so a bound of NaN has no effect."""
    if _is_nan(value):
        return value
    if not _is_nan(low) and compare_values(value, low) < 0:
        return low
    return high if not _is_nan(high) and compare_values(value, high) > 0 else value


_ORDERED = ("int", "long", "double", "decimal", "float", "uint", "ulong", "short", "byte")


def _is_nan(value: object) -> bool:
    return isinstance(value, float) and math.isnan(value)


def _sign(value: Any) -> int:
    if _is_nan(value):
        raise thrown("ArithmeticException", "Function does not accept floating point Not-a-Number values.")
    return int(value > 0) - int(value < 0)


def _least(left: object, right: object) -> object:
    if left == right == 0 and isinstance(left, float):
        return left if math.copysign(1, left) < 0 else right
    return left if _is_nan(left) or (not _is_nan(right) and compare_values(left, right) <= 0) else right


def _greatest(left: object, right: object) -> object:
    if left == right == 0 and isinstance(left, float):
        return right if math.copysign(1, left) < 0 else left
    return left if _is_nan(left) or (not _is_nan(right) and compare_values(left, right) >= 0) else right


LARGE = 711.0  # beyond it the hyperbolic sine is no finite double
_REAL: dict[str, Callable[..., float]] = {
    "Sqrt": nan_on_error(math.sqrt), "Exp": nan_on_error(math.exp), "Log10": _log10,
    "Sin": nan_on_error(math.sin), "Cos": nan_on_error(math.cos), "Tan": nan_on_error(math.tan),
    "Asin": nan_on_error(math.asin), "Acos": nan_on_error(math.acos),
    "Atan": math.atan,
    "Sinh": lambda v: -math.inf if v < -LARGE else nan_on_error(math.sinh)(v),
    "Cosh": nan_on_error(math.cosh), "Tanh": math.tanh,
    "Floor": _signed_zero(math.floor), "Ceiling": _signed_zero(math.ceil), "Truncate": _signed_zero(math.trunc),
}  # fmt: skip


def _divide_with_rest(name: str) -> Callable[..., object]:
    """``Math.DivRem``; the last argument is the out parameter."""
    divide, rest = ARITHMETIC[name]["/"], ARITHMETIC[name]["%"]

    def call(left: int, right: int, out: Ref) -> object:
        out.value = rest(left, right)
        return divide(left, right)

    return call


define("System.Math", {
    "const double PI": math.pi,
    "const double E": math.e,
    **{f"static double {name}(double d)": run for name, run in _REAL.items()},
    "static decimal Floor(decimal d)": lambda d: d.to_integral_value(ROUND_FLOOR),
    "static decimal Ceiling(decimal d)": lambda d: d.to_integral_value(ROUND_CEILING),
    "static decimal Truncate(decimal d)": lambda d: d.to_integral_value(ROUND_DOWN),
    "static double Pow(double x, double y)": _power,
    "static double Log(double d)": _log,
    "static double Log(double a, double newBase)": _log_to_base,
    "static double Atan2(double y, double x)": math.atan2,
    **{f"static {name} Abs({name} value)": _abs(name) for name in ("int", "long", "short", "sbyte")},
    "static double Abs(double value)": abs,
    "static float Abs(float value)": lambda value: type(value)(abs(value)),
    "static decimal Abs(decimal value)": Decimal.copy_abs,
    **{f"static {name} Min({name} val1, {name} val2)": _least for name in _ORDERED},
    **{f"static {name} Max({name} val1, {name} val2)": _greatest for name in _ORDERED},
    **{f"static {name} Clamp({name} value, {name} min, {name} max)": _clamp for name in _ORDERED},
    **{f"static int Sign({name} value)": _sign for name in ("int", "long", "double", "decimal")},
    "static double Round(double a)": _round,
    "static double Round(double value, int digits)": _round,
    "static double Round(double value, MidpointRounding mode)": lambda value, mode: _round(value, 0, mode),
    "static double Round(double value, int digits, MidpointRounding mode)": _round,
    "static decimal Round(decimal d)": round_decimal,
    "static decimal Round(decimal d, int decimals)": round_decimal,
    "static decimal Round(decimal d, MidpointRounding mode)": lambda value, mode: round_decimal(value, 0, mode),
    "static decimal Round(decimal d, int decimals, MidpointRounding mode)": round_decimal,
    "static int DivRem(int a, int b, out int result)": _divide_with_rest("int"),
    "static long DivRem(long a, long b, out long result)": _divide_with_rest("long"),
    "static double IEEERemainder(double x, double y)": nan_on_error(math.remainder),
}, kind="static")  # fmt: skip
