"""No Terraform file, however odd, ends an import with a traceback, or takes it without end."""

from __future__ import annotations

import os
import random
import time
from pathlib import Path

import pytest

from gateway.commands.importing.sources.inputs import Inputs
from gateway.commands.importing.sources.terraform import read, recognises, values
from tests.commands.importing.terraform_source import harvest, only
from tests.speed import on_this_machine

API = 'resource "azurerm_api_management_api" "x" {\n  name = "a"\n  path = %s\n}\n'
CHAIN = "locals {\n" + "".join(f"  v{n} = local.v{n + 1}\n" for n in range(3000)) + '  v3000 = "end"\n}\n'
DOUBLES = (
    'locals {\n  d0 = "0123456789"\n'
    + "".join(f'  d{n + 1} = "${{local.d{n}}}${{local.d{n}}}"\n' for n in range(40))
    + "}\n"
)
DEEP_LIST = (
    "locals {\n  l0 = []\n" + "".join(f"  l{n + 1} = {'[' * 20}local.l{n}{']' * 20}\n" for n in range(7)) + "}\n"
)
WIDE_LIST = "locals {\n  w0 = [1]\n" + "".join(f"  w{n + 1} = [local.w{n}, local.w{n}]\n" for n in range(40)) + "}\n"
DEEP_TESTS = "\n".join(f"  a{n} = local.l{n}" for n in range(8))
# What a hostile file asks for, and what is told of it.
HOSTILE = [
    (API % ("(" * 3000 + "1" + ")" * 3000), "nested more than"),
    (API % ("[" * 3000 + "]" * 3000), "nested more than"),
    (API % ("!" * 3000 + "true"), "nested more than"),
    (API % ('"${' * 500 + "1" + '}"' * 500), "cannot be read"),
    (API % "local.v0" + CHAIN, "too deeply"),
    (API % "local.d40" + DOUBLES, "more text than fits"),
    (API % f"1\n{DEEP_TESTS}" + DEEP_LIST, "nested more than 100"),
    (API % "local.w40" + WIDE_LIST, "values"),
    (API % "local.a" + "locals {\n  a = local.b\n  b = local.a\n}\n", "refers to itself"),
    (API % "azurerm_api_management_api.x.path", "refers to itself"),
    (API % "length(setproduct(range(1000), range(1000)))", "too many combinations"),
    (API % "range(1000000)", "too many numbers"),
    (API % 'format("%999999999d", 1)', "out of range"),
    (API % 'indent(999999999, "a")', "out of range"),
    (API % "pow(10, 400)", "pow: "),
    (API % "[for a in range(1000) : [for b in range(1000) : [for c in range(1000) : 1]]]", "more than 20000 steps"),
    (API % f'regex("(a+)+$", "{"a" * 40}b")', "regex: "),
    (API % f'fileset(".", "{"**/" * 30}x")', "the pattern is too long"),
    ('resource "azurerm_api_management_api" "x" {\n  count = 1000000000\n}', "count is more than"),
    ('module "m" {\n  apim = 1\n  source = "./"\n}', "in a circle"),
    ("b {\n" * 300 + "}\n" * 300 + API % "1", "nested too deep"),
]


@pytest.mark.parametrize(("text", "message"), HOSTILE, ids=[message for _, message in HOSTILE])
def test_hostile_files_are_bounded(tmp_path: Path, text: str, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What would take all time or memory ends early and is reported."""
    monkeypatch.setattr(values, "MOST_STEPS", 20_000)
    started = time.process_time()
    found = harvest(tmp_path, main_tf=text)
    assert time.process_time() - started < on_this_machine(5)
    assert any(message in finding.message for finding in found.findings), found.findings


PIECES = """
${ } " <<-X X %{if %{for ~} [*] [ ( ? : for k, v in ... dynamic \0 \\ jsonencode( var. local. /* # 9e999 - ! .0 each.key
""".split()


def test_mutated_files_give_no_traceback(tmp_path: Path) -> None:
    """Files with pieces removed, doubled and inserted are read as far as they can be."""
    dice = random.Random(14)
    whole = (API % '"v1/${var.x}"') + DEEP_LIST[:200] + 'variable "x" {\n  type = map(string)\n}\n'
    whole += 'resource "azurerm_api_management_policy" "p" {\n  xml_content = <<-X\n    <a>${var.x["a"]}</a>\n  X\n}\n'
    for _ in range(60):
        text = whole
        for _ in range(dice.randint(1, 5)):
            place, length = dice.randrange(len(text)), dice.randint(0, 30)
            text = text[:place] + dice.choice(PIECES) + text[place + length :]
        harvest(tmp_path, main_tf=text)


BYTES = [
    b"",
    b"\xef\xbb\xbf" + (API % '"p"').encode(),
    b"\xff\xfe" + (API % '"p"').encode("utf-16-le"),
    (API % '"\xfc"').encode("latin-1"),
    b"\x00" * 1000,
    (API % '"p"').replace("\n", "\r\n").encode(),
    (API % '"p"').encode()[:-20],
    b"{",
]


@pytest.mark.parametrize("content", BYTES)
@pytest.mark.parametrize("name", ["main.tf", "main.tf.json", "terraform.tfvars", "terraform.tfvars.json"])
def test_odd_bytes(tmp_path: Path, name: str, content: bytes) -> None:
    """Encodings, truncations and binary content are findings at most."""
    (tmp_path / name).write_bytes(content)
    recognises(tmp_path)
    found = read(tmp_path, Inputs())
    assert found.resources or found.findings


def test_odd_files(tmp_path: Path) -> None:
    """Pipes, folders, circles of links, links to the outside and huge files do not stop an import."""
    (tmp_path / "main.tf").write_text(API % '"p"')
    os.mkfifo(tmp_path / "pipe.tf")
    (tmp_path / "folder.tf").mkdir()
    (tmp_path / "loop.tf").symlink_to(tmp_path / "loop.tf")
    (tmp_path / "circle").symlink_to(tmp_path)
    (tmp_path / "huge.tf").write_bytes(b"")
    os.truncate(tmp_path / "huge.tf", 1 << 30)
    assert recognises(tmp_path)
    found = read(tmp_path, Inputs())
    assert only(found, "apis").name == ("a",)
    assert ["larger than 4 MiB" in finding.message for finding in found.findings] == [True]


@pytest.mark.parametrize(
    "expression", ['file("link.xml")', 'file("pipe.xml")', 'file("loop.xml")', 'file(".")', 'file("\\u0000")']
)
def test_files_that_are_not_read(tmp_path: Path, expression: str) -> None:
    """A function reads regular files inside the repository, and no others."""
    (tmp_path / "inside").mkdir()
    (tmp_path / "secret.xml").write_text("hunter2")
    (tmp_path / "inside" / "link.xml").symlink_to(tmp_path / "secret.xml")
    (tmp_path / "inside" / "loop.xml").symlink_to(tmp_path / "inside" / "loop.xml")
    os.mkfifo(tmp_path / "inside" / "pipe.xml")
    found = harvest(tmp_path / "inside", main_tf=API % expression)
    (finding,) = found.findings
    assert finding.location.line == 3
    assert "hunter2" not in repr(found)


def test_the_repository_is_the_boundary(tmp_path: Path) -> None:
    """A root module may use files of its repository that are above it."""
    (tmp_path / ".git").mkdir()
    (tmp_path / "p.xml").write_text("<policies/>")
    found = harvest(tmp_path / "env", main_tf=API % 'file("../p.xml")')
    assert found.findings == []
