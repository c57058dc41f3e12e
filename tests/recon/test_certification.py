"""Certifying days of an account: who may, what keeps it from being done, what is signed, and what came after."""

import hashlib
import json
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from approvals.canonical import canonical_json
from approvals.models import DecisionOutcome, ProposalVersion, User
from audit.models import AuditEvent
from ledger.models import AccountingPeriod
from recon import operations
from recon.certification_queries import CellState, after_sign_off, blockers_of, grid_for
from recon.certification_queries.content import days_of
from recon.closing_checks import certificates
from recon.models import Break, Certificate, CertifiedDay, Source, Statement
from recon.operations import CertificateRefused, CertificationBlocked, CertificationInvalid, PreparerMadeEntries
from recon.operations.adjustments import AdjustmentRequest
from tests.concurrency import scene
from tests.fixtures import Post, signed_in
from tests.notation import writes_nothing
from tests.recon.certifying import WHY, agreed_days, booked, certify, days, decide, prepare
from tests.recon.delivered import accept, day, mt940, run_all

pytestmark = pytest.mark.django_db

MOST_QUERIES = 25


@pytest.fixture
def bank(roles: None) -> Source:
    return scene.bank()


@pytest.fixture
def ready(bank: Source, maker: User, post: Post) -> Source:
    agreed_days(bank, post=post, by=maker)
    return bank


def kinds(source: Source, first: int, last: int | None = None) -> list[str]:
    figures = days_of(source.reconciliation, first_day=day(first), last_day=day(first if last is None else last))
    return [one.kind for one in blockers_of(source.reconciliation, days=figures)]


# What is signed


def test_one_prepares_and_another_signs_exactly_that(ready: Source, maker: User, checker: User) -> None:
    proposal = prepare(ready, 0, 1, by=maker)
    assert not Certificate.objects.exists()
    content = proposal.versions.get().payload["content"]
    assert content["figures"] == {
        "day": str(day(1)),
        "ledger": "2000",
        "external": "2000",
        "balance": "closing balance of the day",
        "statement": str(Statement.objects.get(closing_date=day(1)).pk),
        "open_items": "0",
        "unexplained": "0",
    }
    assert decide(proposal, by=checker).status == "executed"
    certificate = Certificate.objects.get()
    assert certificate.content["statement"] == content
    assert (certificate.content["prepared_by"], certificate.content["reviewed_by"]) == ("Maker", "Checker")
    assert [one["sha256"] for one in content["statements"]] == [one.file.sha256 for one in Statement.objects.order_by("closing_date")]
    assert content["rules"]["version"] == 1
    assert [(one.day, int(one.ledger_minor), int(one.open_minor)) for one in CertifiedDay.objects.all()] == [
        (day(0), 1000, 0),
        (day(1), 2000, 0),
    ]


def test_pack_and_twin_are_what_is_hashed(ready: Source, maker: User, checker: User) -> None:
    certificate = certify(ready, 0, 1, by=maker, review=checker)
    assert canonical_json(certificate.content) == certificate.canonical
    assert hashlib.sha256(certificate.canonical.encode()).hexdigest() == certificate.digest
    pack, digest = operations.hand_out_pack(certificate_id=certificate.pk, form="pdf")
    assert pack.startswith(b"%PDF-")
    assert b"pdfaid" in pack
    assert hashlib.sha256(pack).hexdigest() == digest == certificate.pack_digest
    twin, digest = operations.hand_out_pack(certificate_id=certificate.pk, form="json")
    assert (json.loads(twin), digest) == (certificate.content, certificate.digest)
    event = AuditEvent.objects.get(action="recon.account.certified")
    assert event.after is not None
    assert (event.after["digest"], event.after["pack_digest"]) == (certificate.digest, certificate.pack_digest)
    assert AuditEvent.objects.filter(action="recon.certificate.downloaded").count() == 2


