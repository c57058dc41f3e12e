"""Journals and opening balances out of CSV and XLSX files that people upload: what is wrong is told with its row and column.

A file is hostile until it has been read: its size, what it unpacks to, its rows, its cells and its formulas are all bounded, and whatever
a library raises on it becomes one error. Nothing here asks the database; the caller says what the accounts hold.
"""

import csv
import io
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

import openpyxl

from ledger.accounting import CREDIT, DEBIT, Line
from ledger.proposed import ENTRIES_MAXIMUM, LINES_MAXIMUM, ProposedEntry
from ledgerops.lib import money

FILE_MAXIMUM_BYTES = 5 * 1024 * 1024
UNPACKED_MAXIMUM_BYTES = 64 * 1024 * 1024
RATIO_MAXIMUM = 200
MEMBERS_MAXIMUM = 200
COLUMNS_MAXIMUM = 40
CELL_MAXIMUM = 2_000
ERRORS_MAXIMUM = 200
# A spreadsheet's numbers are doubles: beyond so many digits they are not what was typed.
EXACT_DIGITS = 15

JOURNAL_COLUMNS = ("entry", "date", "description", "reference", "account", "debit", "credit", "asset")
OPENING_COLUMNS = ("account", "debit", "credit", "asset", "reference", "date", "description")
_NEEDED = {JOURNAL_COLUMNS: ("entry", "date", "description", "account", "debit", "credit"), OPENING_COLUMNS: ("account", "debit", "credit")}

Cell = str | int | Decimal | date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FileError:
    """What is wrong, and where: `row` counts from 1 with the row of names as the first; None is the whole file."""

    row: int | None
    column: str
    message: str
    value: str = ""


@dataclass(frozen=True, slots=True)
class FileRow:
    number: int
    cells: Mapping[str, Cell]

    def text(self, column: str) -> str:
        """Return a cell as text; an apostrophe before what a spreadsheet would run is the spreadsheet's."""
        cell = self.cells.get(column)
        text = "" if cell is None else str(cell).strip()
        return text.removeprefix("'")


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownAccount:
    """What reading an amount must know of its account."""

    asset: str
    scale: int


@dataclass(slots=True)
class Read:
    """What was read of a file, and all that is wrong with it; `places` gives the row of each line of each entry."""

    entries: list[ProposedEntry] = field(default_factory=list)
    errors: list[FileError] = field(default_factory=list)
    places: list[list[int]] = field(default_factory=list)

    def wrong(self, row: int | None, column: str, message: str, value: object = "") -> None:
        if len(self.errors) < ERRORS_MAXIMUM:
            self.errors.append(FileError(row=row, column=column, message=message, value=str(value)[:80]))


class _Unreadable(Exception):
    """The whole file is to be refused."""


def rows_of(content: bytes, *, columns: tuple[str, ...]) -> tuple[list[FileRow], list[FileError]]:
    """Return the rows of a file by column, and what is wrong with it as a table; empty rows are left out."""
    read = Read()
    try:
        _refuse_size(content)
        table = _spreadsheet(content, read) if content.startswith(b"PK") else _text(content)
        return _named(table, columns=columns, read=read), read.errors
    except _Unreadable as reason:
        read.wrong(None, "file", str(reason))
    except Exception as error:  # noqa: BLE001 (whatever a hostile file makes a library raise, it is the file's error)
        read.wrong(None, "file", f"the file cannot be read ({type(error).__name__})")
    return [], read.errors


def _refuse_size(content: bytes) -> None:
    if not content:
        raise _Unreadable("the file is empty")
    if len(content) > FILE_MAXIMUM_BYTES:
        raise _Unreadable(f"the file is larger than {FILE_MAXIMUM_BYTES // 1024**2} MB")


def _named(table: Iterator[Sequence[Cell]], *, columns: tuple[str, ...], read: Read) -> list[FileRow]:
    names = [str(cell or "").strip().lower() for cell in next(table, [])]
    if missing := [name for name in _NEEDED[columns] if name not in names]:
        raise _Unreadable(f"the first row names no column {', '.join(missing)}")
    if unknown := [name for name in names if name and name not in columns]:
        raise _Unreadable(f"there is no column {', '.join(unknown)[:80]}; the template has those that are read")
    if len([name for name in names if name]) != len({name for name in names if name}):
        raise _Unreadable("the first row names a column twice")
    rows: list[FileRow] = []
    for number, cells in enumerate(table, start=2):
        if all(cell is None or cell == "" for cell in cells):
            continue
        if len(rows) == LINES_MAXIMUM:
            raise _Unreadable(f"the file has more than {LINES_MAXIMUM:,} lines")
        if any(cell not in (None, "") for cell in cells[len(names) :]):
            read.wrong(number, "", "a cell stands beyond the named columns")
        rows.append(FileRow(number, {name: cell for name, cell in zip(names, cells, strict=False) if name}))
    if not rows:
        raise _Unreadable("the file has no lines under the row of names")
    return rows


