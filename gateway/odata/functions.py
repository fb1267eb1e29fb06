"""
The functions of OData's expressions: how many values they take, and the kind of the result.

Source: OData URL Conventions 4.01 §5.1.1.5 to §5.1.1.12.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from gateway.odata.kinds import ANY, BOOLEAN, DATE, MOMENT, NUMBER, TEXT, TIME

TYPE_FUNCTIONS = ("cast", "isof")


def _all(names: str, arities: Collection[int], kind: str) -> dict[str, tuple[Collection[int], str]]:
    return dict.fromkeys(names.split(), (arities, kind))


FUNCTIONS: Mapping[str, tuple[Collection[int], str]] = {
    **_all("concat", (2,), ANY),
    **_all("contains endswith startswith matchesPattern hassubset hassubsequence geo.intersects", (2,), BOOLEAN),
    **_all("indexof geo.distance", (2,), NUMBER),
    **_all("length geo.length year month day hour minute second fractionalseconds", (1,), NUMBER),
    **_all("totaloffsetminutes totalseconds ceiling floor round", (1,), NUMBER),
    **_all("tolower toupper trim", (1,), TEXT),
    **_all("substring", (2, 3), ANY),
    **_all("date", (1,), DATE),
    **_all("time", (1,), TIME),
    **_all("now maxdatetime mindatetime", (0,), MOMENT),
    **_all("cast", (1, 2), ANY),
    **_all("isof", (1, 2), BOOLEAN),
    **_all("case", (1,), ANY),
}