def test_open_items_are_frozen_with_age_and_explanation(ready: Source, maker: User, checker: User, post: Post) -> None:
    accept(mt940((2, 700, "LATE-0001"), opening_minor=2000, number=3, first=2, last=2), by=maker, source=ready)
    run_all()
    found = Break.objects.get(reference="LATE-0001")
    operations.assign_break(break_id=found.pk, assignee_id=maker.pk)
    certificate = certify(ready, 2, by=maker, review=checker)
    (item,) = certificate.content["statement"]["open_items"]
    assert (item["amount"], item["age_business_days"], item["owner"]) == ("700", 0, "Maker")
    assert item["explanation"] == f"{found.public_number}: {found.get_type_display().lower()}"
    booked(post, "7.00", "LATE-0001", on=3)
    operations.request_run(reconciliation_id=ready.reconciliation.pk, requested_by_id=maker.pk)
    run_all()
    again = Certificate.objects.get(pk=certificate.pk).content["statement"]["open_items"]
    assert again == [item]


# Who may


def test_who_made_entries_in_the_days_does_not_prepare_them(ready: Source, maker: User, checker: User, post: Post) -> None:
    booked(post, "5.00", "OWN-0001", on=5, actor_id=maker.pk)
    with writes_nothing(), pytest.raises(PreparerMadeEntries, match="an entry on account 1010"):
        prepare(ready, 5, by=maker)
    prepare(ready, 0, 1, by=maker)


def test_who_proposed_an_entry_made_it_and_who_approved_it_did_not(ready: Source, maker: User, checker: User, person: Any) -> None:
    accept(mt940((2, -25, "FEE-0001"), opening_minor=2000, number=3, first=2, last=2), by=maker, source=ready)
    run_all()
    request = AdjustmentRequest(
        break_id=Break.objects.get(reference="FEE-0001").pk,
        item_ids=(),
        reason_code="BANK_FEE",
        narrative="The bank's charge of this day was not booked",
        counter_account="6420",
        effective_date=day(2),
    )
    controller = person("controller", "Controller")
    decide(operations.propose_adjustment(request=request, maker_id=maker.pk), by=controller)
    with pytest.raises(PreparerMadeEntries):
        prepare(ready, 2, by=maker)
    assert certify(ready, 2, by=controller, review=checker).content["statement"]["figures"]["unexplained"] == "0"


def test_preparer_does_not_review(ready: Source, person: Any) -> None:
    one, other = person("one", "Controller"), person("other", "Controller")
    proposal = prepare(ready, 0, by=one)
    with pytest.raises(Exception, match="somebody else must decide"):
        decide(proposal, by=one)
    assert decide(proposal, by=other).status == "executed"


# What keeps it from being done


def test_nothing_keeps_agreed_days(ready: Source) -> None:
    assert kinds(ready, 0, 1) == []


def test_day_without_a_balance_is_missing(ready: Source, maker: User, checker: User) -> None:
    assert kinds(ready, 2) == ["no_balance"]
    with writes_nothing(), pytest.raises(CertificationBlocked, match="has said no balance") as refusal:
        prepare(ready, 1, 2, by=maker)
    assert [one["kind"] for one in refusal.value.detail["blockers"]] == ["no_balance"]


def test_unproven_statement_and_what_it_leaves_unexplained(ready: Source, maker: User, checker: User) -> None:
    accept(mt940(opening_minor=2000, closing_minor=2300, number=3, first=2, last=2), by=maker, source=ready)
    run_all()
    assert kinds(ready, 2) == ["unproven", "unexplained"]


def test_gap_and_what_it_leaves_unexplained(ready: Source, maker: User, checker: User) -> None:
    accept(mt940(opening_minor=2500, number=3, first=2, last=2), by=maker, source=ready)
    run_all()
    assert kinds(ready, 2) == ["gap", "unexplained"]


def test_posted_and_not_compared(ready: Source, post: Post) -> None:
    booked(post, "5.00", "NEW-0001", on=1)
    assert kinds(ready, 1) == ["uncompared"]