def _text(content: bytes) -> Iterator[Sequence[Cell]]:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _Unreadable(f"byte {error.start + 1} is not UTF-8; save the file as CSV UTF-8") from None
    if "\0" in text:
        raise _Unreadable("the file holds a NUL character")
    head = text.partition("\n")[0]
    separator = max(",;\t", key=head.count)
    for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True):
        if len(row) > COLUMNS_MAXIMUM or any(len(cell) > CELL_MAXIMUM for cell in row):
            raise _Unreadable(f"a row has more than {COLUMNS_MAXIMUM} cells, or one of more than {CELL_MAXIMUM:,} characters")
        yield row


def _spreadsheet(content: bytes, read: Read) -> Iterator[Sequence[Cell]]:
    _refuse_bombs(content)
    book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=False, keep_links=False)
    try:
        sheet = book.worksheets[0]
        # What the sheet says of its own size is not believed.
        sheet.reset_dimensions()
        for number, row in enumerate(sheet.iter_rows(max_row=LINES_MAXIMUM + 2, max_col=COLUMNS_MAXIMUM), start=1):
            yield [_cell(cell, number=number, read=read) for cell in row]
    finally:
        book.close()


def _refuse_bombs(content: bytes) -> None:
    """Refuse an archive that is none, unpacks to too much, or whose parts define entities.

    :raises _Unreadable: saying which.
    """
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = archive.infolist()
        if len(members) > MEMBERS_MAXIMUM or sum(one.file_size for one in members) > UNPACKED_MAXIMUM_BYTES:
            raise _Unreadable(f"the file unpacks to more than {UNPACKED_MAXIMUM_BYTES // 1024**2} MB or {MEMBERS_MAXIMUM} parts")
        for member in members:
            if member.flag_bits & 1:
                raise _Unreadable("the file is encrypted")
            if member.file_size > RATIO_MAXIMUM * max(member.compress_size, 1024):
                raise _Unreadable("a part of the file unpacks to many times its size, which no journal does")
            with archive.open(member) as part:
                if b"<!doctype" in part.read(4096).lower():
                    raise _Unreadable("a part of the file defines entities, which no spreadsheet does")
        if "xl/workbook.xml" not in archive.namelist():
            raise _Unreadable("this is an archive and no spreadsheet")


def _cell(cell: object, *, number: int, read: Read) -> Cell:
    """Return a cell's value as a text, an exact number or a day."""
    value = getattr(cell, "value", None)
    column = str(getattr(cell, "column_letter", ""))
    if getattr(cell, "data_type", "") in {"f", "e"}:
        read.wrong(number, column, "a formula or its error: paste the values instead", value)
        return None
    wrong = ""
    if isinstance(value, str) and len(value) > CELL_MAXIMUM:
        raise _Unreadable(f"a cell has more than {CELL_MAXIMUM:,} characters")
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        exact = Decimal(repr(value))
        if len(exact.normalize().as_tuple().digits) <= EXACT_DIGITS:
            return int(exact) if exact == exact.to_integral_value() else exact
        wrong = "a number cell holds no more than 15 exact digits: format it as text"
    elif isinstance(value, datetime) and not (value.hour or value.minute or value.second):
        return value.date()
    elif isinstance(value, datetime):
        wrong = "a day has no time of day"
    elif isinstance(value, date):
        return value
    read.wrong(number, column, wrong or "neither a text, a number nor a day", value)
    return None


def journal_of(rows: Sequence[FileRow], *, entity: str, accounts: Mapping[str, KnownAccount]) -> Read:
    """Return the entries that the rows of a journal make: those with the same word in `entry` are one entry."""
    read = Read()
    groups: dict[str, list[FileRow]] = {}
    for row in rows:
        label = row.text("entry")
        if not label:
            read.wrong(row.number, "entry", "say which entry this line belongs to")
        groups.setdefault(label, []).append(row)
    if len(groups) > ENTRIES_MAXIMUM:
        read.wrong(None, "file", f"the file has more than {ENTRIES_MAXIMUM:,} entries")
        return read
    for group in groups.values():
        values = {name: _same(group, name, read=read) for name in ("description", "reference")}
        day = _day(group, read=read)
        if not values["description"]:
            read.wrong(group[0].number, "description", "say what the entry is for")
        lines = [_line(row, accounts=accounts, read=read) for row in group]
        known = [line for line in lines if line is not None]
        if day is not None and len(known) == len(group):
            read.entries.append(ProposedEntry(type="journal", entity=entity, effective_date=day, lines=known, **values))
            read.places.append([row.number for row in group])
    return read


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenItem:
    """Part of an account's opening balance that has its own reference and day."""

    line: Line
    reference: str
    on: date
    description: str


