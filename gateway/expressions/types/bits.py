"""Members of BitConverter, Math, Decimal and Convert that work on bits, and those that .NET Core added."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction

from gateway.expressions.arithmetic import ARITHMETIC
from gateway.expressions.signatures import define, read_type
from gateway.expressions.thrown import argument_null, negative, out_of_range, thrown, too_large
from gateway.expressions.types import tuples as _tuples  # noqa: F401  (ValueTuple is on the allow-list by now)
from gateway.expressions.types.convert import dotnet_nan, from_base64, nan_on_error, to_base64
from gateway.expressions.types.ranges import copy_items
from gateway.expressions.values import Byte, Char, Int64, Single, TupleValue, UInt32, UInt64

EXPONENT_MAX = 28


def _recast(made: Callable[..., object], packed: str, unpacked: str) -> Callable[[object], object]:
    """The same bits as another type."""
    return lambda value: made(struct.unpack(unpacked, struct.pack(packed, dotnet_nan(value)))[0])


def _char_at(data: bytes | None, start: int) -> Char:
    if data is None:
        raise argument_null("value")
    if not 0 <= start < len(data):
        detail = "Index was out of range. Must be non-negative and less than the size of the collection."
        raise out_of_range("startIndex", detail)
    if start > len(data) - 2:
        message = "The array starting from the specified index is not long enough to read a value of the specified"
        raise thrown("ArgumentException", f"{message} type. (Parameter 'value')", "value")
    return Char(chr(int.from_bytes(data[start : start + 2], "little")))


define("System.BitConverter", {
    "static byte[] GetBytes(char value)": lambda char: bytearray(ord(char).to_bytes(2, "little")),
    "static char ToChar(byte[] value, int startIndex)": _char_at,
    "static long DoubleToInt64Bits(double value)": _recast(Int64, "<d", "<q"),
    "static double Int64BitsToDouble(long value)": _recast(float, "<q", "<d"),
    "static int SingleToInt32Bits(float value)": _recast(int, "<f", "<i"),
    "static float Int32BitsToSingle(int value)": _recast(Single, "<i", "<f"),
    "static ulong DoubleToUInt64Bits(double value)": _recast(UInt64, "<d", "<Q"),
    "static double UInt64BitsToDouble(ulong value)": _recast(float, "<Q", "<d"),
    "static uint SingleToUInt32Bits(float value)": _recast(UInt32, "<f", "<I"),
    "static float UInt32BitsToSingle(uint value)": _recast(Single, "<I", "<f"),
}, kind="static")  # fmt: skip


def _atanh(value: float) -> float:
    return math.copysign(math.inf, value) if abs(value) == 1 else math.atanh(value)


def _log2(value: float) -> float:
    return -math.inf if value == 0 else math.log2(value)


def _scale(value: float, power: int) -> float:
    try:
        return math.ldexp(value, power)
    except OverflowError:
        return math.copysign(math.inf, value)


def _exponent(value: float) -> int:
    """``ILogB``."""
    if value == 0:
        return -0x80000000
    if math.isnan(value) or math.isinf(value):
        return 0x7FFFFFFF
    return math.frexp(value)[1] - 1


def _larger(left: float, right: float) -> float:
    if math.isnan(left) or abs(left) > abs(right) or (abs(left) == abs(right) and not math.copysign(1, left) < 0):
        return left
    return right


def _smaller(left: float, right: float) -> float:
    if math.isnan(left) or abs(left) < abs(right) or (abs(left) == abs(right) and math.copysign(1, left) < 0):
        return left
    return right


def _fused(left: float, right: float, addend: float) -> float:
    """One rounding at the end; exact by fractions, where all are finite."""
    if not all(map(math.isfinite, (left, right, addend))):
        return left * right + addend
    exact = Fraction(left) * Fraction(right) + Fraction(addend)
    return float(exact) if exact else left * right + addend


def _divided(name: str) -> Callable[[int, int], object]:
    divide, rest = ARITHMETIC[name]["/"], ARITHMETIC[name]["%"]
    pair = read_type(f"ValueTuple<{name}, {name}>")
    return lambda left, right: TupleValue([divide(left, right), rest(left, right)], pair)


_HYPERBOLIC: dict[str, Callable[..., float]] = {
    "Asinh": math.asinh, "Acosh": math.acosh, "Atanh": _atanh, "Cbrt": math.cbrt, "Log2": _log2,
}  # fmt: skip
define("System.Math", {
    "const double Tau": math.tau,
    **{f"static double {name}(double d)": nan_on_error(run) for name, run in _HYPERBOLIC.items()},
    "static double FusedMultiplyAdd(double x, double y, double z)": _fused,
    "static double BitIncrement(double x)": lambda value: math.nextafter(value, math.inf),
    "static double BitDecrement(double x)": lambda value: math.nextafter(value, -math.inf),
    "static double CopySign(double x, double y)":
        lambda size, sign: math.copysign(size, -1.0 if math.isnan(sign) else sign),
    "static double ScaleB(double x, int n)": _scale,
    "static int ILogB(double x)": _exponent,
    "static double MaxMagnitude(double x, double y)": _larger,
    "static double MinMagnitude(double x, double y)": _smaller,
    **{f"static ValueTuple<{name}, {name}> DivRem({name} left, {name} right)": _divided(name)
       for name in ("int", "long", "uint", "ulong")},
    "static long BigMul(int a, int b)": lambda left, right: Int64(left * right),
}, kind="static")  # fmt: skip


def _new_decimal(low: int, middle: int, high: int, negative: bool, scale: int) -> Decimal:
    if not 0 <= scale <= EXPONENT_MAX:
        detail = "Decimal's scale value must be between 0 and 28, inclusive."
        raise out_of_range("scale", detail)
    whole = (low & 0xFFFFFFFF) | (middle & 0xFFFFFFFF) << 32 | (high & 0xFFFFFFFF) << 64
    return Decimal((int(negative), tuple(map(int, str(whole))), -scale))


def _to_currency(value: Decimal) -> Int64:
    number = int((value * 10000).to_integral_value())
    if not -(1 << 63) <= number < 1 << 63:
        raise thrown("OverflowException", "Value was either too large or too small for a Currency.")
    return Int64(number)


def _from_currency(value: int) -> Decimal:
    return (Decimal(int(value)) / 10000).normalize() + 0 if value else Decimal("0.0000")


def _check_part(size: int, start: int, length: int, name: str) -> None:
    if length < 0 or start < 0:
        raise negative("length", length) if length < 0 else negative(name, start)
    if start > size - length:
        raise too_large(name, start, size - length)


def _to_chars(data: object, start: int, length: int, target: object, offset: int) -> int:
    if data is None:
        raise argument_null("inArray")
    if target is None:
        raise argument_null("outArray")
    raw = bytes(data)  # type: ignore[call-overload]
    _check_part(len(raw), start, length, "offsetIn")
    chars = [Char(char) for char in to_base64(raw[start : start + length])]
    if offset < 0 or offset > len(target) - len(chars):  # type: ignore[arg-type]
        raise out_of_range("offsetOut", "Either offset did not refer to a position in the string, or there is an "
                                        "insufficient length of destination character array.")  # fmt: skip
    copy_items(chars, target, offset)
    return len(chars)


def _hex_part(data: bytes | None, start: int, length: int) -> str:
    if data is None:
        raise argument_null("inArray")
    _check_part(len(data), start, length, "offset")
    return bytes(data[start : start + length]).hex().upper()


def _from_chars(chars: object, start: int, length: int) -> object:
    if chars is None:
        raise argument_null("inArray")
    _check_part(len(chars), start, length, "offset")  # type: ignore[arg-type]
    return from_base64("".join(map(str, chars[start : start + length])))  # type: ignore[index]


define("System.Decimal", {
    "new(int lo, int mid, int hi, bool isNegative, byte scale)": _new_decimal,
    "free byte Scale": lambda value: Byte(-value.as_tuple().exponent),
    "static long ToOACurrency(decimal value)": _to_currency,
    "static decimal FromOACurrency(long cy)": _from_currency,
})  # fmt: skip
define("System.Convert", {
    "static bool IsDBNull(object value)": lambda _value: False,
    "slow static int ToBase64CharArray(byte[] inArray, int offsetIn, int length, char[] outArray, int offsetOut)":
        _to_chars,
    "slow static byte[] FromBase64CharArray(char[] inArray, int offset, int length)": _from_chars,
    "static string ToHexString(byte[] inArray, int offset, int length)": _hex_part,
}, kind="static")  # fmt: skip
