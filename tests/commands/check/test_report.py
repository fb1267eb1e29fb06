"""report.py: ``gateway check`` on single files."""

from __future__ import annotations

import pytest

from gateway.commands.check.report import check_text, offline_services


@pytest.mark.parametrize(
    ("content", "codes"),
    [
        ("<retry condition='@(true)' count='1' interval='1'><forward-request/></retry>", []),
        ("<choose><when condition='@(true)'><cache-store duration='1'/></when></choose>", []),
        ("<forward-request/><cache-store duration='1'/>", ["wrong-section", "wrong-section"]),
    ],
    ids=["backend", "outbound", "nowhere"],
)
def test_a_fragment_is_checked_where_it_fits(content: str, codes: list[str]) -> None:
    """A fragment is compiled in the first section that takes all its policies, nested ones too."""
    report = check_text(f"<fragment>{content}</fragment>".encode(), "f.xml", offline_services())
    assert [problem.code for problem in report.problems] == codes


HOLES = ["#{limit}#", "__LIMIT__", "${limit}", "{limit}", "<limit>", "RATE_LIMIT", "YOUR-LIMIT"]


@pytest.mark.parametrize(("text", "usable"), [*((hole, True) for hole in HOLES), ("several", False)])
def test_placeholders_are_notes(text: str, usable: bool) -> None:
    """A value that a deployment tool will fill in is a note, whichever tool it is; any other text is a problem."""
    limit = f"<rate-limit calls='{text.replace('<', '&lt;')}' renewal-period='60'/>"
    document = f"<policies><inbound>{limit}</inbound></policies>"
    report = check_text(document.encode(), "p.xml", offline_services())
    assert report.ok is usable
    assert bool(report.notes) is usable
