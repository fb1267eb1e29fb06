"""
The same bytes through both builds: every answer, every request to the backend, every log line, every error is equal.

Run: ``make test-native`` plays a fixed number of seeds; ``python -m tests.native.differential --seeds 20000 --first 1``
plays more. A seed that differs is printed with what each build made of it.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.issuer import Issuer
from benchmarks.own_cost.workloads import write_tokens

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
KNOWN = 20
MOST = 2_000  # characters that are shown of what differs


class Build:
    """A gateway of *tree* that plays seeds."""

    def __init__(self, tree: Path, folder: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.native.playing", str(tree), str(folder)],
            cwd=tree,
            env={**os.environ, "PYTHONHASHSEED": "0", "PYTHONPATH": str(tree)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, seed: int) -> None:
        """Begin to play."""
        assert self._process.stdin is not None
        print(seed, file=self._process.stdin, flush=True)

    def outcome(self) -> dict[str, object]:
        """What came of it. Raises SystemExit: the process has ended."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(f"a gateway has ended with {self._process.wait()}")
        outcome: dict[str, object] = json.loads(line)
        return outcome

    def stop(self) -> None:
        """End it."""
        try:
            self._process.communicate(timeout=30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def write_files(folder: Path) -> None:
    """An issuer's documents, tokens, and the configuration."""
    issuer = Issuer.create()
    issuer.publish(folder, "http://127.0.0.1:19900")
    write_tokens(folder, issuer, KNOWN, 1)
    tokens = "\n".join(map(issuer.token, range(KNOWN)))
    (folder / "tokens.txt").write_text(tokens, encoding="utf-8")
    text = (HERE / "config.yaml").read_text(encoding="utf-8")
    for name, path in {"POLICIES": ROOT / "policies", "OWN": ROOT / "benchmarks" / "own_cost"}.items():
        text = text.replace(name, str(path))
    (folder / "config.yaml").write_text(text, encoding="utf-8")


def compare(trees: tuple[Path, Path], seeds: range) -> tuple[int, list[str]]:
    """Play *seeds* on both; how many answers there were, and which seeds differ, with both outcomes."""
    answered, differing = 0, []
    with ExitStack() as running:
        folder = Path(running.enter_context(TemporaryDirectory(prefix="gateway-differential-")))
        write_files(folder)
        builds = [Build(tree, folder) for tree in trees]
        for build in builds:
            running.callback(build.stop)
        for seed in seeds:
            for build in builds:
                build.ask(seed)
            first, second = (build.outcome() for build in builds)
            answered += str(first["answers"]).count("HTTP/1.1 ")
            for key in first:
                if first[key] != second[key]:
                    differing.append(f"seed {seed}, {key}:\n  {str(first[key])[:MOST]}\n  {str(second[key])[:MOST]}")
    return answered, differing


def main() -> None:
    """Compare, and say what differs."""
    parser = argparse.ArgumentParser(prog="python -m tests.native.differential", description=__doc__)
    parser.add_argument("--compiled", type=Path, default=ROOT / "build" / "native" / "tree", metavar="TREE")
    parser.add_argument("--seeds", type=int, default=2_000, help="how many")
    parser.add_argument("--first", type=int, default=0, help="the first one")
    options = parser.parse_args()
    answered, differing = compare(
        (ROOT, options.compiled.resolve()), range(options.first, options.first + options.seeds)
    )
    print(*differing[:10], sep="\n")
    print(f"{options.seeds} seeds, {answered} answers, {len(differing)} differences")
    sys.exit(bool(differing))


if __name__ == "__main__":
    main()
