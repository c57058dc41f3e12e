"""The guards of certificates alone, written around the operations."""

import hashlib
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import pytest

from approvals.canonical import canonical_json, digest_of
from approvals.models import User
from recon.models import Certificate, CertifiedDay, Source
from tests.concurrency import scene
from tests.database.around import Session, refused_by, write_decision, write_executed, write_proposal
from tests.fixtures import Post
from tests.recon.certifying import agreed_days, booked, certify
from tests.recon.delivered import day

pytestmark = [pytest.mark.django_db(transaction=True, databases=["default", "owner"])]

PACK = b"%PDF-"


@pytest.fixture
def bank(roles: None) -> Source:
    return scene.bank()


@pytest.fixture
def certificate(bank: Source, maker: User, checker: User, post: Post) -> Certificate:
    agreed_days(bank, post=post, by=maker)
    return certify(bank, 0, 1, by=maker, review=checker)


def payload_of(bank: Source, *, first: int = 4, last: int = 4, **values: Any) -> dict[str, Any]:
    return {
        "reconciliation": bank.reconciliation.pk,
        "first_day": str(day(first)),
        "last_day": str(day(last)),
        "content": {"figures": "none"},
        **values,
    }


def agreed(session: Session, bank: Source, *, maker: User, checker: User, kind: str = "recon.certify", **values: Any) -> UUID:
    """Have a request executed in this transaction."""
    return write_executed(session, maker=maker, checker=checker, kind=kind, target="1010", payload=payload_of(bank, **values))


def write_certificate(
    session: Session,
    bank: Source,
    *,
    proposal: UUID,
    maker: User,
    reviewer: User,
    content: Mapping[str, Any] | None = None,
    first: int = 4,
    last: int = 4,
    digest: str = "",
    canonical: str = "",
    withdrawn: bool = False,
) -> UUID:
    said = canonical_json({"statement": {"figures": "none"}} if content is None else content)
    row = session.execute(
        "INSERT INTO recon_certificate (id, reconciliation_id, account_id, first_day, last_day, content, canonical, digest, pack,"
        " pack_digest, prepared_by_id, reviewed_by_id, proposal_id, certified_at, withdrawal_id, withdrawn_at)"
        " VALUES (uuidv7(), %s, %s, %s, %s, %s::jsonb, %s, %s, %s, %s, %s, %s, %s, now(), %s, %s) RETURNING id",
        [
            bank.reconciliation.pk, bank.account_id, day(first), day(last), said, canonical or said, digest or digest_of(canonical or said),
            PACK, hashlib.sha256(PACK).hexdigest(), maker.pk, reviewer.pk, proposal, proposal if withdrawn else None,
            "2026-11-20" if withdrawn else None,
        ],
    ).fetchone()  # fmt: skip
    assert row is not None
    return UUID(str(row[0]))


def write_day(session: Session, certificate: UUID, bank: Source, number: int, *, figures: tuple[int, int, int] = (5, 3, 2)) -> None:
    session.execute(
        "INSERT INTO recon_certified_day (certificate_id, reconciliation_id, day, ledger_minor, external_minor, open_minor)"
        " VALUES (%s, %s, %s, %s, %s, %s)",
        [certificate, bank.reconciliation.pk, day(number), *figures],
    )


def test_certificate_that_was_agreed_is_written(runtime: Session, bank: Source, maker: User, checker: User) -> None:
    proposal = agreed(runtime, bank, maker=maker, checker=checker)
    certificate = write_certificate(runtime, bank, proposal=proposal, maker=maker, reviewer=checker)
    write_day(runtime, certificate, bank, 4)
    runtime.commit()
    assert Certificate.objects.get().pk == certificate


def test_certificate_nobody_reviewed_it(runtime: Session, bank: Source, maker: User, checker: User) -> None:
    proposal, version = write_proposal(runtime, maker=maker, kind="recon.certify", target="1010", payload=payload_of(bank))
    write_decision(runtime, proposal=proposal, version=version, maker=maker, approver=checker)
    with refused_by("recon_certificate_is_reviewed"):
        write_certificate(runtime, bank, proposal=proposal, maker=maker, reviewer=checker)


