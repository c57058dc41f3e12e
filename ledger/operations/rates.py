"""Recording what assets are worth. A rate never changes: the same again is the same rate, another value for the same word is refused."""

import csv
import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal

from audit.operations import act, record_event
from ledger.fx import RateTextRefused, rate_from_text
from ledger.models import Asset, Rate, RateAge, RateKind
from ledgerops.lib.csv_cells import is_dangerous
from ledgerops.lib.errors import Refusal, RefusalKind
from ledgerops.lib.transactions import database_now

FILE_COLUMNS = ("base", "quote", "kind", "source", "at", "value")
MOST_ROWS = 5_000
LARGEST_BYTES = 1_000_000
PROBLEMS_SHOWN = 50
LONGEST_AGE_MINUTES = 366 * 24 * 60


class RateRefused(Refusal):
    """What was said is no rate: `field` says where, `detail["problems"]` lists everything that is wrong."""

    code = "rate_refused"
    kind = RefusalKind.INVALID


class RateSaidOtherwise(Refusal):
    """The source has said another value for the pair at this instant; a correction is a word of another source, or of a later instant."""

    code = "rate_said_otherwise"
    kind = RefusalKind.CONFLICT


@dataclass(frozen=True, slots=True, kw_only=True)
class RateRequest:
    """What a source says: `base` and `quote` are codes of assets, `value` a plain decimal text."""

    base: str
    quote: str
    kind: str
    source: str
    at: datetime | None
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What is wrong in one place; the row counts from 1, in a file the line of names included."""

    row: int
    column: str
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedRates:
    """The rates that now stand as asked, in the order asked, and how many of them are new."""

    rates: Sequence[Rate]
    new: int


_Key = tuple[int, int, str, str, datetime]


@dataclass(slots=True)
class _Understood:
    rows: list[tuple[int, RateRequest, _Key, Decimal]] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def record_rate(*, request: RateRequest, recorded_by_id: int | None) -> tuple[Rate, bool]:
    """Record one rate; returns it and whether it is new.

    :raises RateRefused: naming the field that is wrong.
    :raises RateSaidOtherwise: if its source has said another value.
    """
    target = f"{request.base}/{request.quote} {request.kind}"[:100]
    with act("ledger.rate.recorded", target_type="ledger.rate", target_id=target):
        understood = _understood([(1, request)])
        if understood.problems:
            first = understood.problems[0]
            raise RateRefused(first.sentence, field=first.column)
        recorded = _record(understood, recorded_by_id=recorded_by_id)
        if isinstance(recorded, Problem):
            raise RateSaidOtherwise(recorded.sentence, field=recorded.column)
        rate = recorded.rates[0]
        if recorded.new:
            record_event(
                "ledger.rate.recorded",
                target_type="ledger.rate",
                target_id=target,
                after={"rate": rate.pk, "source": rate.source, "at": rate.at, "value": f"{rate.value:f}"},
            )
        return rate, bool(recorded.new)


def record_rates(*, requests: Sequence[RateRequest], recorded_by_id: int | None, source: str) -> RecordedRates:
    """Record many rates or none; `source` says on the trail where they came from.

    :raises RateRefused, RateSaidOtherwise: naming the place as `rows[n].column`; every problem is in `detail["problems"]`.
    """
    with act("ledger.rates.recorded", target_type="ledger.rates", target_id=source):
        return _record_all([(number, one) for number, one in enumerate(requests, start=1)], recorded_by_id=recorded_by_id, source=source)


def record_rates_file(*, name: str, content: bytes, recorded_by_id: int | None) -> RecordedRates:
    """Record the rates of a CSV file, all or none.

    :raises RateRefused, RateSaidOtherwise: with every problem by row and column.
    """
    with act("ledger.rates.recorded", target_type="ledger.rates", target_id=name[:100]):
        rows, problems = read_rates_file(content)
        if problems:
            raise _refused(problems)
        return _record_all(rows, recorded_by_id=recorded_by_id, source=name[:100], digest=hashlib.sha256(content).hexdigest())


def set_rate_age(*, kind: str, maximum_minutes: int) -> RateAge:
    """Say how old a rate of a kind may be before whatever needs it is refused; the same again changes nothing.

    :raises RateRefused: if there is no such kind, or the age is no number of minutes up to a year.
    """
    with act("ledger.rate_age.set", target_type="ledger.rate_age", target_id=kind):
        if kind not in RateKind.values:
            raise RateRefused("a rate is a closing, spot or average rate", field="kind")
        if not 1 <= maximum_minutes <= LONGEST_AGE_MINUTES:
            raise RateRefused("a rate may be from a minute to a year old", field="maximum_minutes")
        known = RateAge.objects.select_for_update().filter(kind=kind).first()
        if known is not None and known.maximum_minutes == maximum_minutes:
            return known
        age, _ = RateAge.objects.update_or_create(kind=kind, defaults={"maximum_minutes": maximum_minutes})
        record_event(
            "ledger.rate_age.set",
            target_type="ledger.rate_age",
            target_id=kind,
            before={"maximum_minutes": known.maximum_minutes} if known else None,
            after={"maximum_minutes": maximum_minutes},
        )
        return age


def _record_all(
    rows: Sequence[tuple[int, RateRequest]], *, recorded_by_id: int | None, source: str, digest: str | None = None
) -> RecordedRates:
    understood = _understood(rows)
    if understood.problems:
        raise _refused(understood.problems)
    recorded = _record(understood, recorded_by_id=recorded_by_id)
    if isinstance(recorded, Problem):
        raise RateSaidOtherwise(recorded.sentence, field=f"rows[{recorded.row}].{recorded.column}", problems=[_told(recorded)])
    if recorded.new:
        record_event(
            "ledger.rates.recorded",
            target_type="ledger.rates",
            target_id=source,
            after={"new": recorded.new, "known": len(recorded.rates) - recorded.new, "sha256": digest},
        )
    return recorded


def _understood(rows: Sequence[tuple[int, RateRequest]]) -> _Understood:
    """Return the rows that say a rate and everything that is wrong with the others."""
    codes = {code for _, one in rows for code in (one.base, one.quote)}
    assets = {asset.code: asset.pk for asset in Asset.objects.filter(code__in=codes)}
    now = database_now()
    understood = _Understood()
    said: dict[_Key, tuple[int, Decimal]] = {}
    for number, one in rows:
        wrong = _wrong_cells(one, assets=assets, now=now)
        understood.problems += [Problem(row=number, column=column, sentence=sentence) for column, sentence in wrong]
        if wrong or one.at is None:
            continue
        value = rate_from_text(one.value)
        key = (assets[one.base], assets[one.quote], one.kind, one.source, one.at)
        first, other = said.setdefault(key, (number, value))
        if other != value:
            understood.problems.append(Problem(row=number, column="value", sentence=f"row {first} says another value for the same"))
        understood.rows.append((number, one, key, value))
    return understood


def _wrong_cells(one: RateRequest, *, assets: dict[str, int], now: datetime) -> list[tuple[str, str]]:
    wrong = [(column, f"there is no asset {code}") for column, code in (("base", one.base), ("quote", one.quote)) if code not in assets]
    if one.base == one.quote:
        wrong.append(("quote", "a rate is between two assets"))
    if one.kind not in RateKind.values:
        wrong.append(("kind", "a rate is closing, spot or average"))
    if not one.source.strip() or len(one.source) > 60 or not one.source.isprintable():
        wrong.append(("source", "say who says so, in at most 60 characters"))
    elif is_dangerous(one.source):
        wrong.append(("source", "the name of a source begins with a letter or a digit"))
    if one.at is None or one.at.tzinfo is None:
        wrong.append(("at", "say the instant with its zone, such as 2026-10-31T21:00:00Z"))
    elif one.at > now:
        wrong.append(("at", f"{one.at.astimezone(UTC):%Y-%m-%d %H:%M} UTC has not come yet"))
    try:
        rate_from_text(one.value)
    except RateTextRefused as refusal:
        wrong.append(("value", str(refusal)))
    return wrong


def _record(understood: _Understood, *, recorded_by_id: int | None) -> RecordedRates | Problem:
    """Insert what is not there yet; a row that says otherwise than what is there is returned as a problem."""
    keys = {key for _, _, key, _ in understood.rows}
    known = _known(keys)
    fresh = {key: value for _, _, key, value in understood.rows if key not in known}
    # Somebody else may be saying the same just now: whoever comes first has said it, and it is compared below.
    Rate.objects.bulk_create(
        [
            Rate(base_id=base, quote_id=quote, kind=kind, source=source, at=at, value=value, recorded_by_id=recorded_by_id)
            for (base, quote, kind, source, at), value in fresh.items()
        ],
        ignore_conflicts=True,
    )
    stand = _known(keys) if fresh else known
    for number, one, key, value in understood.rows:
        if stand[key].value != value:
            shown = f"{stand[key].value.normalize():f}"
            sentence = f"{one.source} has said {shown} for {one.base} in {one.quote} at this instant; say another source or a later instant"
            return Problem(row=number, column="value", sentence=sentence)
    return RecordedRates(rates=[stand[key] for _, _, key, _ in understood.rows], new=len(fresh))


def _known(keys: set[_Key]) -> dict[_Key, Rate]:
    if not keys:
        return {}
    ats = [at for *_, at in keys]
    found = Rate.objects.filter(
        base__in={key[0] for key in keys}, quote__in={key[1] for key in keys}, at__gte=min(ats), at__lte=max(ats)
    ).select_related("base", "quote")
    return {key: one for one in found if (key := (one.base_id, one.quote_id, one.kind, one.source, one.at)) in keys}


def _refused(problems: Sequence[Problem]) -> RateRefused:
    first = problems[0]
    place = f"rows[{first.row}].{first.column}" if first.column else "file"
    return RateRefused(first.sentence, field=place, problems=[_told(one) for one in problems[:PROBLEMS_SHOWN]])


def _told(problem: Problem) -> dict[str, object]:
    return {"row": problem.row, "column": problem.column, "message": problem.sentence}


# Files


class _Unreadable(Exception):
    """The whole file is to be refused."""

    def __init__(self, sentence: str, *, row: int = 1) -> None:
        super().__init__(sentence)
        self.row = row


def read_rates_file(content: bytes) -> tuple[list[tuple[int, RateRequest]], list[Problem]]:
    """Return what a CSV file says by row, and what is wrong with it as a table; whether its rates may stand is not looked at."""
    try:
        lines = _lines(content)
    except _Unreadable as reason:
        return [], [Problem(row=reason.row, column="", sentence=str(reason))]
    head = [name.strip().lower() for name in lines[0][1]]
    problems = [
        Problem(row=1, column=name[:40], sentence="there is no such column, or it is there twice")
        for name in head
        if name not in FILE_COLUMNS or head.count(name) > 1
    ]
    problems += [Problem(row=1, column=name, sentence="this column is missing") for name in FILE_COLUMNS if name not in head]
    if len(lines) - 1 > MOST_ROWS:
        problems.append(Problem(row=1, column="", sentence=f"a file of rates has at most {MOST_ROWS:,} rows"))
    if problems:
        return [], problems
    rows = []
    for number, cells in lines[1:]:
        if len(cells) != len(head):
            problems.append(Problem(row=number, column="", sentence=f"this row has {len(cells)} cells instead of {len(head)}"))
            continue
        row = dict(zip(head, (cell.strip() for cell in cells), strict=True))
        rows.append((number, RateRequest(**{**row, "at": _instant(row["at"])})))  # type: ignore[arg-type]
    return rows, problems


def _lines(content: bytes) -> list[tuple[int, list[str]]]:
    """Return the lines that are not empty with their numbers, the names of columns first."""
    if len(content) > LARGEST_BYTES:
        raise _Unreadable(f"a file of rates has at most {LARGEST_BYTES:,} bytes")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _Unreadable(f"this is no text in UTF-8: byte {error.start + 1} cannot be read") from error
    if "\0" in text:
        raise _Unreadable("this is no text: it holds a NUL")
    reader = csv.reader(io.StringIO(text, newline=""))
    try:
        lines = [(number, cells) for number, cells in enumerate(reader, start=1) if any(cell.strip() for cell in cells)]
    except csv.Error as error:
        raise _Unreadable(f"this line cannot be read: {error}", row=reader.line_num) from error
    if not lines:
        raise _Unreadable("the file is empty")
    return lines


def _instant(text: str) -> datetime | None:
    """Return an instant written with its zone, or None."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at if at.tzinfo is not None else None
