"""The year end: income and expense go to retained earnings asset by asset, once, by approval."""

from datetime import date

import pytest

from approvals.models import Proposal, User
from audit.models import AuditEvent
from ledger import operations
from ledger.models import Account, AccountingPeriod
from ledger.operations.year_end import YearEndInvalid, YearEndRefused, plan_year_end, propose_year_end
from ledger.queries.balance_sheet import year_start
from tests.fixtures import Post, signed_in
from tests.ledger.rates_scene import ENTITY, WHY, approved, define_company, show_company, soft_lock_before
from tests.notation import posts, writes_nothing

DECEMBER = date(2025, 12, 31)
DOLLARS = "M2-4010-USD debit 30.00 USD / M2-5010-USD credit 12.00 USD / M2-3020-USD credit 18.00 USD"
YEN = "M2-5010-JPY credit 700 JPY / M2-3020-JPY debit 700 JPY"


@pytest.fixture
def year(roles: None, post: Post) -> None:
    """Fees and charges in dollars, and a loss in yen."""
    define_company()
    show_company()
    at = {"entity": ENTITY, "day": date(2025, 6, 2)}
    post("M2-1010-USD debit 500.00 USD / M2-2010-USD credit 500.00 USD", **at)
    post("M2-2010-USD debit 30.00 USD / M2-4010-USD credit 30.00 USD", kind="fee", **at)
    post("M2-5010-USD debit 12.00 USD / M2-1010-USD credit 12.00 USD", kind="bank_charge", **at)
    post("M2-5010-JPY debit 700 JPY / M2-1010-JPY credit 700 JPY", kind="bank_charge", **at)


@pytest.fixture
def locked(year: None) -> None:
    soft_lock_before(date(2025, 12, 1))


def propose(maker: User, *, ends_on: date = DECEMBER) -> Proposal:
    return propose_year_end(entity=ENTITY, ends_on=ends_on, narrative=WHY, maker_id=maker.pk)


def test_an_approval_moves_the_year_to_retained_earnings_it(locked: None, maker: User, checker: User) -> None:
    with posts(f"{YEN} / {DOLLARS}"):
        assert approved(propose(maker), by=checker).status == "executed"
    event = AuditEvent.objects.get(action="ledger.year.closed")
    assert event.after is not None
    assert [(one["asset"], one["income"], one["expense"]) for one in event.after["results"]] == [
        ("JPY", "0", "700"),
        ("USD", "3000", "1200"),
    ]


def test_a_year_is_closed_once_and_what_came_late_by_itself_it(locked: None, maker: User, checker: User, post: Post) -> None:
    approved(propose(maker), by=checker)
    with writes_nothing(), pytest.raises(YearEndRefused, match="the year is closed"):
        propose(maker)
    post("M2-5010-USD debit 1.00 USD / M2-1010-USD credit 1.00 USD", kind="bank_charge", entity=ENTITY, day=date(2025, 12, 30))
    with posts("M2-5010-USD credit 1.00 USD / M2-3020-USD debit 1.00 USD"):
        approved(propose(maker), by=checker)


def test_open_months_refuse_it(year: None, maker: User) -> None:
    with writes_nothing(), pytest.raises(YearEndRefused, match="soft-locked first: 2025-01-01"):
        propose(maker)


def test_a_closed_last_period_refuses_it(locked: None, maker: User) -> None:
    operations.close_period(period_id=AccountingPeriod.objects.get(entity__code=ENTITY, ends_on=DECEMBER).pk)
    with writes_nothing(), pytest.raises(YearEndRefused, match="is closed"):
        propose(maker)


def test_a_missing_account_of_retained_earnings_refuses_it(roles: None, maker: User, post: Post) -> None:
    post("1010 debit 5.00 USD / 4010 credit 5.00 USD", kind="interest")
    with writes_nothing(), pytest.raises(YearEndRefused, match="retained earnings in USD"):
        propose_year_end(entity="M1", ends_on=date(2026, 12, 31), narrative=WHY, maker_id=maker.pk)


@pytest.mark.parametrize(("entity", "ends_on", "field"), [("NOBODY", DECEMBER, "entity"), (ENTITY, date(2025, 12, 30), "ends_on")])
def test_what_is_no_year_of_an_entity_is_refused_it(year: None, entity: str, ends_on: date, field: str) -> None:
    with pytest.raises(YearEndInvalid) as refused:
        plan_year_end(entity=entity, ends_on=ends_on)
    assert refused.value.field == field


def test_what_was_earned_since_the_proposal_makes_it_stale_it(locked: None, maker: User, checker: User, post: Post) -> None:
    proposal = propose(maker)
    post("M2-2010-USD debit 1.00 USD / M2-4010-USD credit 1.00 USD", kind="fee", entity=ENTITY, day=date(2025, 12, 30))
    with posts():
        assert approved(proposal, by=checker).status == "stale"


def test_a_year_may_end_with_any_period_it(year: None, maker: User, checker: User) -> None:
    soft_lock_before(date(2025, 6, 1))
    with posts(f"{YEN} / {DOLLARS}"):
        approved(propose(maker, ends_on=date(2025, 6, 30)), by=checker)
    assert year_start(date(2025, 6, 30)) == date(2024, 7, 1)
    assert year_start(date(2024, 2, 28)) == date(2023, 2, 28)


def test_the_page_shows_and_proposes_it(locked: None, maker: User, checker: User, chart: dict[str, Account]) -> None:
    client = signed_in(maker)
    page = client.get(f"/ledger/year-end/?entity={ENTITY}&on=2025-12-31").content.decode()
    assert "Submit for approval" in page
    assert "18.00" in page
    sent = client.post("/ledger/year-end/", {"entity": ENTITY, "on": "2025-12-31", "narrative": WHY})
    assert sent.status_code == 302
    review = signed_in(checker).get(sent["Location"]).content.decode()
    assert "2025-01-01 to 2025-12-31" in review
    assert client.post("/ledger/year-end/", {"entity": ENTITY, "on": "2025-12-31", "narrative": WHY}).status_code == 409
    body = {"entity": ENTITY, "on": "2025-12-30", "narrative": WHY}
    assert client.post("/api/v1/year-ends", body, content_type="application/json").status_code == 422
    assert signed_in(checker).post("/ledger/year-end/", body).status_code == 403