@pytest.mark.parametrize(
    "other",
    [{"kind": "recon.approve_rules"}, {"first": 3}, {"last": 5}, {"content": {"figures": "others"}}, {"reconciliation": 10**9}],
    ids=["kind", "first day", "last day", "content", "account"],
)
def test_certificate_of_something_else_than_was_reviewed_it(
    runtime: Session, bank: Source, maker: User, checker: User, other: dict[str, Any]
) -> None:
    proposal = agreed(runtime, bank, maker=maker, checker=checker, **other)
    with refused_by("recon_certificate_is_reviewed"):
        write_certificate(runtime, bank, proposal=proposal, maker=maker, reviewer=checker)


def test_certificate_that_names_another_preparer_or_reviewer_it(
    runtime: Session, bank: Source, maker: User, checker: User, auditor: User
) -> None:
    proposal = agreed(runtime, bank, maker=maker, checker=checker)
    runtime.execute("SAVEPOINT here")
    with refused_by("recon_certificate_is_reviewed"):
        write_certificate(runtime, bank, proposal=proposal, maker=auditor, reviewer=checker)
    runtime.execute("ROLLBACK TO here")
    with refused_by("recon_certificate_is_reviewed"):
        write_certificate(runtime, bank, proposal=proposal, maker=maker, reviewer=auditor)


def test_certificate_by_a_proposal_of_another_transaction_it(runtime: Session, bank: Source, maker: User, checker: User) -> None:
    proposal = agreed(runtime, bank, maker=maker, checker=checker)
    runtime.commit()
    with refused_by("recon_certificate_is_reviewed"):
        write_certificate(runtime, bank, proposal=proposal, maker=maker, reviewer=checker)


def test_reviewer_is_the_preparer_it(owner: Session, bank: Source, maker: User, checker: User) -> None:
    proposal = agreed(owner, bank, maker=maker, checker=checker)
    owner.execute("ALTER TABLE recon_certificate DISABLE TRIGGER recon_certificate_is_reviewed")
    with refused_by("recon_reviewer_is_not_preparer"):
        write_certificate(owner, bank, proposal=proposal, maker=maker, reviewer=maker)


def test_preparer_posted_on_the_account_in_these_days_it(runtime: Session, bank: Source, maker: User, checker: User, post: Post) -> None:
    booked(post, "5.00", "OWN-0001", on=4, actor_id=maker.pk)
    proposal = agreed(runtime, bank, maker=maker, checker=checker)
    with refused_by("recon_preparer_made_no_entries"):
        write_certificate(runtime, bank, proposal=proposal, maker=maker, reviewer=checker)


def test_posting_of_other_days_keeps_nobody_from_preparing(runtime: Session, bank: Source, maker: User, checker: User, post: Post) -> None:
    booked(post, "5.00", "OWN-0001", on=3, actor_id=maker.pk)
    booked(post, "5.00", "OTHER-0001", on=4, actor_id=checker.pk)
    proposal = agreed(runtime, bank, maker=maker, checker=checker)
    write_certificate(runtime, bank, proposal=proposal, maker=maker, reviewer=checker)


def test_certificate_whose_digest_is_not_of_its_content_it(runtime: Session, bank: Source, maker: User, checker: User) -> None:
    proposal = agreed(runtime, bank, maker=maker, checker=checker)
    with refused_by("recon_certificate_matches_its_digest"):
        write_certificate(runtime, bank, proposal=proposal, maker=maker, reviewer=checker, digest="0" * 64)


def test_certificate_whose_twin_says_something_else_it(runtime: Session, bank: Source, maker: User, checker: User) -> None:
    proposal = agreed(runtime, bank, maker=maker, checker=checker)
    with refused_by("recon_certificate_matches_its_content"):
        write_certificate(runtime, bank, proposal=proposal, maker=maker, reviewer=checker, canonical='{"statement":{}}')


def test_certificate_without_its_days_it(runtime: Session, bank: Source, maker: User, checker: User) -> None:
    proposal = agreed(runtime, bank, maker=maker, checker=checker, last=5)
    certificate = write_certificate(runtime, bank, proposal=proposal, maker=maker, reviewer=checker, last=5)
    write_day(runtime, certificate, bank, 4)
    with refused_by("recon_certificate_has_its_days"):
        runtime.commit()


def test_day_of_no_certificate_it(runtime: Session, bank: Source, certificate: Certificate) -> None:
    with refused_by("recon_certified_day_is_of_its_certificate"):
        write_day(runtime, certificate.pk, bank, 2)


