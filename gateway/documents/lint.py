"""
Documents that load and run, but probably not as intended. Each finding is a note: it never makes a document invalid.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator

from gateway.documents.model import Node, PolicyDocument, Text
from gateway.documents.shared_answers import TOKEN_CHECKS, answers_ignore_token, token_after_cache
from gateway.errors import Location, Problem

_OBJECT_ID = re.compile(r"object.?id|(^|[^a-z])oid([^a-z]|$)", re.IGNORECASE)
_SUBJECT = re.compile(r"\.Subject\b")

PLACEHOLDER_TENANT = "placeholder-tenant"
NOTE_CODES = frozenset(
    {
        "client-claim",
        "subject-is-not-object-id",
        "token-after-cache",
        "answers-ignore-token",
        "cors-after-token",
        "no-key-source",
        "text-like-an-expression",
        PLACEHOLDER_TENANT,
    }
)


_HEADER_READ = re.compile(
    r"""\bRequest\s*\.\s*Headers\s*(?:\[|\.\s*(?:GetValueOrDefault|TryGetValue|ContainsKey)\s*\()\s*@?"([^"]+)\""""
)


def client_claims(node: Node, owned: Collection[str]) -> Iterator[Problem]:
    """
    Request headers that promise an object id and that *node* reads although no policy has set them.

    Args:
        owned: Lower-case names of the headers that policies before *node* have set.
    """
    for name, location in _headers_read(node):
        if _OBJECT_ID.search(name) and name.lower() not in owned:
            message = f"no policy sets {name} before this one reads it, so it is what the client claims"
            remedy = "set it from a verified token first: validate-jwt, then set-header"
            yield Problem(location, "client-claim", message, remedy)


def _headers_read(root: Node) -> Iterator[tuple[str, Location]]:
    for node in root.walk():
        if node.name == "check-header":
            yield node.attribute("name") or "", node.location
    for text in _texts(root):
        yield from ((name, text.location) for name in _HEADER_READ.findall(text.value))


def _texts(root: Node) -> Iterator[Text]:
    for node in root.walk():
        yield from (*node.attributes.values(), *([node.text] if node.text else []))


def lint(document: PolicyDocument) -> list[Problem]:
    """Every note on *document*."""
    roots = [*document.sections.values(), *([document.fragment] if document.fragment else [])]
    return [note for root in roots for rule in _RULES for note in rule(root)]


def _subject_is_not_object_id(root: Node) -> Iterator[Problem]:
    """``sub`` is the object id for applications only. Source: docs/reference/apim.md, "Microsoft Entra ID"."""
    for value in _object_id_values(root):
        if _SUBJECT.search(value.value):
            message = "the header's name says object id, but Subject is the object id for applications only"
            remedy = 'for users read the claim oid: Claims.GetValueOrDefault("oid", "")'
            yield Problem(value.location, "subject-is-not-object-id", message, remedy)


def _object_id_values(root: Node) -> Iterator[Text]:
    """The values of headers whose names promise an object id."""
    for node in root.walk():
        if node.name == "set-header" and _OBJECT_ID.search(node.attribute("name") or ""):
            yield from (value.text for value in node.all("value") if value.text is not None)


_KEY_SOURCES = ("openid-config", "issuer-signing-keys", "decryption-keys")


def _no_key_source(root: Node) -> Iterator[Problem]:
    """A token needs a key. Source: APIM policy reference, "validate-jwt", "Elements"."""
    for node in root.walk():
        unsigned = node.attribute("require-signed-tokens") == "false"
        if node.name == "validate-jwt" and not unsigned and not any(map(node.child, _KEY_SOURCES)):
            message = "every token is refused: the policy names no keys to check signatures with"
            remedy = 'add <openid-config url="https://…/.well-known/openid-configuration" /> or <issuer-signing-keys>'
            yield Problem(node.location, "no-key-source", message, remedy)


_EXPRESSION_TEXT = re.compile(
    r"\s*(?:\(.*\bcontext\..*\)|\{.*\breturn\b.*;\s*\}|context\.[A-Z]\w+[.\[(].*)\s*", re.DOTALL
)


def _text_like_an_expression(root: Node) -> Iterator[Problem]:
    """An expression without its @ is text. Source: APIM "Policy expressions", "Syntax"."""
    remedy = "write @(…) around one expression, @{ … return …; } around statements"
    message = "this is plain text, but looks like an expression without its @"
    for text in _texts(root):
        if _EXPRESSION_TEXT.fullmatch(text.value):
            yield Problem(text.location, "text-like-an-expression", message, remedy)


# The address of an issuer of Microsoft Entra ID, and its first segment; a tenant-id alone.
_ENTRA_URL = re.compile(
    r"https://(?:login\.(?:microsoftonline|windows|partner\.microsoftonline)\.\w+|sts\.windows\.net|[\w-]+\.ciamlogin\.com)"
    r"/(?P<tenant>[^/?#]+)"
)
_UNFILLED_TENANT = re.compile(
    r"<.*>|\{[^{}]*\}|(?:(?:your|my|aad|azure|entra)[-_ ]?)?tenant(?:[-_]?(?:id|name))?|YOUR[-_].*"
    r"|x{4,}(?:-x+)*|0{8}-0{4}-0{4}-0{4}-0{12}",
    re.IGNORECASE,
)


def _placeholder_tenant(root: Node) -> Iterator[Problem]:
    """A tenant that a template left open has no keys: every token is answered 503. Source: docs/quickstart.md."""
    for text in _tenants(root):
        if note := placeholder_tenant(text, "no token can be checked"):
            yield note


def placeholder_tenant(text: Text, effect: str) -> Problem | None:
    """A note, with its *effect*, when *text* is the address of a tenant that is still open, or such a tenant alone."""
    address = _ENTRA_URL.match(text.value.strip())
    tenant = address["tenant"] if address else text.value.strip()
    if not _UNFILLED_TENANT.fullmatch(tenant):
        return None
    message = f"{tenant} is a placeholder, and no tenant: {effect}"
    remedy = "write the tenant's id or one of its domains, as the Entra admin center shows them"
    return Problem(text.location, PLACEHOLDER_TENANT, message, remedy)


def _tenants(root: Node) -> Iterator[Text]:
    """Where documents name a tenant: addresses of issuers, and the attribute of validate-azure-ad-token."""
    for node in root.walk():
        if node.name == "validate-azure-ad-token" and "tenant-id" in node.attributes:
            yield node.attributes["tenant-id"]
        address = node.text if node.name == "issuer" else node.attributes.get("url")
        if node.name in ("issuer", "openid-config") and address is not None and _ENTRA_URL.match(address.value.strip()):
            yield address


def _cors_after_token(root: Node) -> Iterator[Problem]:
    """A preflight carries no token. Source: Fetch Standard, "CORS-preflight fetch"."""
    names = [child.name for child in root.children]
    tokens = [names.index(name) for name in TOKEN_CHECKS if name in names]
    if "cors" in names and tokens and names.index("cors") > min(tokens):
        node = root.children[names.index("cors")]
        message = "a preflight request carries no token and is refused before it reaches cors"
        yield Problem(node.location, "cors-after-token", message, "put cors before the token check")


_RULES: Iterable[Callable[[Node], Iterator[Problem]]] = (
    _subject_is_not_object_id,
    _cors_after_token,
    token_after_cache,
    answers_ignore_token,
    _no_key_source,
    _text_like_an_expression,
    _placeholder_tenant,
)
