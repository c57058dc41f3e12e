"""Does a statement prove itself? Opening balance plus booked movements must be the closing balance.

A statement that runs over several messages carries intermediate balances from page to page. Its pages are chained:
the carried balance of a page is the opening of the next one, and is never added up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from decimal import Decimal
from itertools import pairwise
from typing import Literal

from recon.formats.events import BalanceRead, Event, LineRead, StatementClosed, StatementOpened

Status = Literal["proven", "unproven", "no_balance"]


@dataclass(frozen=True, slots=True)
class Proof:
    """`difference_minor` is closing - (opening + movements), and None where a balance is missing."""

    status: Status
    difference_minor: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One statement message in minor units. `opens` and `closes` are false where its balance is only carried."""

    ordinal: int
    account: str
    currency: str
    statement: str
    opening_minor: int | None = None
    closing_minor: int | None = None
    movements_minor: int = 0
    opens: bool = False
    closes: bool = False

    @property
    def proof(self) -> Proof:
        return prove(opening=self.opening_minor, closing=self.closing_minor, movements=self.movements_minor)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """A statement with all its pages. `gap_at` is the ordinal of the first page that does not continue its predecessor.

    `complete` is false where the first page is only carried forward or the last one carries on: a page is missing.
    """

    pages: tuple[Page, ...]
    proof: Proof
    complete: bool
    gap_at: int | None = field(default=None)


def prove(*, opening: int | None, closing: int | None, movements: int) -> Proof:
    """Compare the closing balance with opening plus movements, all in minor units."""
    if opening is None or closing is None:
        return Proof("no_balance", None)
    difference = closing - (opening + movements)
    return Proof("unproven" if difference else "proven", difference)


def pages(events: Iterable[Event], *, to_minor: Callable[[Decimal, str], int]) -> Iterator[Page]:
    """Sum the events of a file page by page; `to_minor` turns an amount of a currency into minor units.

    Only booked lines in the currency of the statement count as movements.
    """
    page: Page | None = None
    for event in events:
        match event:
            case StatementOpened():
                page = Page(
                    ordinal=event.ordinal,
                    account=event.account,
                    currency=event.currency or "",
                    statement=event.statement_number or event.statement_id,
                )
            case BalanceRead() if page and event.role != "other":
                page = _with_balance(page, event, to_minor(event.amount, event.currency))
            case LineRead() if page and event.booked and event.currency == page.currency:
                minor = to_minor(event.amount, event.currency)
                signed = minor if event.direction == "credit" else -minor
                page = replace(page, movements_minor=page.movements_minor + signed)
            case StatementClosed() if page:
                yield page
                page = None
            case _:
                pass


def _with_balance(page: Page, balance: BalanceRead, minor: int) -> Page:
    if balance.role in ("opening", "intermediate_opening"):
        return replace(page, opening_minor=minor, opens=balance.role == "opening")
    return replace(page, closing_minor=minor, closes=balance.role == "closing")


def chain(pages: Iterable[Page]) -> list[Chain]:
    """Join consecutive pages of one statement (same account, currency and number, carried balances between them)."""
    runs: list[list[Page]] = []
    for page in pages:
        if runs and _continues(runs[-1][-1], page):
            runs[-1].append(page)
        else:
            runs.append([page])
    return [_chained(run) for run in runs]


def _continues(page: Page, following: Page) -> bool:
    same = (page.account, page.currency, page.statement) == (following.account, following.currency, following.statement)
    carried = page.closing_minor is not None and not page.closes
    taken_up = following.opening_minor is not None and not following.opens
    return same and carried and taken_up


def _chained(run: list[Page]) -> Chain:
    whole = prove(
        opening=run[0].opening_minor,
        closing=run[-1].closing_minor,
        movements=sum(page.movements_minor for page in run),
    )
    gap_at = next(
        (after.ordinal for before, after in pairwise(run) if before.closing_minor != after.opening_minor),
        None,
    )
    # Two gaps that cancel out leave no difference in total; the statement is not proven all the same.
    if whole.status == "proven" and (gap_at or any(page.proof.status != "proven" for page in run)):
        whole = Proof("unproven", whole.difference_minor)
    return Chain(pages=tuple(run), proof=whole, complete=run[0].opens and run[-1].closes, gap_at=gap_at)
