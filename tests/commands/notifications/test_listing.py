"""What the command line prints lines up, cuts nothing off and shows no callback URL."""

from __future__ import annotations

from gateway.commands.notifications.listing import ATTEMPTS, DEAD_LETTERS, JOBS, details, table

JOB = {
    "id": "a" * 36,
    "batchId": 5637515827,
    "status": "dead",
    "outcome": "failed",
    "message": "The batch job ended with an error; see its log in F&O.",
    "createdTime": "2026-11-27T12:00:00.000Z",
    "caller": "11111111-1111-1111-1111-111111111111",
    "callback": {"host": "hook.example.com", "attempts": 2, "url": "https://hook.example.com/?sig=secret"},
}
ATTEMPT = {"series": 0, "number": 1, "at": "2026-11-27T12:01:00.000Z", "durationSeconds": 0.25, "status": 400}


def test_columns_line_up() -> None:
    """Every column starts where its heading does; absent values are a dash."""
    head, first, second = table([JOB, {"id": "b"}], JOBS).splitlines()
    for line in (first, second):
        assert line[head.index("STATUS") :].split()[0] in ("dead", "-")
    assert "a" * 36 in first
    assert second.split() == ["b", "-", "-", "-", "-", "-", "-"]


def test_heading_alone() -> None:
    """A table without rows still says what its columns would be."""
    assert table([], DEAD_LETTERS).split("  ")[0] == "JOB"


def test_nested_members() -> None:
    """Members of the callback have columns of their own."""
    assert "hook.example.com" in table([JOB], DEAD_LETTERS).splitlines()[1].split()


def test_details() -> None:
    """One line per fact that is known, then the attempts; never the URL."""
    text = details(JOB, [ATTEMPT])
    assert "Outcome:       failed" in text
    assert "Scheduled for" not in text
    assert text.splitlines()[-1].split() == ["0", "1", ATTEMPT["at"], "0.250", "400", "-", "-", "-"]
    assert len(ATTEMPTS) == 8
    assert "sig=secret" not in text
    assert details(JOB, []).endswith("No callback attempts yet.")
