"""Reconciliations of any populations: set up, run end to end from files alone, and improved by rules that two people agree on."""

import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from approvals import operations as approvals
from approvals.models import DecisionOutcome, Proposal, User
from audit.models import AuditEvent
from recon import operations, reconciliation_queries
from recon.matching.rules import STANDARD
from recon.models import Break, Item, Match, Population, Reconciliation, RulesVersion, Run, RunPass, Source
from recon.operations import NewPopulation, ReconciliationInvalid, ReconciliationRefused
from tests.concurrency import scene
from tests.fixtures import DAY, Post, signed_in
from tests.notation import writes_nothing

PSP = (
    b"Date;Payout;Gross;Kind\n"
    b"2026-11-02;PO-1001;100.00;payout\n"
    b"2026-11-02;PO-1002;250.00;payout\n"
    b"2026-11-02;PO-1003;40.00;payout\n"
    b"2026-11-02;CH-9;5.00;fee\n"
)
MAPPING: dict[str, Any] = {
    "format": "csv",
    "encoding": "ascii",
    "layout": {"delimiter": ";", "quote": '"', "header_row": 1},
    "currency": {"fixed": "USD"},
    "numbers": {"decimal": ".", "thousands": ""},
    "booking_date": {"column": "Date", "format": "YYYY-MM-DD"},
    "amount": {"sign": "signed", "column": "Gross"},
    "reference": "Payout",
    "transaction_code": "Kind",
    "order": "oldest_first",
}
WHY = "Payouts of this processor reach the bank a day later"


@pytest.fixture
def bank(roles: None) -> Source:
    return scene.bank()


@pytest.fixture
def processor(bank: Source) -> Source:
    return operations.register_source(code="psp", name="Processor", identifier="PSP-1", account="1020", format="mapped")


Define = Callable[..., Reconciliation]


@pytest.fixture
def define(bank: Source, processor: Source, maker: User) -> Define:
    """Return a function that sets up processor, bank and ledger; named values replace what is usual."""

    def defined(**values: Any) -> Reconciliation:
        populations = [
            NewPopulation(name="Processor", source="psp", codes=["payout"]),
            NewPopulation(name="Bank", source="bank"),
            NewPopulation(name="Ledger", accounts=["1010"]),
        ]
        said = {"name": "Card payouts", "asset": "USD", "populations": populations, "defined_by_id": maker.pk, **values}
        return operations.define_reconciliation(**said)

    return defined


def agreed(proposal: Proposal, *, by: User) -> Proposal:
    version = proposal.versions.get(n=proposal.current_version)
    return approvals.decide(
        proposal_id=proposal.pk, version=version.n, digest=version.digest, outcome=DecisionOutcome.APPROVE, comment="", approver_id=by.pk
    )


# Setting up


def test_populations_are_kept_in_their_order_with_the_standard_rules(define: Define, bank: Source) -> None:
    defined = define()
    sides = list(Population.objects.filter(reconciliation=defined).values_list("name", "side", "sign"))
    assert sides == [("Processor", "statement", 1), ("Bank", "statement", 1), ("Ledger", "ledger", 1)]
    assert defined.source.code == "psp"
    assert RulesVersion.objects.get(reconciliation=defined).status == "active"
    event = AuditEvent.objects.get(action="recon.reconciliation.defined", target_id=str(defined.pk))
    assert (event.after or {})["asset"] == "USD"
    assert bank.reconciliation.home


def sides(*populations: NewPopulation) -> dict[str, Any]:
    return {"populations": list(populations)}


LEDGER = NewPopulation(name="Ledger", accounts=["1010"])
BANK = NewPopulation(name="Bank", source="bank")


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"name": " "}, "name"),
        ({"calendar": "MARS"}, "calendar"),
        (sides(BANK), "populations"),
        (sides(*[NewPopulation(name=str(n), source="bank", codes=[str(n)]) for n in range(7)]), "populations"),
        (sides(LEDGER, NewPopulation(name="Customers", accounts=["2010"])), "populations"),
        (sides(BANK, NewPopulation(name="Bank", accounts=["1010"])), "populations.1.name"),
        (sides(BANK, NewPopulation(name="Nothing")), "populations.1.source"),
        (sides(BANK, NewPopulation(name="Both", source="psp", accounts=["1010"])), "populations.1.source"),
        (sides(BANK, NewPopulation(name="Other", source="nowhere")), "populations.1.source"),
        (sides(BANK, NewPopulation(name="Yen", accounts=["1030"])), "populations.1.accounts"),
        (sides(BANK, NewPopulation(name="Ledger", accounts=["1010"], sign=0)), "populations.1.sign"),
        (sides(BANK, NewPopulation(name="Ledger", accounts=["1010"], codes=["fee"])), "populations.1.codes"),
        (sides(BANK, NewPopulation(name="Again", source="bank")), "populations.1.codes"),
        (sides(BANK, LEDGER, NewPopulation(name="Again", accounts=["1010"])), "populations.2.accounts"),
    ],
)
def test_what_cannot_be_is_refused_at_its_field(define: Define, values: dict[str, Any], field: str) -> None:
    with writes_nothing(), pytest.raises(ReconciliationInvalid) as caught:
        define(**values)
    assert caught.value.field == field


