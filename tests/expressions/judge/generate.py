"""
Random expressions over the allow-list: each member of each .NET type, with values of the types that it takes.

``python -m tests.expressions.judge.generate 20000 7 > build/generated.txt`` writes 20,000 of them from the seed 7;
``make judge FILES=build/generated.txt`` lets .NET decide what each gives.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator

from gateway.expressions import clr, compile_expression  # noqa: F401  (fills the allow-list)
from gateway.expressions.clr import Member, Type, TypeDef, make
from gateway.expressions.signatures import delegate_shape, read_type

# Types of APIM's own, those whose values no two runs share, and those that wait or need keys.
_LEFT_OUT = (
    "Microsoft.",
    "System.Security.",
    "System.Random",
    "System.Threading",
    "System.Environment",
    "System.TimeZone",
)
_UNSTEADY = {"Now", "UtcNow", "Today", "NewGuid", "GetHashCode", "Shared", "GetType", "StackTrace", "GetEnumerator"}

POOL: dict[str, tuple[str, ...]] = {
    "string": ('"abc"', '""', '"a,b,,c"', '"Straße"', '" x "', '"42"', '"-1.50"', '"true"', '"2024-02-29"', '"a\\tb"',
               '"http://x.y/z?q=1#f"', '"AbC"', '"aXbXc"', "(string)null"),
    "char": ("'a'", "'Z'", "' '", "'5'", "'é'", "'_'"),
    "bool": ("true", "false"),
    "int": ("0", "1", "2", "-1", "7", "100", "int.MaxValue", "int.MinValue"),
    "long": ("0L", "5L", "-7L", "long.MaxValue", "10000000000L"),
    "double": ("0.0", "1.5", "-2.5", "1e20", "double.NaN", "0.1", "2.675"),
    "float": ("0f", "1.5f", "-0.1f", "1e10f"),
    "decimal": ("0m", "1.50m", "-2.5m", "79228162514264337593543950335m", "0.125m"),
    "byte": ("(byte)0", "(byte)200"), "sbyte": ("(sbyte)-5",), "short": ("(short)300", "(short)-1"),
    "ushort": ("(ushort)9",), "uint": ("0u", "4000000000u"), "ulong": ("1ul", "18446744073709551615ul"),
    "object": ("1", '"x"', "null", "2.5", "true", "DayOfWeek.Friday", "'c'"),
    "DateTime": ("new DateTime(2024, 2, 29)", "new DateTime(2023, 12, 31, 23, 59, 58, 120, DateTimeKind.Utc)",
                 "DateTime.MinValue"),
    "DateTimeOffset": ("new DateTimeOffset(2024, 2, 29, 1, 2, 3, TimeSpan.FromHours(2))", "DateTimeOffset.MinValue"),
    "TimeSpan": ("TimeSpan.Zero", "TimeSpan.FromMinutes(90.5)", "new TimeSpan(-1, 2, 3, 4, 5)"),
    "Guid": ("Guid.Empty", 'new Guid("11111111-2222-3333-4444-555555555555")'),
    "Uri": ('new Uri("https://u@h.x:8443/a/b%20c?q=1&r=2#f")', 'new Uri("/a/b", UriKind.Relative)'),
    "UriBuilder": ('new UriBuilder("http://h/p?q=1")',),
    "IPAddress": ('IPAddress.Parse("10.1.2.3")', 'IPAddress.Parse("::1")'),
    "CultureInfo": ("CultureInfo.InvariantCulture",), "IFormatProvider": ("CultureInfo.InvariantCulture", "null"),
    "Type": ("typeof(int)", "typeof(DayOfWeek)", "typeof(string)"),
    "Encoding": ("Encoding.UTF8", "Encoding.ASCII", "Encoding.Unicode"),
    "StringBuilder": ('new StringBuilder("abcabc")', "new StringBuilder()"),
    "StringReader": ('new StringReader("a\\nb")',), "StringWriter": ("new StringWriter()",),
    "JToken": ('JToken.Parse("{\\"a\\":[1,2.5,\\"x\\",null],\\"b\\":{\\"c\\":true}}")', 'JToken.Parse("5")',
               'JToken.Parse("\\"t\\"")', 'JToken.Parse("null")'),
    "JContainer": ('JArray.Parse("[1,[2]]")', 'JObject.Parse("{\\"a\\":1,\\"b\\":{\\"c\\":2}}")'),
    "JObject": ('JObject.Parse("{\\"a\\":1,\\"B\\":\\"x\\",\\"c\\":null}")', "new JObject()"),
    "JArray": ('JArray.Parse("[3,1,\\"x\\",2]")', "new JArray()"),
    "JProperty": ('new JProperty("p", 1)',), "JValue": ("new JValue(5)", 'new JValue("v")', "JValue.CreateNull()"),
    "XName": ('XName.Get("b")', '(XName)"{u}b"'), "XNamespace": ('XNamespace.Get("u")', "XNamespace.None"),
    "XElement": ('XElement.Parse("<a x=\\"1\\"><b>t</b><c xmlns=\\"u\\"/></a>")', 'new XElement("e", 5)'),
    "XContainer": ('XElement.Parse("<a><b>t</b><b/></a>")',), "XNode": ('XElement.Parse("<a><b/></a>").FirstNode',),
    "XDocument": ('XDocument.Parse("<?xml version=\\"1.0\\"?><r><b/></r>")',),
    "XAttribute": ('new XAttribute("x", "1")',), "XText": ('new XText("t<")',), "XCData": ('new XCData("t")',),
    "XComment": ('new XComment("c")',), "XObject": ('new XElement("e")',),
    "Regex": ('new Regex("(?<n>[a-c])(\\\\d*)")', 'new Regex("B", RegexOptions.IgnoreCase)'),
    "Match": ('Regex.Match("xa12b", "(?<n>[a-c])(\\\\d*)")', 'Regex.Match("x", "y")'),
    "Group": ('Regex.Match("xa12b", "([a-c])(\\\\d*)").Groups[2]',),
    "GroupCollection": ('Regex.Match("xa12b", "(?<n>[a-c])(\\\\d*)").Groups',),
    "MatchCollection": ('Regex.Matches("a1b22", "[a-z]\\\\d+")',),
    "StringComparer": ("StringComparer.OrdinalIgnoreCase", "StringComparer.Ordinal"),
    "Exception": ('new Exception("m")',), "Enum": ("DayOfWeek.Friday",),
    "Array": ("new[] { 3, 1, 2 }",), "IEnumerable": ("new object[] { 1, 2 }",),
    "JsonSerializerSettings": ("new JsonSerializerSettings { NullValueHandling = NullValueHandling.Ignore }",),
    "JsonLoadSettings": ("null",), "JsonMergeSettings": ("new JsonMergeSettings()",),
    "XDeclaration": ('new XDeclaration("1.0", "utf-8", "yes")',),
}  # fmt: skip
_ITEMS = {
    "int": ("3, 1, 2, 1", "5", ""), "string": ('"b", "a", "C", "a"', '"x", null', ""),
    "JToken": ('new JValue(1), new JValue("x")',), "double": ("1.5, -2.0",), "long": ("4L, 5L",),
    "decimal": ("1.5m, 2m",),
    "char": ("'a', 'b'",), "byte": ("(byte)1, (byte)250",), "object": ('1, "x", null',),
}  # fmt: skip
_LAMBDAS = {
    ("int", "bool"): "{0} > 1", ("string", "bool"): '{0} == "a"', ("int", "int"): "{0} % 2",
    ("string", "int"): '({0} ?? "").Length', ("int", "string"): '"n" + {0}', ("string", "string"): '{0} + "!"',
}  # fmt: skip


class Writer:
    """Writes expressions; one random source, so that a seed gives the same ones."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def member(self, definition: TypeDef, member: Member) -> str | None:
        """An expression that uses *member*, or None where a type has no values here."""
        names = (*definition.parameters, *member.type_parameters)
        bindings = {name: read_type(self.random.choice(("int", "string"))) for name in names}
        owner = make(definition, *(bindings[name] for name in definition.parameters))
        arguments = self.arguments(member, bindings)
        if arguments is None:
            return None
        receiver = self.receiver(owner, member)
        return None if receiver is None else self.written(owner, member, bindings, receiver, arguments)

    def arguments(self, member: Member, bindings: dict[str, Type]) -> list[str] | None:
        """The part between the brackets."""
        found = []
        for parameter in member.parameters[1:] if member.extension else member.parameters:
            if parameter.mode == "optional" and self.random.random() < 0.5:
                break
            value = "out var o" if parameter.mode == "out" else self.value(parameter.type.substitute(bindings))
            if value is None:
                return None
            found.append(value)
        return found

    def receiver(self, owner: Type, member: Member) -> str | None:
        """The part before the dot; empty for a constructor."""
        if member.kind == "constructor":
            return ""
        if member.extension:
            return "this"
        return csharp(owner) if member.static else self.value(owner)

    def written(
        self, owner: Type, member: Member, bindings: dict[str, Type], receiver: str, arguments: list[str]
    ) -> str | None:
        """The whole expression."""
        inside, result = ", ".join(arguments), member.type.substitute(bindings)
        if member.kind == "constructor":
            return shown(f"new {csharp(owner)}({inside})", owner)
        if member.extension:
            receiver = self.value(member.parameters[0].type.substitute(bindings)) or ""
        if not receiver or (result is clr.VOID and member.static):
            return None
        if not member.static or member.extension:
            receiver = f"({receiver})"
        return call(receiver, member, inside, result, owner)

    def value(self, clr_type: Type) -> str | None:
        """A value of a type as C# writes it, or None."""
        if clr_type.definition is clr.NULLABLE:
            return f"({csharp(clr_type)}){self.value(clr_type.args[0])}"
        if clr_type.kind == "enum":
            name = self.random.choice(list(clr_type.definition.values))
            return f"{clr_type.definition.name}.{name}"
        if clr_type.kind == "delegate":
            return self.function(clr_type)
        pool = POOL.get(csharp(clr_type))
        return self.random.choice(pool) if pool else self.collection(clr_type)

    def function(self, clr_type: Type) -> str | None:
        """A lambda."""
        inputs, output = delegate_shape(clr_type) or ((), clr.VOID)
        names = "xyz"[: len(inputs)]
        body = _LAMBDAS.get((csharp(inputs[0]), csharp(output))) if inputs else None
        if output is clr.VOID or body is None:
            return None
        return f"({', '.join(names)}) => {body.format(names[0])}"

    def collection(self, clr_type: Type) -> str | None:
        """A list, array, dictionary or set with a few items."""
        name, args = clr_type.definition.name, [csharp(arg) for arg in clr_type.args]
        if len(args) == 1 and args[0] in _ITEMS:
            items = self.random.choice(_ITEMS[args[0]])
            made = {
                "HashSet": "HashSet",
                "ISet": "HashSet",
                "List": "List",
                "IList": "List",
                "ICollection": "List",
            }.get(name)
            if name in ("Queue", "Stack"):
                return f"new {name}<{args[0]}>(new {args[0]}[] {{ {items} }})"
            if name in ("Array", "IEnumerable", "IReadOnlyCollection", "IReadOnlyList"):
                return f"new {args[0]}[] {{ {items} }}"
            return f"new {made}<{args[0]}> {{ {items} }}" if made else None
        if name in ("Dictionary", "IDictionary", "IReadOnlyDictionary") and len(args) == 2:
            key, item = ({"int": "1", "string": '"k"'}.get(arg) for arg in args)
            return f"new Dictionary<{', '.join(args)}> {{ {{ {key}, {item} }} }}" if key and item else None
        return self.pair(name, args)

    def pair(self, name: str, args: list[str]) -> str | None:
        """A tuple or a KeyValuePair."""
        if name not in ("KeyValuePair", "Tuple") or any(arg not in POOL for arg in args):
            return None
        return f"new {name}<{', '.join(args)}>({', '.join(self.random.choice(POOL[arg]) for arg in args)})"