def test_break_without_an_owner_or_past_its_limit(ready: Source, maker: User, checker: User) -> None:
    for n in range(2, 10):
        rows = [(2, 500, "ODD-0001")] if n == 2 else []
        accept(mt940(*rows, opening_minor=2000 if n == 2 else 2500, number=n + 1, first=n, last=n), by=maker, source=ready)
    run_all()
    assert kinds(ready, 1) == []
    assert kinds(ready, 2) == kinds(ready, 9) == ["unowned_break"]
    operations.assign_break(break_id=Break.objects.get(reference="ODD-0001").pk, assignee_id=maker.pk)
    assert kinds(ready, 9) == []
    operations.set_certification_terms(reconciliation_id=ready.reconciliation.pk, break_days=3, owners_required=False, set_by_id=checker.pk)
    assert (kinds(ready, 3), kinds(ready, 9)) == ([], ["old_break"])


def test_certified_day_is_not_certified_again(ready: Source, maker: User, checker: User) -> None:
    certify(ready, 0, by=maker, review=checker)
    assert kinds(ready, 0, 1) == ["certified"]
    certify(ready, 1, by=maker, review=checker)


@pytest.mark.parametrize(("first", "last", "field"), [(1, 0, "last_day"), (0, 92, "last_day")])
def test_days_that_are_none_together(ready: Source, maker: User, checker: User, first: int, last: int, field: str) -> None:
    with writes_nothing(), pytest.raises(CertificationInvalid) as refusal:
        prepare(ready, first, last, by=maker)
    assert refusal.value.field == field


def test_days_that_somebody_has_asked_for(ready: Source, maker: User, checker: User) -> None:
    proposal = prepare(ready, 0, 1, by=maker)
    with pytest.raises(CertificateRefused, match=proposal.public_number):
        prepare(ready, 1, by=maker)


# Between preparing and review


def stale(source: Source, *, by: User, review: User, change: Any) -> str:
    proposal = prepare(source, 0, 1, by=by)
    change()
    decided = decide(proposal, by=review)
    assert decided.status == "stale"
    assert not Certificate.objects.exists()
    return decided.status_reason


def test_restatement_between_the_two_makes_it_stale_and_is_named(ready: Source, maker: User, checker: User) -> None:
    corrected = mt940((1, 1100, "INV-1002"), opening_minor=1000, number=2, first=1, last=1)
    known = Statement.objects.get(closing_date=day(1))
    reason = stale(ready, by=maker, review=checker, change=lambda: accept(corrected, by=maker, source=ready, restating=[known.pk]))
    assert f"the statement of {day(1)} was restated" in reason


def test_posting_between_the_two_makes_it_stale_and_is_named(ready: Source, maker: User, checker: User, post: Post) -> None:
    reason = stale(ready, by=maker, review=checker, change=lambda: booked(post, "5.00", "LATE-1", on=0))
    assert f"the ledger's balance of {day(0)} is 15.00 USD, and was 10.00 USD" in reason


def test_preparer_who_posts_between_the_two(ready: Source, maker: User, checker: User, post: Post) -> None:
    reason = stale(ready, by=maker, review=checker, change=lambda: booked(post, "5.00", "LATE-1", on=0, actor_id=maker.pk))
    assert "the preparer made an entry" in reason


def test_returned_and_prepared_again_as_things_stand_then(ready: Source, maker: User, checker: User) -> None:
    proposal = prepare(ready, 0, by=maker)
    decide(proposal, by=checker, outcome=DecisionOutcome.REQUEST_CHANGES, comment="Say what was looked at")
    operations.revise_certificate(proposal_id=proposal.pk, reason_code="CERTIFY_DAY", narrative=f"{WHY}, all of it", maker_id=maker.pk)
    assert decide(proposal, by=checker).status == "executed"
    assert Certificate.objects.get().content["narrative"] == f"{WHY}, all of it"


# After sign-off


