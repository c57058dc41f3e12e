"""Looking into a stored file: the lines of one statement, a page at a time, and what it would change if it were accepted."""

from collections import Counter, deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from django.db.models import Count

from ledger.models import Asset
from recon.feeds import Continuity
from recon.formats.events import LineRead, LocatedError
from recon.intake.reading import read_file
from recon.intake.summary import ParsedStatement
from recon.models import Allocation, Break, BreakState, Item, Source, Statement, StatementFile, StatementLine
from recon.operations.counting import shares_days
from recon.operations.kept_bytes import opened
from recon.operations.placing import goes_on
from recon.operations.readers import reader_of

# A comparison in memory; of longer statements only the figures are compared before they are accepted.
COMPARED_LINES = 50_000
SHOWN = 100
# What has no place among the statements yet.
UNWRITTEN = UUID(int=0)
RAW_BEFORE, RAW_LINES = 20, 120
RAW_WIDTH, RAW_SKIPPED = 600, 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class FileLine:
    """A line as a file says it."""

    ordinal: int
    value_date: date
    flow: str
    amount_minor: int
    counterparty: str
    reference: str
    description: str
    reversal: bool
    booked: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Restatement:
    """What accepting a statement does to the version it replaces; the lines are the first of each kind, the counts are complete."""

    replaced: Statement
    compared: bool
    kept: int = 0
    gone_count: int = 0
    new_count: int = 0
    gone: Sequence[StatementLine] = ()
    new: Sequence[FileLine] = ()
    matches: int = 0
    waiting: Sequence[Break] = ()


class _Enough(Exception):
    """What was asked for has been read."""


@dataclass(slots=True)
class _Page:
    """A sink that keeps some lines of one statement."""

    ordinal: int
    first: int
    last: int
    lines: list[FileLine] = field(default_factory=list)

    def line(self, statement: ParsedStatement, event: LineRead, *, amount_minor: int, content_key: str) -> None:  # noqa: ARG002
        if statement.ordinal > self.ordinal or (statement.ordinal == self.ordinal and statement.line_count > self.last):
            raise _Enough
        if statement.ordinal == self.ordinal and statement.line_count >= self.first:
            self.lines.append(_line(event, ordinal=statement.line_count, amount_minor=amount_minor))

    def quarantined(self, statement: ParsedStatement, error: LocatedError) -> None:
        pass


@dataclass(slots=True)
class _Contents:
    """A sink that keeps what the lines of one statement say, each with the line that says it last."""

    ordinal: int
    known: Counter[tuple[str, bool]]
    kept: int = 0
    new_count: int = 0
    new: list[FileLine] = field(default_factory=list)

    def line(self, statement: ParsedStatement, event: LineRead, *, amount_minor: int, content_key: str) -> None:
        if statement.ordinal != self.ordinal:
            return
        if self.known[content_key, event.booked]:
            self.known[content_key, event.booked] -= 1
            self.kept += 1
            return
        self.new_count += 1
        if len(self.new) < SHOWN:
            self.new.append(_line(event, ordinal=statement.line_count, amount_minor=amount_minor))

    def quarantined(self, statement: ParsedStatement, error: LocatedError) -> None:
        pass


@dataclass(slots=True)
class _Told:
    """A sink that counts what the lines of one statement say, of those that would count."""

    ordinal: int
    times: Counter[str] = field(default_factory=Counter)
    signed: dict[str, int] = field(default_factory=dict)

    def line(self, statement: ParsedStatement, event: LineRead, *, amount_minor: int, content_key: str) -> None:
        if statement.ordinal == self.ordinal and event.booked and amount_minor:
            self.times[content_key] += 1
            self.signed[content_key] = amount_minor if event.direction == "credit" else -amount_minor

    def quarantined(self, statement: ParsedStatement, error: LocatedError) -> None:
        pass


def lines_in(file: StatementFile, *, ordinal: int, first: int, count: int) -> list[FileLine]:
    """Return some lines of one statement of a stored file, reading no further than they stand.

    :raises FileBytesLost: if its bytes are gone.
    """
    page = _Page(ordinal=ordinal, first=first, last=first + count - 1)
    with suppress(_Enough):
        _read_into(file, page)
    return page.lines


