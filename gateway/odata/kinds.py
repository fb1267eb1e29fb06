"""
Kinds of values, as far as operators and keys tell them apart, and the literals of each.

Source: OData CSDL XML 4.01 §3.3; OData URL Conventions 4.01 §5.1.1.6.
"""

from __future__ import annotations

import re
from datetime import date, time

from gateway.odata.metadata import ServiceModel, TypeRef
from gateway.odata.tokens import Word

ANY, NULL, NUMBER, TEXT, BOOLEAN = "any", "null", "number", "text", "boolean"
DATE, TIME, MOMENT, DURATION, GUID, BINARY, GEO = "date", "time", "moment", "duration", "guid", "binary", "geo"
ENUMERATION, STRUCTURE, COLLECTION = "enumeration", "structure", "collection"

MOST_DIGITS = 20

_INTEGERS = {
    "Edm.Byte": (0, 255),
    "Edm.SByte": (-128, 127),
    "Edm.Int16": (-(2**15), 2**15 - 1),
    "Edm.Int32": (-(2**31), 2**31 - 1),
    "Edm.Int64": (-(2**63), 2**63 - 1),
}
_PRIMITIVE = {
    **dict.fromkeys([*_INTEGERS, "Edm.Decimal", "Edm.Single", "Edm.Double"], NUMBER),
    "Edm.String": TEXT,
    "Edm.Boolean": BOOLEAN,
    "Edm.Date": DATE,
    "Edm.TimeOfDay": TIME,
    "Edm.DateTimeOffset": MOMENT,
    "Edm.Duration": DURATION,
    "Edm.Guid": GUID,
    "Edm.Binary": BINARY,
    "Edm.Stream": BINARY,
}
_DURATION = re.compile(r"-?P(?=.)(?:\d+D)?(?:T(?=.)(?:\d+H)?(?:\d+M)?(?:\d+(?:\.\d+)?S)?)?", re.IGNORECASE | re.ASCII)
_BINARY = re.compile(r"[A-Za-z0-9_-]*={0,2}")

_FORMS = {DURATION: _DURATION, BINARY: _BINARY, GEO: re.compile(r"SRID=[0-9]{1,5};[A-Za-z]{5,18}\([-0-9.eE,() ]*\)")}

# Of literals that are words, by what stands in front of the quotation mark.
PREFIXED = {"duration": DURATION, "binary": BINARY, "geography": GEO, "geometry": GEO}
WORDS = {"true": BOOLEAN, "false": BOOLEAN, "null": NULL, "NaN": NUMBER, "INF": NUMBER}
_BY_TOKEN = {"string": TEXT, "number": NUMBER, "guid": GUID, "date": DATE, "time": TIME, "moment": MOMENT}


def kind_of(reference: TypeRef | None, metadata: ServiceModel) -> str:
    """The kind of values of the type *reference*."""
    if reference is None:
        return ANY
    if reference.many:
        return COLLECTION
    name = metadata.definitions.get(reference.name, reference.name)
    if name in metadata.enumerations:
        return ENUMERATION
    if name in metadata.types:
        return STRUCTURE
    return GEO if name.startswith(("Edm.Geography", "Edm.Geometry")) else _PRIMITIVE.get(name, ANY)


def literal_kind(token: Word) -> str | None:
    """The kind of the literal that *token* is; None: it is no literal, or one of no possible value."""
    if token.kind == "name":
        return WORDS.get(token.text)
    kind = _BY_TOKEN.get(token.kind)
    return kind if kind is not None and _is_possible(token) else None


def _is_possible(token: Word) -> bool:
    """Whether there is such a day and time; 24:00 and a second 60 are refused."""
    try:
        if token.kind in ("date", "moment"):
            date.fromisoformat(token.text[:10])
        if token.kind in ("time", "moment"):
            clock = token.text[11:] if token.kind == "moment" else token.text
            time.fromisoformat(clock[:8] if clock[5:6] == ":" else clock[:5])
    except ValueError:
        return False
    return True


def prefixed_kind(prefix: str, quoted: str, metadata: ServiceModel) -> str | None:
    """The kind of ``prefix'quoted'``; None: there is no such literal."""
    text = quoted[1:-1]
    members = metadata.enumerations.get(metadata.qualified(prefix))
    if members is not None:
        names = [name.strip() for name in text.split(",")]
        known = all(name in members or name.lstrip("-").isdigit() for name in names)
        return ENUMERATION if known else None
    kind = PREFIXED.get(prefix, "")
    return kind if kind in PREFIXED.values() and _FORMS[kind].fullmatch(text) else None


def comparable(left: str, right: str) -> bool:
    """Whether values of the two kinds can be compared."""
    loose = {ANY, NULL}
    pairs = ({ENUMERATION, TEXT}, {DATE, MOMENT})
    return left == right or left in loose or right in loose or {left, right} in pairs


def fits_integer(name: str, token: Word, is_negative: bool) -> bool:
    """Whether the number *token* is one of the integer type *name*; true for every other type."""
    if name not in _INTEGERS:
        return True
    low, high = _INTEGERS[name]
    return (
        token.text.isdigit()
        and len(token.text) <= MOST_DIGITS
        and low <= int(token.text) * (-1 if is_negative else 1) <= high
    )