def test_what_came_later_is_shown_with_its_rows(ready: Source, maker: User, checker: User, post: Post) -> None:
    certificate = certify(ready, 0, 1, by=maker, review=checker)
    assert after_sign_off(certificate).nothing
    booked(post, "5.00", "LATE-1", on=0)
    booked(post, "9.00", "OTHER-1", on=4)
    corrected = mt940((1, 1100, "INV-1002"), opening_minor=1000, number=2, first=1, last=1)
    accept(corrected, by=maker, source=ready, restating=[Statement.objects.get(closing_date=day(1)).pk])
    after = after_sign_off(certificate)
    assert [one.entry.reference for one in after.postings] == ["LATE-1"]
    assert [(one.version, one.closing_date) for one in after.came] == [(2, day(1))]
    assert [(one.version, one.closing_date) for one in after.gone] == [(1, day(1))]
    assert f"the statement of {day(1)} was restated" in after.changes
    assert after.now["external"] == "2100"
    again = Certificate.objects.get(pk=certificate.pk)
    assert again.content == certificate.content


def test_withdrawn_by_two_and_certified_anew(ready: Source, maker: User, checker: User) -> None:
    certificate = certify(ready, 0, by=maker, review=checker)
    ask: dict[str, Any] = {"certificate_id": certificate.pk, "reason_code": "UNCERTIFY_ERROR", "narrative": WHY, "maker_id": maker.pk}
    proposal = operations.propose_withdrawal(**ask)
    assert Certificate.objects.get().is_live
    assert decide(proposal, by=checker).status == "executed"
    certificate.refresh_from_db()
    assert (certificate.is_live, certificate.withdrawal_id) == (False, proposal.pk)
    assert AuditEvent.objects.filter(action="recon.certificate.withdrawn").count() == 1
    with writes_nothing(), pytest.raises(CertificateRefused, match="withdrawn already"):
        operations.propose_withdrawal(**ask)
    assert certify(ready, 0, by=maker, review=checker).is_live
    assert Certificate.objects.count() == 2


# The grid and its pages


def test_grid_says_how_it_stands_with_each_day(ready: Source, maker: User, checker: User, post: Post) -> None:
    certify(ready, 0, by=maker, review=checker)
    prepare(ready, 1, by=maker)

    def states() -> list[tuple[str, str]]:
        grid = grid_for(maker, since=day(-1), until=day(2))
        assert grid.days == days(-1, 0, 1, 2)
        return [(cell.state, cell.reason) for cell in grid.rows[0].cells]

    assert states() == [
        (CellState.BEFORE, ""),
        (CellState.CERTIFIED, ""),
        (CellState.PREPARED, ""),
        (CellState.BLOCKED, "no balance of the day"),
    ]
    booked(post, "5.00", "LATE-1", on=0)
    assert states()[1] == (CellState.CHANGED, "the ledger has changed after sign-off")


def test_grid_shows_only_accounts_in_sight(ready: Source, stranger: User) -> None:
    assert grid_for(stranger, since=day(0), until=day(1)).rows == []


def text(response: Any, status: int = 200) -> str:
    assert response.status_code == status, response.content.decode()[:3000]
    page = " ".join(response.content.decode().split())
    assert "<c-" not in page
    return page


