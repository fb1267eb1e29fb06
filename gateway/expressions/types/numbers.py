"""The numeric types, Boolean, Math, Convert and Random."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from decimal import (
    ROUND_CEILING,
    ROUND_DOWN,
    ROUND_FLOOR,
    ROUND_HALF_EVEN,
    ROUND_HALF_UP,
    Context,
    Decimal,
)
from typing import Any

from gateway.expressions import primitives as p
from gateway.expressions.arithmetic import ARITHMETIC, bounded
from gateway.expressions.clr import Type
from gateway.expressions.collections import ArrayValue
from gateway.expressions.conversions import NUMERIC_CONVERTERS
from gateway.expressions.equality import equal
from gateway.expressions.formatting.composite import format_value
from gateway.expressions.formatting.numberparse import FLOAT, HEX, MAX_LENGTH, NUMBER, check_decimal_style, read_number
from gateway.expressions.formatting.text import text
from gateway.expressions.ordering import order, sign
from gateway.expressions.signatures import define
from gateway.expressions.thrown import Thrown, argument_null, thrown
from gateway.expressions.types.objects import enumeration
from gateway.expressions.values import INTEGRALS, EnumValue, Ref, Single, to_single, wrapper

NUMBER_STYLES = enumeration(
    "System.Globalization.NumberStyles",
    AllowLeadingWhite=1, AllowTrailingWhite=2, AllowLeadingSign=4, Integer=7, AllowTrailingSign=8, AllowParentheses=16,
    AllowDecimalPoint=32, AllowThousands=64, Number=111, AllowExponent=128, Float=167, AllowCurrencySymbol=256,
    Currency=383, Any=511, AllowHexSpecifier=512, HexNumber=515,
)  # fmt: skip
NUMBER_STYLES.definition.values["None"] = 0
NUMBER_STYLES.definition.table["const NumberStyles None"] = EnumValue(NUMBER_STYLES, 0)
ROUNDING = enumeration(
    "System.MidpointRounding", ToEven=0, AwayFromZero=1, ToZero=2, ToNegativeInfinity=3, ToPositiveInfinity=4
)

_HEX = re.compile(r"[ \t-\r]*([0-9a-fA-F]+)[ \t-\r]*", re.ASCII)
MAX_HEX = 200
NO_INTEGER = 1 << 100  # the result of reading a number that is not integral, such as 1.5
_SPECIAL = {"nan": math.nan, "infinity": math.inf, "-infinity": -math.inf, "∞": math.inf, "-∞": -math.inf}


def bad_number(value: str) -> Thrown:
    """The exception of Parse for text that is not a number."""
    return thrown("FormatException", f"The input string '{value}' was not in a correct format.")


def _too_large(name: str) -> Thrown:
    full = p.INTEGRAL
    shown = next(clr_type.definition.name for clr_type, keyword in full.items() if keyword == name)
    kind = {"sbyte": "a signed byte", "byte": "an unsigned byte"}.get(
        name, f"an {shown}" if shown[0] == "I" else f"a {shown}"
    )
    return thrown("OverflowException", f"Value was either too large or too small for {kind}.")


def parse_integer(value: str | None, name: str, style: int = 7) -> object:
    """``int.Parse`` and its siblings."""
    if value is None:
        raise argument_null("s")
    make, low, high = INTEGRALS[name]
    number = _read_integer(value, style)
    if number is None:
        raise bad_number(value)
    if style & HEX and number > high:
        number -= (high - low) + 1
    if not low <= number <= high:
        raise _too_large(name)
    return make(number)


def _read_hex(value: str) -> int | None:
    match = _HEX.fullmatch(value) if len(value) <= MAX_HEX else None
    return int(match[1], 16) if match else None


def _read_integer(value: str, style: int) -> int | None:
    if style & HEX:
        return _read_hex(value)
    if value.isdigit() and value.isascii() and len(value) <= MAX_LENGTH:
        return int(value)
    number = read_number(value, style)
    if number is None:
        return None
    if number.adjusted() > MAX_HEX or number != number.to_integral_value():
        return NO_INTEGER
    return int(number)


def parse_double(value: str | None, style: int = FLOAT) -> float:
    """``double.Parse``."""
    if value is None:
        raise argument_null("s")
    check_decimal_style(style)
    special = _SPECIAL.get(value.strip().lower())
    if special is not None:
        return special
    number = read_number(value, style)
    if number is None:
        raise bad_number(value)
    return float(number)


def parse_decimal(value: str | None, style: int = NUMBER) -> Decimal:
    """``decimal.Parse``."""
    if value is None:
        raise argument_null("s")
    check_decimal_style(style)
    number = read_number(value, style)
    if number is None:
        raise bad_number(value)
    plain = number if "E" not in str(number) else Decimal(f"{number:f}")
    return bounded(plain)


def parse_bool(value: str | None) -> bool:
    """``bool.Parse``: True or False in any case, white space around allowed."""
    if value is None:
        raise argument_null("value")
    known = {"true": True, "false": False}.get(value.strip(" \t\r\n\0").lower())
    if known is None:
        raise thrown("FormatException", f"String '{value}' was not recognized as a valid Boolean.")
    return known


def try_parse(parse: Callable[..., object], default: object) -> Callable[..., bool]:
    """``TryParse`` from ``Parse``; the last argument is the out parameter."""

    def attempt(value: str | None, *rest: Any) -> bool:
        ref: Ref = rest[-1]
        ref.value = default
        try:
            ref.value = parse(value, *rest[:-1])
        except Thrown as error:
            if error.value.name == "ArgumentException":  # not a fault of the text
                raise
            return False
        return True

    return attempt


compare_values = sign


def _difference(left: int, right: int) -> int:
    """CompareTo of the small integral types: the difference."""
    return int(left) - int(right)


def _styled(parse: Callable[..., object]) -> dict[str, Callable[..., object]]:
    return {
        "(string s)": parse,
        "(string s, IFormatProvider provider)": lambda s, _p: parse(s),
        "(string s, NumberStyles style)": lambda s, style: parse(s, style.value),
        "(string s, NumberStyles style, IFormatProvider provider)": lambda s, style, _p: parse(s, style.value),
    }


def _integer_parsers(name: str) -> dict[str, Callable[..., object]]:
    return {
        "(string s)": lambda s: parse_integer(s, name),
        "(string s, IFormatProvider provider)": lambda s, _p: parse_integer(s, name),
        "(string s, NumberStyles style)": lambda s, style: parse_integer(s, name, style.value),
        "(string s, NumberStyles style, IFormatProvider provider)": lambda s, style, _p: parse_integer(
            s, name, style.value
        ),
    }


def _style_first(parse: Callable[..., object]) -> Callable[..., object]:
    """TryParse refuses a style before it looks at the text, which Parse does the other way round."""

    def checked(value: str | None, style: EnumValue, provider: object) -> object:
        check_decimal_style(style.value)
        return parse(value, style, provider)

    return checked


_REAL = ("float", "double", "decimal")
_SHORT = ("sbyte", "byte", "short", "ushort")


def _number_table(clr_type: Type, parsers: dict[str, Callable[..., object]]) -> dict[str, object]:
    name, default = clr_type.definition.keyword, clr_type.definition.default
    table: dict[str, object] = {f"static {name} Parse{head}": parse for head, parse in parsers.items()}
    for head, parse in parsers.items():
        if head != "(string s, NumberStyles style)":
            checked = _style_first(parse) if "style" in head and name in _REAL else parse
            table[f"static bool TryParse{head[:-1]}, out {name} result)"] = try_parse(checked, default)
    return {
        **table,
        "string ToString()": text,
        "string ToString(string format)": format_value,
        "string ToString(IFormatProvider provider)": lambda value, _provider: text(value),
        "string ToString(string format, IFormatProvider provider)": lambda value, pattern, _p: format_value(
            value, pattern
        ),
        f"int CompareTo({name} value)": _difference if name in _SHORT else compare_values,
        "int CompareTo(object value)": order,
        f"bool Equals({name} obj)": equal,
        "bool Equals(object obj)": equal,
    }


for _made, _name in p.INTEGRAL.items():
    _make, _low, _high = INTEGRALS[_name]
    define(_made.definition.full_name, {
        **_number_table(_made, _integer_parsers(_name)),
        f"const {_name} MaxValue": _make(_high),
        f"const {_name} MinValue": _make(_low),
    })  # fmt: skip
define("System.Double", {
    **_number_table(p.DOUBLE, _styled(parse_double)),
    "const double MaxValue": 1.7976931348623157e308,
    "const double MinValue": -1.7976931348623157e308,
    "const double Epsilon": 5e-324,
    "const double NaN": math.nan,
    "const double PositiveInfinity": math.inf,
    "const double NegativeInfinity": -math.inf,
    "static bool IsNaN(double d)": math.isnan,
    "static bool IsInfinity(double d)": math.isinf,
    "static bool IsFinite(double d)": math.isfinite,
    "static bool IsPositiveInfinity(double d)": lambda d: d == math.inf,
    "static bool IsNegativeInfinity(double d)": lambda d: d == -math.inf,
    "static bool IsNegative(double d)": lambda d: math.isnan(d) or math.copysign(1, d) < 0,
})  # fmt: skip
define("System.Single", {
    **_number_table(p.FLOAT, _styled(lambda s, style=FLOAT: to_single(parse_double(s, style)))),
    "const float MaxValue": Single(3.4028234663852886e38),
    "const float MinValue": Single(-3.4028234663852886e38),
    "const float Epsilon": to_single(1.401298464324817e-45),
    "const float NaN": Single(math.nan),
    "const float PositiveInfinity": Single(math.inf),
    "const float NegativeInfinity": Single(-math.inf),
    "static bool IsNaN(float f)": math.isnan,
    "static bool IsInfinity(float f)": math.isinf,
    "static bool IsFinite(float f)": math.isfinite,
    "static bool IsPositiveInfinity(float f)": lambda f: f == math.inf,
    "static bool IsNegativeInfinity(float f)": lambda f: f == -math.inf,
})  # fmt: skip
_DECIMAL_MAX = Decimal(2**96 - 1)


def round_decimal(value: Decimal, digits: int = 0, mode: EnumValue | None = None) -> Decimal:
    """``Math.Round`` of a decimal; it never gains digits."""
    if not 0 <= digits <= 28:
        raise thrown(
            "ArgumentOutOfRangeException",
            "Decimal can only round to between 0 and 28 digits of precision. (Parameter 'decimals')",
        )
    exponent = value.as_tuple().exponent
    if isinstance(exponent, int) and -exponent <= digits:
        return value
    return value.quantize(Decimal(1).scaleb(-digits), rounding=_MODES[mode.value if mode else 0])


def _bits(value: Decimal) -> ArrayValue:
    """``decimal.GetBits``: the mantissa in three parts, then the scale and the sign."""
    _, _, exponent = value.as_tuple()
    scale = -exponent if isinstance(exponent, int) else 0
    mantissa = int(value.copy_abs().scaleb(scale, context=Context(prec=40)))
    wrap = wrapper("int")
    parts = [wrap(mantissa >> shift & 0xFFFFFFFF) for shift in (0, 32, 64)]
    return ArrayValue([*parts, wrap(scale << 16 | value.is_signed() << 31)], p.INT)


_MODES = {0: ROUND_HALF_EVEN, 1: ROUND_HALF_UP, 2: ROUND_DOWN, 3: ROUND_FLOOR, 4: ROUND_CEILING}
define("System.Decimal", {
    **_number_table(p.DECIMAL, _styled(parse_decimal)),
    "const decimal MaxValue": _DECIMAL_MAX,
    "const decimal MinValue": _DECIMAL_MAX.copy_negate(),
    "const decimal Zero": Decimal(0),
    "const decimal One": Decimal(1),
    "const decimal MinusOne": Decimal(-1),
    "new(double value)": NUMERIC_CONVERTERS[p.DECIMAL],
    "new(int value)": Decimal,
    "static decimal Round(decimal d)": round_decimal,
    "static decimal Round(decimal d, int decimals)": round_decimal,
    "static decimal Round(decimal d, int decimals, MidpointRounding mode)": round_decimal,
    "static decimal Floor(decimal d)": lambda d: d.to_integral_value(ROUND_FLOOR),
    "static decimal Ceiling(decimal d)": lambda d: d.to_integral_value(ROUND_CEILING),
    "static decimal Truncate(decimal d)": lambda d: d.to_integral_value(ROUND_DOWN),
    **{f"static decimal {name}(decimal d1, decimal d2)": ARITHMETIC["decimal"][sign]
       for name, sign in (("Add", "+"), ("Subtract", "-"), ("Multiply", "*"), ("Divide", "/"), ("Remainder", "%"))},
    "static decimal Negate(decimal d)": Decimal.copy_negate,
    "static int Compare(decimal d1, decimal d2)": compare_values,
    "static bool Equals(decimal d1, decimal d2)": lambda left, right: left == right,
    "static int[] GetBits(decimal d)": _bits,
    **{f"static {clr_type.definition.keyword} To{clr_type.definition.name}(decimal value)": NUMERIC_CONVERTERS[clr_type]
       for clr_type in (p.BYTE, p.SBYTE, p.SHORT, p.USHORT, p.UINT, p.ULONG, p.FLOAT)},
    "static int ToInt32(decimal d)": NUMERIC_CONVERTERS[p.INT],
    "static long ToInt64(decimal d)": NUMERIC_CONVERTERS[p.LONG],
    "static double ToDouble(decimal d)": float,
})  # fmt: skip
define("System.Boolean", {
    "static bool Parse(string value)": parse_bool,
    "static bool TryParse(string value, out bool result)": try_parse(parse_bool, False),
    "const string TrueString": "True",
    "const string FalseString": "False",
    "string ToString()": text,
    "string ToString(IFormatProvider provider)": lambda value, _p: text(value),
    "int CompareTo(bool value)": compare_values,
    "bool Equals(bool obj)": lambda value, other: value is other,
})  # fmt: skip
