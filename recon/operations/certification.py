"""Certifying days of an account: one person prepares, another reviews exactly what was prepared, and nothing of it changes any more."""

import hashlib
from collections.abc import Mapping
from datetime import date
from typing import Any
from uuid import UUID

from django.db import connection

from approvals import operations as approvals
from approvals.canonical import canonical_json, digest_of
from approvals.models import OPEN_STATUSES, Proposal, User
from approvals.registry import Command, PreconditionChanged
from audit.operations import act, record_event
from ledgerops.lib.errors import Refusal, RefusalKind
from ledgerops.lib.transactions import database_now
from recon.certification_queries import blockers_of, changes_between, content_of, made_entries, terms_of
from recon.certification_queries.content import days_of
from recon.certification_queries.grid import CERTIFYING, open_requests
from recon.models import Certificate, CertificationTerms, CertifiedDay, Reconciliation
from recon.operations.certificate_pack import pack_of
from recon.operations.corrections import scope_of

CERTIFY = CERTIFYING
UNCERTIFY = "recon.uncertify"
# A certificate of more days would be a review of nothing.
DAYS_MAXIMUM = 92
KIND = "recon.account_certificate"


class CertificationInvalid(Refusal):
    code = "certification_invalid"
    kind = RefusalKind.INVALID


class CertificationBlocked(Refusal):
    """Something keeps the days from being certified; `detail["blockers"]` says all of it, as kind, sentence and day."""

    code = "certification_blocked"
    kind = RefusalKind.CONFLICT


class PreparerMadeEntries(Refusal):
    """Whoever made entries on the account in the days prepares no certificate of them."""

    code = "preparer_made_entries"
    kind = RefusalKind.FORBIDDEN


class CertificateRefused(Refusal):
    code = "certificate_refused"
    kind = RefusalKind.CONFLICT


def prepare_certificate(
    *, reconciliation_id: int, first_day: date, last_day: date, reason_code: str, narrative: str, maker_id: int
) -> Proposal:
    """Ask that somebody else certifies these days of an account, with everything that is shown of them.

    :raises CertificationInvalid: if they are no days that can be certified together.
    :raises PreparerMadeEntries: if the preparer made entries on the account in these days.
    :raises CertificationBlocked: if something of these days is unproven, missing, unexplained or unattended.
    :raises Refusal: the approvals' own.
    """
    payload = _payload(reconciliation_id, first_day, last_day, reason_code=reason_code, narrative=narrative, maker_id=maker_id)
    return approvals.submit(kind=CERTIFY, payload=payload, maker_id=maker_id)


def revise_certificate(*, proposal_id: UUID, reason_code: str, narrative: str, maker_id: int) -> Proposal:
    """Prepare the same days again after the reviewer returned them, as things stand now."""
    payload = Proposal.objects.get(pk=proposal_id).versions.latest("n").payload
    first_day, last_day = date.fromisoformat(payload["first_day"]), date.fromisoformat(payload["last_day"])
    renewed = _payload(payload["reconciliation"], first_day, last_day, reason_code=reason_code, narrative=narrative, maker_id=maker_id)
    return approvals.revise(proposal_id=proposal_id, payload=renewed, maker_id=maker_id)


def _payload(reconciliation_id: int, first_day: date, last_day: date, *, reason_code: str, narrative: str, maker_id: int) -> dict[str, Any]:
    return {
        "reconciliation": reconciliation_id,
        "first_day": first_day.isoformat(),
        "last_day": last_day.isoformat(),
        "reason_code": reason_code,
        "narrative": narrative.strip(),
        "maker": maker_id,
    }


def check_certificate(*, payload: Mapping[str, Any]) -> Command:
    """Understand a request against the present state, with new statements held off; `prepare_certificate` says what it refuses."""
    reconciliation = _locked(payload["reconciliation"])
    first, last = date.fromisoformat(payload["first_day"]), date.fromisoformat(payload["last_day"])
    _refuse_unfit(reconciliation, first=first, last=last)
    _refuse_maker(reconciliation, first=first, last=last, person_id=payload["maker"])
    content = _content_or_refusal(reconciliation, first=first, last=last)
    source = reconciliation.source
    period = f"{first}" if first == last else f"{first} to {last}"
    return Command(
        payload={**payload, "content": content},
        title=f"Certify {source.account.code} {source.account.name}, {period}"[:200],
        scope=scope_of(source_id=source.pk),
        target_type="recon.account_day",
        target_id=source.account.code,
        locked_object=f"recon.certify:{reconciliation.pk}:{first}:{last}",
        preconditions={"digest": digest_of(canonical_json(content))},
        reason_code=payload["reason_code"],
        narrative=payload["narrative"],
    )


