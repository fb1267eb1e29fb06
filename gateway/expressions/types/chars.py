"""System.Char."""

from __future__ import annotations

import string
import unicodedata

from gateway.expressions.casing import WHITE, lower, upper
from gateway.expressions.signatures import define
from gateway.expressions.thrown import argument_null, out_of_range, thrown
from gateway.expressions.types.numbers import try_parse
from gateway.expressions.types.objects import enumeration
from gateway.expressions.values import Char, EnumValue

_CATEGORIES = "Lu Ll Lt Lm Lo Mn Mc Me Nd Nl No Zs Zl Zp Cc Cf Cs Co Pc Pd Ps Pe Pi Pf Po Sm Sc Sk So Cn".split()
CATEGORY = enumeration("System.Globalization.UnicodeCategory", **{name: number for number, name in enumerate(
    "UppercaseLetter LowercaseLetter TitlecaseLetter ModifierLetter OtherLetter NonSpacingMark SpacingCombiningMark "
    "EnclosingMark DecimalDigitNumber LetterNumber OtherNumber SpaceSeparator LineSeparator ParagraphSeparator Control "
    "Format Surrogate PrivateUse ConnectorPunctuation DashPunctuation OpenPunctuation ClosePunctuation "
    "InitialQuotePunctuation FinalQuotePunctuation OtherPunctuation MathSymbol CurrencySymbol ModifierSymbol "
    "OtherSymbol OtherNotAssigned".split()
)})  # fmt: skip


def _category(value: str, *prefixes: str) -> bool:
    return unicodedata.category(value).startswith(prefixes)


_CHAR_TESTS = {
    "IsDigit": lambda c: _category(c, "Nd"),
    "IsNumber": lambda c: _category(c, "N"),
    "IsLetter": lambda c: _category(c, "L"),
    "IsLetterOrDigit": lambda c: _category(c, "L", "Nd"),
    "IsUpper": lambda c: _category(c, "Lu"),
    "IsLower": lambda c: _category(c, "Ll"),
    "IsWhiteSpace": lambda c: c in WHITE,
    "IsPunctuation": lambda c: _category(c, "P"),
    "IsSymbol": lambda c: _category(c, "S"),
    "IsSeparator": lambda c: _category(c, "Z"),
    "IsControl": lambda c: _category(c, "Cc"),
    "IsSurrogate": lambda c: _category(c, "Cs"),
    "IsHighSurrogate": lambda c: "\ud800" <= c <= "\udbff",
    "IsLowSurrogate": lambda c: "\udc00" <= c <= "\udfff",
}


def _char_of(s: str | None, index: int) -> str:
    if s is None:
        raise argument_null("s")
    if not 0 <= index < len(s):
        detail = "Index was out of range. Must be non-negative and less than the size of the collection."
        raise out_of_range("index", detail)
    return s[index]


_UNSIGNED = 1 << 32


def _is_between(c: str, low: str, high: str) -> bool:
    """As .NET computes it, with unsigned numbers: if the bounds are swapped, everything outside them is between."""
    distance, width = ord(c) - ord(low), ord(high) - ord(low)
    return distance % _UNSIGNED <= width % _UNSIGNED


def _category_of(c: str) -> EnumValue:
    return EnumValue(CATEGORY, _CATEGORIES.index(unicodedata.category(c)))


def _from_code(code: int) -> str:
    if not 0 <= code <= 0x10FFFF or 0xD800 <= code <= 0xDFFF:
        detail = (
            "A valid UTF32 value is between 0x000000 and 0x10ffff, inclusive, and should not include surrogate "
            "codepoint values (0x00d800 ~ 0x00dfff)."
        )
        raise out_of_range("utf32", detail)
    return chr(code)


def _parse_char(value: str | None) -> Char:
    if value is None:
        raise argument_null("s")
    if len(value) != 1:
        raise thrown("FormatException", "String must be exactly one character long.")
    return Char(value)


_ASCII = {
    "Letter": string.ascii_letters,
    "LetterLower": string.ascii_lowercase,
    "LetterUpper": string.ascii_uppercase,
    "Digit": string.digits,
    "LetterOrDigit": string.ascii_letters + string.digits,
    "HexDigit": string.hexdigits,
    "HexDigitUpper": "0123456789ABCDEF",
    "HexDigitLower": "0123456789abcdef",
}
define("System.Char", {
    **{f"static bool {name}(char c)": test for name, test in _CHAR_TESTS.items()},
    **{f"free static bool {name}(string s, int index)": lambda s, i, test=test: test(_char_of(s, i))
       for name, test in _CHAR_TESTS.items()},
    "static bool IsSurrogatePair(char highSurrogate, char lowSurrogate)":
        lambda high, low: "\ud800" <= high <= "\udbff" and "\udc00" <= low <= "\udfff",
    "static bool IsAscii(char c)": str.isascii,
    **{f"static bool IsAscii{name}(char c)": lambda c, within=within: c in within for name, within in _ASCII.items()},
    "static bool IsBetween(char c, char minInclusive, char maxInclusive)": _is_between,
    "static UnicodeCategory GetUnicodeCategory(char c)": _category_of,
    "static bool TryParse(string s, out char result)": try_parse(_parse_char, Char("\0")),
    "static string ConvertFromUtf32(int utf32)": _from_code,
    "static int ConvertToUtf32(string s, int index)": lambda s, index: ord(_char_of(s, index)),
    "static char ToUpper(char c, CultureInfo culture)": lambda c, _culture: Char(upper(c)),
    "static char ToLower(char c, CultureInfo culture)": lambda c, _culture: Char(lower(c)),
    "static char ToUpper(char c)": lambda c: Char(upper(c)),
    "static char ToLower(char c)": lambda c: Char(lower(c)),
    "static char ToUpperInvariant(char c)": lambda c: Char(upper(c)),
    "static char ToLowerInvariant(char c)": lambda c: Char(lower(c)),
    "free static string ToString(char c)": str.__str__,
    "free static double GetNumericValue(char c)": lambda c: float(unicodedata.numeric(c, -1)),
    "free static char Parse(string s)": _parse_char,
    "const char MinValue": Char("\0"),
    "const char MaxValue": Char("\uffff"),
    "free int CompareTo(char value)": lambda c, other: ord(c) - ord(other),
    "free bool Equals(char obj)": lambda c, other: c == other,
})  # fmt: skip
