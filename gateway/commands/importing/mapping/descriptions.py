"""
Descriptions that are not OpenAPI: the WSDL of a SOAP API, the metadata of an OData API.

Each is read before it is used, as the gateway would, so that one that cannot be read leaves out its API and no more.

Source: "Microsoft.ApiManagement service/apis", properties ``format``, ``value`` and ``wsdlSelector``.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway.commands.importing.mapping.definitions import moved, text_of
from gateway.commands.importing.mapping.instance import Instance
from gateway.commands.importing.mapping.taking import Taker
from gateway.commands.importing.resources import Unresolved
from gateway.config.described import DescribedOperation, odata_operations, soap_operations
from gateway.errors import LoadError
from gateway.soap.settings import SoapSettings

_ACTION = re.compile(r"[?&]soapAction=([^&]*)", re.IGNORECASE)
_FORMS = {"soap": ("wsdl", "wsdl"), "odata": ("odata", "xml")}


@dataclass(frozen=True, slots=True)
class ReadDescription:
    """
    A description that the gateway takes.

    Attributes:
        keys: What the configuration says about it.
        ids: Ids of its operations, by what an instance may call them: id, name or action, in lower case.
        closed: Whether operations that the instance does not list must not be open.
    """

    keys: dict[str, Any]
    ids: Mapping[str, str]
    closed: bool

    def unlisted(self, listed: Iterable[str]) -> set[str]:
        """The ids that are not *listed* and must not be open."""
        return set(self.ids.values()).difference(listed) if self.closed else set()

    def id_of(self, operation: dict[str, Any]) -> str | None:
        """The id of the operation that *operation* of the instance is."""
        action = _ACTION.search(str(operation.get("url-template", "")))
        names = [action[1] if action else "", str(operation["id"]), str(operation.get("name", ""))]
        return next((self.ids[name.lower()] for name in names if name.lower() in self.ids), None)


class Descriptions:
    """Reads the descriptions of one instance."""

    def __init__(self, instance: Instance) -> None:
        self._draft = instance.draft

    def of(self, taker: Taker, id: str, kind: str) -> ReadDescription | None:
        """The description of the API with *id*, of type *kind*; None where there is none that can be read."""
        form, suffix = _FORMS[kind]
        written, value = taker.text("format").casefold(), text_of(taker.node("value"))
        settings = _selected(taker.inner("wsdlSelector"))
        if value is None or isinstance(value, Unresolved) or written != form:
            return None
        try:
            operations = _read(value.value, suffix, settings)
        except LoadError as error:
            problem = error.problems[0]
            place = moved(problem.location, value.location)
            self._draft.left_out(place, f"{taker.what}: description", problem.message, problem.remedy)
            return None
        file = self._draft.file("definitions", f"{id}.{suffix}", content=value.value.encode(), origin=value.location)
        self._draft.mapped(value.location, f"{taker.what}: description", f"written to {file}")
        key = {"soap": "wsdl", "odata": "metadata"}[kind]
        soap = {name: part for name, part in (("service", settings.service), ("port", settings.port)) if part}
        return ReadDescription({key: file, **({"soap": soap} if soap else {})}, _ids(operations), kind == "soap")


def _selected(selector: Taker | None) -> SoapSettings:
    if selector is None:
        return SoapSettings()
    service, port = selector.text("wsdlServiceName"), selector.text("wsdlEndpointName")
    return SoapSettings(service=service or None, port=port or None)


def _read(text: str, suffix: str, settings: SoapSettings) -> list[DescribedOperation]:
    """The operations in *text*. Raises LoadError."""
    readers: dict[str, Callable[[Path], list[DescribedOperation]]] = {
        "wsdl": lambda file: soap_operations(file, settings),
        "xml": odata_operations,
    }
    with tempfile.TemporaryDirectory(prefix="gateway-import-") as folder:
        file = Path(folder) / f"description.{suffix}"
        file.write_bytes(text.removeprefix("\ufeff").encode())
        return readers[suffix](file)


def _ids(operations: list[DescribedOperation]) -> dict[str, str]:
    ids: dict[str, str] = {}
    for operation in operations:
        for name in (operation.id, operation.name, *operation.actions):
            ids.setdefault(name.lower(), operation.id)
    return ids
