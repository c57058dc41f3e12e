"""Corrections of the ledger that close a break: what an adjustment and a write-off have in common.

The entry's posting becomes an item, and that item matches what was open. No state is set by itself.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from django.db import connection

from approvals.registry import Command, PreconditionChanged
from audit.operations import record_event
from ledger.accounting import CREDIT, DEBIT, EntryDraft, Line, lines_from_json
from ledger.models import Account, AccountStatus
from ledger.operations import post_entry
from ledger.proposed import lines_as_json
from ledger.queries import first_open_date, period_of
from ledgerops.lib.errors import Refusal, RefusalKind
from recon.models import Break, BreakState, Item, MatchMethod, Population, Reconciliation
from recon.operations.breaks import refuse_overtaken, set_state
from recon.operations.matches import MatchRefused, difference_of, live_breaks_of, lock_items, make_match
from recon.queries import account_of

SCOPE = "adjustments"


class AdjustmentRefused(Refusal):
    """What was asked cannot be a sound correction; `field` says where."""

    code = "adjustment_refused"
    kind = RefusalKind.INVALID


@dataclass(frozen=True, slots=True, kw_only=True)
class Understood:
    """A locked break with the items that a correction takes in, and the account on which it is put right."""

    recon_break: Break
    account: Account
    items: Sequence[Item]
    difference_minor: int
    effective_date: date

    @property
    def reconciliation(self) -> Reconciliation:
        return self.recon_break.reconciliation


def entry_lines(*, difference_minor: int, account: Account, counter_account: str) -> list[Line]:
    """Return the two lines that bring the ledger side to the statement side; `difference_minor` is ledger minus statement."""
    side, other = (CREDIT, DEBIT) if difference_minor > 0 else (DEBIT, CREDIT)
    amount = abs(difference_minor)
    return [
        Line(account=counter_account, direction=other, amount_minor=amount, asset=account.asset.code),
        Line(account=account.code, direction=side, amount_minor=amount, asset=account.asset.code),
    ]


def understand(*, payload: Mapping[str, Any]) -> Understood:
    """Read what a correction is about, locking its break and its items.

    :raises BreakRefused, MatchRefused, AdjustmentRefused: naming the field.
    """
    recon_break = locked_break(UUID(payload["break_id"]))
    refuse_overtaken(recon_break, version=payload.get("break_version"))
    account = account_of(recon_break)
    refuse_without_ledger(recon_break, account=account)
    items = items_for(recon_break, item_ids=payload["item_ids"])
    effective_date = date.fromisoformat(payload["effective_date"])
    check_period(account=account, effective_date=effective_date)
    return Understood(
        recon_break=recon_break, account=account, items=items, difference_minor=difference_of(items), effective_date=effective_date
    )


def items_for(recon_break: Break, *, item_ids: Collection[int]) -> list[Item]:
    """Lock a break's own items and those it takes in.

    :raises MatchRefused: if one is taken, or held by the proposal of another break.
    """
    own = [pk for pk in (recon_break.ledger_item_id, recon_break.statement_item_id) if pk is not None]
    items = lock_items(item_ids=sorted({*own, *item_ids}), reconciliation_id=recon_break.reconciliation_id)
    refuse_held(item_ids=item_ids, recon_break=recon_break)
    return items


def refuse_without_ledger(recon_break: Break, *, account: Account) -> None:
    """Refuse where no ledger side counts as the account does, so that no entry could put it right.

    :raises AdjustmentRefused: saying so.
    """
    places = Population.objects.filter(reconciliation=recon_break.reconciliation_id, population_accounts__account=account, sign=1)
    if not places.exists():
        raise AdjustmentRefused(f"{recon_break.reconciliation.name} has no ledger side that an entry could put right", field="break_id")


def command_of(found: Understood, *, payload: Mapping[str, Any], counter_account: str, title: str) -> Command:
    """Return the command that posts the difference against the counter account.

    :raises AdjustmentRefused: if there is no difference.
    """
    recon_break = found.recon_break
    if found.difference_minor == 0:
        raise AdjustmentRefused("these items agree already: match them, there is nothing to post", field="items")
    lines = entry_lines(difference_minor=found.difference_minor, account=found.account, counter_account=counter_account)
    entry = {
        "type": "adjustment",
        "entity": found.account.entity.code,
        "effective_date": found.effective_date.isoformat(),
        "description": payload["narrative"] or recon_break.public_number,
        "reference": recon_break.reference,
        "lines": lines_as_json(lines),
    }
    return Command(
        payload={**payload, "counter_account": counter_account, "item_ids": [item.pk for item in found.items], "entry": entry},
        title=title[:200],
        scope=scope_of(source_id=found.reconciliation.source_id),
        target_type="recon.break",
        target_id=str(recon_break.pk),
        locked_object=f"recon.break:{recon_break.pk}",
        preconditions=preconditions_of(found),
        reason_code=payload["reason_code"],
        narrative=payload["narrative"],
    )


def preconditions_of(found: Understood) -> dict[str, Any]:
    return {
        "break": str(found.recon_break.pk),
        "items": [item.pk for item in found.items],
        "difference_minor": str(found.difference_minor),
        "break_number": found.recon_break.public_number,
    }


def held_items(*, payload: Mapping[str, Any], preconditions: Mapping[str, Any]) -> tuple[Break, list[Item]]:
    """Lock the break that a proposal holds and its items, which must be as they were proposed.

    :raises PreconditionChanged: if they are not.
    """
    recon_break = locked_break(UUID(payload["break_id"]))
    if recon_break.state != BreakState.PROPOSED:
        raise PreconditionChanged(f"{recon_break.public_number} is {recon_break.get_state_display().lower()}")
    try:
        items = lock_items(item_ids=preconditions["items"], reconciliation_id=recon_break.reconciliation_id)
        refuse_held(item_ids=preconditions["items"], recon_break=recon_break)
    except MatchRefused as refusal:
        raise PreconditionChanged(str(refusal)) from refusal
    if str(difference_of(items)) != preconditions["difference_minor"]:
        raise PreconditionChanged("the items no longer differ by the amount that was proposed")
    return recon_break, items


def post_correction(
    *,
    payload: Mapping[str, Any],
    preconditions: Mapping[str, Any],
    proposal_id: UUID,
    checker_id: int,
    method: MatchMethod,
    action: str,
) -> None:
    """Post the approved entry; its posting becomes an item, matches the open ones, and the break closes by that match.

    :raises PreconditionChanged: if an item was matched or the break changed meanwhile.
    :raises Refusal: the books'.
    """
    recon_break, items = held_items(payload=payload, preconditions=preconditions)
    entry = payload["entry"]
    own_code = next(line["account"] for line in entry["lines"] if line["account"] != payload["counter_account"])
    posted = post_entry(
        draft=EntryDraft(
            key=f"proposal:{proposal_id}",
            type=entry["type"],
            entity=entry["entity"],
            effective_date=date.fromisoformat(entry["effective_date"]),
            description=entry["description"],
            reference=entry["reference"],
            counterparty=recon_break.counterparty[:140],
            lines=lines_from_json(entry["lines"]),
            metadata={"reason_code": payload["reason_code"], "break": recon_break.public_number},
            proposal_id=proposal_id,
            actor_id=checker_id,
        ),
        scope=SCOPE,
    )
    assert posted.entry_id is not None
    item = item_of_posting(recon_break, entry_id=posted.entry_id, entry=entry, account=Account.objects.get(code=own_code))
    match = make_match(
        items=[*items, item],
        method=method,
        explanation={"pass": method.value, "break": recon_break.public_number, "entry": str(posted.entry_id)},
        proposal_id=proposal_id,
    )
    record_event(
        action,
        target_type="ledger.journal_entry",
        target_id=posted.entry_id,
        reason=payload["reason_code"],
        after={"break": recon_break.public_number, "match": match.pk, "lines": entry["lines"]},
        proposal_id=proposal_id,
    )


def item_of_posting(recon_break: Break, *, entry_id: UUID, entry: Mapping[str, Any], account: Account) -> Item:
    """Make the item of an entry's one leg on the account that is reconciled."""
    number, line = next((n, line) for n, line in enumerate(entry["lines"], start=1) if line["account"] == account.code)
    return Item.objects.create(
        reconciliation_id=recon_break.reconciliation_id,
        population=Population.objects.get(reconciliation=recon_break.reconciliation_id, population_accounts__account=account),
        side="ledger",
        entry_id=entry_id,
        entry_line=number,
        flow="in" if line["direction"] == DEBIT else "out",
        amount_minor=int(line["amount"]),
        open_minor=int(line["amount"]),
        item_date=date.fromisoformat(entry["effective_date"]),
        reference=entry["reference"],
        counterparty=recon_break.counterparty,
    )


def refuse_held(*, item_ids: Collection[int], recon_break: Break) -> None:
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


def locked_break(break_id: UUID) -> Break:
    """Lock and return a break.

    :raises AdjustmentRefused: if there is none.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM recon_break WHERE id = %s FOR UPDATE", [break_id])
        if cursor.fetchone() is None:
            raise AdjustmentRefused("there is no such break", field="break_id")
    account = "reconciliation__source__account"
    around = (f"{account}__asset", f"{account}__entity", "resolved_by__made_by", "resolved_by__run")
    return Break.objects.select_related(*around).get(pk=break_id)


def counter_account_of(*, code: str, account: Account) -> Account:
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


def check_period(*, account: Account, effective_date: date) -> None:
    period = period_of(entity=account.entity, day=effective_date)
    if period is None or period.status != "open":
        first = first_open_date(entity=account.entity)
        raise AdjustmentRefused(f"{effective_date} lies in no open period; the first open date is {first}", field="effective_date")
