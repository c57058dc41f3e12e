"""The trial balance: at any effective date, as it is known now or was known before, against another such point.

Balances come from closes and days (`ledger.queries.balances`), never from a sum over postings. The caller has passed its accounts through
a gate; so has every close that a point names.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

from django.db import connection

from ledger.models import AccountType, Close
from ledger.queries.balances import NOTHING, Sums, balances_as_of, balances_known_at, seqs_known_at
from ledgerops.lib.errors import Refusal, RefusalKind

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from ledger.models import Account

EXPLAINED = 200
_CLOSE = "close:"


class PointInvalid(Refusal):
    """What was asked is no instant and no close in sight; `field` says where."""

    code = "point_invalid"
    kind = RefusalKind.INVALID


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """The end of an effective date, as known at an instant; without one, as known now. `close` is the close that named the instant."""

    as_of: date
    known_at: datetime | None = None
    close: Close | None = None


def point_of(*, as_of: date | None, known: str, closes: "QuerySet[Close]", today: date, field: str) -> Point:
    """Return the point that a day and words for an instant mean: nothing, an ISO instant (in UTC without a zone), or `close:<id>`.

    A close names its period's last day, too, where no day was said. `closes` are those in the asker's sight.

    :raises PointInvalid: if the words mean none.
    """
    if not known:
        return Point(as_of=as_of or today)
    if known.startswith(_CLOSE):
        number = known.removeprefix(_CLOSE)
        close = closes.filter(pk=int(number)).first() if number.isascii() and number.isdigit() and len(number) < 10 else None
        if close is None:
            raise PointInvalid("there is no such close in your scope", field=field)
        return Point(as_of=as_of or close.period.ends_on, known_at=close.closed_at, close=close)
    try:
        instant = datetime.fromisoformat(known)
    except ValueError as error:
        raise PointInvalid("say an instant such as 2026-10-31T18:00, or close:<id>", field=field) from error
    return Point(as_of=as_of or today, known_at=instant if instant.tzinfo else instant.replace(tzinfo=UTC))


class Named(NamedTuple):
    """What a trial balance says of an account besides its sums. Thousands are read at a time: plain rows, no models."""

    pk: int
    code: str
    name: str
    type: str
    owner_class: str
    asset: str
    scale: int
    parent_id: int | None
    control: str | None
    control_name: str | None


_NAMED = ("pk", "code", "name", "type", "owner_class", "asset__code", "asset__scale", "parent_id", "parent__code", "parent__name")


def named_accounts(accounts: "QuerySet[Account]") -> list[Named]:
    """Return the accounts of a gate as plain rows, in its order."""
    return [Named._make(row) for row in accounts.values_list(*_NAMED)]


class TrialBalanceRow(NamedTuple):
    """One account's posted sums; exactly one of the two balances is above zero unless both are zero."""

    code: str
    name: str
    type: str
    owner_class: str
    asset: str
    scale: int
    debit_minor: int
    credit_minor: int
    control: str = ""
    control_name: str = ""
    accounts: int = 1


def sums_at(*, account_ids: Sequence[int], point: Point) -> dict[int, Sums]:
    """Return each account's sums at a point."""
    if point.known_at is None:
        return balances_as_of(account_ids=account_ids, as_of=point.as_of)
    return balances_known_at(account_ids=account_ids, as_of=point.as_of, known_at=point.known_at)


def trial_balance(*, accounts: "QuerySet[Account]", as_of: date, known_at: datetime | None = None) -> list[TrialBalanceRow]:
    """Return the balances of the accounts that had moved by the end of an effective date, by asset and code."""
    chosen = named_accounts(accounts)
    sums = sums_at(account_ids=[account.pk for account in chosen], point=Point(as_of=as_of, known_at=known_at))
    rows = []
    for pk, code, name, kind, owner_class, asset, scale, _, control, control_name in chosen:
        debits, credits_ = sums.get(pk, NOTHING)
        if debits or credits_:
            net = debits - credits_
            debit, credit = (net, 0) if net > 0 else (0, -net)
            rows.append(TrialBalanceRow(code, name, kind, owner_class, asset, scale, debit, credit, control or "", control_name or ""))
    return sorted(rows, key=lambda row: (row.asset, row.code))


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialBalanceSection:
    """One asset of a trial balance: its rows by type, and both totals."""

    asset: str
    scale: int
    rows: Sequence[TrialBalanceRow]
    debit_minor: int
    credit_minor: int

    @property
    def difference_minor(self) -> int:
        return self.debit_minor - self.credit_minor


