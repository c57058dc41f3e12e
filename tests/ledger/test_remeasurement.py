"""Remeasurement: each position is carried at its closing rate, by approval, on the rates that were approved or not at all."""

from datetime import date

import pytest

from approvals import operations as approvals
from approvals.models import Proposal, User
from audit.models import AuditEvent
from ledger import operations
from ledger.models import AccountingPeriod, JournalEntry, LegalEntity
from ledger.operations.closing_checks import checklist_of
from ledger.operations.remeasurement import RemeasurementInvalid, RemeasurementRefused, plan_remeasurement, propose_remeasurement
from ledger.queries.positions import Position, positions_of
from ledger.queries.rates import RateMissing, RateStale
from tests.fixtures import Post, signed_in
from tests.ledger.rates_scene import ENTITY, WHY, approved, converted, define_company, rate, show_company
from tests.notation import posts, writes_nothing

NOVEMBER, DECEMBER = date(2025, 11, 30), date(2025, 12, 31)
EURO = "M2-2850-EUR debit 2.50 USD / M2-4050 credit 2.50 USD"
YEN = "M2-2850-JPY credit 3.35 USD / M2-4050 debit 3.35 USD"


@pytest.fixture
def company(roles: None, post: Post) -> None:
    """A customer sold 100.00 EUR for 107.50 USD and bought 10,000 JPY for 66.65 USD."""
    define_company()
    show_company()
    day = date(2025, 11, 3)
    post("M2-1010-EUR debit 500.00 EUR / M2-2010-EUR credit 500.00 EUR", entity=ENTITY, day=day)
    post("M2-1010-JPY debit 90000 JPY / M2-2010-JPY credit 90000 JPY", entity=ENTITY, day=day)
    converted("100.00 EUR to USD", day=date(2025, 11, 5), rate="1.075", key="c1")
    converted("10000 JPY to USD", day=date(2025, 11, 6), rate="0.006335", key="c2")


@pytest.fixture
def rates(company: None) -> None:
    rate("EUR/USD 1.10", day=date(2025, 11, 28))
    rate("JPY/USD 0.006", day=date(2025, 11, 28))


def propose(maker: User, *, on: date = NOVEMBER) -> Proposal:
    return propose_remeasurement(entity=ENTITY, on=on, narrative=WHY, maker_id=maker.pk)


def rows(*, on: date = NOVEMBER) -> dict[str, Position]:
    found = positions_of(LegalEntity.objects.get(code=ENTITY), as_of=on)
    assert found is not None
    return {row.asset.code: row for row in found.rows}


def test_positions_are_cost_value_and_what_lies_between_it(rates: None) -> None:
    euro, yen = rows()["EUR"], rows()["JPY"]
    assert (euro.held_minor, euro.cost_minor, euro.value_minor, euro.unrealised_minor) == (10_000, 10_750, 11_000, 250)
    assert (yen.held_minor, yen.cost_minor, yen.value_minor, yen.unrealised_minor) == (10_000, 6335, 6000, -335)


def test_an_approval_posts_one_entry_with_its_rates_it(rates: None, maker: User, checker: User) -> None:
    with posts(f"{EURO} / {YEN}"):
        assert approved(propose(maker), by=checker).status == "executed"
    entry = JournalEntry.objects.get(type__code="remeasurement")
    assert entry.effective_date == NOVEMBER
    assert entry.metadata["rate EUR"].startswith("EUR/USD 1.1, Treasury, 2025-11-28T21:00:00")
    assert {row.unrealised_minor for row in rows().values()} == {0}
    event = AuditEvent.objects.get(action="ledger.positions.remeasured")
    assert event.after is not None
    assert [one["result"] for one in event.after["positions"]] == ["250", "-335"]


def test_nothing_is_measured_twice_and_the_next_month_goes_on_it(rates: None, maker: User, checker: User) -> None:
    approved(propose(maker), by=checker)
    with writes_nothing(), pytest.raises(RemeasurementRefused):
        propose(maker)
    rate("EUR/USD 1.05", day=date(2025, 12, 31))
    rate("JPY/USD 0.006", day=date(2025, 12, 31))
    with posts("M2-2850-EUR credit 5.00 USD / M2-4050 debit 5.00 USD"):
        approved(propose(maker, on=DECEMBER), by=checker)


def test_a_position_that_was_sold_leaves_its_result_it(rates: None, maker: User, checker: User) -> None:
    converted("110.00 USD to EUR", day=date(2025, 11, 20), rate="0.909090909", key="c3")
    converted("60.00 USD to JPY", day=date(2025, 11, 20), rate="166.6666666", key="c4")
    euro, yen = rows()["EUR"], rows()["JPY"]
    assert (euro.held_minor, yen.held_minor) == (0, 0)
    with posts(f"{EURO} / {YEN}"):
        approved(propose(maker), by=checker)
    assert all(row.is_flat for row in rows().values())


