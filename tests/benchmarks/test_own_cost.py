"""The own-cost benchmark runs against the gateway as it is, and refuses to time what is wrong."""

from __future__ import annotations

import subprocess
from contextlib import nullcontext
from pathlib import Path

import pytest

from benchmarks.own_cost.__main__ import grown, main, table, write_files
from benchmarks.own_cost.measuring import Cost, Plan, Ratio, measure
from benchmarks.own_cost.trees import ROOT, checked_out, this_tree
from benchmarks.own_cost.workloads import COPIED, TITLES, Call, Workload


def test_every_workload_runs(tmp_path: Path) -> None:
    """A tiny round of each workload is answered correctly, and each workload has a row."""
    write_files(tmp_path, known=20, unseen=10)
    costs = measure([this_tree()], tmp_path, Plan([COPIED, *TITLES], processes=1, rounds=1, turn=3))
    shown = table(costs, ["this tree"])
    assert costs.keys() == {COPIED, *TITLES}
    assert all(name in shown for name in TITLES)
    assert costs["W1"][0].value > costs[COPIED][0].value


def test_a_wrong_gateway_is_not_timed(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A gateway that cannot judge the tokens, here for lack of keys, ends the run with its answer."""
    write_files(tmp_path, known=2, unseen=2)
    (tmp_path / "tenant" / "keys").write_text('{"keys": []}', encoding="utf-8")
    with pytest.raises(SystemExit, match="W1"):
        measure([this_tree()], tmp_path, Plan(["W1"], processes=1, rounds=1, turn=1))
    assert "W1: wrong: answers {503}" in capfd.readouterr().err


def test_a_made_up_caller_is_noticed() -> None:
    """An answer is right only if exactly the true caller has reached the backend, once."""
    workload = Workload("W1", calls=lambda: iter(()), turn=1)
    turn, answer = [Call(b"", "me")], b"HTTP/1.1 200 OK\r\n\r\n"
    workload.check(turn, answer, b"GET / HTTP/1.1\r\ncaller-objectid: me\r\n\r\n")
    wrong = [
        (answer, b"GET / HTTP/1.1\r\n\r\n"),
        (answer, b"GET / HTTP/1.1\r\ncaller-objectid: me\r\nCaller_ObjectID: you\r\n\r\n"),
        (b"HTTP/1.1 401 Unauthorized\r\n\r\n", b"GET / HTTP/1.1\r\ncaller-objectid: me\r\n\r\n"),
        (b"", b"GET / HTTP/1.1\r\ncaller-objectid: me\r\n\r\n"),
    ]
    for answers, received in wrong:
        with pytest.raises(SystemExit, match="W1"):
            workload.check(turn, answers, received)


def test_two_trees_are_compared_pair_by_pair() -> None:
    """The quickest turn of each process counts; the ratio is that of turns that ran side by side."""
    cost, base = (
        Cost([[12.0, 10.0, 10.0], [33.0, 30.0, 45.0], [22.0, 21.0, 50.0]]),
        Cost([[10.0, 10.0, 10.0], [20.0, 20.0, 30.0], [20.0, 20.0, 50.0]]),
    )
    assert cost.by_process == [10.0, 30.0, 21.0]
    assert cost.value == 21.0
    assert cost.spread == pytest.approx(11 / 21)
    assert Ratio.of(cost, base) == Ratio(1.05, 1.0, 1.5)


def test_a_path_that_grew_is_named() -> None:
    """A workload that costs more than the limit is named, one within it is not; both trees count, not the stand-ins."""
    before, same, more = Cost([[10.0, 10.0]]), Cost([[10.9, 10.8]]), Cost([[11.2, 11.3]])
    costs = {COPIED: [more, before], "W1": [same, before], "W3 new": [more, before]}
    assert grown(costs, 1.1) == ["W3 new"]


def test_what_grew_ends_the_run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """What CI runs fails where the limit is exceeded, after a second look; here the other commit is this tree too."""
    monkeypatch.setattr("benchmarks.own_cost.__main__.checked_out", lambda revision: nullcontext(this_tree()))
    quick = ["--only", "W1", "--processes", "1", "--rounds", "1", "--turn", "20"]
    with pytest.raises(SystemExit, match=r"× 0\.01 of .*: W1"):
        main(["--against", "HEAD^", "--most", "0.01", *quick])
    assert "Measured again" in capsys.readouterr().out


def test_another_commit_is_checked_out_and_removed() -> None:
    """The other tree is there while it is measured; afterwards neither it nor its worktree is."""
    if not (ROOT / ".git").exists():
        pytest.skip("not a checkout of the repository")
    with checked_out("HEAD") as tree:
        assert (tree.path / "gateway" / "__main__.py").is_file()
        assert str(tree.path) in _worktrees()
    assert not tree.path.exists()
    assert str(tree.path) not in _worktrees()


def test_an_unknown_commit_is_said() -> None:
    """A revision that does not exist ends the program with a message that names it."""
    if not (ROOT / ".git").exists():
        pytest.skip("not a checkout of the repository")
    with pytest.raises(SystemExit, match="no-such-revision"), checked_out("no-such-revision"):
        pass


def _worktrees() -> str:
    return subprocess.run(["git", "worktree", "list"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
