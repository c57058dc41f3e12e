"""Adjustments: the correction is an entry, and its posting matches what was open."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from django.db import connection

from approvals import operations as approvals
from approvals.models import Proposal
from approvals.registry import Command, PreconditionChanged
from audit.operations import record_event
from ledger.accounting import CREDIT, DEBIT, EntryDraft, Line
from ledger.models import Account, AccountStatus
from ledger.operations import post_entry
from ledger.queries import first_open_date, period_of
from ledgerops.lib.errors import Refusal, RefusalKind
from recon.models import Break, BreakState, Item, MatchMethod, Population
from recon.operations.breaks import BreakRefused, refuse_of_a_source, set_state
from recon.operations.matches import MatchRefused, difference_of, live_breaks_of, lock_items, make_match
from recon.queries import account_of

ADJUSTMENT = "recon.post_adjustment"
SCOPE = "adjustments"


class AdjustmentRefused(Refusal):
    """What was asked cannot be a sound adjustment; `field` says where."""

    code = "adjustment_refused"
    kind = RefusalKind.INVALID


@dataclass(frozen=True, slots=True, kw_only=True)
class AdjustmentRequest:
    """What an analyst fills in. `item_ids` are further items the adjustment takes in besides the break's own.

    `break_version` is the version the analyst saw: given, the first version of a proposal is refused once the break has changed.
    """

    break_id: UUID
    item_ids: Sequence[int]
    reason_code: str
    narrative: str
    counter_account: str
    effective_date: date
    break_version: int | None = None

    def as_payload(self) -> dict[str, Any]:
        seen = {} if self.break_version is None else {"break_version": self.break_version}
        return {
            **seen,
            "break_id": str(self.break_id),
            "item_ids": sorted(self.item_ids),
            "reason_code": self.reason_code,
            "narrative": self.narrative.strip(),
            "counter_account": self.counter_account,
            "effective_date": self.effective_date.isoformat(),
        }


def propose_adjustment(*, request: AdjustmentRequest, maker_id: int) -> Proposal:
    """Ask for the entry that makes a break's items agree.

    :raises Refusal: naming the field, or what else holds the break.
    """
    return approvals.submit(kind=ADJUSTMENT, payload=request.as_payload(), maker_id=maker_id)


def revise_adjustment(*, proposal_id: UUID, request: AdjustmentRequest, maker_id: int) -> Proposal:
    """Submit the next version of an adjustment after changes were requested."""
    return approvals.revise(proposal_id=proposal_id, payload=request.as_payload(), maker_id=maker_id)


def entry_lines(*, difference_minor: int, account: Account, counter_account: str) -> list[Line]:
    """Return the two lines that bring the ledger side to the statement side; `difference_minor` is ledger minus statement."""
    side, other = (CREDIT, DEBIT) if difference_minor > 0 else (DEBIT, CREDIT)
    amount = abs(difference_minor)
    return [
        Line(account=counter_account, direction=other, amount_minor=amount, asset=account.asset.code),
        Line(account=account.code, direction=side, amount_minor=amount, asset=account.asset.code),
    ]


def check_adjustment(*, payload: Mapping[str, Any]) -> Command:
    """Understand an adjustment against the present state, locking its break.

    :raises BreakRefused, MatchRefused, AdjustmentRefused: naming the field.
    """
    recon_break = _locked_break(UUID(payload["break_id"]))
    if recon_break.state in (BreakState.PROPOSED, BreakState.RESOLVED):
        raise BreakRefused(f"{recon_break.public_number} is {recon_break.get_state_display().lower()}", state=recon_break.state)
    refuse_of_a_source(recon_break)
    if payload.get("break_version", recon_break.version) != recon_break.version:
        raise BreakRefused(f"{recon_break.public_number} has changed since you opened it", version=recon_break.version)
    source = recon_break.reconciliation.source
    account = account_of(recon_break)
    if not Population.objects.filter(reconciliation=recon_break.reconciliation_id, population_accounts__account=account, sign=1).exists():
        raise AdjustmentRefused(f"{recon_break.reconciliation.name} has no ledger side that an entry could put right", field="break_id")
    own = [pk for pk in (recon_break.ledger_item_id, recon_break.statement_item_id) if pk is not None]
    items = lock_items(item_ids=sorted({*own, *payload["item_ids"]}), reconciliation_id=recon_break.reconciliation_id)
    _refuse_held(item_ids=payload["item_ids"], recon_break=recon_break)
    difference = difference_of(items)
    if difference == 0:
        raise AdjustmentRefused("these items agree already: match them, there is nothing to post", field="items")
    effective_date = date.fromisoformat(payload["effective_date"])
    counter = _counter_account(code=payload["counter_account"], account=account)
    _check_period(account=account, effective_date=effective_date)
    lines = entry_lines(difference_minor=difference, account=account, counter_account=counter.code)
    entry = {
        "type": "adjustment",
        "entity": account.entity.code,
        "effective_date": effective_date.isoformat(),
        "description": payload["narrative"] or recon_break.public_number,
        "reference": recon_break.reference,
        "lines": [
            {"account": line.account, "direction": line.direction, "amount": str(line.amount_minor), "asset": line.asset} for line in lines
        ],
    }
    return Command(
        payload={**payload, "item_ids": [item.pk for item in items], "entry": entry},
        title=f"Post an adjustment on {recon_break.reconciliation.name} and close {recon_break.public_number}",
        scope=scope_of(source_id=source.pk),
        target_type="recon.break",
        target_id=str(recon_break.pk),
        locked_object=f"recon.break:{recon_break.pk}",
        preconditions={
            "break": str(recon_break.pk),
            "items": [item.pk for item in items],
            "difference_minor": str(difference),
            "break_number": recon_break.public_number,
        },
        reason_code=payload["reason_code"],
        narrative=payload["narrative"],
    )


def post_adjustment(*, payload: Mapping[str, Any], preconditions: Mapping[str, Any], proposal_id: UUID, checker_id: int) -> None:
    """Post the approved entry; its posting becomes an item, matches the open ones, and the break closes by that match.

    :raises PreconditionChanged: if an item was matched or the break changed meanwhile.
    :raises Refusal: the books'.
    """
    recon_break = _locked_break(UUID(payload["break_id"]))
    if recon_break.state != BreakState.PROPOSED:
        raise PreconditionChanged(f"{recon_break.public_number} is {recon_break.get_state_display().lower()}")
    try:
        items = lock_items(item_ids=preconditions["items"], reconciliation_id=recon_break.reconciliation_id)
        _refuse_held(item_ids=preconditions["items"], recon_break=recon_break)
    except MatchRefused as refusal:
        raise PreconditionChanged(str(refusal)) from refusal
    if str(difference_of(items)) != preconditions["difference_minor"]:
        raise PreconditionChanged("the items no longer differ by the amount that was proposed")

    entry = payload["entry"]
    account = Account.objects.get(code=next(line["account"] for line in entry["lines"] if line["account"] != payload["counter_account"]))
    lines = [
        Line(account=line["account"], direction=line["direction"], amount_minor=int(line["amount"]), asset=line["asset"])
        for line in entry["lines"]
    ]
    posted = post_entry(
        draft=EntryDraft(
            key=f"proposal:{proposal_id}",
            type=entry["type"],
            entity=entry["entity"],
            effective_date=date.fromisoformat(entry["effective_date"]),
            description=entry["description"],
            reference=entry["reference"],
            counterparty=recon_break.counterparty[:140],
            lines=lines,
            metadata={"reason_code": payload["reason_code"], "break": recon_break.public_number},
            proposal_id=proposal_id,
            actor_id=checker_id,
        ),
        scope=SCOPE,
    )
    assert posted.entry_id is not None
    own_line = next(number for number, line in enumerate(lines, start=1) if line.account == account.code)
    item = Item.objects.create(
        reconciliation_id=recon_break.reconciliation_id,
        population=Population.objects.get(reconciliation=recon_break.reconciliation_id, population_accounts__account=account),
        side="ledger",
        entry_id=posted.entry_id,
        entry_line=own_line,
        flow="in" if lines[own_line - 1].direction == DEBIT else "out",
        amount_minor=lines[own_line - 1].amount_minor,
        open_minor=lines[own_line - 1].amount_minor,
        item_date=date.fromisoformat(entry["effective_date"]),
        reference=entry["reference"],
        counterparty=recon_break.counterparty,
    )
    match = make_match(
        items=[*items, item],
        method=MatchMethod.ADJUSTMENT,
        explanation={"pass": "adjustment", "break": recon_break.public_number, "entry": str(posted.entry_id)},
        proposal_id=proposal_id,
    )
    record_event(
        "recon.adjustment.posted",
        target_type="ledger.journal_entry",
        target_id=posted.entry_id,
        reason=payload["reason_code"],
        after={"break": recon_break.public_number, "match": match.pk, "lines": entry["lines"]},
        proposal_id=proposal_id,
    )


def _refuse_held(*, item_ids: Collection[int], recon_break: Break) -> None:
    """Refuse items that belong to another break whose proposal waits: theirs is to be decided, not to be taken away."""
    for touched in live_breaks_of(item_ids=item_ids):
        if touched.pk != recon_break.pk and touched.state == BreakState.PROPOSED:
            raise MatchRefused(f"an item belongs to {touched.public_number}, which waits for approval", field="items")


def hold_break(*, payload: Mapping[str, Any]) -> None:
    """Keep a break out of runs and other hands while its proposal waits."""
    set_state(break_id=UUID(payload["break_id"]), state=BreakState.PROPOSED)
    record_event("recon.break.proposed", target_type="recon.break", target_id=payload["break_id"], reason=payload["reason_code"])


def release_break(*, payload: Mapping[str, Any]) -> None:
    """Give a break back to its analyst after its proposal ended without a posting; one resolved meanwhile stays so."""
    if set_state(break_id=UUID(payload["break_id"]), state=BreakState.INVESTIGATING):
        record_event("recon.break.reopened", target_type="recon.break", target_id=payload["break_id"])


def scope_of(*, source_id: int) -> str:
    return f"recon.source:{source_id}"


def _locked_break(break_id: UUID) -> Break:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM recon_break WHERE id = %s FOR UPDATE", [break_id])
        if cursor.fetchone() is None:
            raise AdjustmentRefused("there is no such break", field="break_id")
    return Break.objects.select_related("reconciliation__source__account__asset", "reconciliation__source__account__entity").get(
        pk=break_id
    )


def _counter_account(*, code: str, account: Account) -> Account:
    counter = Account.objects.select_related("asset", "entity").filter(code=code).first()
    if counter is None:
        raise AdjustmentRefused(f"there is no account {code}", field="counter_account")
    if counter.pk == account.pk:
        raise AdjustmentRefused("the counter account must be another account", field="counter_account")
    if (counter.asset_id, counter.entity_id) != (account.asset_id, account.entity_id):
        raise AdjustmentRefused(f"account {code} is not in {account.asset.code} of {account.entity.code}", field="counter_account")
    if counter.status != AccountStatus.OPEN or Account.objects.filter(parent=counter).exists():
        raise AdjustmentRefused(f"account {code} takes no postings", field="counter_account")
    return counter


def _check_period(*, account: Account, effective_date: date) -> None:
    period = period_of(entity=account.entity, day=effective_date)
    if period is None or period.status != "open":
        first = first_open_date(entity=account.entity)
        raise AdjustmentRefused(f"{effective_date} lies in no open period; the first open date is {first}", field="effective_date")
