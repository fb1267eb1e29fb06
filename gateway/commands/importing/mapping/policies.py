"""
Policy documents: each becomes a file of its own with the text unchanged, or a document that refuses every request.

Only two things are changed in a text: references to ids that have another form here, and values that only a deployment
knows, which become named values. A document that the source does not hold must not be missing silently: what stands in
for it answers 503 to everything.

Source: "Microsoft.ApiManagement service/policies", properties ``format`` and ``value``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from gateway.commands.importing.mapping.instance import Instance
from gateway.commands.importing.mapping.named_values import VALUES
from gateway.commands.importing.mapping.taking import Taker
from gateway.commands.importing.resources import ArmResource, Unresolved
from gateway.documents.placeholders import NAMED_VALUE
from gateway.errors import Location
from gateway.reading.yaml_nodes import Scalar

_INSTEAD = """\
<!-- The import could not read this document: {reason}. Until it is here, every request is refused. -->
<{root}>
    {open}<return-response>
        <set-status code="503" reason="Policy not imported" />
    </return-response>{close}
</{root}>
"""
# Attributes that name something by its id, and the kind of what they name.
_REFERENCES = {
    "backend-id": "backends",
    "fragment-id": "policyFragments",
    "certificate-id": "certificates",
    "logger-id": "loggers",
    "schema-id": "schemas",
}
_GIVEN = "given"  # in front of an unknown value's name where another named value has that name
_REFERENCE = re.compile(rf"""\b({"|".join(_REFERENCES)})(\s*=\s*)(["'])([^"'<>{{}}@]+)\3""")


class Policies:
    """Writes policy files."""

    def __init__(self, instance: Instance) -> None:
        self._instance = instance
        self._draft = instance.draft

    def of(self, parent: ArmResource, kind: str, what: str, *path: str) -> dict[str, str]:
        """``policy`` of what *parent* is; empty where it has none."""
        return self.first(self._instance.below(parent, kind), what, *path)

    def first(self, documents: Sequence[ArmResource], what: str, *path: str) -> dict[str, str]:
        """``policy``, of a scope that can have one only."""
        return {"policy": self.one(documents, f"{what}: policy", *path)} if documents else {}

    def one(self, documents: Sequence[ArmResource], what: str, *path: str, fragment: bool = False) -> str:
        """Write the document of a scope; of several that differ, only a deployment knows which one it has."""
        for further in documents[1:]:
            self._instance.answer(further)
        if len(set(map(_text, documents))) == 1:
            return self.file(documents[0], what, *path, fragment=fragment)
        taker = self._instance.take(documents[0], what)
        taker.skip("format", "value", "policyContent")
        reason = f"the source has {len(documents)} different documents for it"
        return self.refused(documents[1].location, what, reason, *path, fragment=fragment)

    def file(self, resource: ArmResource, what: str, *path: str, fragment: bool = False) -> str:
        """Write the document of *resource* to *path*; returns the path that it got."""
        taker = self._instance.take(resource, what)
        form = taker.text("format")
        value = taker.scalar("value") or taker.scalar("policyContent")
        if value is None or form.casefold().endswith("-link"):
            return self._refusing(taker, value, path, fragment)
        if isinstance(value, Unresolved) and not value.value.lstrip("\ufeff \r\n\t").startswith("<"):
            return self._refusing(taker, value, path, fragment)
        text = self._with_ids(self._with_named_values(value, what), value, what, resource.workspace)
        self._draft.mapped(value.location, what, "written as it is" if text == value.value else "written")
        return self._draft.file(*path, content=text.encode(), origin=value.location)

    def _refusing(self, taker: Taker, value: Scalar | None, path: tuple[str, ...], fragment: bool) -> str:
        location = taker.location if value is None else value.location
        reason = "it is not in the source"
        if isinstance(value, Unresolved):
            reason = f"it depends on {', '.join(value.names) or 'an expression'}"
        elif value is not None:
            reason = "the source has its URL alone"
        return self.refused(location, taker.what, reason, *path, fragment=fragment)

    def refused(self, location: Location, what: str, reason: str, *path: str, fragment: bool = False) -> str:
        """Write a document that answers 503 to *path*, because of *reason*; returns the path that it got."""
        message = f"{reason}; until it is here, every request gets 503"
        written = _INSTEAD.format(
            reason=reason.replace("--", "- -"),
            root="fragment" if fragment else "policies",
            open="" if fragment else "<inbound>",
            close="" if fragment else "</inbound>",
        )
        file = self._draft.file(*path, content=written.encode())
        self._draft.needs_you(location, what, message, f"put the document into {file}")
        return file

    def _with_named_values(self, value: Scalar, what: str) -> str:
        """The text, in which what only a deployment knows is a named value."""
        if not isinstance(value, Unresolved):
            return value.value
        text = value.value
        for name in value.names:
            named = self._instance.ids.give(VALUES, name, _GIVEN)
            text = text.replace(f"{{{name}}}", f"{{{{{named}}}}}")
            variable = self._draft.variable(named, f"named value {named}", value.location, value.secret)
            entry: dict[str, Any] = {"env": variable} if value.secret else {"env": variable, "secret": False}
            self._draft.entry("named-values", named, entry)
            message = f"depends on {name}, which has no value here: it is the named value {named} now"
            self._draft.needs_you(value.location, what, message, f"set {variable}, or write the value")
        return text

    def _with_ids(self, text: str, value: Scalar, what: str, workspace: str) -> str:
        """The text with references to the ids that things have here."""

        def reference(match: re.Match[str]) -> str:
            attribute, equals, quote, name = match.groups()
            id = self._instance.ids.find(_REFERENCES[attribute], name, workspace)
            if id is None or id == name:
                return match[0]
            place = value.location.behind(text[: match.start()])
            self._draft.changed(place, what, f"{attribute} {name!r} is written {id!r}, as that is called here")
            return f"{attribute}{equals}{quote}{id}{quote}"

        def named_value(match: re.Match[str]) -> str:
            id = self._instance.ids.find(VALUES, match[1], workspace)
            if id is None or id == match[1]:
                return match[0]
            place = value.location.behind(text[: match.start()])
            self._draft.changed(place, what, f"{match[0]} is written {{{{{id}}}}}, as that is called here")
            return f"{{{{{id}}}}}"

        text = NAMED_VALUE.sub(named_value, text)
        return _REFERENCE.sub(reference, text)


def _text(document: ArmResource) -> str | None:
    value = document.properties.find("value")
    return value.value if isinstance(value, Scalar) else None
