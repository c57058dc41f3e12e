"""Reading reconciliations. Gates take the user and show only sources their roles give sight of."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db.models import Count, Exists, F, OuterRef, Prefetch, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Abs
from guardian.shortcuts import get_objects_for_user

from approvals.registry import Review
from ledger.accounting import DEBIT, Line
from ledger.models import Account, Direction, JournalEntry, PeriodStatus, Posting
from ledger.queries import BalanceEffect, effects_of, period_of, postings_of
from ledgerops.lib.errors import Refusal, RefusalKind
from recon.matching.comparison import compared
from recon.models import (
    Break,
    BreakState,
    Item,
    Population,
    PopulationAccount,
    Reconciliation,
    RulesStatus,
    RulesVersion,
    Run,
    Side,
    Source,
    Statement,
    StatementFile,
    StatementLine,
)

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractUser


class SourceNotFound(Refusal):
    code = "source_not_found"
    kind = RefusalKind.NOT_FOUND


class FileNotFound(Refusal):
    code = "file_not_found"
    kind = RefusalKind.NOT_FOUND


class StatementNotFound(Refusal):
    code = "statement_not_found"
    kind = RefusalKind.NOT_FOUND


class RunNotFound(Refusal):
    code = "run_not_found"
    kind = RefusalKind.NOT_FOUND


class BreakNotFound(Refusal):
    code = "break_not_found"
    kind = RefusalKind.NOT_FOUND


class ReconciliationNotFound(Refusal):
    code = "reconciliation_not_found"
    kind = RefusalKind.NOT_FOUND


def sources_for(user: "AbstractUser") -> QuerySet[Source]:
    visible = get_objects_for_user(user, "recon.view_source", klass=Source, use_groups=True, accept_global_perms=False)
    return visible.select_related("asset", "account").order_by("name")


def _source_ids(user: "AbstractUser") -> QuerySet[Source, int]:
    return sources_for(user).order_by().values_list("pk", flat=True)


def reconciliations_for(user: "AbstractUser") -> QuerySet[Reconciliation]:
    return (
        Reconciliation.objects.filter(source__in=_source_ids(user))
        .select_related("source__asset", "source__account__balance")
        .order_by("name")
    )


def reconciliation_for(user: "AbstractUser", *, pk: int) -> Reconciliation:
    """Return one reconciliation.

    :raises ReconciliationNotFound: if it is not there for this user.
    """
    found = reconciliations_for(user).filter(pk=pk).first()
    if found is None:
        raise ReconciliationNotFound("there is no such reconciliation in your scope")
    return found


def files_for(user: "AbstractUser") -> QuerySet[StatementFile]:
    """Return the files this user received, that came for a source they see, or whose statements they see, newest first."""
    sources = _source_ids(user)
    return (
        StatementFile.objects.filter(
            Q(received_by=user) | Q(source__in=sources) | Exists(Statement.objects.filter(file=OuterRef("pk"), source__in=sources))
        )
        .select_related("received_by", "source__asset", "mapping")
        .order_by("-id")
    )


def file_for(user: "AbstractUser", *, file_id: UUID) -> StatementFile:
    """Return one file.

    :raises FileNotFound: if it is not there for this user.
    """
    found = files_for(user).filter(pk=file_id).first()
    if found is None:
        raise FileNotFound("there is no such file in your scope")
    return found


def statements_for(user: "AbstractUser") -> QuerySet[Statement]:
    return (
        Statement.objects.filter(source__in=_source_ids(user))
        .with_replaced()
        .select_related("source__asset", "file")
        .order_by("-closing_date", "-id")
    )


def statement_for(user: "AbstractUser", *, statement_id: UUID) -> Statement:
    """Return one statement.

    :raises StatementNotFound: if it is not there for this user.
    """
    found = statements_for(user).filter(pk=statement_id).first()
    if found is None:
        raise StatementNotFound("there is no such statement in your scope")
    return found


def lines_of(statement: Statement) -> QuerySet[StatementLine]:
    """Return a statement's lines in their order, each with its item."""
    at_home = Prefetch("items", queryset=Item.objects.filter(reconciliation__home=True), to_attr="home_items")
    return StatementLine.objects.filter(statement=statement).prefetch_related(at_home).order_by("ordinal")


