"""
The compiled build.

``python -m native wheel`` puts a wheel into dist/; ``python -m native tree`` a compiled copy of the repository into
build/native/tree, for tests and benchmarks.
"""

from __future__ import annotations

import argparse

from native.building import ROOT, tree


def main() -> None:
    """Build one of the two, and print where it is."""
    parser = argparse.ArgumentParser(prog="python -m native", description=__doc__)
    parser.add_argument("what", choices=["wheel", "tree"])
    if parser.parse_args().what == "tree":
        print(tree())
        return
    from native.wheel import build  # its libraries are in the group `native`

    print(build(ROOT / "dist").relative_to(ROOT))


if __name__ == "__main__":
    main()
