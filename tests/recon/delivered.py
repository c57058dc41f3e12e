"""Deliveries of one bank account: statements over any days, accepted in whatever order."""

import io
from collections.abc import Collection, Sequence
from datetime import date, timedelta
from uuid import UUID

from approvals.models import User
from recon import operations
from recon.models import Item, Run, Source, Statement, StatementFile
from tests.concurrency.scene import IDENTIFIER

MONDAY = date(2026, 11, 2)
Row = tuple[int, int, str]


def day(number: int) -> date:
    """Return the n-th day of the week that begins on MONDAY, counted from 0."""
    return MONDAY + timedelta(days=number)


def mt940(*rows: Row, opening_minor: int = 0, number: int = 1, first: int = 0, last: int = 0, closing_minor: int | None = None) -> bytes:
    """Return a statement of rows (day, signed minor units, reference) that goes on from the close of the day before `first`."""
    closing = opening_minor + sum(amount for _, amount, _ in rows) if closing_minor is None else closing_minor
    lines = [
        f":61:{day(n):%y%m%d%m%d}{'C' if amount > 0 else 'D'}{abs(amount) // 100},{abs(amount) % 100:02d}NTRF{reference}//{reference}"
        for n, amount, reference in rows
    ]
    body = [
        f":20:W{number}",
        f":25:{IDENTIFIER}",
        f":28C:{number}/1",
        f":60F:{_balance(opening_minor, day(first - 1))}",
        *lines,
        f":62F:{_balance(closing, day(last))}",
    ]
    return ("{1:F01AAAABBCCAXXX0000000000}{2:I940AAAABBCCXXXXN}{4:\r\n" + "\r\n".join(body) + "\r\n-}").encode()


def _balance(minor: int, on: date) -> str:
    return f"{'C' if minor >= 0 else 'D'}{on:%y%m%d}USD{abs(minor) // 100},{abs(minor) % 100:02d}"


def receive(content: bytes, *, by: User, **values: object) -> StatementFile:
    file, _ = operations.receive_file(
        name="statement.sta",
        content=io.BytesIO(content),
        maximum_bytes=10**9,
        received_by_id=by.pk,
        **values,  # type: ignore[arg-type]
    )
    return file


def accept(content: bytes, *, by: User, source: Source, restating: Collection[UUID] = ()) -> Statement:
    """Accept a delivery of one statement and return it."""
    file = receive(content, by=by)
    operations.accept_file(file_id=file.pk, source_ids=[source.pk], restating=restating)
    return Statement.objects.get(file=file)


def run_all() -> None:
    """Carry every queued run through."""
    for pk in Run.objects.filter(status="queued").order_by("id").values_list("pk", flat=True):
        operations.execute_run(run_id=pk)


def counted(statement: Statement) -> Sequence[str]:
    """Return the references of the lines of a statement that count."""
    items = Item.objects.filter(statement_line__statement=statement, withdrawn_by=None)
    return list(items.order_by("statement_line__ordinal").values_list("statement_line__reference", flat=True))
