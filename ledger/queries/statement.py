"""An account's statement: one row for each logical movement, with the balance after it.

A movement is everything that hangs together by what started it: an entry with all its legs on the account, the captures of one hold, an
entry and its reversals. Its row stands where its latest leg stands, so that the newest fact comes first and the balance is that of the
books; the other legs are in the row, and what they moved further down is named there, so that the column of balances still adds up.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import connection
from django.db.models import OuterRef, Subquery

from ledger.models import Hold, HoldEvent, JournalEntry, Transaction
from ledger.queries.statement_legs import (
    Leg,
    Order,
    Place,
    View,
    balance_at_end,
    balance_before,
    families_of,
    legs_beyond,
)

PAGE_SIZE = 50
# A page shows fewer rows rather than read more legs than this: entries with a thousand legs on one account exist.
LEGS_READ = 2_000
_CHUNK = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One leg of a movement with its entry; the balance after it is known where it stands on the page."""

    leg: Leg
    entry: JournalEntry
    balance_minor: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """One row of a statement.

    The balances of two rows differ by what the upper one shows, less `below_minor` (legs of it that stand further down than the next row),
    plus `between_minor` (legs that stand between the two and are shown in rows above). None where the next row was not read.
    """

    parts: Sequence[Part]
    hold: Hold | None
    hold_events: Sequence[HoldEvent]
    settlement: str
    balance_minor: int
    below_minor: int | None
    between_minor: int | None

    @property
    def last(self) -> Part:
        return self.parts[-1]

    @property
    def first(self) -> Part:
        return self.parts[0]

    @property
    def debit_minor(self) -> int:
        return sum(part.leg.amount_minor for part in self.parts if part.leg.is_debit)

    @property
    def credit_minor(self) -> int:
        return sum(part.leg.amount_minor for part in self.parts if not part.leg.is_debit)

    @property
    def folds(self) -> bool:
        """Whether there is more to it than one leg."""
        return len(self.parts) > 1 or bool(self.hold_events)

    @property
    def is_reversed(self) -> bool:
        return any(part.entry.reverses_id for part in self.parts) and self.debit_minor == self.credit_minor


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementPage:
    """Rows, newest first, and the places that the neighbouring pages begin beyond; None where there is none."""

    movements: Sequence[Movement]
    newer: Place | None
    older: Place | None


