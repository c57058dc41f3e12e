"""Puts delivered lines onto one statement per source and bank day, each chained to the one before."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date

from ledgerops.demo import chart
from ledgerops.demo.bankdays import bank_day_before, bank_day_of_year
from ledgerops.demo.camt053 import write_camt053
from ledgerops.demo.differences import HELD_BACK_DAYS, Delivered
from ledgerops.demo.mt940 import write_mt940
from ledgerops.demo.shapes import PlannedSource, Statement, StatementFile, StatementLine

_SCALES = {asset.code: asset.scale for asset in chart.ASSETS}
_WRITERS = {"mt940": (write_mt940, "sta"), "camt053": (write_camt053, "xml")}


def statements(*, delivered: Iterable[Delivered], bank_days: Sequence[date]) -> tuple[Statement, ...]:
    """Return the statements in the order of their dates; a day without lines has a statement too."""
    by_day: dict[tuple[str, date], list[StatementLine]] = defaultdict(list)
    for item in delivered:
        by_day[item.source.code, item.line.booking_date].append(item.line)
    closing = {source.code: 0 for source in chart.SOURCES}
    result = []
    for day in bank_days:
        for source in chart.SOURCES:
            statement = Statement(
                source=source,
                scale=_SCALES[source.asset],
                owner=chart.ENTITY_NAME,
                statement_date=day,
                opening_date=bank_day_before(day),
                number=bank_day_of_year(day),
                opening_minor=closing[source.code],
                lines=_numbered(by_day[source.code, day], source=source, day=day),
            )
            closing[source.code] = statement.closing_minor
            result.append(statement)
    return tuple(result)


def files(*, statements: Iterable[Statement], bank_days: Sequence[date]) -> tuple[StatementFile, ...]:
    """Return the statements as the banks' files; those of the last days are not to be imported by the demo."""
    held_back = set(bank_days[-HELD_BACK_DAYS:])
    result = []
    for statement in statements:
        write, suffix = _WRITERS[statement.source.format]
        result.append(
            StatementFile(
                source=statement.source.code,
                statement_date=statement.statement_date,
                filename=f"{statement.source.code}_{statement.statement_date.isoformat()}.{suffix}",
                content=write(statement),
                imported=statement.statement_date not in held_back,
            )
        )
    return tuple(result)


def _numbered(lines: Iterable[StatementLine], *, source: PlannedSource, day: date) -> tuple[StatementLine, ...]:
    """Give each line the bank's own reference, in the order of booking; what was booked twice has two."""
    bank = "".join(word[0] for word in source.code.split("-"))
    return tuple(replace(line, bank_reference=f"{bank}{day:%y%m%d}{number:06d}") for number, line in enumerate(lines, start=1))