def restatement_by(file: StatementFile, *, parsed: ParsedStatement, replaced: Statement) -> Restatement:
    """Return what a statement of a stored file changes against the accepted one that it replaces.

    :raises FileBytesLost: if its bytes are gone.
    """
    if max(parsed.line_count, replaced.line_count) > COMPARED_LINES:
        return Restatement(replaced=replaced, compared=False)
    before = list(StatementLine.objects.filter(statement=replaced).order_by("ordinal").values_list("pk", "content_key", "booked"))
    contents = _Contents(ordinal=parsed.ordinal, known=Counter((key, booked) for _, key, booked in before))
    if parsed.purpose != "deletion":
        _read_into(file, contents)
    # What is left over in the count is gone: of equal lines the last ones.
    left, gone = contents.known, deque[int]()
    for pk, key, booked in reversed(before):
        if left[key, booked] > 0:
            left[key, booked] -= 1
            gone.appendleft(pk)
    items = list(Item.objects.filter(statement_line__in=gone, withdrawn_by=None).values_list("pk", flat=True))
    return Restatement(
        replaced=replaced,
        compared=True,
        kept=contents.kept,
        gone_count=len(gone),
        new_count=contents.new_count,
        gone=list(StatementLine.objects.filter(pk__in=list(gone)[:SHOWN]).order_by("ordinal")),
        new=contents.new,
        matches=Allocation.objects.filter(item__in=items, revoked_at=None).values("match").distinct().count(),
        waiting=list(Break.objects.filter(statement_item__in=items, state=BreakState.PROPOSED).order_by("number")[:SHOWN]),
    )


def repeated_by(file: StatementFile, *, parsed: ParsedStatement, source: Source, continuity: Continuity) -> tuple[int, int]:
    """Return how many lines of a statement of a stored file count already by an overlapping delivery, and their signed sum.

    They would be noted as repeated when the file is accepted; of a statement too long to compare none are told.

    :raises FileBytesLost: if its bytes are gone.
    """
    overlaps = shares_days(source=source, statement_id=UNWRITTEN, booked_from=parsed.booked_from, booked_to=parsed.booked_to)
    if not overlaps or goes_on(parsed, continuity=continuity) or parsed.line_count > COMPARED_LINES:
        return 0, 0
    told = _Told(ordinal=parsed.ordinal)
    _read_into(file, told)
    items = Item.objects.filter(reconciliation__source=source, reconciliation__home=True, side="statement", withdrawn_by=None)
    counted = items.filter(content_key__in=list(told.times)).values_list("content_key").order_by().annotate(times=Count("pk"))
    again = {key: min(times, told.times[key]) for key, times in counted}
    return sum(again.values()), sum(times * told.signed[key] for key, times in again.items())


def raw_around(file: StatementFile, *, line: int) -> tuple[list[tuple[int, str]], bool]:
    """Return the text of a stored file around a line, each line with its number, and whether the file goes on; long lines are cut.

    The bytes are shown as Latin-1 where they are no UTF-8: every one of them is there to be seen.

    :raises FileBytesLost: if the bytes are gone.
    """
    first = max(1, line - RAW_BEFORE)
    shown: list[tuple[int, str]] = []
    with opened(file) as content:
        number = 0
        while len(shown) <= RAW_LINES:
            start = content.readline(RAW_WIDTH)
            if not start:
                break
            number += 1
            cut = not start.endswith(b"\n") and len(start) == RAW_WIDTH
            while cut and (rest := content.readline(RAW_SKIPPED)) and not rest.endswith(b"\n"):
                pass
            if number >= first:
                shown.append((number, _shown(start) + ("\u2026" if cut else "")))
    return shown[:RAW_LINES], len(shown) > RAW_LINES


def _shown(raw: bytes) -> str:
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    return "".join(sign if sign.isprintable() or sign == "\t" else "" if sign in "\r\n\ufeff" else "\u00b7" for sign in text)


def _read_into(file: StatementFile, sink: _Page | _Contents | _Told) -> None:
    with opened(file) as content:
        chosen = reader_of(file.source, content)
        scales = dict(Asset.objects.values_list("code", "scale"))
        read_file(content, scales=scales, format_code=chosen.format, reader=chosen.reader, sink=sink)


def _line(event: LineRead, *, ordinal: int, amount_minor: int) -> FileLine:
    return FileLine(
        ordinal=ordinal,
        value_date=event.value_date,
        flow="in" if event.direction == "credit" else "out",
        amount_minor=amount_minor,
        counterparty=event.counterparty_name,
        reference=event.end_to_end_id or event.own_reference,
        description=event.description,
        reversal=event.reversal,
        booked=event.booked,
    )
