"""Reading the registry: transactions, holds, types and keys, within the reader's sight."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db.models import BooleanField, Case, Count, Exists, F, Func, OuterRef, Q, QuerySet, Subquery, Value, When
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Coalesce

from ledger.models import (
    Account,
    Asset,
    EventOutcome,
    Hold,
    HoldEvent,
    JournalEntry,
    KeyUse,
    Posting,
    Transaction,
    TransactionEvent,
    TransactionStatus,
    TransactionType,
)
from ledger.queries import AccountNotFound, assets_in_use, seen_codes, sight_of
from ledger.registry import Rule, rule_from_json
from ledgerops.lib import diff, money
from ledgerops.lib.errors import Refusal, RefusalKind

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractUser

# How many transactions of one reference a list looks for; a reference is meant to name a few.
OF_ONE_REFERENCE = 1_000
# Among so many of the newest holds a captured one is looked for by its reference.
NEWEST_HOLDS = 10_000


class TransactionNotFound(Refusal):
    code = "transaction_not_found"
    kind = RefusalKind.NOT_FOUND


class HoldNotFound(Refusal):
    code = "hold_not_found"
    kind = RefusalKind.NOT_FOUND


class TransactionTypeNotFound(Refusal):
    code = "transaction_type_not_found"
    kind = RefusalKind.NOT_FOUND


class _NamedIn(Func):
    """Whether an account's code is among those that the lines of a request name."""

    template = "%(expressions)s, '$.lines[*].account') #>> '{}'))"
    arg_joiner = " = ANY (ARRAY(SELECT jsonb_path_query("
    output_field = BooleanField()


def transactions_for(user: "AbstractUser") -> QuerySet[Transaction]:
    """Return the transactions of which the user sees every account, newest first: those of the entry, or else of what was asked."""
    sight = sight_of(user)
    entities, groups = list(sight.entities), list(sight.groups)
    unseen = Account.objects.filter(~Q(entity__in=entities, group__in=groups))
    legs = Posting.objects.filter(entry_id=OuterRef("pk")).filter(~Q(account__entity__in=entities, account__group__in=groups))
    named = unseen.filter(Q(_NamedIn(F("code"), OuterRef("content"))) | Q(code=KeyTextTransform("account", OuterRef("content"))))
    held = Hold.objects.filter(pk=OuterRef("parent_id")).filter(~Q(account__entity__in=entities, account__group__in=groups))
    # Asked of each row by itself, so that a page costs what it shows (as in `entries_for`).
    hidden = Case(
        When(entry__isnull=False, then=_found(legs)),
        default=Coalesce(_found(named), _found(held)),
        output_field=BooleanField(),
    )
    return (
        Transaction.objects.filter(entity__in=entities)
        .alias(hidden=Coalesce(hidden, False))  # noqa: FBT003 (an SQL value)
        .filter(hidden=False)
        .select_related("type", "entity", "entry")
        .order_by("-id")
    )


def transaction_for(user: "AbstractUser", *, transaction_id: UUID) -> Transaction:
    """Return one transaction.

    :raises TransactionNotFound: if it does not exist or touches an account out of the user's sight.
    """
    found = transactions_for(user).filter(pk=transaction_id).first()
    if found is None:
        raise TransactionNotFound("there is no such transaction in your scope")
    return found


def holds_for(user: "AbstractUser") -> QuerySet[Hold]:
    """Return the holds on accounts the user sees."""
    sight = sight_of(user)
    entities, groups = list(sight.entities), list(sight.groups)
    return (
        Hold.objects.filter(account__entity__in=entities, account__group__in=groups)
        .select_related("transaction__type", "transaction__entity", "account__asset")
        .order_by("-transaction_id")
    )


def hold_for(user: "AbstractUser", *, hold_id: UUID) -> Hold:
    """Return one hold.

    :raises HoldNotFound: if it does not exist or is on an account out of the user's sight.
    """
    found = holds_for(user).filter(pk=hold_id).first()
    if found is None:
        raise HoldNotFound("there is no such hold in your scope")
    return found


