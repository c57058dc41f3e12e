"""An account's statement as its page shows it, and as a file: which order, up to which day, as known at which instant."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from django import forms
from django.http import QueryDict

from ledger.models import Account
from ledger.queries import balances, statement
from ledger.queries.statement_legs import Order, View, cursor_of, place_from, view_of
from ledgerops.lib.errors import Refusal, RefusalKind
from ledgerops.lib.tables import Amount, Column, Kind, Row

ORDERS = [(Order.RECORD.value, "In the order of record"), (Order.EFFECTIVE.value, "By effective date")]
ROWS = [("movements", "One row per movement"), ("postings", "One row per posting")]
LATE_SHOWN = 20
PARTS_SHOWN = 12

COLUMNS = [
    Column(name="seq", title="No.", kind=Kind.INTEGER),
    Column(name="entry", title="Entry"),
    Column(name="effective_date", title="Effective", kind=Kind.DATE),
    Column(name="posted_at", title="Posted", kind=Kind.INSTANT),
    Column(name="type", title="Type"),
    Column(name="description", title="Description", wide=True),
    Column(name="reference", title="Reference", wide=True),
    Column(name="counterparty", title="Counterparty", wide=True),
    Column(name="debit", title="Debit", kind=Kind.MONEY, totalled=True),
    Column(name="credit", title="Credit", kind=Kind.MONEY, totalled=True),
    Column(name="balance", title="Balance", kind=Kind.MONEY),
    Column(name="asset", title="Asset"),
]


class StatementInvalid(Refusal):
    code = "statement_invalid"
    kind = RefusalKind.INVALID


class StatementForm(forms.Form):
    """What is asked of a statement; the address is the state. Instants are in UTC."""

    order = forms.ChoiceField(choices=ORDERS, required=False, label="Order")
    as_of = forms.DateField(required=False, label="As of")
    known_at = forms.DateTimeField(required=False, label="Known at")
    rows = forms.ChoiceField(choices=ROWS, required=False, label="Rows")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A statement's address, read. What could not be read is left out, and `form` says why."""

    form: StatementForm
    order: Order
    as_of: date | None
    known_at: datetime | None
    folded: bool

    @property
    def is_valid(self) -> bool:
        return not self.form.errors

    def view(self, account: Account, *, through: int | None = None) -> View:
        return view_of(account=account, order=self.order, as_of=self.as_of, known_at=self.known_at, through=through)

    def parameters(self) -> str:
        """Return what was asked in words, for files and the trail."""
        said = [f"order={self.order}"]
        if self.as_of and self.order is Order.EFFECTIVE:
            said.append(f"as_of={self.as_of}")
        if self.known_at:
            said.append(f"known_at={self.known_at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}")
        return "&".join(said)

    def sentence(self) -> str:
        """Return what was asked as a sentence under a file's title."""
        said = "By effective date" if self.order is Order.EFFECTIVE else "In the order of record"
        if self.as_of and self.order is Order.EFFECTIVE:
            said += f", as of {self.as_of:%-d %B %Y}"
        return f"{said}, as known at {self.known_at.astimezone(UTC):%-d %B %Y %H:%M:%S} UTC" if self.known_at else said


def asked_of(query: QueryDict) -> Asked:
    form = StatementForm(query)
    form.is_valid()
    said = form.cleaned_data
    return Asked(
        form=form,
        order=Order(said.get("order") or Order.RECORD),
        as_of=said.get("as_of"),
        known_at=said.get("known_at"),
        folded=said.get("rows") != "postings",
    )


def refuse_invalid(asked: Asked) -> None:
    """Refuse a statement whose address cannot be read.

    :raises StatementInvalid: naming the first field.
    """
    if not asked.is_valid:
        field, errors = next(iter(asked.form.errors.items()))
        raise StatementInvalid(str(errors[0]), field=field)


def statement_context(account: Account, *, asked: Asked, query: QueryDict) -> dict[str, Any]:
    """Return what the statement's part of the page shows, with the figures of the date and the instant."""
    recorded = None
    if asked.known_at is not None:
        recorded = balances.balances_recorded_at(account_ids=[account.pk], recorded_at=asked.known_at)[account.pk]
    view = asked.view(account, through=recorded.account_seq if recorded else None)
    page = statement.statement_page(
        view, after=place_from(view, query.get("after", "")), before=place_from(view, query.get("before", "")), folded=asked.folded
    )
    return {
        "asked": asked,
        "figures": _figures(account, asked=asked, recorded=recorded),
        "orders": ORDERS,
        "row_kinds": ROWS,
        "is_effective": asked.order is Order.EFFECTIVE,
        "movements": page.movements,
        "newer": _address(query, before=cursor_of(view, page.newer)) if page.newer else "",
        "older": _address(query, after=cursor_of(view, page.older)) if page.older else "",
        "parts_shown": PARTS_SHOWN,
        "parts_limit": f":{PARTS_SHOWN}",
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What a date comes to now, and what it came to as known at an instant, with the legs that make the difference."""

    as_of: date | None
    now_minor: int
    known_minor: int | None = None
    recorded_minor: int | None = None
    late: Sequence[balances.LateLeg] = ()
    more: bool = False

    @property
    def difference_minor(self) -> int:
        return 0 if self.known_minor is None else self.now_minor - self.known_minor


def _figures(account: Account, *, asked: Asked, recorded: balances.Recorded | None) -> Figures | None:
    """Return the figures of a date or an instant, or None where neither was asked for."""
    as_of = asked.as_of or date.max
    if recorded is None or asked.known_at is None:
        if asked.as_of is None:
            return None
        now = balances.balances_as_of(account_ids=[account.pk], as_of=as_of)[account.pk]
        return Figures(as_of=as_of, now_minor=now.on_side_of(account))
    found = balances.difference_of(account_id=account.pk, as_of=as_of, known_at=asked.known_at, after=recorded.account_seq, size=LATE_SHOWN)
    return Figures(
        as_of=asked.as_of,
        now_minor=found.now.on_side_of(account),
        known_minor=found.known.on_side_of(account),
        recorded_minor=recorded.balance_minor,
        late=found.late,
        more=found.more,
    )


def statement_rows(account: Account, *, view: View) -> Iterator[Row]:
    """Yield a statement as the rows of a file, oldest first."""
    scale, asset = account.asset.scale, account.asset.code
    for leg, entry, balance in statement.statement_lines(view):
        amount = Amount(leg.amount_minor, scale, asset)
        yield [
            leg.account_seq,
            entry.public_number,
            leg.effective_date,
            entry.posted_at,
            entry.type.code,
            entry.description,
            entry.reference,
            entry.counterparty,
            amount if leg.is_debit else None,
            None if leg.is_debit else amount,
            Amount(balance, scale, asset),
            asset,
        ]


def _address(query: QueryDict, **cursor: str) -> str:
    address = query.copy()
    for name in ("after", "before"):
        address.pop(name, None)
    for name, value in cursor.items():
        address[name] = value
    return f"?{address.urlencode()}"
