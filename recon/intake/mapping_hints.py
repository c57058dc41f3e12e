"""What a sample file suggests about its mapping. Suggestions are offered; a person takes them or not, and nothing is applied unseen."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import BinaryIO

from recon.formats.mapped_values import DateRule, Unreadable, date_reader

LOOKED_AT = 1 << 16
LINES_LOOKED_AT = 30
ROWS_NAMED = 8
DELIMITERS = (",", ";", "\t", "|")
PATTERNS = (
    "YYYY-MM-DD", "DD.MM.YYYY", "D.M.YYYY", "DD/MM/YYYY", "MM/DD/YYYY", "D/M/YYYY", "M/D/YYYY", "DD-MM-YYYY", "MM-DD-YYYY", "YYYYMMDD",
    "DDMMYYYY", "YYYY/MM/DD", "DD.MM.YY", "DD/MM/YY", "MM/DD/YY", "YYMMDD", "DD MMM YYYY", "D MMM YYYY", "DD-MMM-YYYY",
    "YYYY-MM-DD hh:mm:ss", "YYYY-MM-DDThh:mm:ss", "YYYY-MM-DDThh:mm:ssZ", "DD.MM.YYYY hh:mm", "MM/DD/YYYY hh:mm:ss",
)  # fmt: skip
# Words of headers, as banks and processors write them, by what such a column usually holds.
HEADER_WORDS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("value_column", ("value date", "valuta", "valutadatum", "wertstellung", "date valeur", "settlement date", "available on")),
    ("booking_column", ("booking date", "posting date", "buchungstag", "buchungsdatum", "transaction date", "posted", "created", "date")),
    ("debit_column", ("debit amount", "debit", "soll", "withdrawal", "withdrawals", "paid out", "money out")),
    ("credit_column", ("credit amount", "credit", "haben", "deposit", "deposits", "paid in", "money in")),
    ("balance_column", ("running balance", "balance after", "saldo", "balance", "kontostand")),
    ("amount_column", ("amount", "betrag", "montant", "importe", "net", "net amount", "umsatz")),
    ("indicator_column", ("dc", "d/c", "debit/credit", "credit/debit", "s/h", "cd", "sign", "direction")),
    ("currency_column", ("currency", "währung", "waehrung", "ccy", "devise", "moneda")),
    ("account_column", ("account", "iban", "account number", "konto", "kontonummer")),
    ("end_to_end_column", ("end to end", "end-to-end", "endtoend", "end to end id", "e2e")),
    ("reference_column", ("reference", "ref", "referenz", "customer reference", "kundenreferenz", "transaction id", "id")),
    ("counterparty_column", ("counterparty", "beneficiary", "payee", "name", "beguenstigter", "auftraggeber", "merchant", "customer name")),
    ("description_columns", ("description", "details", "narrative", "verwendungszweck", "purpose", "memo", "text", "buchungstext")),
)
_NUMBER = re.compile(r"[-+(]?\s*[\d.,' \u00a0\u202f]*\d\s*[-)]?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """A value for one field of the editor, and why."""

    field: str
    value: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AmbiguousDay:
    """A cell that two patterns read as two different days."""

    row: int
    text: str
    readings: tuple[tuple[str, date], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DayHints:
    """What a column of days says about how they are written. `fitting` are the patterns that read the most cells.

    `ambiguous` names cells that the fitting patterns read differently; `deciding` is a cell that only one of them can be.
    """

    column: str
    fitting: tuple[str, ...]
    ambiguous: tuple[AmbiguousDay, ...]
    ambiguous_count: int
    rows: int

    @property
    def is_ambiguous(self) -> bool:
        return self.ambiguous_count > 0


def layout_hints(file: BinaryIO) -> list[Suggestion]:
    """Suggest the encoding, the separator and the line with the names of a file of separated text."""
    file.seek(0)
    head = file.read(LOOKED_AT)
    file.seek(0)
    encoding, why = _encoding(head)
    found = [Suggestion(field="encoding", value=encoding, why=why)]
    text = head.decode("utf-16" if encoding == "utf-16" else "utf-8" if encoding.startswith("utf-8") else "cp1252", errors="replace")
    lines = [line for line in text.splitlines()[:LINES_LOOKED_AT] if line.strip()]
    delimiter = _delimiter(lines)
    if delimiter:
        word = {"\t": "tabs", ";": "semicolons", ",": "commas", "|": "bars"}[delimiter]
        found.append(Suggestion(field="delimiter", value=delimiter, why=f"most lines have the same number of {word}"))
        header = _header_row(text.splitlines()[:LINES_LOOKED_AT], delimiter)
        if header:
            found.append(Suggestion(field="header_row", value=str(header), why=f"line {header} has names and no figures"))
    return found


def column_hints(columns: Sequence[str]) -> list[Suggestion]:
    """Suggest what columns hold by the words of their names; each column once, each field once."""
    found: dict[str, Suggestion] = {}
    taken: set[str] = set()
    normal = {name: " ".join(name.lower().replace("_", " ").split()) for name in columns}
    for exact in (True, False):
        for field, words in HEADER_WORDS:
            if field in found:
                continue
            for word in words:
                match = next((name for name in columns if name not in taken and _fits(normal[name], word, exact=exact)), None)
                if match is not None:
                    found[field] = Suggestion(field=field, value=match, why=f"its name says “{word}”")
                    taken.add(match)
                    break
    return list(found.values())


def day_hints(column: str, cells: Sequence[str]) -> DayHints:
    """Say which patterns could be meant by a column of days, and which cells they read differently.

    Nothing is chosen: where more than one pattern reads the cells, and not all as the same day, only whoever sends the file knows.
    """
    texts = [(number, cell.strip()) for number, cell in enumerate(cells, start=1) if cell.strip()]
    readings = {pattern: _read_all(pattern, [text for _, text in texts]) for pattern in PATTERNS}
    # A row of totals or a cell that is broken says nothing about the others: what most cells can be is what is meant.
    most = max((sum(day is not None for day in days) for days in readings.values()), default=0)
    fitting = tuple(pattern for pattern, days in readings.items() if most and sum(day is not None for day in days) == most)
    ambiguous = []
    for index, (number, text) in enumerate(texts):
        said = {pattern: day for pattern in fitting if (day := readings[pattern][index]) is not None}
        if len(set(said.values())) > 1:
            ambiguous.append(AmbiguousDay(row=number, text=text, readings=tuple(_one_each(said))))
    return DayHints(
        column=column, fitting=fitting, ambiguous=tuple(ambiguous[:ROWS_NAMED]), ambiguous_count=len(ambiguous), rows=len(texts)
    )


def number_hints(cells: Sequence[str]) -> list[Suggestion]:
    """Suggest the decimal and thousands signs of a column of amounts, where its cells leave no doubt."""
    marks = [(text.rfind("."), text.rfind(","), text) for cell in cells if _NUMBER.fullmatch(text := cell.strip())]
    decided: set[tuple[str, str]] = set()
    for point, comma, text in marks:
        if point >= 0 and comma >= 0:
            decided.add((".", ",") if point > comma else (",", "."))
        elif max(point, comma) >= 0:
            sign = "." if point >= 0 else ","
            tail = len(re.sub(r"\D+$", "", text)) - max(point, comma) - 1
            if text.count(sign) == 1 and tail != 3:
                decided.add((sign, ""))
    decimals = {decimal for decimal, _ in decided}
    if len(decimals) != 1:
        return []
    (decimal,) = decimals
    thousands = next((sign for _, sign in decided if sign), "")
    return [
        Suggestion(field="decimal", value=decimal, why="the amounts of the sample end so"),
        Suggestion(field="thousands", value=thousands, why="as the amounts of the sample are written"),
    ]


def _encoding(head: bytes) -> tuple[str, str]:
    for mark, name in ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")):
        if head.startswith(mark):
            return name, "the file begins with its mark"
    try:
        head[: len(head) - 3].decode("utf-8")
    except UnicodeDecodeError:
        return "cp1252", "it is no UTF-8; this is what western spreadsheets write, and others are possible"
    return ("ascii", "every byte is plain ASCII") if head.isascii() else ("utf-8", "every byte is sound UTF-8")


def _delimiter(lines: Sequence[str]) -> str:
    best, most = "", 0
    for sign in DELIMITERS:
        counts = [line.count(sign) for line in lines if line.count(sign)]
        if not counts:
            continue
        usual = max(set(counts), key=counts.count)
        score = counts.count(usual) * usual
        if score > most and counts.count(usual) * 2 >= len(lines):
            best, most = sign, score
    return best


def _header_row(lines: Sequence[str], delimiter: str) -> int:
    widths = [line.count(delimiter) for line in lines if line.strip()]
    usual = max(set(widths), key=widths.count) if widths else 0
    for number, line in enumerate(lines, start=1):
        cells = [cell.strip().strip('"') for cell in line.split(delimiter)]
        if len(cells) == usual + 1 and all(cell and not any(sign.isdigit() for sign in cell) for cell in cells):
            return number
    return 0


def _fits(name: str, word: str, *, exact: bool) -> bool:
    return name == word if exact else word in name.split() or (" " in word and word in name)


def _read_all(pattern: str, texts: Sequence[str]) -> list[date | None]:
    read = date_reader(DateRule(column="", pattern=pattern))
    days: list[date | None] = []
    for text in texts:
        try:
            days.append(read(text))
        except Unreadable:
            days.append(None)
    return days


def _one_each(said: dict[str, date]) -> list[tuple[str, date]]:
    """Return one pattern for each day that a cell could be."""
    found: dict[date, str] = {}
    for pattern, day in said.items():
        found.setdefault(day, pattern)
    return [(pattern, day) for day, pattern in found.items()]