def test_day_certified_twice_it(runtime: Session, bank: Source, certificate: Certificate, maker: User, checker: User) -> None:
    proposal = agreed(runtime, bank, maker=maker, checker=checker, first=1, last=1)
    again = write_certificate(runtime, bank, proposal=proposal, maker=maker, reviewer=checker, first=1, last=1)
    with refused_by("recon_day_is_certified_once"):
        write_day(runtime, again, bank, 1)


def test_day_with_something_unexplained_it(runtime: Session, bank: Source, maker: User, checker: User) -> None:
    proposal = agreed(runtime, bank, maker=maker, checker=checker)
    certificate = write_certificate(runtime, bank, proposal=proposal, maker=maker, reviewer=checker)
    with refused_by("recon_certified_day_is_explained"):
        write_day(runtime, certificate, bank, 4, figures=(5, 3, 1))


@pytest.mark.parametrize("change", ["content = '{}'", "digest = 'x'", "last_day = last_day + 1", "reviewed_by_id = prepared_by_id"])
def test_certificate_is_rewritten_it(owner: Session, certificate: Certificate, change: str) -> None:
    with refused_by("recon_certificate_is_only_withdrawn"):
        owner.execute(f"UPDATE recon_certificate SET {change}".encode())


def test_certificate_is_withdrawn_by_one_it(runtime: Session, certificate: Certificate, maker: User) -> None:
    proposal, _ = write_proposal(runtime, maker=maker, kind="recon.uncertify", payload={"certificate": str(certificate.pk)})
    with refused_by("recon_certificate_is_only_withdrawn"):
        runtime.execute("UPDATE recon_certificate SET withdrawn_at = now(), withdrawal_id = %s", [proposal])


def test_certificate_is_withdrawn_by_the_proposal_about_another_it(
    runtime: Session, certificate: Certificate, maker: User, checker: User
) -> None:
    asked = {"certificate": "01900000-0000-7000-8000-000000000000"}
    proposal = write_executed(runtime, maker=maker, checker=checker, kind="recon.uncertify", target="t", payload=asked)
    with refused_by("recon_certificate_is_only_withdrawn"):
        runtime.execute("UPDATE recon_certificate SET withdrawn_at = now(), withdrawal_id = %s", [proposal])


def test_withdrawn_without_a_proposal_it(owner: Session, certificate: Certificate) -> None:
    owner.execute("ALTER TABLE recon_certificate DISABLE TRIGGER recon_certificate_is_only_withdrawn")
    with refused_by("recon_certificate_is_withdrawn_by_a_proposal"):
        owner.execute("UPDATE recon_certificate SET withdrawn_at = now()")


def test_day_is_freed_while_its_certificate_stands_it(runtime: Session, certificate: Certificate) -> None:
    with refused_by("recon_certified_day_is_of_its_certificate"):
        runtime.execute("UPDATE recon_certified_day SET withdrawn_at = now()")


def test_figures_of_a_certified_day_change_it(owner: Session, certificate: Certificate) -> None:
    with refused_by("recon_certified_day_meaning_never_changes"):
        owner.execute("UPDATE recon_certified_day SET ledger_minor = ledger_minor + 1, external_minor = external_minor + 1")


def test_certificate_ends_before_it_begins_it(owner: Session, bank: Source, maker: User, checker: User) -> None:
    proposal = agreed(owner, bank, maker=maker, checker=checker, first=5, last=4)
    with refused_by("recon_certificate_is_of_days"):
        write_certificate(owner, bank, proposal=proposal, maker=maker, reviewer=checker, first=5, last=4)


def test_certificates_and_their_days_are_deleted_it(owner: Session, certificate: Certificate) -> None:
    owner.execute("SAVEPOINT here")
    with refused_by("recon_certified_day_never_deleted"):
        owner.execute("DELETE FROM recon_certified_day")
    owner.execute("ROLLBACK TO here")
    with refused_by("recon_certificate_never_deleted"):
        owner.execute("DELETE FROM recon_certificate")


def test_days_of_a_certificate_are_what_its_content_says(certificate: Certificate) -> None:
    said = {one["day"]: one for one in certificate.content["statement"]["days"]}
    for one in CertifiedDay.objects.all():
        assert str(one.ledger_minor) == said[str(one.day)]["ledger"]