def test_name_is_given_once(define: Define) -> None:
    define()
    with writes_nothing(), pytest.raises(ReconciliationRefused):
        define()


def test_one_source_may_be_two_populations_that_no_line_is_in_both_of(define: Define) -> None:
    parted = define(
        populations=[
            NewPopulation(name="Payouts", source="psp", codes=["payout"], sign=-1),
            NewPopulation(name="The rest", source="psp", without_codes=["payout"]),
            LEDGER,
        ]
    )
    assert Population.objects.filter(reconciliation=parted, source__code="psp").count() == 2


# End to end


def delivered(processor: Source, bank: Source, *, maker: User, checker: User, post: Post) -> None:
    """Map the processor's file, accept it and the bank's, and post what the ledger knows."""
    draft = operations.draft_mapping(source_id=processor.pk, definition=MAPPING, sample_id=None, drafted_by_id=maker.pk)
    agreed(operations.submit_mapping(mapping_id=draft.pk, reason_code="MAPPING_NEW", narrative=WHY, maker_id=maker.pk), by=checker)
    file, _ = operations.receive_file(
        name="payouts.csv", content=io.BytesIO(PSP), maximum_bytes=10_000, received_by_id=maker.pk, source_id=processor.pk
    )
    operations.accept_file(file_id=file.pk, source_ids=[processor.pk])
    scene.accept(scene.mt940(("C", 10000, "PO-1001"), ("C", 25000, "PO-1002"), ("C", 4100, "PO-1003")), source=bank, by=maker)
    for reference, amount in (("PO-1001", "100.00"), ("PO-1002", "250.00"), ("PO-1003", "40.00")):
        post(f"1010 debit {amount} USD / 2010 credit {amount} USD", reference=reference, day=DAY)


def run_of(reconciliation: Reconciliation, *, by: User) -> Run:
    return operations.execute_run(run_id=operations.request_run(reconciliation_id=reconciliation.pk, requested_by_id=by.pk).pk)


def test_three_sides_are_matched_from_files_alone(
    define: Define, processor: Source, bank: Source, maker: User, checker: User, post: Post
) -> None:
    delivered(processor, bank, maker=maker, checker=checker, post=post)
    defined = define()
    run = run_of(defined, by=maker)
    assert (run.status, run.failure) == ("completed", "")
    groups = sorted(
        (match.allocations.count(), match.allocations.order_by("item")[0].item.reference)
        for match in Match.objects.filter(reconciliation=defined)
    )
    assert groups == [(3, "PO-1001"), (3, "PO-1002")]
    left = Item.objects.filter(reconciliation=defined, open=True).values_list("population__name", "reference")
    assert sorted(left) == [("Bank", "PO-1003"), ("Ledger", "PO-1003"), ("Processor", "PO-1003")]
    rows = reconciliation_queries.populations_of([defined])[defined.pk]
    assert [(row.items, row.open) for row in rows] == [(3, 1), (3, 1), (3, 1)]
    assert RunPass.objects.filter(run=run, matches=2).exists()


