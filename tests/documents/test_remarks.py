"""Conversion keeps what is written for people: comments, blank lines, the lines of expressions, and the order."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from gateway.documents.model import PolicyDocument, same_document
from gateway.documents.xml import format as xml_format
from gateway.documents.yaml import format as yaml_format
from gateway.policies import POLICIES
from tests import published

XML = """<!-- Head
     of two lines -->

<policies>
    <!-- before inbound -->
    <inbound>
        <!-- first -->
        <base />

        <set-header name="a" exists-action="override">
            <!-- inside a policy -->
            <value>x</value> <!-- behind a value -->
            <!-- at the end of a policy -->
        </set-header>
        <!--
            <check-header name="b" />

                deeper
        -->
        <!-- a second one -->
        <set-body>@{
            var a = 1;

            return a > 0 ? "x" : "y";
        }</set-body>
        <choose>
            <when condition="@(
                context.Request.Method == &quot;GET&quot;
                &amp;&amp; true)">
                <base />
            </when>
            <!-- no branch fits -->
        </choose>
        <!-- last -->
    </inbound>

    <on-error>
        <base />
    </on-error>
    <!-- at the end -->
</policies>
"""

YAML = """# <!--
# Head
# of two lines
# -->

# before inbound
inbound:
  # first
  - base

  - set-header:
      name: a
      exists-action: override
      # inside a policy
      # behind a value
      value: x
      # at the end of a policy
  # <!--
  # <check-header name="b" />
  #
  #     deeper
  # -->
  # a second one
  - set-body: |-
      @{
          var a = 1;

          return a > 0 ? "x" : "y";
      }
  - choose:
      - when:
          condition: |-
            @(
            context.Request.Method == "GET"
            && true)
          do:
            - base
      # no branch fits
  # last

on-error:
  - base
# at the end
"""


def to_yaml(document: PolicyDocument) -> str:
    """As ``gateway convert --to yaml`` writes it."""
    return yaml_format.dump(document, POLICIES)


def from_yaml(text: str) -> PolicyDocument:
    """As ``gateway convert`` reads it."""
    return yaml_format.with_remarks(yaml_format.parse(text, "p.yaml", POLICIES), text)


def test_from_xml() -> None:
    """Comments keep their places, and their lines if there are several; an expression keeps its lines."""
    assert to_yaml(xml_format.parse(XML, "p.xml")) == YAML


def test_and_back() -> None:
    """Converting to XML and back gives the same YAML; no new section appears."""
    again = xml_format.dump(from_yaml(YAML))
    assert to_yaml(xml_format.parse(again, "q.xml")) == YAML
    assert "<backend" not in again
    assert "<outbound" not in again
    assert "            var a = 1;\n\n            return a" in again


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("inbound:  # why\n  - base\n", "# why\ninbound:\n  - base\n"),
        ("inbound:\n  - base  # why\n", "inbound:\n  # why\n  - base\n"),
        (
            "inbound:\n  - rate-limit:\n      calls: 5  # few\n      renewal-period: 60\n",
            "inbound:\n  - rate-limit:\n      calls: 5\n      renewal-period: 60\n      # few\n",
        ),
        ("inbound:\n  - set-body: |\n      # no comment\n\n      a # none\n", None),
        ("inbound:\n  - set-body: 'a # none'\n", "inbound:\n  - set-body: 'a # none'\n"),
        ("fragment:\n  # c\n  - base\n# end\n", "fragment:\n  # c\n  - base\n  # end\n"),
        ("# top\n\nfragment:\n  - base\n", None),
        ("# a -- b - - c -\\- d -\\\\-- e---\ninbound:\n  - base\n", None),
        ("# <!-- old -->\n# -->\ninbound:\n  - base\n", None),
        ("# <!--\n# a -- b\n# -\\->\n# -\\\\->\n# <!-- c -->\n# -->\n\ninbound:\n  - base\n", None),
        ("# <!--\n# <!--\n# -->\ninbound:\n  - base\n", None),
        ("# <!--\n# -->\ninbound:\n  - base\n", "#\ninbound:\n  - base\n"),
        ("inbound:\n  # one\n\n\n  # two\n  - base\n", None),
        ("inbound: []\n", None),
    ],
)
def test_comments_of_yaml(written: str, expected: str | None) -> None:
    """A comment after a value moves to its own line; within text, # does not begin a comment."""
    document = from_yaml(written)
    back = to_yaml(xml_format.parse(xml_format.dump(document), "p.xml"))
    assert back == (expected or written)
    assert to_yaml(xml_format.parse(xml_format.dump(from_yaml(back)), "p.xml")) == back


@pytest.mark.parametrize("comment", ["<!-", "<!-\\- <base />", "a -\\- b -\\\\- c", "-\\-\\-", "-\\->", "- -"])
def test_hyphens_of_xml(comment: str) -> None:
    """Every XML parser takes what is written, and a comment survives XML → YAML → XML."""
    written = f"<policies>\n    <!-- {comment} -->\n    <inbound />\n</policies>\n"
    back = xml_format.dump(from_yaml(to_yaml(xml_format.parse(written, "p.xml"))))
    assert back == written
    assert ElementTree.fromstring(back).tag == "policies"


@pytest.mark.parametrize(
    "expression",
    [
        '@{\n    return @"a\n  b";\n}',
        "@{\n\treturn 1;\n}",
        "@(\n      1 +\n   2)",
        "@{ return 1; }",
    ],
)
def test_lines_of_expressions(expression: str) -> None:
    """Indentation follows the nesting; strings that span several lines are not changed."""
    xml = f"<policies><inbound><set-body>{expression}</set-body></inbound></policies>"
    document = xml_format.parse(xml, "p.xml")
    written = xml_format.dump(from_yaml(to_yaml(document)))
    again = xml_format.parse(written, "q.xml")
    assert same_document(again, document)
    assert xml_format.dump(again) == written


@published.needs(published.POLICIES)
@pytest.mark.parametrize("path", sorted(published.POLICIES.glob("*.xml")), ids=lambda path: path.name[:3])
def test_other_peoples_documents(path: Path) -> None:
    """They keep their meaning, sections and comments, and a second round trip changes nothing."""
    document = xml_format.parse(path.read_bytes(), path.name)
    yaml = to_yaml(document)
    xml = xml_format.dump(from_yaml(yaml))
    again = xml_format.parse(xml, path.name)
    assert same_document(again, document)
    assert to_yaml(again) == yaml
    assert xml_format.dump(from_yaml(to_yaml(again))) == xml