def trial_balance_sections(rows: Iterable[TrialBalanceRow], *, by_control: bool) -> list[TrialBalanceSection]:
    """Return the rows by asset, then in the order of the types; `by_control` nets the accounts under a control account into its row."""
    shown = _netted(rows) if by_control else list(rows)
    order = list(AccountType)
    shown.sort(key=lambda row: (row.asset, order.index(AccountType(row.type)), row.code))
    sections = []
    for (asset, scale), group in groupby(shown, key=lambda row: (row.asset, row.scale)):
        of_asset = list(group)
        debit, credit = sum(row.debit_minor for row in of_asset), sum(row.credit_minor for row in of_asset)
        sections.append(TrialBalanceSection(asset=asset, scale=scale, rows=of_asset, debit_minor=debit, credit_minor=credit))
    return sections


def _netted(rows: Iterable[TrialBalanceRow]) -> list[TrialBalanceRow]:
    """Return one row for each control account with what is under it, and the rows of the accounts under none."""
    together: dict[tuple[str, str, str], list[TrialBalanceRow]] = {}
    for row in rows:
        together.setdefault((row.control or row.code, row.asset, row.type), []).append(row)
    return [_one_row(code, members=members) for (code, _, _), members in together.items()]


def _one_row(code: str, *, members: Sequence[TrialBalanceRow]) -> TrialBalanceRow:
    first = members[0]
    net = sum(row.debit_minor - row.credit_minor for row in members)
    return TrialBalanceRow(
        code=code,
        name=first.control_name or first.name,
        type=first.type,
        owner_class=first.owner_class,
        asset=first.asset,
        scale=first.scale,
        debit_minor=max(net, 0),
        credit_minor=max(-net, 0),
        accounts=len(members),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeRow:
    """A node of the tree with what stands under it, debits less credits: at the point, at the other one, and how many accounts."""

    account: Named
    level: int
    net_minor: int
    other_minor: int
    accounts: int
    under: int
    expanded: bool

    @property
    def debit_minor(self) -> int:
        return max(self.net_minor, 0)

    @property
    def credit_minor(self) -> int:
        return max(-self.net_minor, 0)

    @property
    def change_minor(self) -> int:
        return self.net_minor - self.other_minor


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeSection:
    """One asset of the tree with both totals: of every account, as if each stood in a row of its own."""

    asset: str
    scale: int
    rows: Sequence[TreeRow]
    debit_minor: int
    credit_minor: int
    other_minor: int

    @property
    def difference_minor(self) -> int:
        return self.debit_minor - self.credit_minor

    @property
    def change_minor(self) -> int:
        return self.difference_minor - self.other_minor


@dataclass(slots=True, kw_only=True)
class _Node:
    account: Named
    net: int
    other: int
    moved: bool
    members: int
    children: list["_Node"]


def trial_balance_tree(
    *, accounts: Sequence[Named], point: Point, other: Point | None, expanded: Collection[str] | None
) -> list[TreeSection]:
    """Return the accounts as a tree by asset and type; `expanded` are the codes of the nodes that show what is under them, None is all.

    A node that had not moved by either point is left out.
    """
    ids = [account.pk for account in accounts]
    sums = sums_at(account_ids=ids, point=point)
    others = sums_at(account_ids=ids, point=other) if other else {}
    nodes = {account.pk: _node(account, sums=sums, others=others) for account in accounts}
    roots: list[_Node] = []
    for node in nodes.values():
        above = nodes.get(node.account.parent_id or 0)
        (above.children if above else roots).append(node)
    for root in roots:
        _add_up(root)
    order = list(AccountType)
    roots.sort(key=lambda node: (node.account.asset, order.index(AccountType(node.account.type)), node.account.code))
    sections = []
    for (asset, scale), group in groupby((node for node in roots if node.moved), key=lambda node: (node.account.asset, node.account.scale)):
        of_asset = list(group)
        rows = [row for node in of_asset for row in _rows(node, level=1, expanded=expanded)]
        sections.append(
            TreeSection(
                asset=asset,
                scale=scale,
                rows=rows,
                debit_minor=sum(max(node.net, 0) for node in of_asset),
                credit_minor=sum(max(-node.net, 0) for node in of_asset),
                other_minor=sum(node.other for node in of_asset),
            )
        )
    return sections


def _node(account: Named, *, sums: Mapping[int, Sums], others: Mapping[int, Sums]) -> _Node:
    held, then = sums.get(account.pk, NOTHING), others.get(account.pk, NOTHING)
    moved = (held, then) != (NOTHING, NOTHING)
    return _Node(
        account=account,
        net=held.debits_minor - held.credits_minor,
        other=then.debits_minor - then.credits_minor,
        moved=moved,
        members=int(moved),
        children=[],
    )


def _add_up(node: _Node) -> None:
    for child in node.children:
        _add_up(child)
        node.net += child.net
        node.other += child.other
        node.members += child.members
        node.moved = node.moved or child.moved


def _rows(node: _Node, *, level: int, expanded: Collection[str] | None) -> Iterator[TreeRow]:
    children = sorted((child for child in node.children if child.moved), key=lambda child: child.account.code)
    is_open = bool(children) and (expanded is None or node.account.code in expanded)
    yield TreeRow(
        account=node.account,
        level=level,
        net_minor=node.net,
        other_minor=node.other,
        accounts=node.members,
        under=len(children),
        expanded=is_open,
    )
    if is_open:
        for child in children:
            yield from _rows(child, level=level + 1, expanded=expanded)


@dataclass(frozen=True, slots=True, kw_only=True)
class Explaining:
    """A leg that counts at one of two points only: `added` at the first, otherwise at the other."""

    entry_id: UUID
    number: str
    effective_date: date
    posted_at: datetime
    description: str
    reference: str
    account: str
    direction: str
    amount_minor: int
    added: bool


# What is known of both is cut off by place, so that the days of a busy account are not read for one late entry.
_EXPLAINING = """
    SELECT e.id, 'LE-' || e.number, e.effective_date, e.posted_at, e.description, e.reference, a.code, p.direction, p.amount_minor,
           p.effective_date <= %(day)s AND e.posted_at <= %(known)s
    FROM unnest(%(accounts)s::bigint[], %(seqs)s::bigint[]) AS c (account_id, seq)
    JOIN ledger_account a ON a.id = c.account_id
    JOIN ledger_posting p ON p.account_id = c.account_id AND p.effective_date > %(after)s AND p.effective_date <= %(until)s
        AND (p.account_seq > c.seq OR p.account_seq IS NULL)
    JOIN ledger_entry e ON e.id = p.entry_id
    WHERE (p.effective_date <= %(day)s AND e.posted_at <= %(known)s)
        <> (p.effective_date <= %(other_day)s AND e.posted_at <= %(other_known)s)
    ORDER BY p.effective_date DESC, p.entry_id DESC, p.line
    LIMIT %(most)s
"""


def explaining(*, account_ids: Sequence[int], point: Point, other: Point, most: int = EXPLAINED) -> list[Explaining]:
    """Return the legs that make the difference of the accounts between two points, newest first, at most `most` and one more."""
    same_known = point.known_at == other.known_at
    earliest = min(one.known_at for one in (point, other) if one.known_at) if not same_known else None
    seqs = seqs_known_at(account_ids=account_ids, known_at=earliest) if earliest and point.as_of == other.as_of else {}
    values: dict[str, Any] = {
        "accounts": list(account_ids),
        "seqs": [seqs.get(pk, 0) for pk in account_ids],
        "day": point.as_of,
        "known": point.known_at or "infinity",
        "other_day": other.as_of,
        "other_known": other.known_at or "infinity",
        "after": min(point.as_of, other.as_of) if same_known else "-infinity",
        "until": max(point.as_of, other.as_of),
        "most": most + 1,
    }
    with connection.cursor() as cursor:
        cursor.execute(_EXPLAINING, values)
        return [
            Explaining(
                entry_id=entry_id,
                number=number,
                effective_date=day,
                posted_at=posted_at,
                description=description,
                reference=reference,
                account=account,
                direction=direction,
                amount_minor=int(amount),
                added=added,
            )
            for entry_id, number, day, posted_at, description, reference, account, direction, amount, added in cursor.fetchall()
        ]


def under(accounts: Iterable[Named], *, code: str) -> list[Named]:
    """Return the account of a code and every account under it, out of these."""
    children: dict[int, list[Named]] = {}
    top = None
    for account in accounts:
        children.setdefault(account.parent_id or 0, []).append(account)
        if account.code == code:
            top = account
    found = [top] if top else []
    for account in found:
        found += children.get(account.pk, [])
    return found