def test_run_after_other_rules_is_compared_with_the_one_before(
    bank: Source, maker: User, checker: User, post: Post, person: Callable[[str, str], User]
) -> None:
    post("1010 debit 10.00 USD / 2010 credit 10.00 USD", reference="INV-1001", day=DAY)
    late = DAY.replace(day=6)
    first = scene.reconcile(scene.mt940(("C", 1000, "INV-1001"), day=late), source=bank, by=maker)
    assert first.matches_made == 0
    passes = [{**one, **({"days": 4} if one["id"] == "reference" else {})} for one in STANDARD["passes"]]
    version = operations.draft_rules(
        reconciliation_id=bank.reconciliation.pk, definition={"passes": passes, "tariffs": []}, drafted_by_id=maker.pk
    )
    agreed(operations.submit_rules(rules_id=version.pk, reason_code="RULES_MORE", narrative=WHY, maker_id=maker.pk, since=DAY), by=checker)
    second = run_of(bank.reconciliation, by=maker)
    assert (second.matches_made, second.rules_version) == (1, 2)
    first.refresh_from_db()
    found = reconciliation_queries.compared_runs(first, second)
    assert ([one.pass_ids[1] for one in found.added], list(found.lost), found.changed, found.same) == (["reference"], [], [], 0)
    back = reconciliation_queries.compared_runs(second, first)
    assert (len(back.added), len(back.lost)) == (0, 1)
    browser = signed_in(maker)
    assert "INV-1001" in browser.get(f"/runs/{first.pk}/compare/{second.pk}/").content.decode()
    assert "Everything that was matched still is" in browser.get(f"/runs/{first.pk}/compare/{second.pk}/?tab=lost").content.decode()


def test_runs_of_two_reconciliations_are_not_compared(define: Define, bank: Source, maker: User) -> None:
    first = scene.reconcile(scene.mt940(("C", 1000, "INV-1001")), source=bank, by=maker)
    second = run_of(define(), by=maker)
    first.refresh_from_db()
    assert signed_in(maker).get(f"/runs/{first.pk}/compare/{second.pk}/").status_code == 409


# The pages


def test_analyst_sets_up_three_sides_in_the_browser(processor: Source, maker: User) -> None:
    browser = signed_in(maker)
    said = {
        "populations": "3", "name": "Card payouts", "asset": "USD", "calendar": "TARGET",
        "s0-name": "Processor", "s0-of": "source:psp", "s0-sign": "1", "s0-codes": "payout",
        "s1-name": "Bank", "s1-of": "source:bank", "s1-sign": "1",
        "s2-name": "Ledger", "s2-of": "account:1010", "s2-sign": "1",
    }  # fmt: skip
    more = browser.post("/reconciliations/new/", {**said, "act": "more"}).content.decode()
    assert "Side 4" in more
    assert "Card payouts" in more
    assert not Reconciliation.objects.filter(home=False).exists()
    wrong = browser.post("/reconciliations/new/", {**said, "s1-of": "account:1010"})
    assert wrong.status_code == 422
    assert "Account 1010 is in Bank already." in wrong.content.decode()
    kept = browser.post("/reconciliations/new/", said)
    defined = Reconciliation.objects.get(home=False)
    assert kept["Location"] == f"/reconciliations/{defined.pk}/"
    assert "Card payouts is set up" in browser.get(kept["Location"]).content.decode()
    assert browser.post("/reconciliations/new/", said).status_code == 409


def test_who_may_not_set_up_does_not(define: Define, bank: Source, checker: User, auditor: User, stranger: User) -> None:
    defined = define()
    with writes_nothing():
        for who in (checker, auditor):
            assert signed_in(who).post("/reconciliations/new/", {}).status_code == 403
            assert signed_in(who).post(f"/rules/{defined.pk}/edit/", {}).status_code == 403
            assert signed_in(who).get(f"/rules/{defined.pk}/").status_code == 200
        for page in (f"/reconciliations/{defined.pk}/", f"/rules/{defined.pk}/", f"/rules/{defined.pk}/edit/"):
            assert signed_in(stranger).get(page).status_code == 404
        asked = {"name": "Mine", "asset": "USD", "populations": [{"name": "Bank", "source": "bank"}, {"name": "L", "accounts": ["1010"]}]}
        refused = signed_in(stranger).post("/api/v1/reconciliations", json.dumps(asked), content_type="application/json")
        assert refused.status_code == 404


def test_pages_ask_the_database_no_more_for_more_of_them(define: Define, bank: Source, maker: User) -> None:
    run = scene.reconcile(scene.mt940(("C", 1000, "INV-1001")), source=bank, by=maker)
    defined, browser = define(), signed_in(maker)
    pages = ("/rules/", "/reconciliations/", f"/rules/{defined.pk}/", f"/reconciliations/{defined.pk}/", f"/runs/{run.pk}/")
    for page in (*pages, f"/rules/{defined.pk}/edit/", f"/rules/{defined.pk}/versions/1/", "/reconciliations/new/"):
        browser.get(page)
        with CaptureQueriesContext(connection) as asked:
            assert browser.get(page).status_code == 200, page
        assert len(asked) <= 25, page


