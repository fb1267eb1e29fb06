"""Notes on documents that may give one caller the cached answer of another."""

from __future__ import annotations

import re
from collections.abc import Iterator

from gateway.documents.model import Node
from gateway.errors import Problem

TOKEN_CHECKS = ("validate-jwt", "validate-azure-ad-token")
_SEMANTIC = ("llm-semantic-cache-lookup", "azure-openai-semantic-cache-lookup")
_LOOKUPS = ("cache-lookup", *_SEMANTIC)

# How expressions read a token; besides, by the names of variables and headers that were made of one.
_READS = r"\bJwt\b|\bAsJwt\b|\bTryParseJwt\b|\"Authorization\""


def token_after_cache(root: Node) -> Iterator[Problem]:
    """A cached answer is given before the token is looked at. Source: APIM "cache-lookup"."""
    names = [child.name for child in root.children]
    tokens = [place for place, name in enumerate(names) if name in TOKEN_CHECKS]
    for place, node in enumerate(root.children):
        if node.name in _LOOKUPS and tokens and place < max(tokens):
            message = "a cached answer is given before the token is checked"
            yield Problem(node.location, "token-after-cache", message, f"put the token check before {node.name}")


def answers_ignore_token(root: Node) -> Iterator[Problem]:
    """Whoever has a valid token gets what the model has said to others. Source: docs/adr/0094."""
    nodes = list(root.walk())
    if not any(node.name in TOKEN_CHECKS for node in nodes):
        return
    tokens = re.compile("|".join([_READS, *_names_of_tokens(nodes)]))
    for node in filter(lambda node: node.name in _SEMANTIC, nodes):
        varied = [vary.text.value for vary in node.all("vary-by") if vary.text]
        if varied and not any(map(tokens.search, varied)):
            message = "vary-by says nothing of the token that this document checks: its callers share answers"
            remedy = "add a vary-by with a claim, such as the subject; without any, every caller has answers of its own"
            yield Problem(node.location, "answers-ignore-token", message, remedy)


def _names_of_tokens(nodes: list[Node]) -> Iterator[str]:
    """Patterns for the variables and headers that hold a token, or what has been read of one; in their order."""
    known = [_READS]
    for node in nodes:
        name = node.attribute("output-token-variable-name" if node.name in TOKEN_CHECKS else "name")
        if name and (node.name in TOKEN_CHECKS or _is_made_of(node, "|".join(known))):
            known.append(f'"{re.escape(name)}"')
    yield from known[1:]


def _is_made_of(node: Node, tokens: str) -> bool:
    if node.name not in ("set-variable", "set-header"):
        return False
    values = [node.attribute("value"), *(child.text.value for child in node.all("value") if child.text)]
    return any(value and re.search(tokens, value) for value in values)