@dataclass(slots=True)
class Opening:
    """Balances by account and the open items among them, with what is wrong; `rows` gives each account's first row."""

    balances: dict[str, Line] = field(default_factory=dict)
    items: list[OpenItem] = field(default_factory=list)
    rows: dict[str, int] = field(default_factory=dict)
    read: Read = field(default_factory=Read)


def opening_of(rows: Sequence[FileRow], *, accounts: Mapping[str, KnownAccount]) -> Opening:
    """Return what the rows of an opening say: a row without a reference is an account's whole balance, one with it an open item of it."""
    opening = Opening()
    read = opening.read
    for row in rows:
        line = _line(row, accounts=accounts, read=read)
        reference = row.text("reference")
        if not reference and (row.cells.get("date") or row.cells.get("description")):
            read.wrong(row.number, "reference", "an open item has a reference; a balance has neither day nor description")
        if line is None:
            continue
        if reference:
            day = _day([row], read=read)
            if day is not None:
                text = row.text("description") or f"Open item {reference}"
                opening.items.append(OpenItem(line=line, reference=reference[:140], on=day, description=text))
        elif line.account in opening.balances:
            read.wrong(row.number, "account", f"the balance of {line.account} stands in row {opening.rows[line.account]} already")
        else:
            opening.balances[line.account] = line
        opening.rows.setdefault(line.account, row.number)
    for item in opening.items:
        if item.line.account not in opening.balances:
            read.wrong(opening.rows[item.line.account], "account", f"{item.line.account} has open items and no row with its balance")
            break
    if len(opening.items) + len(opening.balances) // 900 + 1 > ENTRIES_MAXIMUM:
        read.wrong(None, "file", f"the file has more than {ENTRIES_MAXIMUM:,} open items")
    return opening


def _same(group: Sequence[FileRow], column: str, *, read: Read) -> str:
    """Return what an entry says once for all its lines."""
    first = group[0].text(column)
    for row in group[1:]:
        if row.text(column) not in ("", first):
            read.wrong(row.number, column, f"the entry says {first[:40]!r} in row {group[0].number}", row.text(column))
    if column == "reference" and len(first) > 140:
        read.wrong(group[0].number, column, "a reference has at most 140 characters")
    return first


def _day(group: Sequence[FileRow], *, read: Read) -> date | None:
    found: date | None = None
    for row in group:
        value = row.cells.get("date")
        if value in (None, "") and row is not group[0]:
            continue
        try:
            day = value if isinstance(value, date) else date.fromisoformat(row.text("date"))
        except ValueError:
            read.wrong(row.number, "date", "write a day as 2026-11-30", row.text("date"))
            return None
        if found not in (None, day):
            read.wrong(row.number, "date", f"the entry has {found} in row {group[0].number}", day)
        found = found or day
    return found


def _line(row: FileRow, *, accounts: Mapping[str, KnownAccount], read: Read) -> Line | None:
    code = row.text("account")
    known = accounts.get(code)
    if known is None:
        read.wrong(row.number, "account", f"there is no account {code} in your scope" if code else "name the account", code)
        return None
    if row.text("asset") not in ("", known.asset):
        read.wrong(row.number, "asset", f"account {code} holds {known.asset}", row.text("asset"))
    # Many programs write 0.00 on the side that is meant to be empty.
    sides = [(column, row.cells.get(column)) for column in (DEBIT, CREDIT) if row.text(column).strip("0.,")]
    if len(sides) != 1:
        read.wrong(row.number, DEBIT, "a line has either a debit or a credit")
        return None
    ((direction, value),) = sides
    try:
        if isinstance(value, int | Decimal):
            minor = money.minor_from_decimal(Decimal(value), scale=known.scale)
        else:
            minor = money.minor_from_text(row.text(direction), scale=known.scale, field=direction)
    except money.AmountRefused as refused:
        read.wrong(row.number, direction, str(refused), value)
        return None
    if minor <= 0:
        read.wrong(row.number, direction, "an amount is above zero; the other column is the other side", value)
        return None
    return Line(account=code, direction=direction, amount_minor=minor, asset=known.asset)
