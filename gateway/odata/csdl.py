"""
``$metadata`` in XML → the service's model, or why it cannot be one.

Source: OData CSDL XML 4.01; OData CSDL XML 4.0; OWASP, "XML External Entity Prevention".
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lxml import etree

from gateway.errors import LoadError, Location
from gateway.odata.metadata import Callable, ServiceModel, StructuredType, TypeRef
from gateway.reading.files import read_bytes
from gateway.reading.xml_files import parse_definition, refuse_doctype

MOST_BYTES = 16 * 1024 * 1024
_EDMX = "{http://docs.oasis-open.org/odata/ns/edmx}"
_EDM = "{http://docs.oasis-open.org/odata/ns/edm}"
_VERSIONS = ("4.0", "4.01")


def read_metadata(path: Path) -> ServiceModel:
    """The model in the file at *path*. Raises LoadError: it is not metadata of OData 4, or has no entity container."""
    root = _parsed(path)
    return _MetadataReader(path, root).read()


def _parsed(path: Path) -> etree._Element:
    content = read_bytes(path, "save what the service answers at $metadata")
    start = Location(str(path))
    if len(content) > MOST_BYTES:
        raise LoadError.at(
            start, "too-large", f"metadata of more than {MOST_BYTES} bytes", "leave out what is not used"
        )
    root = parse_definition(content, path)
    refuse_doctype(root, start)
    if root.tag != f"{_EDMX}Edmx" or root.get("Version") not in _VERSIONS:
        message = f"this is not metadata of OData {' or '.join(_VERSIONS)} in XML"
        raise LoadError.at(start, "not-odata", message, "save what the service answers at $metadata, as XML")
    return root


class _MetadataReader:
    """One run over one file."""

    def __init__(self, path: Path, root: etree._Element) -> None:
        self._path = path
        self._schemas = list(root.iterfind(f"{_EDMX}DataServices/{_EDM}Schema"))
        self._aliases = {
            schema.get("Alias", ""): schema.get("Namespace", "") for schema in self._schemas if schema.get("Alias")
        }
        for include in root.iterfind(f"{_EDMX}Reference/{_EDMX}Include"):
            if include.get("Alias"):
                self._aliases.setdefault(include.get("Alias", ""), include.get("Namespace", ""))

    def read(self) -> ServiceModel:
        container = self._container()
        imports = {kind: list(container.iterfind(f"{_EDM}{kind}")) for kind in _PARTS}
        metadata = ServiceModel(
            types=dict(self._types()),
            enumerations=dict(self._enumerations()),
            definitions=dict(self._definitions()),
            callables=self._callables(),
            aliases=self._aliases,
            entity_sets={
                _name(part): TypeRef(self._resolved(part.get("EntityType", "")), True) for part in imports["EntitySet"]
            },
            singletons={_name(part): TypeRef(self._resolved(part.get("Type", ""))) for part in imports["Singleton"]},
            function_imports={
                _name(part): self._resolved(part.get("Function", "")) for part in imports["FunctionImport"]
            },
            action_imports={_name(part): self._resolved(part.get("Action", "")) for part in imports["ActionImport"]},
            places={_name(part): self._place(part) for parts in imports.values() for part in parts},
        )
        self._check(metadata, container)
        return metadata

    def _place(self, element: etree._Element) -> Location:
        return Location(str(self._path), _line(element))

    def _container(self) -> etree._Element:
        containers = [inner for schema in self._schemas for inner in schema.iterfind(f"{_EDM}EntityContainer")]
        if len(containers) != 1 or containers[0].get("Extends"):
            message = "the metadata has several entity containers, or one that extends another"
            message = message if containers else "the metadata has no entity container"
            raise LoadError.at(Location(str(self._path)), "not-odata", message, "use the metadata of one service")
        return containers[0]

    def _check(self, metadata: ServiceModel, container: etree._Element) -> None:
        """Raises LoadError: a set or singleton of a type that is not here, or a name that is given twice."""
        names = [_name(part) for kind in _PARTS for part in container.iterfind(f"{_EDM}{kind}")]
        for name, kind in {**metadata.entity_sets, **metadata.singletons}.items():
            if kind.name not in metadata.types:
                message = f"{name} is of the type {kind.name}, which the metadata does not have"
                raise LoadError.at(metadata.places[name], "unknown-type", message, "add the schema that has it")
        if len(names) != len(set(names)) or not names:
            message = "two parts of the container have the same name" if names else "the entity container is empty"
            raise LoadError.at(self._place(container), "not-odata", message, "correct the metadata")

    def _named(self, kind: str) -> Iterator[tuple[str, etree._Element]]:
        """Every *kind* by its qualified name."""
        for schema in self._schemas:
            for element in schema.iterfind(f"{_EDM}{kind}"):
                yield f"{schema.get('Namespace')}.{_name(element)}", element

    def _resolved(self, name: str) -> str:
        prefix, dot, local = name.strip().rpartition(".")
        return f"{self._aliases.get(prefix, prefix)}.{local}" if dot else name

    def _reference(self, element: etree._Element) -> TypeRef:
        written = element.get("Type", "Edm.String").strip()
        many = written.startswith("Collection(")
        return TypeRef(self._resolved(written.removeprefix("Collection(").rstrip(")") if many else written), many)

    def _types(self) -> Iterator[tuple[str, StructuredType]]:
        for kind in ("EntityType", "ComplexType"):
            for name, element in self._named(kind):
                yield name, self._structure(name, element, kind == "EntityType")

    def _structure(self, name: str, element: etree._Element, is_entity: bool) -> StructuredType:
        keys = [
            f"{key.get('Name', '')}/{key.get('Alias')}" if key.get("Alias") else key.get("Name", "")
            for key in element.iterfind(f"{_EDM}Key/{_EDM}PropertyRef")
        ]
        return StructuredType(
            name=name,
            base=self._resolved(element.get("BaseType", "")),
            is_entity=is_entity,
            is_open=element.get("OpenType") == "true",
            has_stream=element.get("HasStream") == "true",
            keys=tuple(keys),
            properties={_name(member): self._reference(member) for member in element.iterfind(f"{_EDM}Property")},
            navigations={
                _name(member): self._reference(member) for member in element.iterfind(f"{_EDM}NavigationProperty")
            },
        )

    def _enumerations(self) -> Iterator[tuple[str, frozenset[str]]]:
        for name, element in self._named("EnumType"):
            yield name, frozenset(_name(member) for member in element.iterfind(f"{_EDM}Member"))

    def _definitions(self) -> Iterator[tuple[str, str]]:
        for name, element in self._named("TypeDefinition"):
            yield name, element.get("UnderlyingType", "")

    def _callables(self) -> dict[str, tuple[Callable, ...]]:
        overloads = defaultdict(list)
        for kind in ("Function", "Action"):
            for name, element in self._named(kind):
                overloads[name].append(self._callable(name, element, kind == "Action"))
        return {name: tuple(listed) for name, listed in overloads.items()}

    def _callable(self, name: str, element: etree._Element, is_action: bool) -> Callable:
        parameters = list(element.iterfind(f"{_EDM}Parameter"))
        is_bound = element.get("IsBound") == "true" and bool(parameters)
        others = parameters[1:] if is_bound else parameters
        returned = element.find(f"{_EDM}ReturnType")
        return Callable(
            name=name,
            is_action=is_action,
            bound_to=self._reference(parameters[0]) if is_bound else None,
            parameters={_name(parameter): self._reference(parameter) for parameter in others},
            optional=frozenset(_name(parameter) for parameter in others if _is_optional(parameter)),
            returns=None if returned is None else self._reference(returned),
            is_composable=element.get("IsComposable") == "true",
        )


_PARTS = ("EntitySet", "Singleton", "FunctionImport", "ActionImport")


def _name(element: etree._Element) -> str:
    return element.get("Name", "")


def _line(element: Any) -> int:
    return element.sourceline or 1


def _is_optional(parameter: etree._Element) -> bool:
    return any(
        annotation.get("Term", "").endswith(".OptionalParameter")
        for annotation in parameter.iterfind(f"{_EDM}Annotation")
    )
