"""What an editor shows for what the cursor points at, as Markdown."""

from __future__ import annotations

from gateway.commands.lsp.code_completion import csharp
from gateway.commands.lsp.pointing import AttributeName, CodeName, ElementName, KeyName, Pointed, Reference
from gateway.commands.lsp.policy_docs import attribute_page, element_page, shape_of
from gateway.commands.lsp.project import NAMED_VALUES, Project
from gateway.commands.lsp.references import shown_value, summary
from gateway.commands.lsp.yaml_completion import schema_of
from gateway.commands.lsp.yaml_cursor import ITEM
from gateway.documents.vocabulary import statement_shape
from gateway.policies import POLICIES


def hover_text(pointed: Pointed, kind: str, project: Project | None) -> str:
    """Markdown; empty where there is nothing to show."""
    match pointed:
        case Reference():
            return _entry(pointed, project)
        case ElementName():
            return element_page(pointed.name, shape_of(pointed.parents, pointed.name))
        case AttributeName():
            return _attribute(pointed)
        case CodeName():
            return csharp("\n".join(pointed.meaning.signatures) or pointed.meaning.name)
    return _key(pointed.path, kind) if isinstance(pointed, KeyName) else ""


def _attribute(pointed: AttributeName) -> str:
    shape = shape_of(pointed.parents, pointed.element)
    attribute = shape.attribute(pointed.name) if shape else None
    return attribute_page(attribute) if attribute else ""


def _entry(reference: Reference, project: Project | None) -> str:
    entry = project.entry(reference.kind, reference.name) if project else None
    if project is None:
        return ""
    if entry is None:
        return f"`{reference.name}` is not among the {reference.kind} of {project.config.name}"
    value = shown_value(entry) if reference.kind == NAMED_VALUES else summary(entry)
    place = f"{project.config.name}, line {entry.key.location.line}"
    return f"**{reference.name}** ({reference.kind}: {place})" + (f"\n\n```text\n{value}\n```" if value else "")


def _key(path: tuple[str, ...], kind: str) -> str:
    name = path[-1]
    if kind == "yaml" and path[-2:-1] == (ITEM,) and (shape := statement_shape(name, POLICIES)):
        return element_page(name, shape)
    description = schema_of(kind).description(path)
    return f"**{name}**: {description}" if description else ""
