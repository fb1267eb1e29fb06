"""
Counts how policy documents of a folder of checkouts fare: ``python -m docs.public_documents FOLDER``.

The folder holds one checkout a subfolder. Documents are taken from files, from strings of ARM templates (JSON), Bicep
and Terraform, and from code in Markdown; the same document, white space aside, counts once. docs/corpus.md has the
figures of one such folder.
"""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path

from gateway.commands.check.report import check_text, offline_services
from gateway.documents.files import parse_document
from gateway.documents.model import PolicyDocument, same_document
from gateway.documents.xml import format as xml_format
from gateway.documents.yaml import format as yaml_format
from gateway.errors import LoadError
from gateway.policies import POLICIES

_ROOT = re.compile(r"<(?:policies|fragment)\b")
_POLICY = re.compile(
    r"<(?:inbound|outbound|backend|on-error|base|set-\w|choose|include-fragment|return-response|cors)\b"
)
_FENCE = re.compile(r"^[ \t]*(```|~~~)[^\n]*\n(?P<code>.*?)^[ \t]*\1", re.DOTALL | re.MULTILINE)
_HEREDOC = re.compile(r"<<[-~]?\"?(?P<tag>\w+)\"?[ \t]*\r?\n(?P<text>.*?)^[ \t]*(?P=tag)\b", re.DOTALL | re.MULTILINE)
_LONG = re.compile(r"('''|\"\"\")\r?\n?(?P<text>.*?)\1", re.DOTALL)
_SHORT = re.compile(r"'(?P<text>(?:\\.|[^'\\\n])*)'")
_ARM_LITERAL = re.compile(r"'((?:[^']|'')*)'")
_BICEP_ESCAPES = (("\\r", "\r"), ("\\n", "\n"), ("\\t", "\t"), ("\\'", "'"), ("\\${", "${"), ("\\\\", "\\"))
_LARGEST = 3_000_000


def _is_document(text: str) -> bool:
    return _ROOT.search(text) is not None and _POLICY.search(text) is not None


def _of_xml(text: str) -> Iterator[str]:
    yield text


def _of_arm(text: str) -> Iterator[str]:
    try:
        todo = [json.loads(text.removeprefix("\ufeff"))]
    except ValueError:
        return
    while todo:
        value = todo.pop()
        todo += value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
        if isinstance(value, str):
            yield _evaluated(value)


def _evaluated(value: str) -> str:
    """An ARM string; of an expression its literal parts, with a named value for what is computed between them."""
    literals = _ARM_LITERAL.findall(value) if value.startswith("[") else []
    return "{{computed}}".join(literal.replace("''", "'") for literal in literals) if literals else value


def _of_terraform(text: str) -> Iterator[str]:
    yield from (heredoc["text"] for heredoc in _HEREDOC.finditer(text))


def _of_bicep(text: str) -> Iterator[str]:
    yield from (long["text"] for long in _LONG.finditer(text))
    for short in _SHORT.finditer(_LONG.sub("", text)):
        literal = short["text"]
        for written, meant in _BICEP_ESCAPES:
            literal = literal.replace(written, meant)
        yield literal


def _of_markdown(text: str) -> Iterator[str]:
    for fence in _FENCE.finditer(text):
        code = fence["code"].strip()
        yield from [code] if code.startswith("<") else [*_of_terraform(code), *_of_bicep(code)]


_READERS: dict[str, Callable[[str], Iterator[str]]] = {
    ".xml": _of_xml,
    ".tpl": _of_xml,
    ".tftpl": _of_xml,
    ".cshtml": _of_xml,
    ".json": _of_arm,
    ".tf": _of_terraform,
    ".bicep": _of_bicep,
    ".md": _of_markdown,
}


def documents(folder: Path) -> Iterator[tuple[Path, str, bytes]]:
    """Every different document below *folder*: its file, the kind of file, its content."""
    seen: set[bytes] = set()
    for path in sorted(folder.rglob("*")):
        read = _READERS.get(path.suffix.lower())
        if read is None or not path.is_file() or path.stat().st_size > _LARGEST:
            continue
        data = path.read_bytes()
        encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8"
        for text in filter(_is_document, read(data.decode(encoding, "replace"))):
            content = data if read is _of_xml else text.strip().encode()
            digest = sha256(b"".join(content.split())).digest()
            if digest not in seen:
                seen.add(digest)
                yield path, path.suffix.lower().removeprefix("."), content


def survives(content: bytes) -> bool:
    """Whether a document means the same after XML → YAML → XML and has its comments; False for one without a form."""
    document = parse_document(content, "a.xml", POLICIES)
    try:
        as_yaml = yaml_format.dump(document, POLICIES)
        from_yaml = yaml_format.with_remarks(parse_document(as_yaml.encode(), "a.yaml", POLICIES), as_yaml)
        again = parse_document(xml_format.dump(from_yaml).encode(), "a.xml", POLICIES)
    except LoadError:
        return False
    return same_document(document, again) and _comments(document) == _comments(again)


def _comments(document: PolicyDocument) -> Counter[str]:
    """Every comment, white space and the hyphens that XML forbids in them aside."""
    roots = [*document.sections.values(), *([document.fragment] if document.fragment else [])]
    remarks = [remark for root in roots for node in root.walk() for remark in (*node.before, *node.inside)]
    plain = (re.sub(r"[\s-]", "", remark) for remark in (*document.before, *document.inside, *remarks))
    return Counter(filter(None, plain))


def main(folder: Path) -> None:
    """Print the figures, and a line for each document that does not load or does not survive."""
    services = offline_services()
    kinds, verdicts, trips, repositories = Counter[str](), Counter[str](), Counter[str](), set[str]()
    for path, kind, content in documents(folder):
        name = path.relative_to(folder)
        report = check_text(content, "a.xml", services)
        codes = ", ".join(sorted({problem.code for problem in report.problems}))
        kinds[kind] += 1
        verdicts[codes or "loads"] += 1
        repositories.add(name.parts[0])
        trip = ("same" if survives(content) else "differs") if report.ok else "not tried"
        trips[trip] += 1
        if codes or trip == "differs":
            print(f"{name}: {codes or trip}", *(f"  {problem}" for problem in report.problems), sep="\n")
    print(f"{kinds.total()} documents of {len(repositories)} repositories", dict(kinds), dict(verdicts), dict(trips))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