def certify(*, payload: Mapping[str, Any], proposal_id: UUID, checker_id: int) -> Certificate:
    """Sign the days exactly as they were prepared, inside the caller's transaction.

    :raises PreconditionChanged: if anything that the certificate rests on has changed since it was prepared, saying what.
    """
    reconciliation = _locked(payload["reconciliation"])
    first, last = date.fromisoformat(payload["first_day"]), date.fromisoformat(payload["last_day"])
    try:
        _refuse_maker(reconciliation, first=first, last=last, person_id=payload["maker"])
        now = _content_or_refusal(reconciliation, first=first, last=last, known=payload["content"])
    except (PreparerMadeEntries, CertificationBlocked) as refusal:
        raise PreconditionChanged(f"since it was prepared: {refusal}") from refusal
    if changes := changes_between(payload["content"], now):
        raise PreconditionChanged(f"since it was prepared: {'; '.join(changes[:3])}")
    # Nothing is refused any more, but by the guards.
    certificate = _write(reconciliation, payload=payload, proposal_id=proposal_id, reviewer_id=checker_id)
    record_event(
        "recon.account.certified",
        target_type="recon.certificate",
        target_id=certificate.pk,
        reason=payload["reason_code"],
        after={
            "account": reconciliation.source.account.code,
            "first_day": payload["first_day"],
            "last_day": payload["last_day"],
            "digest": certificate.digest,
            "pack_digest": certificate.pack_digest,
            "prepared_by": certificate.prepared_by_id,
        },
        proposal_id=proposal_id,
    )
    return certificate


def _write(reconciliation: Reconciliation, *, payload: Mapping[str, Any], proposal_id: UUID, reviewer_id: int) -> Certificate:
    people = User.objects.in_bulk([payload["maker"], reviewer_id])
    proposal = Proposal.objects.get(pk=proposal_id)
    now = database_now()
    content = {
        "kind": KIND,
        "statement": payload["content"],
        "prepared_by": people[payload["maker"]].shown_name,
        "reviewed_by": people[reviewer_id].shown_name,
        "proposal": proposal.public_number,
        "narrative": payload["narrative"],
        "certified_at": f"{now:%Y-%m-%dT%H:%M:%S}Z",
    }
    canonical = canonical_json(content)
    digest = digest_of(canonical)
    pack = pack_of(content, digest=digest, made_at=now)
    certificate = Certificate.objects.create(
        reconciliation=reconciliation,
        account_id=reconciliation.source.account_id,
        first_day=date.fromisoformat(payload["first_day"]),
        last_day=date.fromisoformat(payload["last_day"]),
        content=content,
        canonical=canonical,
        digest=digest,
        pack=pack,
        pack_digest=hashlib.sha256(pack).hexdigest(),
        prepared_by_id=payload["maker"],
        reviewed_by_id=reviewer_id,
        proposal_id=proposal_id,
        certified_at=now,
    )
    CertifiedDay.objects.bulk_create(
        CertifiedDay(
            certificate=certificate,
            reconciliation=reconciliation,
            day=date.fromisoformat(one["day"]),
            ledger_minor=int(one["ledger"]),
            external_minor=int(one["external"]),
            open_minor=int(one["open_items"]),
        )
        for one in payload["content"]["days"]
    )
    return certificate


def propose_withdrawal(*, certificate_id: UUID, reason_code: str, narrative: str, maker_id: int) -> Proposal:
    """Ask that a certificate no longer stands; it is kept with everything it says.

    :raises CertificateRefused: if it was withdrawn already.
    """
    payload = {"certificate": str(certificate_id), "reason_code": reason_code, "narrative": narrative.strip()}
    return approvals.submit(kind=UNCERTIFY, payload=payload, maker_id=maker_id)


def check_withdrawal(*, payload: Mapping[str, Any]) -> Command:
    certificate = _locked_certificate(UUID(payload["certificate"]))
    source = certificate.reconciliation.source
    if not certificate.is_live:
        raise CertificateRefused("this certificate was withdrawn already", field="certificate")
    return Command(
        payload={**payload, "digest": certificate.digest},
        title=f"Withdraw the certificate of {source.account.code} {source.account.name}, {_period(certificate)}"[:200],
        scope=scope_of(source_id=source.pk),
        target_type="recon.certificate",
        target_id=str(certificate.pk),
        locked_object=f"recon.certificate:{certificate.pk}",
        preconditions={"digest": certificate.digest},
        reason_code=payload["reason_code"],
        narrative=payload["narrative"],
    )


def withdraw_certificate(*, payload: Mapping[str, Any], proposal_id: UUID) -> Certificate:
    """Take an approved withdrawal down, inside the caller's transaction: its days can be certified anew.

    :raises PreconditionChanged: if it was withdrawn meanwhile.
    """
    certificate = _locked_certificate(UUID(payload["certificate"]))
    if not certificate.is_live:
        raise PreconditionChanged("this certificate was withdrawn already")
    certificate.withdrawal_id, certificate.withdrawn_at = proposal_id, database_now()
    certificate.save(update_fields=["withdrawal_id", "withdrawn_at"])
    CertifiedDay.objects.filter(certificate=certificate).update(withdrawn_at=certificate.withdrawn_at)
    record_event(
        "recon.certificate.withdrawn",
        target_type="recon.certificate",
        target_id=certificate.pk,
        reason=payload["reason_code"],
        before={"digest": certificate.digest},
        after={"first_day": str(certificate.first_day), "last_day": str(certificate.last_day)},
        proposal_id=proposal_id,
    )
    return certificate


