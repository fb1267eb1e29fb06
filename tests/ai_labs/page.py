"""docs/ai-labs.md."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from tests.ai_labs.runs import Outcome

PAGE = Path(__file__).parents[2] / "docs" / "ai-labs.md"
_HEAD = """\
<!-- Written by `make ai-labs LABS=CLONE`. -->
# The public labs for AI gateways, run

[Azure-Samples/AI-Gateway](https://github.com/Azure-Samples/AI-Gateway) is where many people begin who put language
models behind API Management. `make ai-labs LABS=CLONE` reads every policy document of a clone, fills in what the labs'
notebooks fill in, and runs each document through a gateway in front of [emulators](emulators.md): two of OpenAI, in a
pool with priorities and circuits that open at a 429, one of Entra ID, and servers on loopback for the rest of Azure.
Commit `{commit}`.

- **{documents}** documents; **{raw}** of them load as they are in the repository.
- **{loads}** load with their placeholders (`{{backend-id}}` and the like) filled in.
- **{runs}** run end to end.

A document in front of a model is tried with a chat completion, a stream, embeddings, a model that is slow, one that
answers 429 (which goes to the client or, with `retry`, sends the call to the second model), and a stream that is cut
and must not look whole. Where a document asks for a token, one of the emulated Entra ID passes, and without one the
answer is 401. Any other document is called once: the backend must get what the policies make, or the caller the answer
that they give. A semantic cache must answer the second of two equal calls, and what content safety finds harmful must
not reach the model.

What this does not show: documents of MCP servers run here as policies of HTTP APIs; the protocol itself is another
matter. The realtime API is called over HTTP, not over a WebSocket. Bedrock and Gemini are an echo and the emulator of
OpenAI. The emulators accept any key, and no model of a cloud was called.
"""


def write(commit: str, outcomes: Sequence[Outcome], raw: Mapping[str, str]) -> None:
    """The page; *raw* has the documents that do not load as they are, with the reason."""
    figures = {
        "commit": commit[:12],
        "documents": len(outcomes),
        "raw": len(outcomes) - len(raw),
        "loads": sum(not outcome.refused for outcome in outcomes),
        "runs": sum(outcome.runs for outcome in outcomes),
    }
    lines = [_HEAD.format(**figures), *_rest(outcomes), *_tried(outcomes), *_raw(raw), *_all(outcomes)]
    PAGE.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _rest(outcomes: Sequence[Outcome]) -> Iterator[str]:
    rest = [outcome for outcome in outcomes if not outcome.runs]
    yield "## What does not run\n"
    if not rest:
        yield "Nothing.\n"
        return
    yield "| document | why |"
    yield "|---|---|"
    for outcome in rest:
        wrong = "; ".join(f"{name}: {why}" for name, why in outcome.results.items() if why)
        yield f"| {outcome.path} | {_cell(outcome.refused or wrong)} |"
    yield ""


def _tried(outcomes: Sequence[Outcome]) -> Iterator[str]:
    tried, passed = Counter[str](), Counter[str]()
    for outcome in outcomes:
        tried.update(list(outcome.results))
        passed.update(name for name, why in outcome.results.items() if not why)
    yield "## What was tried\n"
    yield "| | documents | ended as it should |"
    yield "|---|---|---|"
    yield from (f"| {name} | {number} | {passed[name]} |" for name, number in tried.items())
    yield ""


def _raw(raw: Mapping[str, str]) -> Iterator[str]:
    if raw:
        yield "## What loads only when it is filled in, or not at all\n"
        yield from (f"- {path}: {_cell(why)}" for path, why in raw.items())
        yield ""


def _all(outcomes: Sequence[Outcome]) -> Iterator[str]:
    yield "## Every document\n"
    yield "| document | loads | runs | tried |"
    yield "|---|---|---|---|"
    for outcome in outcomes:
        loads, runs = ("no" if outcome.refused else "yes"), ("yes" if outcome.runs else "no")
        yield f"| {outcome.path} | {loads} | {runs} | {', '.join(outcome.results)} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;").replace("{{", "{ {").replace("\n", " ")
