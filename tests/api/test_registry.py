"""The registry over REST: rules, batches, dry runs, status reports, holds, conversions, types."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from approvals.models import Proposal, User
from ledger import operations as ledger
from ledger.models import JournalEntry, KeyUse, Transaction, TransactionEvent, TransactionType
from tests.api.caller import Caller
from tests.fixtures import Post, draft, held
from tests.notation import balance, posts, writes_nothing

Api = Callable[[User], Caller]
DEPOSIT = {"bank": "1010", "customer": "2010", "amount": "1000"}


def movement(kind: str = "deposit", **changes: Any) -> dict[str, Any]:
    said = {"type": kind, "entity": "M1", "effective_date": "2026-11-02", "description": "Movement", "parameters": DEPOSIT, **changes}
    return {name: value for name, value in said.items() if value is not None}


def items(count: int, **changes: Any) -> list[dict[str, Any]]:
    return [{**movement(**changes), "key": f"item-{n}"} for n in range(1, count + 1)]


# Rules


def test_a_rule_makes_the_lines_of_its_parameters_it(api: Api, maker: User) -> None:
    parameters = {**DEPOSIT, "fee": "4010", "fee_amount": "30"}
    with posts("1010 debit 10.00 USD / 2010 credit 10.00 USD / 2010 debit 0.30 USD / 4010 credit 0.30 USD"):
        answer = api(maker).post("/transactions", movement(parameters=parameters), key="k1")
    assert (answer["status"], answer["settlement"], answer["type_version"]) == ("posted", "expected", 1)
    assert [line["account"] for line in answer["entry"]["lines"]] == ["1010", "2010", "2010", "4010"]


def test_it_names_the_parameter_that_is_wrong(api: Api, maker: User) -> None:
    wrong: list[tuple[dict[str, Any], str, int]] = [
        ({**DEPOSIT, "amount": "0"}, "parameters.amount", 422),
        ({**DEPOSIT, "amount": "1e3"}, "parameters.amount", 422),
        ({**DEPOSIT, "amount": "-0"}, "parameters.amount", 422),
        ({**DEPOSIT, "amount": "NaN"}, "parameters.amount", 422),
        ({**DEPOSIT, "amount": "10.00"}, "parameters.amount", 422),
        ({**DEPOSIT, "amount": "\uff11\uff10"}, "parameters.amount", 422),
        ({**DEPOSIT, "amount": "1" * 39}, "parameters.amount", 422),
        ({**DEPOSIT, "amount": 1000}, "parameters.amount", 422),
        ({**DEPOSIT, "tip": "1"}, "parameters.tip", 422),
        ({"bank": "1010", "amount": "1"}, "parameters.customer", 422),
        ({**DEPOSIT, "customer": "9999"}, "parameters.customer", 404),
    ]
    caller = api(maker)
    with writes_nothing():
        for parameters, field, status in wrong:
            assert caller.refused("/transactions", movement(parameters=parameters), key="k1", answers=status)["field"] == field
        assert caller.refused("/transactions", movement("nothing"), key="k1", answers=422)["field"] == "type"
        assert caller.refused("/transactions", movement(parameters=None), key="k1", answers=422)["field"] == "lines"
        assert caller.refused("/transactions", movement(lines=[]), key="k1", answers=422)["field"] == "lines"


def test_a_stranger_cannot_tell_an_unseen_account_from_none_it(api: Api, stranger: User) -> None:
    with writes_nothing():
        there = api(stranger).refused("/transactions", movement(), key="k1", answers=404)
        nowhere = api(stranger).refused("/transactions", movement(parameters={**DEPOSIT, "bank": "9999"}), key="k1", answers=404)
    assert (there["code"], there["field"]) == (nowhere["code"], nowhere["field"])


def test_evidence_stays_with_the_entry_it(api: Api, maker: User, post: Post) -> None:
    post("1010 debit 10.00 USD / 2010 credit 10.00 USD")
    parameters = {"loss": "6420", "made_good": "2010", "amount": "5", "incident": "INC-7"}
    answer = api(maker).post("/transactions", movement("operational_event", parameters=parameters), key="k1")
    assert answer["entry"]["metadata"] == {"incident": "INC-7"}


def test_the_type_decides_whoever_asks_it(api: Api, maker: User) -> None:
    lines = [
        {"account": "1900", "direction": "debit", "amount": "5", "asset": "USD"},
        {"account": "2010", "direction": "credit", "amount": "5", "asset": "USD"},
    ]
    with writes_nothing():
        error = api(maker).refused("/transactions", movement(parameters=None, lines=lines), key="k1", answers=422)
    assert (error["field"], error["detail"]["reason"]) == ("lines[1].account", "account_class_not_allowed")


def test_a_closed_period_gives_the_first_open_date_where_that_is_wanted_it(api: Api, maker: User) -> None:
    period = ledger.open_period(entity="M1", starts_on=date(2025, 12, 1), ends_on=date(2025, 12, 31))
    ledger.close_period(period_id=period.pk)
    asked = movement(effective_date="2025-12-30")
    assert api(maker).refused("/transactions", asked, key="k1", answers=409)["detail"]["reason"] == "period_closed"
    answer = api(maker).post("/transactions", {**asked, "roll_to_open": True}, key="k2")
    assert answer["warnings"] == {"rolled_to": "2026-01-01"}
    assert (answer["entry"]["effective_date"], answer["entry"]["value_date"], answer["entry"]["prior_period"]) == (
        "2026-01-01",
        "2025-12-30",
        True,
    )


# Initiated, posted, reported


def test_what_is_initiated_posts_when_it_is_told_to_it(api: Api, maker: User) -> None:
    caller = api(maker)
    with writes_nothing():
        kept = caller.post("/transactions", movement(initiate=True), key="k1")
    assert (kept["status"], kept["entry"]) == ("initiated", None)
    with posts("1010 debit 10.00 USD / 2010 credit 10.00 USD"):
        posted = caller.post(f"/transactions/{kept['id']}/post", answers=200)
    assert (posted["status"], posted["entry"]["id"]) == ("posted", kept["id"])
    with writes_nothing():
        assert caller.post(f"/transactions/{kept['id']}/post", answers=200) == posted


def test_reports_move_the_axes_once_and_only_along_arrows_it(api: Api, maker: User) -> None:
    caller = api(maker)
    made = caller.post("/transactions", movement(), key="k1")
    place = f"/transactions/{made['id']}/events"

    def report(to: str, event: str, *, axis: str = "settlement", answers: int = 201) -> tuple[str, str]:
        body = {"axis": axis, "to": to, "source": "BANK", "source_event_id": event, "source_at": "2026-11-02T10:00:00Z"}
        answer = caller.post(place, body, answers=answers)
        return answer["outcome"], answer["transaction"][axis]

    assert report("confirmed", "e1") == ("applied", "confirmed")
    assert report("confirmed", "e1", answers=200) == ("duplicate", "confirmed")
    assert report("sent", "e0") == ("late", "confirmed")
    assert report("settled", "e2") == ("applied", "settled")
    assert report("failed", "e3", axis="status") == ("conflict", "posted")
    other = caller.post("/transactions", movement(), key="k2")
    body = {"axis": "settlement", "to": "sent", "source": "BANK", "source_event_id": "e1"}
    assert caller.refused(f"/transactions/{other['id']}/events", body, answers=409)["code"] == "source_event_reused"
    assert caller.refused(place, {**body, "to": "gone"}, answers=422)["field"] == "to"
    events = caller.get(f"/transactions/{made['id']}")["events"]
    assert [(event["outcome"], event["deliveries"]) for event in events] == [("applied", 2), ("late", 1), ("applied", 1), ("conflict", 1)]
    assert [row["id"] for row in caller.get("/transactions", conflicts="true")["results"]] == [made["id"]]


def test_a_report_needs_its_right_it(api: Api, checker: User, maker: User) -> None:
    made = api(maker).post("/transactions", movement(), key="k1")
    with writes_nothing():
        api(checker).refused(f"/transactions/{made['id']}/events", {}, answers=403)


# What is undone


def test_a_return_undoes_all_of_an_entry_unless_lines_say_less_it(api: Api, maker: User) -> None:
    caller = api(maker)
    made = caller.post("/transactions", movement(), key="k1")
    part = [
        {"account": "2010", "direction": "debit", "amount": "400", "asset": "USD"},
        {"account": "1010", "direction": "credit", "amount": "400", "asset": "USD"},
    ]
    undo = movement("return", parameters=None, reverses=made["id"])
    with posts("2010 debit 4.00 USD / 1010 credit 4.00 USD"):
        caller.post("/transactions", {**undo, "lines": part}, key="k2")
    error = caller.refused("/transactions", undo, key="k3", answers=409)
    assert error["detail"]["reason"] == "reversal_exceeds_entry"
    assert [child["key"] for child in caller.get(f"/transactions/{made['id']}")["children"]] == ["k2", "k3"]


# Batches and dry runs


def test_a_batch_of_independent_items_says_what_became_of_each_it(api: Api, maker: User) -> None:
    asked = items(3)
    asked[1]["effective_date"] = "2031-01-01"
    answer = api(maker).post("/transactions/batch", {"atomic": False, "items": asked}, answers=200)
    assert [(one["key"], one["outcome"]) for one in answer["results"]] == [
        ("item-1", "posted"),
        ("item-2", "refused"),
        ("item-3", "posted"),
    ]
    assert (answer["posted"], answer["refused"], answer["results"][1]["error"]["reason"]) == (2, 1, "no_accounting_period")
    again = api(maker).post("/transactions/batch", {"atomic": False, "items": asked}, answers=200)
    assert [one["outcome"] for one in again["results"]] == ["replayed", "refused", "replayed"]
    assert balance("2010") == "20.00 USD"


def test_an_atomic_batch_posts_all_or_nothing_it(api: Api, maker: User) -> None:
    asked = items(3)
    asked[1]["effective_date"] = "2031-01-01"
    with writes_nothing():
        error = api(maker).refused("/transactions/batch", {"atomic": True, "items": asked}, answers=409)
    assert [(one["item"], one["key"]) for one in error["detail"]["items"]] == [(2, "item-2")]
    assert not Transaction.objects.exists(), "its keys are free"
    asked[1]["effective_date"] = "2026-11-02"
    assert api(maker).post("/transactions/batch", {"atomic": True, "items": asked}, answers=200)["posted"] == 3


def test_a_batch_is_refused_where_an_item_is_wrong_it(api: Api, maker: User) -> None:
    caller = api(maker)
    line = {"account": "1010", "direction": "debit", "amount": "1", "asset": "USD"}
    wrong: list[tuple[dict[str, Any], str, int]] = [
        ({"parameters": {**DEPOSIT, "amount": "x"}}, "items[2].parameters.amount", 422),
        ({"parameters": {**DEPOSIT, "bank": "9999"}}, "items[2].parameters.bank", 404),
        ({"parameters": None, "lines": [{**line, "amount": 1.5}, line]}, "items[2].lines[1].amount", 422),
        ({"parameters": None, "lines": [line, line]}, "items[2].lines", 422),
        ({"hold": "01900000-0000-7000-8000-000000000000"}, "items[2].hold", 404),
    ]
    with writes_nothing():
        for change, field, status in wrong:
            body = {"atomic": False, "items": [*items(1), {**movement(**change), "key": "item-2"}]}
            assert caller.refused("/transactions/batch", body, answers=status)["field"] == field
        assert caller.refused("/transactions/batch", {"atomic": False, "items": []}, answers=422)["field"] == "items"
    assert not Transaction.objects.exists()


def test_a_batch_asks_as_often_for_many_as_for_few_it(api: Api, maker: User) -> None:
    caller = api(maker)

    def queries(count: int, prefix: str) -> int:
        asked = [{**item, "key": f"{prefix}-{item['key']}"} for item in items(count)]
        with CaptureQueriesContext(
            connection,
        ) as seen:
            caller.post("/transactions/batch", {"atomic": False, "items": asked}, answers=200)
        return len(seen)

    queries(1, "warm")
    assert queries(2, "few") == queries(60, "many")


def test_history_is_imported_with_its_own_days_it(api: Api, maker: User) -> None:
    """Periods may be opened for the past; what is imported stands on its days, and the record says when it came."""
    ledger.open_period(entity="M1", starts_on=date(2024, 1, 1), ends_on=date(2024, 12, 31))
    asked = items(3)
    for month, item in enumerate(asked, start=1):
        item["effective_date"] = f"2024-0{month}-15"
    api(maker).post("/transactions/batch", {"atomic": True, "items": asked}, answers=200)
    days = JournalEntry.objects.order_by("number").values_list("effective_date", flat=True)
    assert list(days) == [date(2024, 1, 15), date(2024, 2, 15), date(2024, 3, 15)]
    assert {entry.posted_at.date() for entry in JournalEntry.objects.all()} <= {
        timezone.now().date(),
        timezone.now().date() - timedelta(days=1),
    }


def test_a_dry_run_says_what_posting_would_and_leaves_nothing_it(api: Api, maker: User) -> None:
    caller = api(maker)
    with writes_nothing():
        tried = caller.post("/transactions/dry-run", movement(), answers=200)
        refused = caller.post("/transactions/dry-run", movement(effective_date="2031-01-01"), answers=200)
        batch = caller.post("/transactions/dry-run", {"atomic": False, "items": items(2)}, answers=200)
        caller.refused("/transactions/dry-run", {"atomic": True, "items": items(1, effective_date="2031-01-01")}, answers=409)
    assert not Transaction.objects.exists(), "no key is used"
    assert (refused["result"]["outcome"], refused["result"]["error"]["field"], refused["transaction"]) == (
        "refused",
        "effective_date",
        None,
    )
    done = caller.post("/transactions", movement(), key="dry-run")
    assert steady(tried["transaction"]) == steady(done), "the same but for ids, numbers and instants"
    real = caller.post("/transactions/batch", {"atomic": False, "items": items(2)}, answers=200)
    assert steady(batch) == steady(real)


def steady(answer: Any) -> Any:
    """Return an answer without what differs from one posting to the next."""
    changing = {"id", "number", "entry_number", "posted_at", "created_at", "request_id"}
    if isinstance(answer, dict):
        return {name: steady(value) for name, value in answer.items() if name not in changing}
    return [steady(one) for one in answer] if isinstance(answer, list) else answer


# Holds


def hold(**changes: Any) -> dict[str, Any]:
    expires_at = (timezone.now() + timedelta(days=7)).isoformat()
    return {"entity": "M1", "account": "2010", "amount": "600", "asset": "USD", "expires_at": expires_at, "reference": "AUTH-1", **changes}


def test_a_hold_is_captured_in_parts_and_gives_back_the_rest_it(api: Api, maker: User, post: Post) -> None:
    post("1010 debit 10.00 USD / 2010 credit 10.00 USD")
    caller = api(maker)
    body = hold(type="authorisation")
    placed = caller.post("/holds", body, key="h1")
    assert caller.post("/holds", body, key="h1", answers=200)["id"] == placed["id"]
    take = {"type": "fee", "effective_date": "2026-11-02", "description": "Capture"}
    parameters = {"customer": "2010", "fee": "4010", "amount": "200"}
    with posts("2010 debit 2.00 USD / 4010 credit 2.00 USD"):
        captured = caller.post(f"/holds/{placed['id']}/capture", {**take, "parameters": parameters}, key="c1")
    assert captured["parent_id"] == placed["id"]
    over = {**take, "parameters": {**parameters, "amount": "500"}}
    error = caller.refused(f"/holds/{placed['id']}/capture", over, key="c2", answers=409)
    assert (error["field"], error["detail"]["remaining"]) == ("amount", "400")
    released = caller.post(f"/holds/{placed['id']}/release", {"amount": "100"}, key="r1", answers=200)
    assert (released["remaining_minor"], released["status"]) == ("300", "pending")
    ended = caller.post(f"/holds/{placed['id']}/release", {}, key="r2", answers=200)
    assert (ended["remaining_minor"], ended["status"]) == ("0", "posted")
    assert [(event["act"], event["amount"]) for event in ended["events"]] == [
        ("placed", "600"),
        ("captured", "200"),
        ("released", "100"),
        ("released", "300"),
    ]
    assert caller.refused(f"/holds/{placed['id']}/release", {}, key="r3", answers=409)["detail"]["reason"] == "hold_has_ended"
    assert caller.get("/holds", open="true")["results"] == []


def test_a_hold_is_refused_with_its_field_it(api: Api, maker: User, stranger: User) -> None:
    caller = api(maker)
    with writes_nothing():
        assert caller.refused("/holds", hold(amount="1.5"), key="h1", answers=422)["field"] == "amount"
        assert caller.refused("/holds", hold(account="9999"), key="h1", answers=404)["field"] == "account"
        assert caller.refused("/holds", hold(), answers=422)["field"] == "Idempotency-Key"
        assert api(stranger).refused("/holds", hold(), key="h1", answers=404)["field"] == "account"
        past = hold(expires_at="2020-01-01T00:00:00Z")
        assert caller.refused("/holds", past, key="h2", answers=409)["detail"]["reason"] == "hold_has_expired"


# Conversions


def quote(**changes: Any) -> dict[str, Any]:
    return {
        "entity": "M1",
        "effective_date": "2026-11-02",
        "sold_account": "2010",
        "bought_account": "2030",
        "quote_id": "Q-1",
        "rate": "156.37",
        "quoted_at": "2026-11-02T09:30:00Z",
        "sold_amount": "10001",
        "spread_bps": 50,
        "spread_account": "4030-USD",
        **changes,
    }


@pytest.mark.usefixtures("positions")
def test_a_conversion_posts_both_assets_with_spread_and_rounding_it(api: Api, maker: User, post: Post) -> None:
    post("1010 debit 200.00 USD / 2010 credit 200.00 USD")
    with posts(
        "2010 debit 100.01 USD / 2800-USD credit 99.51 USD / 4030-USD credit 0.50 USD / 2800-JPY debit 15560 JPY / 2030 credit 15560 JPY"
    ):
        answer = api(maker).post("/conversions", quote(), key="k1")
    assert answer["entry"]["metadata"] == {"quote_id": "Q-1", "rate": "156.37", "quoted_at": "2026-11-02T09:30:00+00:00"}
    api(maker).post("/conversions", quote(), key="k1", answers=200)
    with posts("2010 debit 1.00 USD / 2800-USD credit 1.00 USD / 2800-JPY debit 2 JPY / 2030 credit 1 JPY / 4040-JPY credit 1 JPY"):
        api(maker).post("/conversions", quote(sold_amount="100", rate="1.6", spread_bps=0), key="k2")


@pytest.mark.usefixtures("positions")
def test_a_conversion_names_what_is_wrong_it(api: Api, maker: User) -> None:
    caller = api(maker)
    wrong: list[tuple[dict[str, Any], str, int]] = [
        ({"rate": "1e2"}, "rate", 422),
        ({"rate": 156.37}, "rate", 422),
        ({"sold_amount": "1.5"}, "sold_amount", 422),
        ({"bought_account": "2020"}, "bought_account", 422),
        ({"bought_account": "9999"}, "bought_account", 404),
        ({"bought_amount": "1"}, "spread_bps", 422),
        ({"spread_account": ""}, "spread_account", 422),
        ({"bought_account": "2050"}, "bought_account", 422),
    ]
    with writes_nothing():
        for change, field, status in wrong:
            assert caller.refused("/conversions", quote(**change), key="k1", answers=status)["field"] == field, change


# Types and keys


def test_a_type_changes_by_an_approved_proposal_it(api: Api, maker: User, checker: User, post: Post) -> None:
    post("1010 debit 10.00 USD / 2010 credit 10.00 USD")
    (known,) = [one for one in api(maker).get("/transaction-types", limit=100)["results"] if one["code"] == "bank_charge"]
    terms = {name: value for name, value in known.items() if name != "version"}
    narrative = "Charges are booked up to a month late."
    body = {"terms": {**terms, "backdating_days": 31}, "reason_code": "TYPE_CHANGE", "narrative": narrative}
    with writes_nothing(except_in=["approvals_proposal", "approvals_proposal_version"]):
        answer = api(maker).post("/transaction-types", body)
    assert api(maker).refused("/transaction-types", {**body, "terms": {**terms, "legs": []}}, answers=422)["field"] == "legs"
    assert api(maker).refused("/transaction-types", {**body, "terms": terms}, answers=409)["code"] == "transaction_type_refused"
    proposal = Proposal.objects.get(pk=answer["proposal_id"])
    version = proposal.versions.get()
    decision = {"version": 1, "digest": version.digest, "outcome": "approve", "comment": ""}
    done = api(checker).post(f"/proposals/{proposal.pk}/decisions", decision)
    assert done["status"] == "executed", done
    current = TransactionType.objects.get(code="bank_charge", current=True)
    assert (current.version, current.backdating_days) == (2, 31)


def test_replays_and_mismatches_are_listed_to_who_sees_them_it(api: Api, maker: User, stranger: User) -> None:
    caller = api(maker)
    for _ in range(2):
        caller.post("/transactions", movement(), key="k1", answers=200 if KeyUse.objects.exists() or Transaction.objects.exists() else 201)
    caller.refused("/transactions", movement(description="Other"), key="k1", answers=409)
    rows = caller.get("/transactions/keys")["results"]
    assert [(row["mismatch"], row["fields_differing"]) for row in rows] == [(True, ["description"]), (False, [])]
    assert len(caller.get("/transactions/keys", mismatch="true")["results"]) == 1
    assert api(stranger).get("/transactions/keys")["results"] == []


def test_the_list_is_narrowed_by_what_is_asked_it(api: Api, maker: User, stranger: User, post: Post) -> None:
    post("1010 debit 10.00 USD / 2010 credit 10.00 USD", reference="INV-1")
    post("2010 debit 3.00 USD / 2020 credit 3.00 USD", kind="transfer", reference="TRF-1")
    kept = held("2010", "1.00 USD")
    ledger.record_transaction(draft=draft("1010 debit 7.00 USD / 2020 credit 7.00 USD", reference="INV-2", initiate=True), scope="tests")
    caller = api(maker)
    today = timezone.now().date()

    def found(**query: Any) -> list[str]:
        return [row["reference"] or row["type"] for row in caller.get("/transactions", **query)["results"]]

    assert found() == ["INV-2", "hold", "TRF-1", "INV-1"]
    assert found(type="transfer") == ["TRF-1"]
    assert found(status="initiated") == ["INV-2"]
    assert found(settlement="expected") == ["INV-2", "INV-1"]
    assert found(reference="INV-1") == ["INV-1"]
    assert found(reference="INV-2") == ["INV-2"]
    assert found(account="2010") == ["hold", "TRF-1", "INV-1"]
    assert found(since=str(today), until=str(today)) == ["INV-2", "hold", "TRF-1", "INV-1"]
    assert found(until=str(today - timedelta(days=1))) == []
    assert found(amount="300", asset="USD") == ["TRF-1"]
    assert found(amount="100", asset="USD") == ["hold"]
    assert found(amount="300", asset="EUR") == found(amount="300", asset="USD", account="1010") == []
    for query, field in (({"amount": "300"}, "asset"), ({"asset": "USD"}, "amount"), ({"amount": "3.00", "asset": "USD"}, "amount")):
        assert caller.get("/transactions", answers=422, **query)["error"]["field"] == field
    assert api(stranger).get("/transactions")["results"] == []
    assert caller.get(f"/transactions/{kept.hold_id}")["status"] == "pending"
    assert not TransactionEvent.objects.exists()