def test_break_leads_to_an_editor_with_a_pass_that_fits(bank: Source, maker: User, post: Post) -> None:
    post("1010 debit 10.00 USD / 2010 credit 10.00 USD", reference="INV-1001", day=DAY)
    scene.reconcile(scene.mt940(("C", 1000, "INV-1001"), day=DAY.replace(day=6)), source=bank, by=maker)
    found = Break.objects.get(reference="INV-1001", type="date")
    shown = signed_in(maker).get(f"/rules/new-from/{found.pk}/").content.decode()
    assert "Its dates lie 4 business days apart" in shown
    assert 'name="p1-days" value="4"' in shown


def test_editor_moves_adds_tries_and_keeps(bank: Source, maker: User, post: Post) -> None:
    post("1010 debit 10.00 USD / 2010 credit 10.00 USD", reference="INV-1001", day=DAY)
    scene.reconcile(scene.mt940(("C", 1000, "INV-1001"), day=DAY.replace(day=6)), source=bank, by=maker)
    address, browser = f"/rules/{bank.reconciliation.pk}/edit/", signed_in(maker)
    said: dict[str, Any] = {
        "passes": "2", "tariffs": "0", "note": "Payouts are late",
        "p0-id": "contra", "p0-kind": "contra", "p0-name": "Reversals", "p0-automatic": "on", "p0-days": "5",
        "p1-id": "reference", "p1-kind": "key", "p1-name": "Reference", "p1-automatic": "on", "p1-days": "4",
    }  # fmt: skip
    moved = browser.post(address, {**said, "act": "down:0"}).content.decode()
    assert moved.index('value="Reference"') < moved.index('value="Reversals"')
    assert 'name="p2-kind" value="tolerance"' in browser.post(address, {**said, "act": "add:tolerance"}).content.decode()
    assert "Reversals" not in browser.post(address, {**said, "act": "remove:0"}).content.decode()
    with writes_nothing(except_in=["recon_rules_trial", "audit_event"]):
        tried = browser.post(address, {**said, "act": "try"}).content.decode()
    assert "Dry run" in tried
    assert "INV-1001" in tried
    wrong = browser.post(address, {**said, "p1-days": "400", "act": "save"})
    assert wrong.status_code == 422
    bad_amount = {"passes": "3", "p2-id": "t", "p2-kind": "tolerance", "p2-name": "Near", "p2-automatic": "on", "p2-requires": "nothing"}
    refused = browser.post(address, {**said, **bad_amount, "p2-absolute_minor": "1.00", "act": "save"})
    assert refused.status_code == 422
    assert "never matched by themselves" in refused.content.decode()
    kept = browser.post(address, {**said, "act": "save"})
    assert kept["Location"] == f"/rules/{bank.reconciliation.pk}/versions/2/"
    assert RulesVersion.objects.get(number=2).note == "Payouts are late"
    assert browser.post(address, {**said, "act": "save"})["Location"] == kept["Location"]


def test_review_shows_what_changes_and_what_trying_it_said(bank: Source, maker: User, checker: User, post: Post) -> None:
    post("1010 debit 10.00 USD / 2010 credit 10.00 USD", reference="INV-1001", day=DAY)
    scene.reconcile(scene.mt940(("C", 1000, "INV-1001")), source=bank, by=maker)
    passes = [one for one in STANDARD["passes"] if one["id"] not in ("reference", "group", "alike")]
    version = operations.draft_rules(
        reconciliation_id=bank.reconciliation.pk, definition={"passes": passes, "tariffs": []}, drafted_by_id=maker.pk
    )
    browser = signed_in(maker)
    asked = browser.post(
        f"/rules/{bank.reconciliation.pk}/versions/{version.number}/submit/", {"reason_code": "RULES_SAFER", "narrative": WHY}
    )
    proposal = Proposal.objects.get()
    assert asked["Location"] == f"/approvals/{proposal.pk}/"
    review = signed_in(checker).get(asked["Location"]).content.decode()
    assert "pass removed" in review
    assert "Matches that go" in review
    assert "INV-1001" in review


def test_amounts_that_differ_lead_to_a_charge_and_a_pass_that_allows_for_it(bank: Source, maker: User, post: Post) -> None:
    post("1010 debit 1873.41 USD / 2010 credit 1873.41 USD", reference="INV-1001", day=DAY)
    scene.reconcile(scene.mt940(("C", 186141, "INV-1001")), source=bank, by=maker)
    found = Break.objects.get(reference="INV-1001", type="amount")
    shown = signed_in(maker).get(f"/rules/new-from/{found.pk}/").content.decode()
    assert 'name="t0-fixed_minor" value="12.00"' in shown
    assert "Same reference, less a charge" in shown
    assert "but for the charge Charge deducted" in shown
