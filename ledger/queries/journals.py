"""Entries that are proposed: what the books would say to them, what they would do, and how a checker sees them."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

from django.db.models import Case, Exists, OuterRef, QuerySet, Value, When

from approvals.models import User
from ledger.accounting import CREDIT, DEBIT, MAXIMUM_AMOUNT, Line
from ledger.models import Account, AccountingPeriod, AccountStatus, Asset, Balance, JournalEntry, LegalEntity, PeriodStatus
from ledger.proposed import LINES_OF_AN_ENTRY, ProposedEntry, entries_of
from ledger.queries import BalanceEffect, first_open_date, sight_of
from ledgerops.lib import money
from ledgerops.lib.errors import RefusalKind

MANUAL_TYPES = ("journal", "reversal", "opening", "recurring", "adjustment", "remeasurement", "year_end")


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Why the books would not take an entry; `entry` and `line` count from 0, and `field` says where as a refusal does."""

    sentence: str
    field: str
    entry: int
    line: int | None = None
    kind: RefusalKind = RefusalKind.INVALID


@dataclass(slots=True)
class _Known:
    """What the books hold about everything that entries name, read at once."""

    accounts: dict[str, Account]
    entities: dict[str, LegalEntity]
    periods: dict[int, list[AccountingPeriod]]
    scales: dict[str, int]
    moved: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))

    def period(self, entity: LegalEntity, day: date) -> AccountingPeriod | None:
        return next((one for one in self.periods.get(entity.pk, []) if one.starts_on <= day <= one.ends_on), None)

    def said(self, minor: int, asset: str) -> str:
        return f"{money.grouped(minor, scale=self.scales.get(asset, 0))} {asset}"


def _known(entries: Sequence[ProposedEntry]) -> _Known:
    codes = {line.account for entry in entries for line in entry.lines}
    accounts = {one.code: one for one in Account.objects.filter(code__in=codes).select_related("asset", "entity", "balance")}
    entities = {one.code: one for one in LegalEntity.objects.filter(code__in={entry.entity for entry in entries})}
    ids = {one.pk for one in entities.values()} | {one.entity_id for one in accounts.values()}
    days = [entry.effective_date for entry in entries]
    periods: dict[int, list[AccountingPeriod]] = {}
    for period in AccountingPeriod.objects.filter(entity__in=ids, ends_on__gte=min(days), starts_on__lte=max(days)) if days else ():
        periods.setdefault(period.entity_id, []).append(period)
    scales = {one.asset.code: one.asset.scale for one in accounts.values()}
    return _Known(accounts=accounts, entities=entities, periods=periods, scales=scales)


def problems_of(entries: Sequence[ProposedEntry], *, most: int = 200) -> list[Problem]:
    """Return why the books would refuse these entries as they stand now, in their order; an empty list is no promise for later.

    Later entries see what earlier ones of the same proposal would have moved.
    """
    known = _known(entries)
    problems: list[Problem] = []
    for number, entry in enumerate(entries):
        place = f"entries[{number + 1}]." if len(entries) > 1 else ""
        problems += [*_entry_problems(entry, number=number, place=place, known=known)]
        if len(problems) >= most:
            break
    return problems[:most]


def _entry_problems(entry: ProposedEntry, *, number: int, place: str, known: _Known) -> Iterable[Problem]:
    def problem(sentence: str, where: str, line: int | None = None, kind: RefusalKind = RefusalKind.INVALID) -> Problem:
        return Problem(sentence=sentence, field=f"{place}{where}", entry=number, line=line, kind=kind)

    entity = known.entities.get(entry.entity)
    if not entry.description.strip() or len(entry.description) > 1000:
        yield problem("say what the entry is for, in at most 1,000 characters", "description")
    if len(entry.reference) > 140:
        yield problem("a reference has at most 140 characters", "reference")
    if not 2 <= len(entry.lines) <= LINES_OF_AN_ENTRY:
        yield problem(f"an entry has 2 to {LINES_OF_AN_ENTRY:,} lines", "lines")
    if entity is None:
        yield problem(f"there is no entity {entry.entity}", "entity")
        return
    if found := _period_problem(entity, entry.effective_date, known=known):
        yield problem(found[0], "effective_date", kind=found[1])
    sound = True
    for at, line in enumerate(entry.lines):
        for sentence, where, kind in _line_problems(line, known=known):
            sound = False
            yield problem(sentence, f"lines[{at + 1}].{where}", at, kind)
    if sound:
        for sentence, kind in _sum_problems(entry, entity=entity, known=known):
            yield problem(sentence, "lines", kind=kind)


