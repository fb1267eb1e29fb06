"""
Counts how many public documents use each policy that is refused by name: ``python -m docs.refused_policies FOLDER``.

FOLDER holds checkouts or documents, as for ``docs.public_documents``. The counts are kept in
docs/refused_policies.json, from which ``docs.generate`` writes the table in docs/policies/README.md.
"""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from pathlib import Path

from docs.public_documents import documents
from gateway.policies import POLICIES

COUNTS = Path(__file__).parent / "refused_policies.json"
REFUSED = sorted(name for name, policy in POLICIES.items() if policy.shape.refused)
_COMMENT = re.compile("<!--.*?-->", re.DOTALL)
_ELEMENT = re.compile(r"<([a-z][a-z0-9-]*)(?=[\s/>])")


def counted(folder: Path) -> dict[str, object]:
    """Number of documents below *folder*, and of those that use each refused policy."""
    uses, total = Counter[str](), 0
    for _, _, content in documents(folder):
        total += 1
        uses.update(set(_ELEMENT.findall(_COMMENT.sub("", content.decode("utf-8", "replace")))).intersection(REFUSED))
    return {"documents": total, "uses": {name: uses[name] for name in REFUSED}}


def uses_of(name: str) -> str:
    """How many documents use *name*, for the table; a dash for one that has not been counted."""
    return str(json.loads(COUNTS.read_text("utf-8"))["uses"].get(name, "–"))


def total() -> int:
    """How many documents were counted."""
    documents_: int = json.loads(COUNTS.read_text("utf-8"))["documents"]
    return documents_


if __name__ == "__main__":
    COUNTS.write_text(json.dumps(counted(Path(sys.argv[1])), indent=1) + "\n", encoding="utf-8")