def key_uses_for(user: "AbstractUser") -> QuerySet[KeyUse]:
    """Return when keys came again, newest first, for the transactions in sight."""
    return KeyUse.objects.filter(transaction__in=transactions_for(user).order_by().values("pk")).order_by("-id")


@dataclass(frozen=True, slots=True, kw_only=True)
class ScopeUses:
    """How often one caller's keys came again."""

    scope: str
    replays: int
    mismatches: int


def uses_by_scope(uses: QuerySet[KeyUse]) -> list[ScopeUses]:
    """Return replays and mismatches by whose keys they were, most mismatches first."""
    counted = (
        uses.order_by()
        .values("transaction__scope")
        .annotate(mismatches=Count("pk", filter=Q(mismatch=True)), replays=Count("pk", filter=Q(mismatch=False)))
        .order_by("-mismatches", "-replays", "transaction__scope")
    )
    return [ScopeUses(scope=row["transaction__scope"], replays=row["replays"], mismatches=row["mismatches"]) for row in counted]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a list of transactions is narrowed to; what is None or empty narrows nothing. Days are of the instant of recording, in UTC."""

    type: str = ""
    status: str = ""
    settlement: str = ""
    entity: str = ""
    reference: str = ""
    account: str = ""
    since: date | None = None
    until: date | None = None
    amount: str = ""
    # An amount in minor units of an asset, where a program asks.
    amount_minor: int | None = None
    asset: str = ""
    conflicts: bool = False

    @property
    def active(self) -> bool:
        return any(getattr(self, one.name) for one in fields(self))


def narrowed(transactions: QuerySet[Transaction], *, wanted: Wanted) -> QuerySet[Transaction]:
    """Return the transactions that fit, each condition put so that its index answers it.

    :raises AmountRefused: if the amount cannot be read.
    """
    if wanted.type:
        # By ids, which stand in the row itself.
        transactions = transactions.filter(type__in=list(TransactionType.objects.filter(code=wanted.type).values_list("pk", flat=True)))
    if wanted.status:
        transactions = transactions.filter(status=wanted.status)
    if wanted.settlement:
        transactions = transactions.filter(settlement=wanted.settlement)
    if wanted.entity:
        transactions = transactions.filter(entity__code=wanted.entity)
    if wanted.since:
        # An id begins with its instant, so a day is a range of the primary key.
        transactions = transactions.filter(pk__gte=_first_id_of(wanted.since))
    if wanted.until:
        transactions = transactions.filter(pk__lt=_first_id_of(wanted.until + timedelta(days=1)))
    if wanted.reference:
        transactions = transactions.filter(pk__in=_of_reference(wanted.reference))
    if wanted.account:
        transactions = transactions.filter(pk__in=_on_account(wanted.account))
    if wanted.amount:
        transactions = transactions.filter(_of_amount(wanted.amount))
    if wanted.amount_minor is not None:
        minor = Q(amount_minor=wanted.amount_minor)
        transactions = transactions.filter(_moves(minor & Q(asset__code=wanted.asset), minor & Q(account__asset__code=wanted.asset)))
    if wanted.conflicts:
        conflicts = TransactionEvent.objects.filter(outcome=EventOutcome.CONFLICT).order_by()
        transactions = transactions.filter(pk__in=conflicts.values("transaction_id"))
    return transactions


def _found(rows: "QuerySet[Account] | QuerySet[Posting] | QuerySet[Hold]") -> Subquery:
    return Subquery(rows.order_by().values(found=Value(True))[:1], output_field=BooleanField())  # noqa: FBT003 (an SQL value)


def _first_id_of(day: date) -> UUID:
    milliseconds = int(datetime.combine(day, time.min, tzinfo=UTC).timestamp() * 1000)
    return UUID(int=max(milliseconds, 0) << 80)


def _of_reference(reference: str) -> list[UUID]:
    posted = JournalEntry.objects.filter(reference=reference).order_by("-id").values_list("pk", flat=True)
    waiting = Transaction.objects.filter(~Q(status=TransactionStatus.POSTED), entry__isnull=True, content__reference=reference)
    # A hold that was captured posted no entry of its own, and what it was asked for with is in no index.
    newest = Hold.objects.order_by("-pk").values("pk")[:NEWEST_HOLDS]
    captured = Transaction.objects.filter(pk__in=newest, status=TransactionStatus.POSTED, content__reference=reference)
    return [
        found
        for rows in (posted, *(some.order_by("-id").values_list("pk", flat=True) for some in (waiting, captured)))
        for found in rows[:OF_ONE_REFERENCE]
    ]


def _on_account(code: str) -> "QuerySet[Posting, UUID]":
    account_id = Account.objects.filter(code=code.strip()).values_list("pk", flat=True).first() or 0
    posted = Posting.objects.filter(account_id=account_id).order_by().values_list("entry_id", flat=True)
    return posted.union(Hold.objects.filter(account_id=account_id).order_by().values_list("transaction_id", flat=True), all=True)


def _of_amount(text: str) -> Q:
    legs, held = Q(pk__in=[]), Q(pk__in=[])
    money.minor_from_text(text, scale=18, field="amount")
    for scale in sorted(set(assets_in_use().values_list("scale", flat=True))):
        try:
            minor = abs(money.minor_from_text(text, scale=scale, field="amount"))
        except money.AmountRefused:
            continue  # more decimals than assets of this scale have: none of their legs can be meant
        legs |= Q(asset__scale=scale, amount_minor=minor)
        held |= Q(account__asset__scale=scale, amount_minor=minor)
    return _moves(legs, held)


def _moves(legs: Q, held: Q) -> Q:
    return Q(Exists(Posting.objects.filter(legs, entry=OuterRef("pk")))) | Q(Exists(Hold.objects.filter(held, pk=OuterRef("pk"))))


@dataclass(frozen=True, slots=True, kw_only=True)
class Sum:
    """How much a transaction moves in one asset."""

    minor: int
    asset: str
    scale: int


def sums_of(transactions: Iterable[Transaction]) -> dict[UUID, list[Sum]]:
    """Return what each transaction was asked to move, by asset: the debits of its lines, or what it holds."""
    rows = list(transactions)
    asked = {row.pk: _asked(row.content) for row in rows}
    scales = dict(Asset.objects.filter(code__in={asset for sums in asked.values() for asset in sums}).values_list("code", "scale"))
    return {
        pk: [Sum(minor=minor, asset=asset, scale=scales[asset]) for asset, minor in sums.items() if asset in scales]
        for pk, sums in asked.items()
    }


def _asked(content: Mapping[str, object]) -> dict[str, int]:
    sums: dict[str, int] = {}
    lines = content.get("lines")
    for line in lines if isinstance(lines, list) else []:
        if line["direction"] == "debit":
            sums[line["asset"]] = sums.get(line["asset"], 0) + int(line["amount"])
    if "asset" in content and content.get("amount"):
        sums[str(content["asset"])] = int(str(content["amount"]))
    return sums


def events_of(transaction: Transaction) -> QuerySet[TransactionEvent]:
    return TransactionEvent.objects.filter(transaction=transaction).order_by("id")


def hold_events_of(holds: Sequence[Hold]) -> QuerySet[HoldEvent]:
    return HoldEvent.objects.filter(hold__in=[hold.pk for hold in holds]).select_related("transaction__entry").order_by("id")


def uses_of(transaction: Transaction) -> QuerySet[KeyUse]:
    return KeyUse.objects.filter(transaction=transaction).order_by("id")


def type_versions(*, code: str) -> list[TransactionType]:
    """Return every version of a type, newest first.

    :raises TransactionTypeNotFound: if there is no such type.
    """
    versions = list(TransactionType.objects.filter(code=code).order_by("-version"))
    if not versions:
        raise TransactionTypeNotFound(f"there is no transaction type {code}")
    return versions


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnLeg:
    """One leg of a rule as it stands on its side of a T."""

    amount: str
    optional: bool


@dataclass(slots=True, kw_only=True)
class DrawnAccount:
    """One account of a rule as a T: by which parameter it is named, of which classes it may be, and what is debited and credited to it."""

    account: str
    roles: list[str]
    classes: list[str]
    debits: list[DrawnLeg]
    credits: list[DrawnLeg]

    @property
    def optional(self) -> bool:
        return all(leg.optional for leg in (*self.debits, *self.credits))


def drawing_of(legs: Sequence[Mapping[str, Any]]) -> list[DrawnAccount]:
    """Return a rule's accounts as Ts, in the order in which its legs name them."""
    drawn: dict[str, DrawnAccount] = {}
    for leg in legs:
        blank = DrawnAccount(account=leg["account"], roles=[], classes=[], debits=[], credits=[])
        account = drawn.setdefault(leg["account"], blank)
        account.roles += [role for role in (leg["role"],) if role not in account.roles]
        account.classes += [one for one in leg["classes"] if one not in account.classes]
        side = account.debits if leg["direction"] == "debit" else account.credits
        side.append(DrawnLeg(amount=leg.get("amount", "amount"), optional=bool(leg.get("optional"))))
    return list(drawn.values())


