"""
The files of one WSDL: read without entities and network, and joined by ``wsdl:import``.

Source: WSDL 1.1 §2.1.1; OWASP, "XML External Entity Prevention".
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from lxml import etree

from gateway.errors import LoadError, Location
from gateway.reading.files import read_bytes
from gateway.reading.xml_files import parse_definition, refuse_doctype

WSDL = "{http://schemas.xmlsoap.org/wsdl/}"
MOST_FILES = 64
MOST_BYTES = 8 * 1024 * 1024  # of all files together


class WsdlFiles:
    """
    Every file of one WSDL.

    Attributes:
        start: The beginning of the first one.
    """

    def __init__(self, path: Path) -> None:
        """Read *path* and what it imports. Raises LoadError."""
        self._folder = path.resolve().parent
        self._bytes = 0
        self._roots: dict[Path, etree._Element] = {}
        self._files: dict[etree._Element, str] = {}
        self.start = Location(str(path))
        self._read(path)

    def _read(self, path: Path) -> None:
        waiting = [(path, self.start)]
        while waiting:
            file, importer = waiting.pop()
            if file.resolve() in self._roots:
                continue
            root = self._parsed(file, importer)
            self._roots[file.resolve()] = root
            self._files[root] = str(file)
            waiting += [(self._imported(file, named), self.place(named)) for named in root.iterfind(f"{WSDL}import")]

    def _parsed(self, file: Path, importer: Location) -> etree._Element:
        content = read_bytes(file, "write the path of a WSDL file")
        self._bytes += len(content)
        if self._bytes > MOST_BYTES or len(self._roots) >= MOST_FILES:
            message = f"a WSDL may have {MOST_FILES} files and {MOST_BYTES} bytes"
            raise LoadError.at(importer, "too-large", message, "leave out what is not needed")
        root = parse_definition(content, file)
        self._check(root, file)
        return root

    def _check(self, root: etree._Element, file: Path) -> None:
        start = Location(str(file), _line(root))
        refuse_doctype(root, start)
        if root.tag == "{http://www.w3.org/ns/wsdl}description":
            raise LoadError.at(start, "not-wsdl", "this is WSDL 2.0", "export the service as WSDL 1.1")
        if root.tag != f"{WSDL}definitions":
            message = f"this is {root.tag}, not the definitions of a WSDL"
            raise LoadError.at(start, "not-wsdl", message[:200], "save what the service answers at ?wsdl")

    def _imported(self, file: Path, element: etree._Element) -> Path:
        """The file that an import names. Raises LoadError: it is elsewhere."""
        location = element.get("location", "")
        parts = urlsplit(location)
        path = (file.parent / unquote(parts.path)).resolve()
        outside = not path.is_relative_to(self._folder)
        if parts.scheme or parts.netloc or parts.query or not parts.path or outside:
            message = f"the import of {location!r} is not a file beside this one"
            remedy = "save it in the WSDL's folder and write its name; nothing is fetched"
            raise LoadError.at(self.place(element), "not-a-file", message, remedy)
        return path

    def place(self, element: etree._Element) -> Location:
        """Where *element* is written."""
        root = element.getroottree().getroot()
        return Location(self._files.get(root, self.start.file), _line(element))

    def all(self, *names: str) -> Iterator[etree._Element]:
        """The elements at the path *names* below the definitions of any file."""
        path = "/".join(f"{WSDL}{name}" for name in names)
        for root in self._roots.values():
            yield from root.iterfind(path)

    def named(self, kind: str, name: str, user: etree._Element) -> etree._Element:
        """The *kind* (``binding``, ``message`` …) called *name*, in Clark notation. Raises LoadError: there is none."""
        for element in self.all(kind):
            if f"{{{self.target_of(element)}}}{element.get('name')}".removeprefix("{}") == name:
                return element
        message = f"there is no {kind} {name}"
        raise LoadError.at(self.place(user), "broken-wsdl", message, "correct the WSDL, or add the file that has it")

    @staticmethod
    def target_of(element: etree._Element) -> str:
        """The target namespace of the file that *element* is in."""
        return element.getroottree().getroot().get("targetNamespace", "")

    def qname(self, element: etree._Element, attribute: str) -> str:
        """The name in *attribute*, in Clark notation. Raises LoadError: it is missing, or its prefix is not known."""
        prefix, colon, local = element.get(attribute, "").strip().rpartition(":")
        namespace = element.nsmap.get(prefix or None, None if colon else "")
        if not local or namespace is None:
            message = f"{etree.QName(element).localname} has no {attribute} that can be understood"
            raise LoadError.at(self.place(element), "broken-wsdl", message, "correct the WSDL")
        return f"{{{namespace}}}{local}" if namespace else local


def _line(element: Any) -> int:
    return element.sourceline or 1
