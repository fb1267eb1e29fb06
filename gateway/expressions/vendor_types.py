"""
Microsoft's list of the .NET types and members that policy expressions of API Management may use, as of January 2026.

More types run here, because public documents have them; this list is what ``gateway check --target azure`` goes by.

Source: https://learn.microsoft.com/azure/api-management/api-management-policy-expressions, ".NET Framework types
allowed in policy expressions", and "Context variable" for GetValueOrDefault.
"""

from __future__ import annotations

SOURCE = "https://learn.microsoft.com/azure/api-management/api-management-policy-expressions"

_CONTEXT = "Microsoft.Azure.ApiManagement."  # the types of ``context`` and its members, and their extension methods

# Namespace → types; a type with members in brackets has only those, and constructors only if .ctor is among them.
_LIST = {
    "Newtonsoft.Json": "Formatting JsonConvert(SerializeObject,DeserializeObject)",
    "Newtonsoft.Json.Linq": """
        Extensions JArray JConstructor JContainer JObject JProperty JRaw JToken JTokenType JValue
    """,
    "System": """
        Array BitConverter Boolean Byte Char Convert
        DateTime
        DateTimeKind(Utc) DateTimeOffset Decimal Double Enum(Parse,TryParse,ToString) Exception Guid Int16 Int32 Int64
        Math MidpointRounding Nullable Random SByte Single String StringComparer StringComparison StringSplitOptions
        TimeSpan TimeZone TimeZoneInfo Tuple UInt16 UInt32 UInt64 Uri UriPartial
    """,
    "System.Collections.Generic": """
        CollectionExtensions(GetValueOrDefault)
        Dictionary HashSet ICollection IDictionary IEnumerable IEnumerator IList IReadOnlyCollection
        IReadOnlyDictionary ISet KeyValuePair List Queue Stack
    """,
    "System.IO": "StringReader StringWriter",
    "System.Linq": "Enumerable",
    "System.Net": "IPAddress(AddressFamily,Equals,GetAddressBytes,IsLoopback,Parse,TryParse,ToString) WebUtility",
    "System.Security.Cryptography": """
        AsymmetricAlgorithm CipherMode HashAlgorithm HashAlgorithmName HMAC HMACMD5 HMACSHA1 HMACSHA256 HMACSHA384
        HMACSHA512 KeyedHashAlgorithm MD5 Oid PaddingMode RNGCryptoServiceProvider RSA RSAEncryptionPadding
        RSASignaturePadding SHA1 SHA1Managed SHA256 SHA256Managed SHA384 SHA384Managed SHA512 SHA512Managed
        SymmetricAlgorithm
    """,
    "System.Security.Cryptography.X509Certificates": """
        PublicKey RSACertificateExtensions X500DistinguishedName(Name) X509Certificate X509Certificate2 X509ContentType
        X509NameType
    """,
    "System.Text": "Encoding StringBuilder",
    "System.Text.RegularExpressions": """
        Capture CaptureCollection Group GroupCollection Match Regex(.ctor,IsMatch,Match,Matches,Replace,Split,Unescape)
        RegexOptions
    """,
    "System.Xml.Linq": """
        Extensions XAttribute XCData XComment XContainer XDeclaration XDocument XDocumentType XElement XName XNamespace
        XNode XNodeDocumentOrderComparer XNodeEqualityComparer XObject XProcessingInstruction XText
    """,
    "System.Xml": "XmlNodeType",
}

_DATE_TIME = """
    .ctor Add AddDays AddHours AddMilliseconds AddMinutes AddMonths AddSeconds AddTicks AddYears Date Day DayOfWeek
    DayOfYear DaysInMonth Hour IsDaylightSavingTime IsLeapYear MaxValue Millisecond Minute MinValue Month Now Parse
    Second Subtract Ticks TimeOfDay Today ToString UtcNow Year
"""


def _members(entry: str) -> tuple[str, frozenset[str] | None]:
    name, _, members = entry.rstrip(")").partition("(")
    return name, frozenset(members.split(",")) if members else None


# Full name of a type → its members; None for all of them.
ALLOWED: dict[str, frozenset[str] | None] = {
    f"{namespace}.{name}": members
    for namespace, entries in _LIST.items()
    for name, members in map(_members, entries.split())
} | {"System.DateTime": frozenset(_DATE_TIME.split())}


def is_allowed(full_name: str, member: str) -> bool:
    """Whether the list has *member* of a type; ``.ctor`` is a constructor, an empty name the type itself."""
    if full_name.startswith(_CONTEXT) or full_name == "System.Object":
        return True
    if full_name not in ALLOWED:
        return False
    members = ALLOWED[full_name]
    return members is None or not member or member in members