def statement_page(
    view: View, *, after: Place | None = None, before: Place | None = None, size: int = PAGE_SIZE, folded: bool = True
) -> StatementPage:
    """Return the page of a statement `after` a place (older) or `before` it (newer); unfolded, each leg is a row of its own."""
    has_newer = after is not None
    if before is not None:
        after, has_newer = _beginning_before(view, before=before, size=size, folded=folded)
    scan = _scan(view, beyond=after, down=True, size=size + 1, folded=folded)
    shown = scan.shown[:size]
    older = None
    if len(scan.shown) > size:
        older = view.place_of(shown[-1])
    elif not scan.ended:
        older = view.place_of(scan.read[-1])
    return StatementPage(
        movements=_movements(view, scan=scan, shown=shown, from_end=after is None),
        newer=view.place_of(scan.read[0]) if scan.read and has_newer else None,
        older=older,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scan:
    """Legs read one after another, those among them that rows stand at, and the legs of each row by its entry."""

    read: Sequence[Leg]
    shown: Sequence[Leg]
    legs_of: Mapping[UUID, Sequence[Leg]]
    root_of: Mapping[UUID, UUID]
    folded: bool
    ended: bool

    def parts_of(self, leg: Leg) -> Sequence[Leg]:
        return self.legs_of[self.root_of[leg.entry_id]] if self.folded else [leg]


def _scan(view: View, *, beyond: Place | None, down: bool, size: int, folded: bool) -> _Scan:
    read: list[Leg] = []
    shown: list[Leg] = []
    legs_of: dict[UUID, Sequence[Leg]] = {}
    root_of: dict[UUID, UUID] = {}
    ended = False
    while len(shown) < size and len(read) < LEGS_READ and not ended:
        wanted = 8 * size if read else 2 * size
        chunk = legs_beyond(view, place=view.place_of(read[-1]) if read else beyond, down=down, size=wanted)
        ended = len(chunk) < wanted
        if folded:
            _add_families(view, chunk=chunk, legs_of=legs_of, root_of=root_of)
            shown += [leg for leg in chunk if legs_of[root_of[leg.entry_id]][-1] == leg]
        else:
            shown += chunk
        read += chunk
    return _Scan(read=read, shown=shown, legs_of=legs_of, root_of=root_of, folded=folded, ended=ended)


def _beginning_before(view: View, *, before: Place, size: int, folded: bool) -> tuple[Place | None, bool]:
    """Return the place that the page of rows newer than `before` begins after, and whether there are rows above it."""
    scan = _scan(view, beyond=before, down=False, size=size + 1, folded=folded)
    if len(scan.shown) <= size and scan.ended:
        return None, False
    above = scan.shown[size] if len(scan.shown) > size else scan.read[-1]
    return view.place_of(above), True


def _add_families(view: View, *, chunk: Sequence[Leg], legs_of: dict[UUID, Sequence[Leg]], root_of: dict[UUID, UUID]) -> None:
    new = {leg.entry_id: leg for leg in chunk if leg.entry_id not in root_of}
    if not new:
        return
    families = families_of(view, entry_ids=list(new))
    legs_of |= families
    root_of |= {leg.entry_id: root for root, legs in families.items() for leg in legs}
    for entry_id in new.keys() - root_of.keys():
        # An entry that no transaction is kept of stands for itself.
        root_of[entry_id] = entry_id
        legs_of[entry_id] = sorted((leg for leg in chunk if leg.entry_id == entry_id), key=view.place_of)


def _movements(view: View, *, scan: _Scan, shown: Sequence[Leg], from_end: bool) -> list[Movement]:
    balances = _balances(view, read=scan.read, from_end=from_end)
    settlements = Transaction.objects.filter(pk=OuterRef("pk")).values("settlement")
    entries = (
        JournalEntry.objects.select_related("type")
        .annotate(settlement=Subquery(settlements))
        .in_bulk(list({leg.entry_id for one in shown for leg in scan.parts_of(one)}))
    )
    # A movement that was started by something without an entry was started by a hold.
    holds, events = _holds([root for leg in shown if (root := scan.root_of.get(leg.entry_id)) is not None and root not in entries])
    rows = []
    for number, leg in enumerate(shown):
        legs = scan.parts_of(leg)
        root = scan.root_of.get(leg.entry_id, leg.entry_id)
        following = scan.shown[number + 1] if number + 1 < len(scan.shown) else None
        rest = balances[following.account_seq] if following else 0 if scan.ended else None
        below = sum(view.signed(one) for one in legs if following and view.place_of(one) < view.place_of(following))
        held = balances[leg.account_seq]
        rows.append(
            Movement(
                parts=[Part(leg=one, entry=entries[one.entry_id], balance_minor=balances.get(one.account_seq)) for one in legs],
                hold=holds.get(root),
                hold_events=events.get(root, []),
                settlement=entries[leg.entry_id].settlement or "",
                balance_minor=held,
                below_minor=None if rest is None else below,
                between_minor=None if rest is None else held - rest - sum(view.signed(one) for one in legs) + below,
            )
        )
    return rows


def _balances(view: View, *, read: Sequence[Leg], from_end: bool) -> dict[int, int]:
    """Return the balance after each leg that was read, by its `account_seq`; they follow each other without a gap, newest first."""
    if not read:
        return {}
    if from_end:
        level = balance_at_end(view) if view.order is Order.EFFECTIVE else read[0].balance_after_minor
    else:
        level = balance_before(view, read[-1]) + sum(view.signed(leg) for leg in read)
    after = {}
    for leg in read:
        after[leg.account_seq] = level
        level -= view.signed(leg)
    return after


def _holds(roots: Iterable[UUID]) -> tuple[dict[UUID, Hold], dict[UUID, list[HoldEvent]]]:
    ids = set(roots)
    holds = Hold.objects.in_bulk(list(ids)) if ids else {}
    events: dict[UUID, list[HoldEvent]] = {}
    if holds:
        for event in HoldEvent.objects.filter(hold__in=holds).order_by("id"):
            events.setdefault(event.hold_id, []).append(event)
    return holds, events


def statement_lines(view: View) -> Iterator[tuple[Leg, JournalEntry, int]]:
    """Yield every leg of a statement with its entry and the balance after it, oldest first, so many at a time."""
    place: Place | None = None
    level = 0
    while chunk := legs_beyond(view, place=place, down=False, size=_CHUNK):
        entries = JournalEntry.objects.select_related("type").in_bulk([leg.entry_id for leg in chunk])
        for leg in chunk:
            level += view.signed(leg)
            yield leg, entries[leg.entry_id], level
        place = view.place_of(chunk[-1])


# The legs of all days up to the date, less those recorded too late; beyond so many of these nobody asks for the exact number.
LATE_COUNTED = 100_000
_COUNT = """
    SELECT coalesce(sum(d.postings), 0) - (
        SELECT count(*) FROM (
            (SELECT 1 FROM ledger_posting p WHERE p.account_id = %(account)s AND p.account_seq > %(through)s
               AND p.effective_date <= %(as_of)s LIMIT %(late)s)
            UNION ALL
            (SELECT 1 FROM ledger_rolled_posting r WHERE r.account_id = %(account)s AND r.account_seq > %(through)s
               AND r.effective_date <= %(as_of)s LIMIT %(late)s)) late)
    FROM ledger_day_delta d WHERE d.account_id = %(account)s AND d.effective_date <= %(as_of)s
"""


def counted_legs(view: View) -> int:
    """Return how many legs a statement lists, for deciding whether it may leave as a file."""
    if view.order is Order.RECORD:
        return view.through
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, {"account": view.account.pk, "as_of": view.as_of, "through": view.through, "late": LATE_COUNTED})
        (count,) = cursor.fetchone()
    return int(count)
