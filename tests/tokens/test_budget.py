"""The budget for unknown key ids is bounded in time, per source and in memory."""

from __future__ import annotations

from gateway.tokens.budget import MAX_REMEMBERED, BudgetRules, FetchBudget


def test_per_window() -> None:
    """At most two fetches in any 30 s, whoever causes them."""
    budget = FetchBudget(BudgetRules())
    granted = [moment for moment in range(100) if budget.grants(str(moment), f"s{moment}", moment)]
    assert granted == [0, 1, 30, 31, 60, 61, 90, 91]


def test_one_source_leaves_room_for_others() -> None:
    """One client gets one fetch per window, so that there is one left for a second client."""
    budget = FetchBudget(BudgetRules())
    assert [budget.grants(str(n), "flood", n / 100) for n in range(3)] == [True, False, False]
    assert budget.grants("real", "honest", 1)


def test_unknown_kid_waits() -> None:
    """A key id that was not found asks again only after five minutes, and costs nothing until then."""
    budget = FetchBudget(BudgetRules())
    budget.not_found("k", 0)
    assert not budget.grants("k", "s", 299)
    assert budget.grants("k", "s", 300)


def test_tokens_without_kid() -> None:
    """Without a key id only the window counts."""
    budget = FetchBudget(BudgetRules())
    assert budget.grants(None, "s", 0)


def test_memory_is_bounded() -> None:
    """A flood of key ids evicts the oldest."""
    budget = FetchBudget(BudgetRules())
    for number in range(MAX_REMEMBERED + 1):
        budget.not_found(str(number), 0)
    assert len(budget._unknown) == MAX_REMEMBERED
    assert budget.grants("0", "s", 1)
    assert not budget.grants("1", "t", 1)