def runs_for(user: "AbstractUser") -> QuerySet[Run]:
    return (
        Run.objects.filter(reconciliation__source__in=_source_ids(user))
        .select_related("reconciliation__source__asset", "requested_by")
        .order_by("-id")
    )


def run_for(user: "AbstractUser", *, run_id: UUID) -> Run:
    """Return one run.

    :raises RunNotFound: if it is not there for this user.
    """
    found = runs_for(user).filter(pk=run_id).first()
    if found is None:
        raise RunNotFound("there is no such run in your scope")
    return found


def breaks_for(user: "AbstractUser") -> QuerySet[Break]:
    """Return the breaks this user may see, oldest first, with both items and their source."""
    return (
        Break.objects.filter(reconciliation__source__in=_source_ids(user))
        .select_related(
            "reconciliation__source__asset",
            "reconciliation__source__account",
            "ledger_item",
            "statement_item",
            "assignee",
            "opened_by_run",
            "parent",
            "root_cause",
            "previous_assignee",
        )
        .annotate(size_minor=Abs(F("difference_minor")))
        .order_by("occurred_on", "number")
    )


def account_of(recon_break: Break) -> Account:
    """Return the ledger account on which a break is put right.

    It is that of its posting where it has one, else the first of its reconciliation's ledger side, else its source's.
    """
    if recon_break.reconciliation.home:
        return recon_break.reconciliation.source.account
    seen = Account.objects.select_related("asset", "entity")
    item = recon_break.ledger_item
    if item is not None and item.entry_line is not None:
        posting = Posting.objects.filter(entry=item.entry_id, line=item.entry_line)
        return seen.get(pk__in=posting.values("account"))
    places = PopulationAccount.objects.filter(population__reconciliation=recon_break.reconciliation_id)
    first = places.order_by("population__position", "account__code").values_list("account", flat=True).first()
    return recon_break.reconciliation.source.account if first is None else seen.get(pk=first)


def break_for(user: "AbstractUser", *, break_id: UUID) -> Break:
    """Return one break, with the definition of its rules as `rules_in_force` and how many populations it is between as `sides`.

    :raises BreakNotFound: if it is not there for this user.
    """
    account = "reconciliation__source__account"
    around = (f"{account}__entity", f"{account}__asset", "resolved_by__made_by", "resolved_by__run")
    populations = ("ledger_item__population", "statement_item__population")
    in_force = RulesVersion.objects.filter(reconciliation=OuterRef("reconciliation"), status=RulesStatus.ACTIVE).values("definition")
    counted = Population.objects.filter(reconciliation=OuterRef("reconciliation")).order_by().values("reconciliation")
    sides = Subquery(counted.annotate(many=Count("pk")).values("many"))
    found = (
        breaks_for(user)
        .select_related(*around, *populations)
        .annotate(rules_in_force=Subquery(in_force[:1]), sides=sides)
        .filter(pk=break_id)
        .first()
    )
    if found is None:
        raise BreakNotFound("there is no such break in your scope")
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What one side says of a movement, field by field, as plain values."""

    item: Item
    title: str
    amount_minor: int
    value_date: date
    booking_date: date
    counterparty: str
    reference: str
    end_to_end_id: str
    description: str
    raw: str
    place: str
    entry: JournalEntry | None = None
    line: StatementLine | None = None


def facts_of(item: Item) -> Facts:
    """Return what the item's own record says."""
    return facts_of_items([item])[item.pk]


def facts_of_items(items: Collection[Item]) -> dict[int, Facts]:
    """Return what each item's own record says, by the item's id."""
    entries = JournalEntry.objects.in_bulk([item.entry_id for item in items if item.entry_id is not None])
    lines = StatementLine.objects.select_related("statement__file").in_bulk(
        [item.statement_line_id for item in items if item.statement_line_id is not None]
    )
    return {
        item.pk: _facts_of_line(item, line=lines[item.statement_line_id])
        if item.statement_line_id is not None
        else _facts_of_entry(item, entry=entries[item.entry_id])
        for item in items
    }


