"""The guards of resolutions alone, written around the operations."""

import pytest

from approvals.models import User
from recon import operations
from recon.models import Break, ResolutionTerms, Source, Treatment
from recon.models import Match as MatchRow
from tests.concurrency import scene
from tests.database.around import Session, refused_by, write_executed
from tests.fixtures import ENTITY, Post
from tests.recon.test_resolutions import after, decide, treat, write_off
from tests.recon.test_resolutions import bank as _bank_with_terms

pytestmark = [pytest.mark.django_db(transaction=True, databases=["default", "owner"])]

bank = _bank_with_terms


@pytest.fixture
def treated(bank: Source, maker: User, checker: User, post: Post) -> Treatment:
    """A break of 2.50 that is accepted as timing."""
    post("1010 debit 100.00 USD / 2010 credit 100.00 USD", reference="INV-5001")
    scene.reconcile(scene.mt940(("C", 97_50, "INV-5001")), source=bank, by=maker)
    return treat(scene.break_of(reference="INV-5001"), by=maker, until=after(1))


# Terms

_OTHER_TERMS = (
    "INSERT INTO recon_resolution_terms (entity_id, asset_id, version, write_off_account_id, write_off_maximum_minor, timing_days_maximum,"
    " proposal_id, set_at) SELECT entity_id, asset_id, %s, write_off_account_id, %s, timing_days_maximum, %s, now()"
    " FROM recon_resolution_terms WHERE version = 1"
)


def test_terms_change_it(owner: Session, bank: Source) -> None:
    with refused_by("recon_terms_append_only"):
        owner.execute("UPDATE recon_resolution_terms SET write_off_maximum_minor = 99999")


@pytest.mark.parametrize(("version", "maximum"), [(2, 99999), (3, 700)])
def test_terms_nobody_approved_it(runtime: Session, bank: Source, maker: User, checker: User, version: int, maximum: int) -> None:
    payload = {
        "entity": ENTITY,
        "asset": "USD",
        "write_off_maximum_minor": "700",
        "write_off_account": "6490",
        "timing_days_maximum": ResolutionTerms.objects.get().timing_days_maximum,
    }
    proposal = write_executed(runtime, maker=maker, checker=checker, kind="recon.set_terms", target="t", payload=payload)
    with refused_by("recon_terms_are_set_by_two"):
        runtime.execute(_OTHER_TERMS, [version, maximum, proposal])


def test_more_written_off_than_the_terms_allow_it(runtime: Session, treated: Treatment, maker: User, checker: User) -> None:
    proposal = write_off(treated.recon_break, by=maker)
    version = proposal.versions.get()
    decide(proposal, by=checker)
    written = MatchRow.objects.get(method="write_off")
    assert version.payload["entry"]["lines"][0]["amount"] == "250"
    lower = operations.Terms(entity=ENTITY, asset="USD", write_off_maximum_minor=249, write_off_account="6490", timing_days_maximum=2)
    decide(
        operations.propose_terms(terms=lower, reason_code="TERMS_POLICY", narrative="Less is written off from now on", maker_id=maker.pk),
        by=checker,
    )
    with refused_by("recon_write_off_is_within_terms"):
        runtime.execute(
            "INSERT INTO recon_match (id, reconciliation_id, method, pass_id, proposal_id, explanation, made_at)"
            " VALUES (uuidv7(), %s, 'write_off', '', %s, '{}', now())",
            [written.reconciliation_id, proposal.pk],
        )


# Treatments


@pytest.mark.parametrize("change", ["until = until + 30", "kind = 'duplicate', until = NULL", "narrative = 'x'"])
def test_a_treatment_becomes_another_it(owner: Session, treated: Treatment, change: str) -> None:
    with refused_by("recon_treatment_meaning_never_changes"):
        owner.execute(f"UPDATE recon_treatment SET {change}".encode())


def test_an_ended_treatment_lives_again_it(runtime: Session, treated: Treatment, maker: User) -> None:
    version = Break.objects.get(pk=treated.recon_break_id).version
    operations.end_treatment(break_id=treated.recon_break_id, version=version, ended_by_id=maker.pk, reason="It was none")
    with refused_by("recon_treatment_ends_once"):
        runtime.execute("UPDATE recon_treatment SET ended_at = NULL, ended_by_id = NULL, end_reason = ''")


def test_a_break_is_treated_in_two_ways_it(runtime: Session, treated: Treatment) -> None:
    with refused_by("recon_break_has_one_live_treatment"):
        runtime.execute(
            "INSERT INTO recon_treatment (recon_break_id, kind, reason_id, narrative, until, accepted_by_id, accepted_at, end_reason)"
            " SELECT recon_break_id, kind, reason_id, narrative, until, accepted_by_id, now(), '' FROM recon_treatment"
        )


def test_what_was_treated_is_forgotten_it(owner: Session, treated: Treatment) -> None:
    with refused_by("recon_treatment_never_deleted"):
        owner.execute("DELETE FROM recon_treatment")
