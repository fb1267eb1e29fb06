"""Which headers belong to the gateway: set before they are read."""

from __future__ import annotations

from gateway.pipeline.header_contract import ContractBuilder


def test_a_header_that_is_only_set_is_owned() -> None:
    """The client may not send it in any spelling."""
    contract = ContractBuilder()
    contract.sets("Caller-ObjectId")
    assert (contract.owned, contract.guarded) == ({"caller-objectid"}, set())


def test_a_header_that_is_read_first_stays_the_clients() -> None:
    """A correlation id that the pipeline keeps if the client sent one is not removed."""
    contract = ContractBuilder()
    contract.reads({"X-Correlation-Id"})
    contract.reads({"another"})
    contract.sets("x-correlation-id")
    assert (contract.owned, contract.guarded) == (set(), {"x-correlation-id"})


def test_reading_it_later_changes_nothing() -> None:
    """A trace that reads the header after it was set does not make it the client's again."""
    contract = ContractBuilder()
    contract.sets("caller-objectid")
    contract.reads({"caller-objectid"})
    contract.sets("caller-objectid")
    assert contract.owned == {"caller-objectid"}


def test_standard_fields_are_nobodys_identity() -> None:
    """Overriding Authorization with a backend token does not strip the client's."""
    contract = ContractBuilder()
    contract.sets("Authorization")
    assert (contract.owned, contract.guarded) == (set(), set())
