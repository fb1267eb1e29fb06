"""The harvest while it is mapped: who asks for resources of a kind answers for them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from functools import cached_property

from gateway.commands.importing.mapping.draft import PlanDraft
from gateway.commands.importing.mapping.harmless import KINDS, UNKNOWN
from gateway.commands.importing.mapping.identifiers import Identifiers
from gateway.commands.importing.mapping.taking import Taker
from gateway.commands.importing.resources import ArmResource, Harvest
from gateway.documents.placeholders import NAMED_VALUE
from gateway.errors import Location
from gateway.reading.yaml_nodes import Mapping, Scalar, Sequence, YamlNode

# Whose named values are not read here: the gateway's own settings replace what these resources hold.
_KEPT_ELSEWHERE = ("namedValues", "loggers", "caches", "diagnostics", "apis/diagnostics")
# Kinds that become entries of a mapping: a second one of the same name would replace the first.
_ENTRIES = ("backends", "certificates", "loggers", "schemas")
_Key = tuple[str, ...]


class Instance:
    """
    One instance of API Management.

    Attributes:
        draft: What comes of it.
        ids: The ids that its names get.
    """

    def __init__(self, harvest: Harvest, root: str = "") -> None:
        """*root* is where the source is; comments name places below it."""
        self.draft = PlanDraft()
        self.draft.plan.findings += harvest.findings
        self.ids = Identifiers()
        self._resources = harvest.resources
        self._takers: list[Taker] = []
        self._answered: set[int] = set()
        self._within: dict[tuple[str, str, _Key], list[ArmResource]] = defaultdict(list)
        self._root = root.rstrip("/") + "/" if root else ""
        self._revisions: dict[tuple[str, str], list[str]] = defaultdict(list)
        self._below: dict[tuple[str, str, _Key], list[ArmResource]] = defaultdict(list)
        for resource in harvest.resources:
            self._below[_place(resource, resource.name[:-1])].append(resource)
            self._within[_place(resource, resource.name[:-2])].append(resource)

    # -- resources
    def all(self, kind: str) -> Iterator[ArmResource]:
        """The resources of *kind*, in the order of the source."""
        names: set[tuple[str, str, _Key]] = set()
        for resource in self._resources:
            if resource.kind != kind:
                continue
            self.answer(resource)
            name = _place(resource, resource.name)
            if kind in _ENTRIES and name in names:
                self._leave_out_double(resource)
                continue
            names.add(name)
            yield resource

    def within(self, ancestor: ArmResource, kind: str) -> list[ArmResource]:
        """The resources of *kind*, two steps below *ancestor*, for which nobody has answered yet."""
        inside = self._within[(kind, ancestor.workspace.casefold(), _folded(ancestor.name))]
        return [resource for resource in inside if id(resource) not in self._answered]

    def below(self, parent: ArmResource, kind: str) -> list[ArmResource]:
        """The resources of *kind* that belong to *parent*."""
        children = self._below[(kind, parent.workspace.casefold(), _folded(parent.name))]
        for resource in children:
            self.answer(resource)
        return children

    def answer(self, resource: ArmResource) -> None:
        """Say that *resource* is taken care of."""
        self._answered.add(id(resource))

    def take(self, resource: ArmResource, what: str) -> Taker:
        """The properties of *resource*; those that are not taken in the end are reported."""
        self.answer(resource)
        taker = Taker(resource.properties, self.draft, what, resource.kind)
        self._takers.append(taker)
        return taker

    @cached_property
    def policy_texts(self) -> tuple[tuple[str, Scalar], ...]:
        """The text of every policy document and fragment, with its workspace."""
        values = (
            (resource.workspace, resource.properties.find("value"))
            for resource in self._resources
            if resource.kind.rpartition("/")[2] in ("policies", "policyFragments")
        )
        return tuple((workspace, value) for workspace, value in values if isinstance(value, Scalar))

    @cached_property
    def used_values(self) -> frozenset[str]:
        """Named values, in lower case, that are used where the configuration keeps them."""
        texts = (
            text.value
            for resource in self._resources
            if resource.kind not in _KEPT_ELSEWHERE
            for text in _scalars(resource.properties)
            if "{{" in text.value
        )
        return frozenset(name.casefold() for text in texts for name in NAMED_VALUE.findall(text))

    def mentions(self, word: str) -> bool:
        """Whether some policy has *word* in it."""
        return any(word in text.value for _, text in self.policy_texts)

    # -- APIs
    def add_revision(self, api: ArmResource, id: str) -> None:
        """Say that a revision of *api* is in the configuration as *id*."""
        name = api.name[-1].partition(";rev=")[0]
        self._revisions[(api.workspace.casefold(), name.casefold())].append(id)

    def revisions_of(self, name: str, workspace: str) -> list[str]:
        """The ids of all revisions of the API called *name*; none where it is not in the configuration."""
        plain = name.partition(";rev=")[0].casefold()
        return self._revisions[(workspace.casefold(), plain)]

    def origin(self, location: Location) -> str:
        """A place in the source, as a comment of the configuration has it."""
        return f"{location.file.removeprefix(self._root)}:{location.line}"

    # -- the end
    def finish(self) -> None:
        """Report every property and every resource that nobody has taken."""
        for taker in self._takers:
            taker.finish()
        for resource in self._resources:
            if id(resource) not in self._answered:
                self._leave_out(resource)

    def _leave_out_double(self, resource: ArmResource) -> None:
        message = "another one has the same name, and is taken"
        remedy = "give the parameters that decide which one is deployed, or rename one"
        self.draft.left_out(resource.location, described(resource), message, remedy)

    def _leave_out(self, resource: ArmResource) -> None:
        reason = KINDS.get(resource.kind, UNKNOWN)
        what = described(resource)
        if reason.harmless:
            self.draft.harmless(resource.location, what, reason.message)
        else:
            self.draft.left_out(resource.location, what, reason.message, reason.remedy)


def _place(resource: ArmResource, parent: _Key) -> tuple[str, str, _Key]:
    return resource.kind, resource.workspace.casefold(), _folded(parent)


def _folded(name: _Key) -> _Key:
    return tuple(part.casefold() for part in name)


def described(resource: ArmResource) -> str:
    """A resource as the report names it: its kind and name."""
    workspace = f" in workspace {resource.workspace}" if resource.workspace else ""
    return f"{resource.kind or 'service'} {'/'.join(resource.name)}".strip() + workspace


def _scalars(node: YamlNode) -> Iterator[Scalar]:
    """Every single value in *node*."""
    match node:
        case Scalar():
            yield node
        case Mapping():
            for _, value in node.entries:
                yield from _scalars(value)
        case Sequence():
            for item in node.items:
                yield from _scalars(item)
