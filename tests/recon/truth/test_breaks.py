"""What must stay open says why: each item of it is in a break of the type that the truth names."""

from datetime import date

import pytest

from approvals import operations as approvals
from approvals.models import DecisionOutcome
from ledgerops.scenarios.load import define, deliver, run
from ledgerops.scenarios.shapes import PlannedItem, PopulationPlan, Scenario
from recon import operations as recon
from recon.models import Break, BreakState, Item, Suggestion
from recon.operations.adjustments import AdjustmentRequest
from tests.recon.truth.test_scenarios import verdict_on

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("seed", [21, 22])
def test_of_three_populations_every_break_says_what_is_missing_or_differs(seed: int) -> None:
    told = verdict_on(seed=seed, items=400, populations=3).breaks
    assert {name: right for name, right in told.items() if right[0] < right[1]} == {}
    assert {"hop_missing", "hop_differs", "alike_uneven"} <= set(told)


@pytest.mark.parametrize("seed", [21, 22])
def test_of_two_populations_as_well(seed: int) -> None:
    told = verdict_on(seed=seed, items=400, populations=2).breaks
    assert {name: right for name, right in told.items() if right[0] < right[1]} == {}
    assert {"alike_uneven", "late", "transposed"} <= set(told)


def test_chain_that_a_later_file_completes_leaves_no_break_and_one_that_it_breaks_changes_its_word() -> None:
    """First the bank is silent: both others say that it is missing. Then it pays one, less of another, and the third late."""
    scenario = three()
    defined = define(scenario)
    for delivery in (1, 2):
        deliver(scenario, defined, delivery=delivery)
        run(defined)
        live = Break.objects.exclude(state=BreakState.RESOLVED).exclude(reference="PAY-1009").order_by("reference", "number")
        heads = [(one.reference, one.type, one.children.count()) for one in live if one.parent is None]
        if delivery == 1:
            assert heads == [(name, "missing_external", 1) for name in ("PAY-1001", "PAY-1002", "PAY-1003")]
            assert {tuple(one.cause["missing"]) for one in live} == {("Bank",)}
    assert heads == [("PAY-1002", "amount", 1), ("PAY-1003", "date", 1)]
    assert [int(one.difference_minor) for one in live if one.parent is None] == [100, 0]
    before = list(Break.objects.order_by("number").values())
    run(defined)
    assert list(Break.objects.order_by("number").values()) == before


def test_difference_between_three_is_put_right_on_the_ledger_side_and_not_on_the_account_of_a_source() -> None:
    scenario = three()
    defined = define(scenario)
    for delivery in (1, 2):
        deliver(scenario, defined, delivery=delivery)
        run(defined)
    differs = Break.objects.get(type="amount", parent=None)
    request = AdjustmentRequest(
        break_id=differs.pk,
        item_ids=(),
        reason_code="BANK_FEE",
        narrative="The bank kept its charge of this payment",
        counter_account="CUSTOMERS",
        effective_date=differs.occurred_on,
    )
    proposal = recon.propose_adjustment(request=request, maker_id=defined.maker.pk)
    seen = proposal.versions.get(n=proposal.current_version)
    decided = approvals.decide(
        proposal_id=proposal.pk,
        version=seen.n,
        digest=seen.digest,
        outcome=DecisionOutcome.APPROVE,
        comment="",
        approver_id=defined.checker.pk,
    )
    differs.refresh_from_db()
    assert (decided.status, differs.state) == ("executed", "resolved")
    assert {line["account"] for line in seen.payload["entry"]["lines"]} == {"CUSTOMERS", defined.accounts["Ledger"]}


def test_pair_of_three_is_suggested_with_what_hangs_together_with_it_or_not_at_all() -> None:
    scenario = three()
    defined = define(scenario)
    for delivery in (1, 2):
        deliver(scenario, defined, delivery=delivery)
        run(defined)
    populations = Suggestion.objects.values_list("items", flat=True)
    assert all(Item.objects.filter(pk__in=items).values("population").distinct().count() == 3 for items in populations)


def three() -> Scenario:
    def told(n: int, population: str, *, day: int = 4, amount: int = 5000, delivery: int = 1) -> PlannedItem:
        return PlannedItem(
            id=f"{population}{n}",
            population=population,
            day=date(2026, 5, day),
            flow="in",
            amount_minor=amount,
            reference=f"PAY-100{n}",
            delivery=delivery,
        )

    items = [told(n, population) for population in ("Ledger", "Processor") for n in (1, 2, 3)]
    items += [told(9, "Bank", day=20)]
    items += [told(1, "Bank", delivery=2), told(2, "Bank", amount=4900, delivery=2), told(3, "Bank", day=14, delivery=2)]
    places = [("Ledger", "ledger"), ("Processor", "statement"), ("Bank", "statement")]
    return Scenario(
        name="Three",
        populations=tuple(PopulationPlan(name=name, side=side, sign=1) for name, side in places),
        items=tuple(items),
        groups=(),
        breaks=(),
    )