def set_certification_terms(*, reconciliation_id: int, break_days: int, owners_required: bool, set_by_id: int) -> CertificationTerms:
    """Say which live breaks keep a day of a reconciliation from being certified.

    :raises CertificationInvalid: for a limit of no or more than 366 business days.
    """
    with act("recon.certification.terms_set", target_type="recon.reconciliation", target_id=reconciliation_id):
        if not 0 < break_days <= 366:
            raise CertificationInvalid("the limit is 1 to 366 business days", field="break_days")
        reconciliation = Reconciliation.objects.select_for_update(no_key=True).get(pk=reconciliation_id)
        before = terms_of(reconciliation)
        told = {"break_days": break_days, "owners_required": owners_required}
        terms, _ = CertificationTerms.objects.update_or_create(
            reconciliation=reconciliation, defaults={**told, "set_by_id": set_by_id, "set_at": database_now()}
        )
        record_event(
            "recon.certification.terms_set",
            target_type="recon.reconciliation",
            target_id=reconciliation_id,
            before={"break_days": before.break_days, "owners_required": before.owners_required},
            after=told,
        )
        return terms


def hand_out_pack(*, certificate_id: UUID, form: str) -> tuple[bytes, str]:
    """Return a certificate's evidence pack as `pdf` or `json` with its digest, and record that it was handed out.

    :raises CertificationInvalid: for any other form.
    """
    with act("recon.certificate.downloaded", target_type="recon.certificate", target_id=certificate_id):
        if form not in ("pdf", "json"):
            raise CertificationInvalid("an evidence pack is pdf or json", field="form")
        certificate = Certificate.objects.get(pk=certificate_id)
        content = bytes(certificate.pack) if form == "pdf" else certificate.canonical.encode()
        digest = certificate.pack_digest if form == "pdf" else certificate.digest
        after = {"form": form, "digest": digest}
        record_event("recon.certificate.downloaded", target_type="recon.certificate", target_id=certificate_id, after=after)
        return content, digest


def _refuse_unfit(reconciliation: Reconciliation, *, first: date, last: date) -> None:
    if not reconciliation.home:
        raise CertificationInvalid("only an account against its own source is certified", field="reconciliation")
    if last < first:
        raise CertificationInvalid("the last day is before the first", field="last_day")
    if (last - first).days >= DAYS_MAXIMUM:
        raise CertificationInvalid(f"at most {DAYS_MAXIMUM} days are certified at once", field="last_day")
    for proposal, begins, ends in open_requests(reconciliation):
        if begins <= last and first <= ends and (begins, ends) != (first, last) and proposal.status in OPEN_STATUSES:
            raise CertificateRefused(f"{proposal.public_number} asks to certify {begins} to {ends} already", field="first_day")


def _refuse_maker(reconciliation: Reconciliation, *, first: date, last: date, person_id: int) -> None:
    made = made_entries(account=reconciliation.source.account, person_id=person_id, first_day=first, last_day=last)
    if made:
        several = "an entry" if made == 1 else f"{made:,} entries"
        code = reconciliation.source.account.code
        raise PreparerMadeEntries(
            f"the preparer made {several} on account {code} in these days: somebody else must prepare them", field="first_day"
        )


def _content_or_refusal(
    reconciliation: Reconciliation, *, first: date, last: date, known: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return what the certificate would say now.

    With `known`, what was prepared, only what changed since is told where that is the cause; a blocker says less than the change behind it.

    :raises CertificationBlocked: naming everything that keeps the days from being certified.
    """
    days = days_of(reconciliation, first_day=first, last_day=last)
    blockers = blockers_of(reconciliation, days=days)
    content = content_of(reconciliation, days=days)
    if blockers and not (known is not None and changes_between(dict(known), content)):
        raise CertificationBlocked(
            "; ".join(one.sentence for one in blockers[:3]),
            field="first_day",
            blockers=[{"kind": one.kind, "sentence": one.sentence, "day": str(one.day or "")} for one in blockers],
        )
    if not blockers and content["figures"]["open_items"] != content["days"][-1]["open_items"]:
        raise CertificationBlocked("the open items do not come to the sums that are kept", field="first_day", blockers=[])
    return content


def _period(certificate: Certificate) -> str:
    same = certificate.first_day == certificate.last_day
    return f"{certificate.last_day}" if same else f"{certificate.first_day} to {certificate.last_day}"


def _locked(reconciliation_id: int) -> Reconciliation:
    """Return a reconciliation while no statement of its source can be accepted."""
    around = ("source__account__asset", "source__account__entity", "source__account__balance", "source__asset")
    return Reconciliation.objects.select_for_update(of=("self",), no_key=True).select_related(*around).get(pk=reconciliation_id)


def _locked_certificate(certificate_id: UUID) -> Certificate:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM recon_certificate WHERE id = %s FOR UPDATE", [certificate_id])
    return Certificate.objects.select_related("reconciliation__source__account").defer("pack").get(pk=certificate_id)
