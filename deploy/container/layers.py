"""
How large an image is, layer by layer, unpacked: ``layers.py image.tar`` of a ``docker save`` or ``podman save``.

Sizes are those of the files' contents, so they do not depend on the machine's file system.
"""

from __future__ import annotations

import json
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

MB = 1_000_000
SHOWN = 90  # characters of a command


def layers(archive: Path) -> Iterator[tuple[int, str]]:
    """
    Bytes and command of each layer of a saved image, the lowest first.

    Raises:
        ValueError: The archive holds another number of images than one.
    """
    with tarfile.open(archive) as image:
        manifest = json.load(_member(image, "manifest.json"))
        if len(manifest) != 1:
            raise ValueError(f"{archive} holds {len(manifest)} images, not one")
        history = json.load(_member(image, manifest[0]["Config"]))["history"]
        commands = [step.get("created_by", "") for step in history if not step.get("empty_layer")]
        for name, command in zip(manifest[0]["Layers"], commands, strict=True):
            yield _unpacked(_member(image, name)), _short(command)


def _member(image: tarfile.TarFile, name: str) -> IO[bytes]:
    found = image.extractfile(name)
    if found is None:
        raise ValueError(f"{name} is not a file")
    return found


def _unpacked(layer: IO[bytes]) -> int:
    """Bytes of its regular files; a hard link takes none."""
    with tarfile.open(fileobj=layer) as files:
        return sum(file.size for file in files if file.isreg())


def _short(command: str) -> str:
    """The instruction in one line, without the builder's shell in front."""
    text = " ".join(command.removeprefix("/bin/sh -c ").removeprefix("#(nop) ").split())
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"


def table(found: list[tuple[int, str]]) -> str:
    """One line a layer, then the sum, in MB."""
    lines = [f"{size / MB:7.1f} MB  {command}" for size, command in found]
    return "\n".join([*lines, f"{sum(size for size, _ in found) / MB:7.1f} MB  in all"])


if __name__ == "__main__":
    print(table(list(layers(Path(sys.argv[1])))))
