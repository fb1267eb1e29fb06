"""
A WSDL 1.1 file → the operations of its SOAP bindings: which actions and which first element of the body stand for each.

Nothing is fetched: imports are files in the WSDL's own folder or below it. Schemas are not read, because the names of a
message's elements are in the WSDL itself.

Source: WSDL 1.1 §2 and §3; WSDL 1.1 Binding Extension for SOAP 1.2; WS-I Basic Profile 1.1 §4.7; Web Services
Addressing 1.0 - Metadata §4.4 (which action stands for an operation).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from lxml import etree

from gateway.errors import LoadError, Location
from gateway.soap.settings import SoapSettings
from gateway.soap.wsdl_files import WsdlFiles

WSDL = "{http://schemas.xmlsoap.org/wsdl/}"
_BINDINGS = ("{http://schemas.xmlsoap.org/wsdl/soap/}", "{http://schemas.xmlsoap.org/wsdl/soap12/}")
_HEADERS = tuple(f"{prefix}header" for prefix in _BINDINGS)
_OVER_HTTP = (
    "http://schemas.xmlsoap.org/soap/http",
    "http://schemas.xmlsoap.org/soap/http/",
    "http://www.w3.org/2003/05/soap/bindings/HTTP/",
)
_WRITTEN_ACTIONS = (
    "{http://www.w3.org/2007/05/addressing/metadata}Action",
    "{http://www.w3.org/2006/05/addressing/wsdl}Action",
    "{http://www.w3.org/2005/02/addressing/wsdl}Action",
)

_Key = tuple[str, str]  # a port type in Clark notation, and the name of an operation


@dataclass(frozen=True, slots=True)
class SoapOperation:
    """
    One operation of a service.

    Attributes:
        actions: What ``SOAPAction``, the parameter ``action`` and ``wsa:Action`` may be; empty ones are left out.
        element: Name of the body's only element as ``{namespace}name``; empty: the body is empty.
    """

    name: str
    actions: frozenset[str]
    element: str
    location: Location = field(compare=False)


def read_wsdl(path: Path, settings: SoapSettings | None = None) -> tuple[SoapOperation, ...]:
    """
    The operations of the ports that *settings* choose, in the order of the file.

    Raises:
        LoadError: The file is not WSDL 1.1, has no such port, or an operation whose messages cannot be told apart.
    """
    service = _Service(WsdlFiles(path), settings or SoapSettings())
    operations: dict[_Key, SoapOperation] = {}
    for binding in service.bindings():
        for key, operation in service.operations(binding):
            known = operations.get(key)
            operations[key] = operation if known is None else _joined(known, operation)
    _check_names(operations)
    return tuple(operations.values())


def _joined(known: SoapOperation, other: SoapOperation) -> SoapOperation:
    """One operation in two bindings: usually those of SOAP 1.1 and 1.2. Raises LoadError: they differ."""
    if known.element != other.element:
        message = f"{other.name} has another body in another binding"
        raise LoadError.at(other.location, "ambiguous-wsdl", message, "choose a port: soap: {port: NAME}")
    return replace(known, actions=known.actions | other.actions)


def _check_names(operations: dict[_Key, SoapOperation]) -> None:
    """Raises LoadError: two operations cannot be told apart by id, or by their messages."""
    by_name: dict[str, SoapOperation] = {}
    by_message: dict[tuple[str, str], SoapOperation] = {}
    for operation in operations.values():
        if by_name.setdefault(operation.name.lower(), operation) is not operation:
            message = f"two port types have an operation {operation.name}"
            raise LoadError.at(operation.location, "ambiguous-wsdl", message, "choose a port: soap: {port: NAME}")
        others = [by_message.setdefault((operation.element, action), operation) for action in operation.actions or {""}]
        if clash := next((other for other in others if other is not operation), None):
            message = f"{operation.name} and {clash.name} have the same action and body"
            raise LoadError.at(operation.location, "ambiguous-wsdl", message, "give one of them another action")


class _Service:
    """One WSDL with what it imports."""

    def __init__(self, files: WsdlFiles, settings: SoapSettings) -> None:
        self._files = files
        self._settings = settings

    def bindings(self) -> Iterator[etree._Element]:
        """The SOAP bindings of the chosen ports, each once. Raises LoadError: there is none."""
        names = {self._files.qname(port, "binding"): port for port in self._ports()}
        bindings = [self._files.named("binding", name, port) for name, port in names.items()]
        chosen = [binding for binding in bindings if _soap(binding) is not None]
        if not chosen:
            raise self._no_binding("no port has a SOAP binding over HTTP" if bindings else "it has no such port")
        yield from chosen

    def _no_binding(self, message: str) -> LoadError:
        known = ", ".join(sorted(port.get("name", "") for port in self._files.all("service", "port"))) or "none"
        return LoadError.at(self._files.start, "no-soap-port", message, f"its ports: {known}")

    def _ports(self) -> Iterator[etree._Element]:
        for port in self._files.all("service", "port"):
            parent = port.getparent()
            service = "" if parent is None else parent.get("name", "")
            if self._settings.service in (None, service) and self._settings.port in (None, port.get("name")):
                yield port

    def operations(self, binding: etree._Element) -> Iterator[tuple[_Key, SoapOperation]]:
        """The operations of *binding*, with the port type that they belong to. Raises LoadError."""
        kind = self._files.qname(binding, "type")
        port_type = self._files.named("portType", kind, binding)
        style = _attribute(_soap(binding), "style") or "document"
        described = {operation.get("name", ""): operation for operation in port_type.iterfind(f"{WSDL}operation")}
        for bound in binding.iterfind(f"{WSDL}operation"):
            name = bound.get("name", "")
            if name not in described:
                message = f"{kind} has no operation {name}"
                raise LoadError.at(self._files.place(bound), "broken-wsdl", message, "correct the WSDL")
            yield (kind, name), self._operation(bound, described[name], port_type, style)

    def _operation(
        self, bound: etree._Element, described: etree._Element, port_type: etree._Element, style: str
    ) -> SoapOperation:
        soap = _extension(bound, "operation")
        name = bound.get("name", "")
        body = self._body(bound)
        if (_attribute(soap, "style") or style) == "rpc":
            element = f"{{{_attribute(body, 'namespace')}}}{name}"
            element = element.removeprefix("{}")
        else:
            element = self._document_element(bound, described, body)
        actions = {_attribute(soap, "soapAction"), self._addressed(described, port_type, name)}
        return SoapOperation(name, frozenset(actions - {""}), element, self._files.place(bound))

    def _addressed(self, described: etree._Element, port_type: etree._Element, name: str) -> str:
        """What ``wsa:Action`` is for the operation: what is written, or else the standard's pattern."""
        message = described.find(f"{WSDL}input")
        attributes = _attributes(message)
        written = [attributes[key] for key in _WRITTEN_ACTIONS if attributes.get(key)]
        if written:
            return written[0]
        target = self._files.target_of(port_type)
        separator = ":" if target.startswith("urn:") else "/"
        one_way = described.find(f"{WSDL}output") is None
        shown = attributes.get("name") or (name if one_way else f"{name}Request")
        return separator.join([target.rstrip(separator), port_type.get("name", ""), shown])

    def _body(self, bound: etree._Element) -> etree._Element | None:
        """``soap:body`` of the input, which may be inside a MIME part."""
        given = bound.find(f"{WSDL}input")
        names = [f"{prefix}body" for prefix in _BINDINGS]
        return None if given is None else next(given.iter(*names), None)

    def _document_element(self, bound: etree._Element, described: etree._Element, body: etree._Element | None) -> str:
        """The element of the only part that is in the body. Raises LoadError: there are several, or it has a type."""
        given = described.find(f"{WSDL}input")
        if given is None:
            return ""
        message = self._files.named("message", self._files.qname(given, "message"), given)
        parts = self._body_parts(bound, message, body)
        if not parts:
            return ""
        if len(parts) > 1 or not parts[0].get("element"):
            what = "several parts" if len(parts) > 1 else "a part without an element"
            text = f"the body of {bound.get('name')} has {what}, so that its first element is not known"
            remedy = "use one part with element=, as WS-I's Basic Profile asks"
            raise LoadError.at(self._files.place(bound), "unsupported-wsdl", text, remedy)
        return self._files.qname(parts[0], "element")

    def _body_parts(
        self, bound: etree._Element, message: etree._Element, body: etree._Element | None
    ) -> list[etree._Element]:
        parts = list(message.iterfind(f"{WSDL}part"))
        listed = None if body is None else body.get("parts")
        if listed is not None:
            return [part for part in parts if part.get("name") in listed.split()]
        headers = [header.get("part") for header in bound.iter(*_HEADERS)]
        return [part for part in parts if part.get("name") not in headers]


def _soap(binding: etree._Element) -> etree._Element | None:
    """The SOAP extension of *binding*; None where it has none, or one that is not over HTTP."""
    extension = _extension(binding, "binding")
    over = _attribute(extension, "transport") or _OVER_HTTP[0]
    return extension if over in _OVER_HTTP else None


def _extension(element: etree._Element, name: str) -> etree._Element | None:
    return next(element.iterchildren(*(f"{prefix}{name}" for prefix in _BINDINGS)), None)


def _attributes(element: etree._Element | None) -> dict[str, str]:
    return {} if element is None else {str(key): str(value) for key, value in element.items()}


def _attribute(element: etree._Element | None, name: str) -> str:
    return "" if element is None else element.get(name, "").strip()