def _facts_of_entry(item: Item, *, entry: JournalEntry) -> Facts:
    return Facts(
        item=item,
        title=entry.public_number,
        amount_minor=item.signed_minor,
        value_date=entry.effective_date,
        booking_date=entry.effective_date,
        counterparty=entry.counterparty,
        reference=entry.reference,
        end_to_end_id=entry.reference,
        description=entry.description,
        raw="",
        place="",
        entry=entry,
    )


def _facts_of_line(item: Item, *, line: StatementLine) -> Facts:
    return Facts(
        item=item,
        title=f"line {line.ordinal}",
        amount_minor=item.signed_minor,
        value_date=line.value_date,
        booking_date=line.booking_date,
        counterparty=line.counterparty,
        reference=line.reference or line.end_to_end_id,
        end_to_end_id=line.end_to_end_id,
        description=line.description,
        raw=line.raw,
        place=line.place,
        line=line,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """The unexplained number of a reconciliation: zero unless something is lost.

    It is ledger minus external minus open items minus what was posted since the last run looked (`uncompared_minor`).
    """

    reconciliation: Reconciliation
    ledger_minor: int
    external_minor: int | None
    external_date: date | None
    open_items_minor: int
    uncompared_minor: int
    unexplained_minor: int | None


def standing_of(reconciliation: Reconciliation) -> Standing:
    """Compare the ledger account with the latest closing balance delivered and the open items that explain the difference."""
    return standings_of([reconciliation])[0]


def standings_of(reconciliations: Sequence[Reconciliation]) -> list[Standing]:
    """Return where each reconciliation stands, in the order given, at a cost that does not grow with their number."""
    sources = [one.source_id for one in reconciliations]
    closed = Statement.objects.counting().filter(source__in=sources, closing_minor__isnull=False)
    latest = {one.source_id: one for one in closed.order_by("source_id", "-closing_date", "-id").distinct("source_id")}
    signed = dict.fromkeys([one.pk for one in reconciliations], 0)
    sums = Item.objects.filter(reconciliation__in=signed, open=True).values_list("reconciliation", "side", "flow")
    for pk, side, flow, amount in sums.annotate(amount=Sum("open_minor")):
        signed[pk] += int(amount) if (flow == "in") == (side == Side.LEDGER) else -int(amount)
    uncompared = _uncompared(reconciliations)
    return [
        _standing(one, latest=latest.get(one.source_id), open_items_minor=signed[one.pk], uncompared_minor=uncompared[one.pk])
        for one in reconciliations
    ]


def _uncompared(reconciliations: Sequence[Reconciliation]) -> dict[int, int]:
    """Return debits less credits of what was posted since each one's last run and is no item; an adjustment's posting is one already."""
    after = Q(pk__in=[])
    for taken in PopulationAccount.objects.filter(population__reconciliation__in=reconciliations, population__reconciliation__home=True):
        after |= Q(account=taken.account_id, account_seq__gt=taken.last_account_seq)
    as_item = Item.objects.filter(
        reconciliation__source__account=OuterRef("account"),
        reconciliation__home=True,
        entry_id=OuterRef("entry_id"),
        entry_line=OuterRef("line"),
    )
    sums: dict[int, int] = {}
    new = Posting.objects.filter(after).filter(~Exists(as_item)).values_list("account", "direction")
    for account, direction, amount in new.annotate(amount=Sum("amount_minor")):
        sums[account] = sums.get(account, 0) + (int(amount) if direction == Direction.DEBIT else -int(amount))
    return {one.pk: sums.get(one.source.account_id, 0) for one in reconciliations}


def _standing(reconciliation: Reconciliation, *, latest: Statement | None, open_items_minor: int, uncompared_minor: int) -> Standing:
    account = reconciliation.source.account
    ledger = int(account.balance.posted_debits_minor) - int(account.balance.posted_credits_minor)
    # Only a source's own compares two balances; of other populations there is no difference to explain.
    external = int(latest.closing_minor) if reconciliation.home and latest and latest.closing_minor is not None else None
    return Standing(
        reconciliation=reconciliation,
        ledger_minor=ledger,
        external_minor=external,
        external_date=latest.closing_date if latest else None,
        open_items_minor=open_items_minor,
        uncompared_minor=uncompared_minor,
        unexplained_minor=None if external is None else ledger - external - open_items_minor - uncompared_minor,
    )


def adjustment_effects(*, lines: Iterable[Mapping[str, Any]]) -> list[BalanceEffect]:
    """Return the balances before and after an adjustment's lines as stored in its payload."""
    return effects_of(
        lines=[
            Line(account=line["account"], direction=line["direction"], amount_minor=int(line["amount"]), asset=line["asset"])
            for line in lines
        ]
    )


def adjustment_review(*, payload: Mapping[str, Any], executed: bool, proposal_id: UUID) -> Review:
    """Return what the checker of an adjustment must see: the entry, balances, the break, and what was checked."""
    recon_break = Break.objects.select_related("reconciliation__source__asset", "reconciliation__source__account__entity").get(
        pk=payload["break_id"]
    )
    source = recon_break.reconciliation.source
    effective_date = date.fromisoformat(payload["entry"]["effective_date"])
    period = period_of(entity=source.account.entity, day=effective_date)
    items = list(Item.objects.filter(pk__in=payload["item_ids"]).order_by("side", "pk"))
    lines = payload["entry"]["lines"]
    debited = sum(int(line["amount"]) for line in lines if line["direction"] == "debit")
    credited = sum(int(line["amount"]) for line in lines if line["direction"] == "credit")
    entry = JournalEntry.objects.filter(proposal_id=proposal_id).first()
    checks = [
        (debited == credited, "Debits equal credits", "ledger"),
        (executed or all(item.open for item in items), "Every item is still open", "matching"),
        (executed or recon_break.state == BreakState.PROPOSED, f"{recon_break.public_number} waits for this proposal", "break"),
        (executed or (period is not None and period.status == PeriodStatus.OPEN), f"The period of {effective_date} is open", "period"),
    ]
    told = facts_of_items(items)
    ledger = next((told[item.pk] for item in items if item.side == Side.LEDGER), None)
    statement = next((told[item.pk] for item in items if item.side == Side.STATEMENT), None)
    difference = sum(item.signed_minor if item.side == Side.LEDGER else -item.signed_minor for item in items)
    unreconciled = _open_difference(recon_break.reconciliation_id)
    return Review(
        template="recon/adjustment_review.html",
        context={
            "recon_break": recon_break,
            "items": items,
            "facts": list(told.values()),
            "entry_payload": payload["entry"],
            "effects": posted_effects(entry) if entry else adjustment_effects(lines=lines),
            "entry": entry,
            "source": source,
            "difference_minor": difference,
            "unreconciled_now_minor": None if entry else unreconciled,
            "unreconciled_after_minor": None if entry else unreconciled - difference,
            "comparison": compared(ledger, statement, scale=source.asset.scale, asset=source.asset.code) if ledger and statement else [],
            "ledger_facts": ledger,
            "statement_facts": statement,
        },
        checks=tuple(checks),
    )


def posted_effects(entry: JournalEntry) -> list[BalanceEffect]:
    """Return what an entry did to each account when it was posted, from its postings."""
    effects = []
    for posting in postings_of(entry):
        if posting.balance_after_minor is None:
            continue  # a deferred account's leg has its balance once it is rolled; what the entry did to it stands in its lines
        debit, credit = (int(posting.amount_minor), 0) if posting.direction == DEBIT else (0, int(posting.amount_minor))
        change = debit - credit if posting.account.normal_side == DEBIT else credit - debit
        after = int(posting.balance_after_minor)
        effects.append(
            BalanceEffect(account=posting.account, debit_minor=debit, credit_minor=credit, now_minor=after - change, after_minor=after)
        )
    return effects


def _open_difference(reconciliation_id: int) -> int:
    """Return ledger minus statement of everything open."""
    sums = dict.fromkeys([(side, flow) for side in Side.values for flow in ("in", "out")], 0)
    open_items = Item.objects.filter(reconciliation=reconciliation_id, open=True)
    for side, flow, amount in open_items.values_list("side", "flow").annotate(amount=Sum("open_minor")):
        sums[side, flow] = int(amount)
    ledger, statement = (sums[side, "in"] - sums[side, "out"] for side in (Side.LEDGER, Side.STATEMENT))
    return ledger - statement