def _period_problem(entity: LegalEntity, day: date, *, known: _Known) -> tuple[str, RefusalKind] | None:
    period = known.period(entity, day)
    if period is None:
        return f"{entity.code} has no accounting period that contains {day}", RefusalKind.INVALID
    if period.status == PeriodStatus.CLOSED:
        return f"the period of {day} is closed; the first open date is {first_open_date(entity=entity)}", RefusalKind.CONFLICT
    return None


def _line_problems(line: Line, *, known: _Known) -> Iterable[tuple[str, str, RefusalKind]]:
    account = known.accounts.get(line.account)
    if account is None:
        yield f"there is no account {line.account}", "account", RefusalKind.INVALID
        return
    if line.direction not in (DEBIT, CREDIT):
        yield "a line is a debit or a credit", "direction", RefusalKind.INVALID
    if not 0 < line.amount_minor <= MAXIMUM_AMOUNT:
        yield "an amount is a whole number above zero of at most 38 digits", "amount", RefusalKind.INVALID
    if account.asset.code != line.asset:
        yield f"account {line.account} holds {account.asset.code}", "asset", RefusalKind.INVALID
    if account.is_control:
        yield f"account {line.account} stands for the accounts under it", "account", RefusalKind.INVALID
    if account.status != AccountStatus.OPEN:
        yield f"account {line.account} is {account.status}", "account", RefusalKind.CONFLICT
    if account.balance.debits_frozen if line.direction == DEBIT else account.balance.credits_frozen:
        yield f"account {line.account} takes no {line.direction}s at the moment", "account", RefusalKind.CONFLICT


def _sum_problems(entry: ProposedEntry, *, entity: LegalEntity, known: _Known) -> Iterable[tuple[str, RefusalKind]]:
    """Yield what is wrong with the lines taken together: balance by entity and asset, and limits."""
    sums: defaultdict[tuple[str, str], int] = defaultdict(int)
    others: dict[int, LegalEntity] = {}
    changes: defaultdict[str, int] = defaultdict(int)
    for line in entry.lines:
        account = known.accounts[line.account]
        signed = line.amount_minor if line.direction == DEBIT else -line.amount_minor
        sums[account.entity.code, line.asset] += signed
        changes[line.account] += signed if account.normal_side == DEBIT else -signed
        if account.entity_id != entity.pk:
            others[account.entity_id] = account.entity
    for (code, asset), difference in sorted(sums.items()):
        if difference:
            hint = "; add due-to and due-from" if others else ""
            yield f"debits and credits of {code} differ by {known.said(difference, asset)}{hint}", RefusalKind.INVALID
    for other in others.values():
        if found := _period_problem(other, entry.effective_date, known=known):
            yield found
    for account_code, change in changes.items():
        known.moved[account_code] += change
        balance = known.accounts[account_code].balance
        if change < 0 and balance.overdraft_limit_minor is not None and balance.available_minor + known.moved[account_code] < 0:
            available = known.said(balance.available_minor + known.moved[account_code] - change, known.accounts[account_code].asset.code)
            yield f"account {account_code} has {available} available, less than this takes", RefusalKind.CONFLICT


def standing_of(entries: Sequence[ProposedEntry]) -> dict[str, dict[str, str]]:
    """Return what a proposal of these entries rests on: the state of each period and of each account that they touch."""
    known = _known(entries)
    periods, accounts = {}, {}
    for entry in entries:
        for code in {entry.entity, *(known.accounts[line.account].entity.code for line in entry.lines if line.account in known.accounts)}:
            entity = known.entities.get(code) or next(one.entity for one in known.accounts.values() if one.entity.code == code)
            period = known.period(entity, entry.effective_date)
            periods[f"{code}/{entry.effective_date}"] = _period_word(period)
    for code, account in known.accounts.items():
        accounts[code] = account.status
    return {"periods": periods, "accounts": accounts}


