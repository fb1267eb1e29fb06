"""The table of the comparison begins with what an answer costs."""

from __future__ import annotations

from pathlib import Path

from benchmarks.contenders import PASSING, VERIFYING, entries
from benchmarks.load import NUMBER_DIGITS, Call, write_calls
from benchmarks.report import Report, Result


def result(contender: str, cpu_us: float, value: float, workload: str = "W1") -> Result:
    return Result(workload, "one token", contender, value, 1.0, cpu_us)


def test_processor_time_comes_first() -> None:
    """The ratio is that of processor time, HAProxy's over the contender's; throughput stands beside it."""
    results = result("gateway", 40.0, 9_000.0), result("haproxy", 60.0, 10_000.0), result("gateway", 90.0, 900.0, "W6")
    memory = {name: {"idle": 90.0, "peak": 120.0} for name in ("gateway", "haproxy")}
    report = Report("2030-01-01 10:00", {}, memory, results)
    lines = report.table().splitlines()
    assert lines[2] == "| W1 one token | **40 µs (1.50); 9,000/s** | 60 µs (1.00); 10,000/s |"
    assert lines[3] == "| W6 one token | **90 µs; 900/s** | – |"
    assert "W1 gateway" in report.plot()
    assert "W6" not in report.plot()


def test_requests_are_written_as_they_are_sent(tmp_path: Path) -> None:
    """A line of the file is a whole request; a body's length counts the number that takes the place of NUMBER."""
    calls = [
        Call("POST", "/jobs", "T", '{"n": NUMBER}'),
        Call("GET", "/", "T", fields="Host: other\r\nConnection: close\r\n"),
    ]
    posted, closing = write_calls(tmp_path / "calls", calls).read_text().split("\n")[:2]
    head, _, body = posted.replace("\t", "\r\n").partition("\r\n\r\n")
    assert f"Content-Length: {len(body) - len('NUMBER') + NUMBER_DIGITS}" in head
    assert "Host: gateway.example\r\nContent-Type: application/json\r\n" in head
    assert closing.count("Host:") == 1
    assert closing.endswith("Connection: close\tAuthorization: Bearer T\t\t")


def test_contenders_have_ports_of_their_own(tmp_path: Path) -> None:
    """No two listen on one port, and every kind of workload has HAProxy or the gateway alone."""
    found = entries(tmp_path)
    assert len({entry.port for entry in found}) == len(found)
    named = {entry.name for entry in found if PASSING in entry.kinds}
    assert named == {"gateway", "haproxy", "envoy", "nginx-plain", "null", "naive"}
    assert all(PASSING in entry.kinds for entry in found if VERIFYING in entry.kinds)