def call(receiver: str, member: Member, inside: str, result: Type, owner: Type) -> str:
    """*member* of *receiver*; if it returns nothing, what it has changed."""
    if member.kind == "indexer":
        return shown(f"{receiver}[{inside}]", result)
    if result is clr.VOID:
        return f"{{ var r = {receiver}; r.{member.name}({inside}); return {shown('r', owner)}; }}"
    written = f"{receiver}.{member.name}" + (f"({inside})" if member.kind == "method" else "")
    if "out var o" in inside:
        return f'{{ var r = {written}; return r + "|" + o; }}'
    return shown(written, result)


def csharp(clr_type: Type) -> str:
    """A type as C# writes it."""
    return clr_type.name


def shown(expression: str, clr_type: Type) -> str:
    """*expression*, its items joined where it is a sequence."""
    if clr_type.definition.name in ("String", "JObject", "JArray", "JToken", "JProperty", "JValue"):
        return expression
    walked = clr_type.as_definition(read_type("IEnumerable<int>").definition) is not None
    return f'string.Join("|", {expression})' if walked else expression


def members() -> Iterator[tuple[TypeDef, Member]]:
    """The members that are tried."""
    for definition in dict.fromkeys(clr.DEFINITIONS.values()):
        if definition.full_name.startswith(_LEFT_OUT) or definition.kind == "enum":
            continue
        for found in clr.declared(definition).values():
            yield from ((definition, member) for member in found if member.name not in _UNSTEADY)


def generate(count: int, seed: int) -> list[str]:
    """*count* different expressions."""
    writer, found = Writer(seed), dict[str, None]()
    tried = list(members())
    for _ in range(count):
        for definition, member in tried:
            expression = writer.member(definition, member)
            if expression is not None:
                found[expression] = None
            if len(found) >= count:
                return list(found)
    return list(found)


if __name__ == "__main__":
    print("\n".join(generate(int(sys.argv[1]), int(sys.argv[2]))))
