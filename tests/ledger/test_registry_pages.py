"""Pages of the registry: what they show, what they do, and to whom they refuse it."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from approvals.models import DecisionOutcome, Proposal, User
from approvals.operations import decide
from ledger import operations as ledger
from ledger.models import Hold, JournalEntry, Transaction
from tests.fixtures import Post, draft, held, signed_in
from tests.notation import posts, writes_nothing

MOST_QUERIES = 25
DEPOSIT = "1010 debit 10.00 USD / 2010 credit 10.00 USD"


def page(user: User, path: str, *, status: int = 200, **query: Any) -> str:
    client = signed_in(user)
    with CaptureQueriesContext(connection) as seen:
        response = client.get(path, query)
    assert response.status_code == status, response.content[:500]
    asked = [one["sql"][:160] for one in seen]
    assert len(asked) <= MOST_QUERIES, f"{path} asks {len(asked)} times: {asked}"
    return response.content.decode()


def test_the_list_shows_what_was_asked_for_and_narrows_it(maker: User, post: Post) -> None:
    post(DEPOSIT, reference="INV-1")
    post("2010 debit 3.00 USD / 2020 credit 3.00 USD", kind="transfer", reference="TRF-1")
    everything = page(maker, "/transactions/")
    assert "INV-1" in everything
    assert "TRF-1" in everything
    narrowed = page(maker, "/transactions/", type="transfer", amount="3.00", account="2020", since=str(timezone.now().date()))
    assert "TRF-1" in narrowed
    assert "INV-1" not in narrowed
    assert "cannot be read" in page(maker, "/transactions/", amount="3,0,0", status=422)


def test_a_transaction_tells_its_whole_story_it(maker: User, post: Post) -> None:
    kept = ledger.record_transaction(draft=draft(DEPOSIT, reference="INV-1", initiate=True), scope="tests")
    assert kept.entry_id is not None
    for axis, to, event in [
        ("status", "posted", "p1"),
        ("settlement", "settled", "s2"),
        ("settlement", "sent", "s1"),
        ("status", "failed", "x"),
    ]:
        ledger.report_status(transaction_id=kept.entry_id, axis=axis, to=to, source="BANK", source_event_id=event)
    undo = draft("2010 debit 4.00 USD / 1010 credit 4.00 USD", kind="return", reverses=kept.entry_id)
    ledger.record_transaction(draft=undo, scope="tests")
    shown = page(maker, f"/transactions/{kept.entry_id}/")
    for words in ["BANK", "p1", "settled (taken)", "changed nothing", "Conflict", "What was asked", "Belongs together", "LE-"]:
        assert words in shown, words
    entry = JournalEntry.objects.get(pk=kept.entry_id)
    assert entry.public_number in shown


def test_a_refused_transaction_says_why_it(maker: User, chart: dict[str, Any]) -> None:
    asked = draft(DEPOSIT, day=timezone.now().date() + timedelta(days=9_000))
    with pytest.raises(ledger.PostingInvalid):
        ledger.record_transaction(draft=asked, scope="tests")
    shown = page(maker, f"/transactions/{Transaction.objects.get().pk}/")
    assert "no accounting period" in shown


def test_a_stranger_finds_nothing_it(stranger: User, post: Post) -> None:
    made = post(DEPOSIT, reference="INV-1")
    kept = held("2010", "1.00 USD")
    assert "INV-1" not in page(stranger, "/transactions/")
    for path in (f"/transactions/{made.entry_id}/", f"/holds/{kept.hold_id}/"):
        assert page(stranger, path, status=404)
    assert "2010" not in page(stranger, "/holds/")


def test_the_list_leaves_as_a_file_it(maker: User, post: Post) -> None:
    post(DEPOSIT, reference="INV-1")
    held("2010", "1.00 USD")
    for path in ("/transactions/export/?type=deposit", "/holds/export/"):
        response = signed_in(maker).post(path, {"format": "csv"})
        assert response.status_code == 200
        assert b"10.00" in b"".join(response.streaming_content) or "holds" in path  # type: ignore[attr-defined]


def test_a_source_is_reported_and_what_was_initiated_is_posted_it(maker: User, checker: User, chart: dict[str, Any]) -> None:
    kept = ledger.record_transaction(draft=draft(DEPOSIT, initiate=True), scope="tests")
    with posts(DEPOSIT):
        assert signed_in(maker).post(f"/transactions/{kept.entry_id}/post/").status_code == 302
    said = {"to": "settlement:settled", "source": "BANK", "source_event_id": "e1"}
    assert signed_in(checker).post(f"/transactions/{kept.entry_id}/report/", said).status_code == 403
    assert signed_in(maker).post(f"/transactions/{kept.entry_id}/report/", said).status_code == 302
    assert Transaction.objects.get().settlement == "settled"
    assert signed_in(maker).post(f"/transactions/{kept.entry_id}/report/", {}).status_code == 422


def test_a_hold_is_placed_captured_and_given_back_it(maker: User, checker: User, post: Post) -> None:
    post(DEPOSIT)
    client = signed_in(maker)
    until = (timezone.now() + timedelta(days=2)).strftime("%Y-%m-%dT%H:%M")
    asked = {"key": "h1", "type": "authorisation", "account": "2010", "direction": "debit", "amount": "6.00", "expires_at": until}
    with writes_nothing():
        assert signed_in(checker).post("/holds/new/", asked).status_code == 403
        assert client.post("/holds/new/", {**asked, "amount": "x"}).status_code == 422
        assert client.post("/holds/new/", {**asked, "account": "9999"}).status_code == 404
    assert client.post("/holds/new/", asked).status_code == 302
    kept = Hold.objects.get()
    assert "6.00" in page(maker, "/holds/")
    take = {"key": "c1", "type": "fee", "account": "4010", "amount": "2.00", "effective_date": "2026-11-02", "description": "Capture"}
    with posts("2010 debit 2.00 USD / 4010 credit 2.00 USD"):
        assert client.post(f"/holds/{kept.pk}/capture/", take).status_code == 302
    over = client.post(f"/holds/{kept.pk}/capture/", {**take, "key": "c2", "amount": "9.00"})
    assert over.status_code == 409
    assert "still held" in over.content.decode()
    assert client.post(f"/holds/{kept.pk}/release/", {"key": "r1", "amount": ""}).status_code == 302
    shown = page(maker, f"/holds/{kept.pk}/")
    assert "and ended" in shown
    assert "Nothing is set aside" in page(maker, "/holds/")
    assert "2010" in page(maker, "/holds/", ended="1")


@pytest.mark.usefixtures("positions")
def test_a_conversion_is_previewed_and_posted_it(maker: User, post: Post) -> None:
    post("1010 debit 200.00 USD / 2010 credit 200.00 USD")
    client = signed_in(maker)
    assert "The quote" in page(maker, "/transactions/convert/")
    asked = {
        "key": "v1", "sold_account": "2010", "sold_amount": "100.01", "bought_account": "2030", "rate": "156.37", "spread_bps": "50",
        "spread_account": "4030-USD", "rounding": "down", "quote_id": "Q-1", "quoted_at": "2026-11-02T09:30",
        "effective_date": "2026-11-02",
    }  # fmt: skip
    with writes_nothing():
        preview = client.post("/transactions/convert/", {**asked, "preview": "1"}, headers={"HX-Request": "true", "HX-Target": "preview"})
        assert preview.status_code == 200
        assert "15,560" in preview.content.decode()
        wrong = client.post("/transactions/convert/", {**asked, "rate": "1e3"})
        assert wrong.status_code == 422
    with posts(
        "2010 debit 100.01 USD / 2800-USD credit 99.51 USD / 4030-USD credit 0.50 USD / 2800-JPY debit 15560 JPY / 2030 credit 15560 JPY"
    ):
        assert client.post("/transactions/convert/", asked).status_code == 302


def test_types_are_drawn_and_changed_by_proposal_it(maker: User, checker: User, auditor: User, post: Post) -> None:
    post(DEPOSIT)
    assert "fee_amount" in page(auditor, "/transaction-types/")
    shown = page(auditor, "/transaction-types/deposit/")
    assert "External fact" in shown
    assert "Propose the next version" not in shown
    assert page(auditor, "/transaction-types/none/", status=404)
    client = signed_in(maker)
    (known,) = [one for one in client.get("/api/v1/transaction-types", {"limit": 100}).json()["results"] if one["code"] == "fee"]
    terms = {name: value for name, value in known.items() if name != "version"} | {"backdating_days": 31}
    asked = {"terms": json.dumps(terms), "reason_code": "TYPE_CHANGE", "narrative": "Fees are booked up to a month late."}
    path = "/transaction-types/fee/propose/"
    with writes_nothing():
        assert signed_in(auditor).post(path, asked).status_code == 403
        assert client.post(path, {**asked, "terms": "{"}).status_code == 422
        assert client.post(path, {**asked, "terms": json.dumps({**terms, "legs": []})}).status_code == 422
    assert client.post(path, asked).status_code == 302
    proposal = Proposal.objects.get()
    assert "31 days" in page(maker, f"/approvals/{proposal.pk}/")
    assert proposal.public_number in page(maker, "/transaction-types/fee/")
    version = proposal.versions.get()
    decide(proposal_id=proposal.pk, version=1, digest=version.digest, outcome=DecisionOutcome.APPROVE, comment="", approver_id=checker.pk)
    changed = page(auditor, "/transaction-types/fee/")
    assert "version 2" in changed
    assert "against the one before" in changed


def test_keys_that_came_again_are_shown_with_what_differed_it(maker: User, post: Post) -> None:
    post(DEPOSIT, key="k1")
    post(DEPOSIT, key="k1")
    with pytest.raises(ledger.IdempotencyKeyReused):
        post(DEPOSIT, key="k1", description="Other")
    shown = page(maker, "/transactions/keys/")
    assert "Mismatch" in shown
    assert "description" in shown
    assert "description" not in page(maker, "/transactions/keys/", kind="replay", key="k1")
    assert "No use fits" in page(maker, "/transactions/keys/", key="k2")