@pytest.mark.parametrize("late", ["position", "rate"])
def test_what_changed_since_the_proposal_makes_it_stale_it(rates: None, maker: User, checker: User, late: str) -> None:
    proposal = propose(maker)
    if late == "position":
        converted("1.00 EUR to USD", day=date(2025, 11, 21), rate="1.1", key="late")
    else:
        rate("EUR/USD 1.11", day=date(2025, 11, 28), source="Treasury, corrected")
    with posts():
        assert approved(proposal, by=checker).status == "stale"


def test_a_missing_and_a_stale_rate_refuse_it(company: None, maker: User) -> None:
    rate("EUR/USD 1.10", day=date(2025, 11, 28))
    with writes_nothing(), pytest.raises(RateMissing):
        propose(maker)
    rate("JPY/USD 0.006", day=date(2025, 11, 20))
    with writes_nothing(), pytest.raises(RateStale):
        propose(maker)


def test_it_is_of_a_period_s_last_day_and_of_an_entity_it(rates: None, maker: User) -> None:
    for wrong in ({"entity": ENTITY, "on": date(2025, 11, 29)}, {"entity": "NOBODY", "on": NOVEMBER}):
        with pytest.raises(RemeasurementInvalid):
            plan_remeasurement(**wrong)  # type: ignore[arg-type]
    with pytest.raises(RemeasurementRefused):
        plan_remeasurement(entity="M1", on=date(2026, 12, 31))
    period = AccountingPeriod.objects.get(entity__code=ENTITY, ends_on=NOVEMBER)
    operations.close_period(period_id=period.pk)
    with writes_nothing(), pytest.raises(Exception, match="closed"):
        propose(maker)


def test_a_payload_of_other_lines_is_worked_out_anew_it(rates: None, maker: User, checker: User) -> None:
    forged = {
        "entity": ENTITY,
        "on": NOVEMBER.isoformat(),
        "entries": [{"type": "remeasurement", "lines": []}],
        "reason_code": "REMEASUREMENT",
        "narrative": WHY,
    }
    proposal = approvals.submit(kind="ledger.remeasure", payload=forged, maker_id=maker.pk)
    assert len(proposal.versions.get().payload["entries"][0]["lines"]) == 4


def test_the_checklist_of_the_period_knows_it(rates: None, maker: User, checker: User) -> None:
    period = AccountingPeriod.objects.select_related("entity").get(entity__code=ENTITY, ends_on=NOVEMBER)

    def found() -> tuple[bool, str]:
        (item,) = [one for one in checklist_of(period) if one.name == "remeasurement"]
        return item.result.passed, item.result.sentence

    assert found() == (False, "2 foreign positions not remeasured at 2025-11-30")
    proposal = propose(maker)
    assert any(one.name == "open_proposals" and not one.result.passed for one in checklist_of(period)), "an open one would post into it"
    approved(proposal, by=checker)
    assert found() == (True, "Foreign positions are carried at the closing rates")
    converted("1.00 EUR to USD", day=date(2025, 11, 21), rate="1.2", key="late")
    assert found() == (False, "1 foreign position not remeasured at 2025-11-30")


def test_the_pages_show_and_propose_it(rates: None, maker: User, checker: User, stranger: User) -> None:
    client = signed_in(maker)
    page = client.get(f"/positions/?entity={ENTITY}&as_of=2025-11-30").content.decode()
    assert "1.1" in page
    assert "not booked" in page
    assert client.post(f"/positions/export/?entity={ENTITY}&as_of=2025-11-30", {"format": "csv"}).status_code == 200
    assert "Submit for approval" in client.get(f"/positions/remeasure/?entity={ENTITY}&on=2025-11-30").content.decode()
    assert "Nothing can be proposed" in client.get(f"/positions/remeasure/?entity={ENTITY}&on=2025-11-29").content.decode()
    short = client.post("/positions/remeasure/", {"entity": ENTITY, "on": "2025-11-30", "narrative": "short"})
    assert short.status_code == 422
    sent = client.post("/positions/remeasure/", {"entity": ENTITY, "on": "2025-11-30", "narrative": WHY})
    assert sent.status_code == 302
    review = signed_in(checker).get(sent["Location"]).content.decode()
    assert "EUR in USD 1.1, Treasury" in review
    assert "No entity wholly in your scope" in signed_in(stranger).get("/positions/").content.decode()
    answer = client.get(f"/api/v1/positions?entity={ENTITY}&as_of=2025-11-30").json()
    assert answer["unrealised"] == "-85"


def test_the_api_proposes_it(rates: None, maker: User, checker: User, auditor: User) -> None:
    body = {"entity": ENTITY, "on": "2025-11-30", "narrative": WHY}
    assert signed_in(auditor).post("/api/v1/remeasurements", body, content_type="application/json").status_code == 403
    assert signed_in(maker).post("/api/v1/remeasurements", body, content_type="application/json").status_code == 201
