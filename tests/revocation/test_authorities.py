"""The path from a certificate to its root, over authorities of which several may have one name."""

from __future__ import annotations

import pytest

from gateway.revocation.authorities import MAX_PATH, Authorities, is_ca
from gateway.revocation.evidence import Undecided
from tests.revocation.pki import Authority


def chain(length: int) -> list[Authority]:
    """A root and *length* authorities below it, each issued by the one before."""
    made = [Authority("root")]
    for number in range(length):
        made.append(Authority(f"sub {number}", made[-1]))
    return made


def known(made: list[Authority]) -> Authorities:
    """These authorities, and no others."""
    return Authorities(each.own.certificate for each in made)


@pytest.mark.parametrize("length", [0, 1, 3])
def test_the_path_to_the_root(length: int) -> None:
    """The certificate and every authority below the root, each with its issuer."""
    made = chain(length)
    leaf = made[-1].issue()
    path = known(made).path(leaf.certificate)
    expected = [leaf, *(each.own for each in reversed(made))]
    assert path == [(one.certificate, other.certificate) for one, other in zip(expected, expected[1:], strict=False)]


def test_the_key_decides_between_equal_names() -> None:
    """An authority of the right name and the wrong key has issued nothing."""
    real, impostor = Authority("root"), Authority("root")
    certificate = real.issue().certificate
    assert known([impostor, real]).issuer_of(certificate) == real.own.certificate
    assert known([impostor]).issuer_of(certificate) is None


@pytest.mark.parametrize(
    ("length", "missing", "reason"),
    [(1, 1, "not in client-ca"), (3, 2, "not in client-ca"), (MAX_PATH, 0, "longer than")],
    ids=["root", "in between", "too long"],
)
def test_what_cannot_be_decided(length: int, missing: int, reason: str) -> None:
    """A missing issuer, and a path that is too long to follow."""
    made = chain(length)
    leaf = made[-1].issue()
    with pytest.raises(Undecided, match=reason):
        known(made[missing:]).path(leaf.certificate)


def test_who_is_an_authority() -> None:
    """Only a certificate that says so. Source: RFC 5280 §4.2.1.9."""
    root = Authority("root")
    assert is_ca(root.own.certificate)
    assert not is_ca(root.issue().certificate)
