"""The simple types of C#, which conversions and operators speak of; their members are in ``types/``."""

from __future__ import annotations

from decimal import Decimal

from gateway.expressions.clr import Type
from gateway.expressions.signatures import define
from gateway.expressions.values import Byte, Char, Int16, Int64, SByte, Single, UInt16, UInt32, UInt64

COMPARABLE = define("System.IComparable", kind="interface")
CONVERTIBLE = define("System.IConvertible", kind="interface")
FORMATTABLE = define("System.IFormattable", kind="interface")
DISPOSABLE = define("System.IDisposable", {"void Dispose()": lambda _value: None}, kind="interface")
ENUMERABLE = define("System.Collections.IEnumerable", kind="interface")
ENUMERABLE_OF = define("System.Collections.Generic.IEnumerable", parameters=("T",), kind="interface",
                       parents=("IEnumerable",))  # fmt: skip
VALUE_TYPE = define("System.ValueType")
_NUMBER = ("ValueType", "IComparable", "IFormattable", "IConvertible")


def _struct(name: str, keyword: str, default: object) -> Type:
    return define(f"System.{name}", kind="struct", parents=_NUMBER, keyword=keyword, default=default)


BOOL = _struct("Boolean", "bool", False)
CHAR = _struct("Char", "char", Char("\0"))
SBYTE = _struct("SByte", "sbyte", SByte(0))
BYTE = _struct("Byte", "byte", Byte(0))
SHORT = _struct("Int16", "short", Int16(0))
USHORT = _struct("UInt16", "ushort", UInt16(0))
INT = _struct("Int32", "int", 0)
UINT = _struct("UInt32", "uint", UInt32(0))
LONG = _struct("Int64", "long", Int64(0))
ULONG = _struct("UInt64", "ulong", UInt64(0))
FLOAT = _struct("Single", "float", Single(0))
DOUBLE = _struct("Double", "double", 0.0)
DECIMAL = _struct("Decimal", "decimal", Decimal(0))
STRING = define("System.String", keyword="string",
                parents=("IEnumerable<char>", "IComparable", "IConvertible"))  # fmt: skip
TYPE = define("System.Type")
ENUM = define("System.Enum", parents=("ValueType", "IComparable"))
DELEGATE = define("System.Delegate")

INTEGRAL = {t: t.definition.keyword for t in (SBYTE, BYTE, SHORT, USHORT, INT, UINT, LONG, ULONG)}
NUMERIC = {**INTEGRAL, CHAR: "char", FLOAT: "float", DOUBLE: "double", DECIMAL: "decimal"}

# C# specification, "Implicit numeric conversions".
_WIDENING = {
    "sbyte": "short int long float double decimal",
    "byte": "short ushort int uint long ulong float double decimal",
    "short": "int long float double decimal",
    "ushort": "int uint long ulong float double decimal",
    "int": "long float double decimal",
    "uint": "long ulong float double decimal",
    "long": "float double decimal",
    "ulong": "float double decimal",
    "char": "ushort int uint long ulong float double decimal",
    "float": "double",
}
WIDENING = {source: targets.split() for source, targets in _WIDENING.items()}
