"""
Named values: plain ones are written, secret ones and those of a Key Vault come from the environment.

Policies name them by their display name. One that a policy uses and the source does not have is read from the
environment as well: nothing starts before somebody has said what it is.

Source: APIM, "Use named values in API Management policies".
"""

from __future__ import annotations

import re
from typing import Any

from gateway.commands.importing.mapping.instance import Instance
from gateway.commands.importing.mapping.taking import Taker
from gateway.commands.importing.resources import ArmResource, Unresolved
from gateway.documents.placeholders import NAMED_VALUE
from gateway.errors import Location
from gateway.reading.yaml_nodes import Scalar

MAX_CHARACTERS = 4_096
VALUES = "named values"  # of workspaces: their names are not the service's
_LITERAL = re.compile(r"\s*(basic|bearer|sharedkey|token)?\s*[:;,]?\s*", re.IGNORECASE)
_NAME = re.compile(r"[A-Za-z0-9._-]{1,256}")


class NamedValues:
    """The named values of the configuration, for texts that use them outside of policies."""

    def __init__(self, instance: Instance) -> None:
        self._instance = instance
        self._draft = instance.draft
        self._values: dict[str, Any] = {}

    def map(self) -> None:
        """Write every named value, and those that policies use besides."""
        resources = sorted(self._instance.all("namedValues"), key=lambda resource: bool(resource.workspace))
        for resource in resources:
            self._map(resource)
        for workspace, text in self._instance.policy_texts:
            for name in NAMED_VALUE.findall(text.value):
                self._missing(self._instance.ids.find(VALUES, name, workspace) or name, text.location)

    def _map(self, resource: ArmResource) -> None:
        what = f"named value {resource.name[-1]}"
        taker = self._instance.take(resource, what)
        name = taker.text("displayName") or resource.name[-1]
        if resource.workspace and _NAME.fullmatch(name):
            name = self._instance.ids.give(VALUES, name, resource.workspace)
        if _NAME.fullmatch(name) is None:
            self._draft.left_out(resource.location, what, f"policies cannot name {name!r}", "rename it")
            taker.skip("value", "secret", "keyVault")
        elif name.casefold() in self._values:
            self._draft.left_out(resource.location, what, f"another named value is called {name}", "rename one")
            taker.skip("value", "secret", "keyVault")
        elif (value := self._value(taker, name, what)) is not None:
            self._write(resource, name, value)

    def _write(self, resource: ArmResource, name: str, value: Any) -> None:
        self._values[name.casefold()] = value
        if not resource.workspace:
            self._instance.ids.give(VALUES, name)
        self._draft.entry("named-values", name, value)

    def _value(self, taker: Taker, name: str, what: str) -> Any:
        """What is written for it; None where nobody would miss it, so that nobody has to set it."""
        secret = taker.flag("secret", default=False, unknown=True)
        vault, written = taker.inner("keyVault"), taker.scalar("value")
        if self._is_unused(taker, name) and (secret or vault):
            self._draft.harmless(taker.location, what, "a secret that nothing here uses")
            return None
        if vault is not None:
            return self._of_vault(vault, name, what)
        if secret or written is None or isinstance(written, Unresolved):
            return self._unknown(taker, name, written, secret)
        return self._plain(written, name, what)

    def _plain(self, written: Scalar, name: str, what: str) -> Any:
        if len(written.value) > MAX_CHARACTERS:
            message = f"longer than {MAX_CHARACTERS} characters: it is read from the environment"
            self._draft.changed(written.location, what, message)
            return self._from_environment(name, what, written.location, secret=False)
        self._draft.mapped(written.location, what, "its value is written")
        return written.value

    def _is_unused(self, taker: Taker, name: str) -> bool:
        """Whether it is named nowhere in what is imported; of a workspace, the name is the one before it."""
        return taker.text("displayName", name).casefold() not in self._instance.used_values

    def _of_vault(self, vault: Taker, name: str, what: str) -> dict[str, Any]:
        identifier = vault.text("secretIdentifier")
        vault.skip("identityClientId")
        value = self._from_environment(name, f"{what}, {identifier} of a Key Vault", vault.location)
        self._draft.changed(vault.location, what, f"of a Key Vault: read from the environment as {value['env']}")
        return value

    def _unknown(self, taker: Taker, name: str, written: Scalar | None, secret: bool) -> dict[str, Any]:
        """A secret, of which the source may have the text; or a value that it does not have."""
        what = taker.what
        secret = secret or (isinstance(written, Unresolved) and written.secret)
        value = self._from_environment(name, what, taker.location, secret)
        if secret:
            self._draft.mapped(taker.location, what, f"secret: read from the environment as {value['env']}")
        elif isinstance(written, Unresolved):
            self._draft.unresolved(written, what, f"set {value['env']}, or write the value into config.yaml")
        else:
            message = f"the source has no value: it is read from the environment as {value['env']}"
            self._draft.needs_you(taker.location, what, message, f"set {value['env']}, or write the value")
        return value

    def _missing(self, name: str, location: Location) -> None:
        if name.casefold() in self._values:
            return
        what = f"named value {name}"
        value = self._from_environment(name, what, location)
        self._values[name.casefold()] = value
        self._instance.ids.give(VALUES, name)
        self._draft.entry("named-values", name, value, f"used in {self._instance.origin(location)}")
        message = f"a policy uses it, but the source does not have it: it is read from {value['env']}"
        self._draft.needs_you(location, what, message, f"set {value['env']}, or write the value into config.yaml")

    def _from_environment(self, name: str, what: str, location: Location, secret: bool = True) -> dict[str, Any]:
        variable = self._draft.variable(name, what, location, secret)
        return {"env": variable} if secret else {"env": variable, "secret": False}

    # -- elsewhere
    def filled(self, text: str) -> str | None:
        """*text* with the plain named values in it; None where it needs one that is not plain."""
        names = set(NAMED_VALUE.findall(text))
        if any(not isinstance(self._values.get(name.casefold()), str) for name in names):
            return None
        return NAMED_VALUE.sub(lambda use: str(self._values[use[1].casefold()]), text)

    def secret(self, text: str, wanted: str, purpose: str, location: Location) -> Any:
        """
        A text that may be secret, for the configuration.

        Args:
            wanted: What a new environment variable is named after.
            purpose: What the text is for, as the report names it.
        """
        whole = NAMED_VALUE.fullmatch(text.strip())
        value = self._values.get(whole[1].casefold()) if whole else None
        if isinstance(value, dict):
            return {"env": value["env"]}
        if "{{" in text and (filled := self.filled(text)) is not None:
            return filled
        shape = f", in the form {_form(text)}" if "{{" in text else ""
        return {"env": self._draft.variable(wanted, purpose + shape, location)}


def _form(text: str) -> str:
    """*text* for a person, with the named values in it; what stands between them may be part of the secret."""
    parts = re.split(r"(\{\{[^{}]*\}\})", text)
    return "".join(part if part.startswith("{{") or _LITERAL.fullmatch(part) else "…" for part in parts)