def test_the_whole_way_by_pages(ready: Source, maker: User, checker: User, auditor: User) -> None:
    analyst, approver, reader = signed_in(maker), signed_in(checker), signed_in(auditor)
    page = text(analyst.get("/accounts/1010/proof/prepare/", {"first_day": str(day(0)), "last_day": str(day(1))}))
    assert "Nothing keeps these days from being certified" in page
    said = {"first_day": str(day(0)), "last_day": str(day(1)), "reason_code": "CERTIFY_DAY", "narrative": WHY}
    where = analyst.post("/accounts/1010/proof/prepare/", said).headers["Location"]
    assert "Prepared, in review" in text(reader.get(f"/accounts/1010/proof/?as_of={day(0)}"))
    review = text(approver.get(where))
    assert "The figures are still those that were prepared" in review
    assert Statement.objects.first().file.sha256 in review  # type: ignore[union-attr]
    version = where.rstrip("/").rsplit("/", 1)[1]
    digest = ProposalVersion.objects.get(proposal__id=version).digest
    approver.post(f"{where}decide/", {"version": 1, "digest": digest, "outcome": "approve", "comment": ""})
    certificate = Certificate.objects.get()
    page = text(reader.get(f"/certifications/{certificate.pk}/"))
    for shown in ("prepared by Maker, reviewed by Checker", certificate.digest, certificate.pack_digest):
        assert shown in page
    assert "is-certified" in text(reader.get(f"/certifications/?until={day(2)}"))
    assert "Certified" in text(reader.get(f"/accounts/1010/proof/?as_of={day(1)}"))
    pack = reader.post(f"/certifications/{certificate.pk}/pack.pdf")
    assert hashlib.sha256(pack.content).hexdigest() == pack.headers["X-Content-SHA256"] == certificate.pack_digest
    assert reader.post(f"/certifications/{certificate.pk}/pack.zip").status_code == 422


def test_what_blocks_comes_back_with_the_input_kept(ready: Source, maker: User, checker: User) -> None:
    said = {"first_day": str(day(1)), "last_day": str(day(2)), "reason_code": "CERTIFY_DAY", "narrative": WHY}
    with writes_nothing():
        page = text(signed_in(maker).post("/accounts/1010/proof/prepare/", said), 409)
    assert "has said no balance" in page
    assert WHY in page


def test_pages_of_others_are_not_there(ready: Source, maker: User, checker: User, stranger: User) -> None:
    certificate = certify(ready, 0, by=maker, review=checker)
    assert signed_in(stranger).get(f"/certifications/{certificate.pk}/").status_code == 404
    assert signed_in(stranger).get("/accounts/1010/proof/prepare/").status_code == 404
    assert signed_in(checker).get("/accounts/1010/proof/prepare/").status_code == 403


@pytest.mark.parametrize("path", ["/accounts/1010/proof/", "/accounts/1010/proof/prepare/", "/certifications/"])
def test_pages_ask_a_bounded_number_of_questions(ready: Source, person: Any, maker: User, checker: User, path: str) -> None:
    certify(ready, 0, by=maker, review=checker)
    browser = signed_in(person("controller", "Controller"))
    browser.get(path)
    with CaptureQueriesContext(connection) as asked:
        text(browser.get(path))
    assert len(asked) <= MOST_QUERIES, "\n".join(one["sql"][:170] for one in asked)


def test_certificate_and_its_review_ask_a_bounded_number_of_questions(ready: Source, maker: User, checker: User) -> None:
    browser = signed_in(checker)
    certificate = certify(ready, 0, by=maker, review=checker)
    waiting = prepare(ready, 1, by=maker)
    for path in (f"/certifications/{certificate.pk}/", f"/approvals/{waiting.pk}/"):
        browser.get(path)
        with CaptureQueriesContext(connection) as asked:
            text(browser.get(path))
        assert len(asked) <= MOST_QUERIES, "\n".join(one["sql"][:170] for one in asked)


# The close asks it


def test_close_names_accounts_that_are_not_certified(ready: Source, maker: User, checker: User) -> None:
    period = AccountingPeriod.objects.get()
    said = certificates(period)
    assert (said.passed, [one.target_id for one in said.found]) == (False, ["1010"])
    assert "1010 Bank USD" in said.found[0].text


def test_close_is_content_once_every_day_is_certified(ready: Source, maker: User, checker: User) -> None:
    period = AccountingPeriod(entity=ready.account.entity, starts_on=day(0), ends_on=day(1))
    assert not certificates(period).passed
    certify(ready, 0, 1, by=maker, review=checker)
    assert certificates(period).passed
    assert certificates(AccountingPeriod(entity=ready.account.entity, starts_on=day(-30), ends_on=day(-8))).passed
