"""
A SOAP message → what it asks for: its version, the actions in its header, and the only element of its body.

The whole message is read, once, so that nothing behind the first element can mean something else to a backend. Document
types, processing instructions and encodings other than UTF-8 are refused: readers differ about them.

Source: SOAP 1.1 §3 and §4; SOAP 1.2 part 1 §5; WS-I Basic Profile 1.1 §3.1; Web Services Addressing 1.0 - SOAP Binding.
"""

from __future__ import annotations

from dataclasses import dataclass
from xml.parsers import expat

from gateway.errors import PolicyError
from gateway.wire.slices import rest

NAMESPACES = {"http://schemas.xmlsoap.org/soap/envelope/": "1.1", "http://www.w3.org/2003/05/soap-envelope": "1.2"}
MOST_DEPTH = 200
MOST_TAG_BYTES = 1 << 16  # expat reads a tag with its attributes, or a comment, in one piece
_ADDRESSING = "/addressing"  # the namespaces of every version of WS-Addressing end with it, those of drafts too
_SLICE = 1 << 15  # bytes between two looks at the clock
_IN_ENVELOPE, _IN_PART = 1, 2  # how many elements are open


@dataclass(frozen=True, slots=True)
class SoapMessage:
    """
    What one message asks for.

    Attributes:
        version: ``1.1`` or ``1.2``.
        actions: Every ``wsa:Action`` of its header.
        element: The body's only element as ``{namespace}name``; empty: the body is empty.
    """

    version: str
    actions: tuple[str, ...]
    element: str


def read_envelope(content: bytes) -> SoapMessage:
    """The message in *content*. Raises PolicyError: 400, it is not one that every reader reads alike."""
    try:
        content.decode()
    except UnicodeDecodeError:
        raise invalid("its bytes are not UTF-8") from None
    if b"\0" in content:  # expat would take it for UTF-16, whatever it is told
        raise invalid("its bytes are not UTF-8")
    return _EnvelopeReader().read(content)


def invalid(why: str) -> PolicyError:
    """*why* a message is refused."""
    text = f"The SOAP message cannot be accepted: {why}."
    return PolicyError(400, "SoapMessageInvalid", text, expected="a SOAP envelope in UTF-8", found=why)


def _require_short(waiting: int) -> None:
    """Raises PolicyError: expat has *waiting* bytes whose end it needs before it can tell what they are."""
    if waiting > MOST_TAG_BYTES:
        raise invalid(f"it has a tag or comment of more than {MOST_TAG_BYTES} bytes")


class _EnvelopeReader:
    """One run over one message."""

    def __init__(self) -> None:
        self._open: list[str] = []
        self._namespace = ""
        self._parts: list[str] = []  # Header and Body, as far as they have come
        self._elements: list[str] = []  # of the body
        self._actions: list[str] = []
        self._text: list[str] | None = None  # of the action that is being read

    def read(self, content: bytes) -> SoapMessage:
        parser = expat.ParserCreate("UTF-8", namespace_separator=" ")
        parser.buffer_text = True
        parser.XmlDeclHandler = self._declared
        parser.StartDoctypeDeclHandler = self._doctype
        parser.ProcessingInstructionHandler = self._instruction
        parser.StartElementHandler = self._begin
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        parser.CommentHandler = self._not_in_action
        try:
            for place in range(0, len(content), _SLICE):
                parser.Parse(content[place : place + _SLICE], False)
                _require_short(place - parser.CurrentByteIndex)
                rest()
            parser.Parse(b"", True)
        except expat.ExpatError as error:
            raise invalid(f"it is not well-formed XML ({expat.errors.messages.get(error.code, 'unknown')})") from None
        if "Body" not in self._parts:
            raise invalid("it has no body")
        element = self._elements[0] if self._elements else ""
        return SoapMessage(NAMESPACES[self._namespace], tuple(self._actions), element)

    def _declared(self, version: str, encoding: str | None, _: int) -> None:
        if version != "1.0" or (encoding or "utf-8").lower() not in ("utf-8", "utf8", "us-ascii"):
            raise invalid("its XML declaration is not of version 1.0 and UTF-8")

    def _doctype(self, *_: object) -> None:
        raise invalid("it has a document type")

    def _instruction(self, *_: object) -> None:
        raise invalid("it has a processing instruction")

    def _begin(self, name: str, _: object) -> None:
        level = len(self._open)
        if level >= MOST_DEPTH:
            raise invalid(f"it is nested deeper than {MOST_DEPTH} elements")
        self._not_in_action()
        namespace, _space, local = name.rpartition(" ")
        if level == 0:
            self._begin_envelope(namespace, local)
        elif level == _IN_ENVELOPE:
            self._begin_part(namespace, local)
        elif level == _IN_PART:
            self._begin_child(namespace, local)
        self._open.append(name)

    def _begin_envelope(self, namespace: str, local: str) -> None:
        if local != "Envelope" or namespace not in NAMESPACES:
            raise invalid("its root is not the Envelope of SOAP 1.1 or 1.2")
        self._namespace = namespace

    def _begin_part(self, namespace: str, local: str) -> None:
        allowed = ("Header", "Body") if not self._parts else ("Body",)
        if namespace != self._namespace or local not in allowed or "Body" in self._parts:
            raise invalid("its envelope has something else than one header and one body")
        self._parts.append(local)

    def _begin_child(self, namespace: str, local: str) -> None:
        if self._parts[-1] == "Body":
            if self._elements:
                raise invalid("its body has several elements")
            self._elements.append(f"{{{namespace}}}{local}" if namespace else local)
        elif local == "Action" and namespace.endswith(_ADDRESSING):
            self._text = []

    def _not_in_action(self, *_: object) -> None:
        """Readers differ about the text of an element that has something else in it: all of it, or its beginning."""
        if self._text is not None:
            raise invalid("its addressed action has something else than text in it")

    def _end(self, _: str) -> None:
        self._open.pop()
        if self._text is not None and len(self._open) == _IN_PART:
            self._actions.append("".join(self._text).strip())
            self._text = None

    def _characters(self, text: str) -> None:
        if self._text is not None:
            self._text.append(text)