def _period_word(period: AccountingPeriod | None) -> str:
    """Return whether approved entries may go into a period: a soft lock lets them through, so that it changes nothing here."""
    return "none" if period is None else "closed" if period.status == PeriodStatus.CLOSED else "open"


def what_changed(before: Mapping[str, Mapping[str, str]], now: Mapping[str, Mapping[str, str]]) -> str:
    """Return the first thing that a proposal rested on and that is no longer so, as a sentence; empty where nothing changed."""
    for place, word in before["periods"].items():
        if now["periods"].get(place) != word:
            entity, _, day = place.partition("/")
            return f"the period of {day} of {entity} is {now['periods'].get(place, 'gone')} now"
    for code, status in before["accounts"].items():
        if now["accounts"].get(code) != status:
            return f"account {code} is {now['accounts'].get(code, 'gone')} now"
    return ""


def entity_scopes_for(user: User) -> list[str]:
    """Return the scopes of entry proposals the user may see: of an entity in sight, none of whose accounts is out of sight.

    A proposal shows every account it touches, so whoever sees part of the books sees none.
    """
    # Kept with the person as their permissions are: every kind of proposal asks this, on every page of proposals.
    kept: list[str] | None = user.__dict__.get("entity_scopes")
    if kept is None:
        sight = sight_of(user)
        codes = list(sight.entities.values())
        if not sight.all_groups:
            partly = Exists(Account.objects.filter(entity=OuterRef("pk")).exclude(group__in=list(sight.groups)))
            codes = list(LegalEntity.objects.filter(pk__in=list(sight.entities)).exclude(partly).values_list("code", flat=True))
        kept = [scope_of(code) for code in codes]
        user.__dict__["entity_scopes"] = kept
    return kept


def scope_of(entity: str) -> str:
    return f"ledger.entity:{entity}"


def accounts_offered(accounts: QuerySet[Account], *, most: int = 1000) -> QuerySet[Account]:
    """Return the accounts that a line may be on, those of the house before the many of customers."""
    usable = accounts.filter(status=AccountStatus.OPEN, is_control=False)
    return usable.order_by(Case(When(owner_class="customer", then=Value(1)), default=Value(0)), "code")[:most]


def scales() -> dict[str, int]:
    return dict(Asset.objects.values_list("code", "scale"))


def posted_by(proposal_id: UUID) -> QuerySet[JournalEntry]:
    """Return what a proposal posted, in the order of its parts."""
    return JournalEntry.objects.filter(proposal_id=proposal_id).select_related("type").order_by("proposal_part", "number")


def effects_as_posted(*, entries: Collection[JournalEntry]) -> list[BalanceEffect]:
    """Return what entries did to each account when they were posted, from their postings; deferred accounts show what they hold now."""
    from_postings: dict[str, BalanceEffect] = {}
    legs = [leg for entry in entries for leg in entry.postings.all()]
    for leg in legs:
        debit, credit = (int(leg.amount_minor), 0) if leg.direction == DEBIT else (0, int(leg.amount_minor))
        change = debit - credit if leg.account.normal_side == DEBIT else credit - debit
        after = leg.balance_after_minor
        seen = from_postings.get(leg.account.code)
        end = int(after) if after is not None else Balance.objects.get(account=leg.account_id).posted_minor
        from_postings[leg.account.code] = BalanceEffect(
            account=leg.account,
            debit_minor=debit + (seen.debit_minor if seen else 0),
            credit_minor=credit + (seen.credit_minor if seen else 0),
            now_minor=seen.now_minor if seen else end - change,
            after_minor=end,
        )
    return list(from_postings.values())


def lines_of(payload: Mapping[str, Any]) -> list[Line]:
    return [line for entry in entries_of(payload) for line in entry.lines]
