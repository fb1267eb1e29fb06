"""Newtonsoft's settings: Formatting, JsonSerializerSettings, JsonLoadSettings, JsonMergeSettings."""

from __future__ import annotations

from gateway.expressions.clr import Type
from gateway.expressions.runtime import represent
from gateway.expressions.signatures import define
from gateway.expressions.types.objects import enumeration
from gateway.expressions.values import EnumValue

_LINQ = "Newtonsoft.Json.Linq"
FORMATTING = enumeration("Newtonsoft.Json.Formatting", Indented=1)
FORMATTING.definition.values = {"None": 0, "Indented": 1}
FORMATTING.definition.table["const Formatting None"] = EnumValue(FORMATTING, 0)
NULL_HANDLING = enumeration("Newtonsoft.Json.NullValueHandling", Include=0, Ignore=1)
MERGE = enumeration(f"{_LINQ}.MergeArrayHandling", Concat=0, Union=1, Replace=2, Merge=3)


class LoadSettings(dict[str, int]):
    """``JsonLoadSettings``."""


class MergeSettings(dict[str, int]):
    """``JsonMergeSettings``: set members by name."""


class SerializerSettings(dict[str, int]):
    """``JsonSerializerSettings``: set members by name."""


def _setting(name: str, kind: Type) -> tuple[object, object]:
    return (
        lambda settings: EnumValue(kind, settings.get(name, 0)),
        lambda settings, value: settings.__setitem__(name, value.value),
    )


define("Newtonsoft.Json.JsonConverter")
LOAD_SETTINGS = define(f"{_LINQ}.JsonLoadSettings", {"new()": LoadSettings}, price="own")
MERGE_SETTINGS = define(f"{_LINQ}.JsonMergeSettings", {
    "new()": MergeSettings,
    "MergeArrayHandling MergeArrayHandling": _setting("MergeArrayHandling", MERGE),
}, price="own")  # fmt: skip
SERIALIZER_SETTINGS = define("Newtonsoft.Json.JsonSerializerSettings", {
    "new()": SerializerSettings,
    "Formatting Formatting": _setting("Formatting", FORMATTING),
    "NullValueHandling NullValueHandling": _setting("NullValueHandling", NULL_HANDLING),
}, price="own")  # fmt: skip
represent(LoadSettings, LOAD_SETTINGS)
represent(MergeSettings, MERGE_SETTINGS)
represent(SerializerSettings, SERIALIZER_SETTINGS)