TERMS = {
    "name": "Name",
    "origin": "Origin",
    "parameters": "Evidence",
    "external": "External fact",
    "reversible": "Can be reversed",
    "mirrors": "Undoes an entry",
    "settles": "Settles outside",
    "multi_capture": "Captured more than once",
    "in_soft_lock": "Posts into soft-locked periods",
    "backdating_days": "Backdating",
}


def compared_terms(before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return two versions of a type's terms term by term and leg by leg, for a table of differences; None is no version before."""
    rows = [
        {"field": label, "comparison": diff.text(_term(before.get(name)) if before else "", _term(after.get(name)))}
        for name, label in TERMS.items()
    ]
    old, new = ([_leg(leg) for leg in terms["legs"]] if terms else [] for terms in (before, after))
    for number in range(max(len(old), len(new))):
        pair = (legs[number] if number < len(legs) else "" for legs in (old, new))
        rows.append({"field": f"Leg {number + 1}", "comparison": diff.text(*pair)})
    return rows


def terms_of(version: TransactionType) -> dict[str, Any]:
    """Return a version's terms as they are proposed and stored."""
    return {"code": version.code, "legs": version.legs, **{name: getattr(version, name) for name in TERMS}}


def _term(value: Any) -> str:
    if value is None:
        return "no limit"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(value) or "none"
    return f"{value} days" if isinstance(value, int) else str(value)


def _leg(leg: Mapping[str, Any]) -> str:
    optional = ", optional" if leg.get("optional") else ""
    return f"{leg['direction']} {leg['account']} ({leg['role']}) by {leg['amount']}{optional}: {', '.join(leg['classes'])}"


def rules_of(*, codes: Collection[str]) -> dict[str, Rule]:
    """Return the rules of the current versions of these types; a code that is no type is left out."""
    current = TransactionType.objects.filter(code__in=codes, current=True) if codes else ()
    return {one.code: rule_from_json(code=one.code, legs=one.legs, parameters=one.parameters) for one in current}


def recordable_types() -> QuerySet[TransactionType]:
    """Return the types that people and programs may record without a proposal."""
    return TransactionType.objects.filter(current=True, origin="rule").order_by("name")


def refuse_unseen(user: "AbstractUser", *, named: Sequence[tuple[str, str]]) -> None:
    """Refuse accounts the user has no sight of, as if they did not exist; `named` are (place in the request, code).

    :raises AccountNotFound: naming the first such place.
    """
    seen = seen_codes(user, codes=[code for _, code in named])
    for place, code in named:
        if code not in seen:
            raise AccountNotFound(f"there is no account {code} in your scope", field=place)
