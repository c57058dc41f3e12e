"""What the tests of entries by hand share: a browser's form, a decision, and what became of a proposal."""

from collections.abc import Mapping
from datetime import date
from typing import Any
from uuid import UUID, uuid4

from approvals import operations as approvals
from approvals import queries
from approvals.models import DecisionOutcome, Proposal, User
from ledger.operations.journals import JournalRequest, propose_journal
from ledger.proposed import ProposedEntry
from tests.fixtures import DAY, ENTITY
from tests.notation import books

WHY = "Accrued by the letter of the auditors, page two"
CHARGE = "6420 debit 12.50 USD / 1900 credit 12.50 USD"


def entry(text: str = CHARGE, *, kind: str = "journal", day: date = DAY, **values: Any) -> ProposedEntry:
    """Return a proposed entry from notation."""
    values = {"entity": ENTITY, "description": "Accrued audit fee", **values}
    return ProposedEntry(type=kind, effective_date=day, lines=books(text), **values)


def propose(*entries: ProposedEntry, by: User, journal_id: UUID | None = None, **values: Any) -> Proposal:
    """Propose a journal as this person."""
    request = {"reason_code": "JOURNAL_ACCRUAL", "narrative": WHY, **values}
    return propose_journal(
        request=JournalRequest(journal_id=journal_id or uuid4(), entries=list(entries) or [entry()], **request), maker_id=by.pk
    )


def decide(proposal: Proposal, *, by: User, outcome: str = "approve", comment: str = "") -> Proposal:
    """Decide the current version as this person; returns the proposal as it then is."""
    version = queries.current_version(Proposal.objects.get(pk=proposal.pk))
    return approvals.decide(
        proposal_id=proposal.pk,
        version=version.n,
        digest=version.digest,
        outcome=DecisionOutcome(outcome),
        comment=comment,
        approver_id=by.pk,
    )


def form(text: str = "6420 debit 12.50 / 1900 credit 12.50", **values: Any) -> dict[str, str]:
    """Return what a browser sends for a journal; legs are written account, side, amount."""
    said: dict[str, Any] = {
        "journal": str(uuid4()),
        "entity": ENTITY,
        "effective_date": DAY.isoformat(),
        "description": "Accrued audit fee",
        "reference": "ACC-11",
        "reason_code": "JOURNAL_ACCRUAL",
        "narrative": WHY,
        "lines": "4",
        **line_fields(text),
        **values,
    }
    return {name: str(value) for name, value in said.items()}


def line_fields(text: str) -> Mapping[str, str]:
    fields = {}
    for number, leg in enumerate(text.split(" / "), start=1):
        account, side, amount = leg.split()
        fields[f"account-{number}"] = account
        fields[f"{side}-{number}"] = amount
    return fields
