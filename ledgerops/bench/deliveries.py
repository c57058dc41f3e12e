"""Statement files of a benchmark: written once, read by the reader alone, and taken in by the product."""

import io
import re
import resource
import tempfile
import time
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from approvals import operations as approvals
from approvals.models import DecisionOutcome
from ledger.models import AccountGroup, LegalEntity
from ledgerops.bench.books import ENTITY, GROUP, prepare
from ledgerops.demo.camt053 import write_camt053
from ledgerops.demo.mt940 import write_mt940
from ledgerops.demo.shapes import PlannedSource, Statement, StatementLine
from ledgerops.demo.writers.tables import definition, write_csv
from recon import operations
from recon.formats import FORMATS
from recon.formats.events import Reader
from recon.formats.mapped import Mapping as ColumnMapping
from recon.models import Source
from recon.models import Statement as Accepted

FIRST_DAY = date(2020, 1, 1)
WRITERS: dict[str, Callable[[Statement], bytes]] = {"mt940": write_mt940, "camt053": write_camt053, "csv": write_csv}
_delivered = dict.fromkeys(WRITERS, 0)


def prepare_sources() -> int:
    """Define the books and a bank for each format; two people put the mapping of the CSV in force."""
    prepare(accounts=10)
    for role in ("Analyst", "Approver"):
        approvals.grant_sight(role=role, scope_object=LegalEntity.objects.get())
        approvals.grant_sight(role=role, scope_object=AccountGroup.objects.get())
    maker = approvals.add_user(username="maker", full_name="Maker", role="Analyst", password="kept by nobody, used by nobody")  # noqa: S106
    checker = approvals.add_user(username="checker", full_name="Checker", role="Approver", password="kept by nobody, used by nobody")  # noqa: S106
    for code in WRITERS:
        account = operations.NewAccount(code=f"BANK-{code}", name=code, entity=ENTITY, group=GROUP, asset="USD")
        operations.register_source_with_account(code=code, name=code, identifier=_source(code).identifier, account=account)
    _map_csv(maker_id=maker.pk, checker_id=checker.pk)
    return len(WRITERS)


def read_alone(*, code: str, lines: int) -> dict[str, Any]:
    """Let the reader alone read a statement to its end, and return the seconds."""
    content = io.BytesIO(WRITERS[code](_statement(code, lines=lines, number=1)))
    reader = _reader(code)
    started = time.perf_counter()
    events = sum(1 for _ in reader(content))
    return {"seconds": time.perf_counter() - started, "events": events}


def take_in(*, code: str, lines: int) -> dict[str, Any]:
    """Deliver the next statement of a source, from its bytes to proven lines with their items, and return the seconds."""
    _delivered[code] += 1
    content = WRITERS[code](_statement(code, lines=lines, number=_delivered[code]))
    source = Source.objects.get(code=code)
    started = time.perf_counter()
    done = operations.deliver_file(
        name=f"{code}.dat", content=io.BytesIO(content), channel="api", source_id=source.pk, delivered_by_id=None, large_bytes=1 << 40
    )
    seconds = time.perf_counter() - started
    statement = Accepted.objects.get(file=done.file)
    if (statement.proof, statement.line_count) != ("proven", lines):
        raise RuntimeError(f"{code}: {statement.proof}, {statement.line_count} lines: {done.file.errors[:3]}")
    return {"seconds": seconds}


def take_in_large(*, megabytes: int, number: int) -> dict[str, Any]:
    """Deliver a camt.053 of about so many megabytes, and return the most memory that the process has had so far."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "large.xml"
        lines = _write_large(path, megabytes=megabytes, number=number)
        started = time.perf_counter()
        with path.open("rb") as content:
            operations.deliver_file(
                name="large.xml",
                content=content,
                channel="api",
                source_id=Source.objects.get(code="camt053").pk,
                delivered_by_id=None,
                large_bytes=1 << 40,
            )
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        statement = Accepted.objects.latest("accepted_at")
        if (statement.proof, statement.line_count) != ("proven", lines):
            raise RuntimeError(f"{statement.proof}, {statement.line_count} lines")
        return {"seconds": time.perf_counter() - started, "megabytes": peak / 1024, "lines": lines}


def _write_large(path: Path, *, megabytes: int, number: int) -> int:
    """Write a statement of one day a piece at a time; its balances are those of the lines that were planned."""
    small = _statement("camt053", lines=1, number=number)
    head, _, rest = write_camt053(small).partition(b"<Ntry>")
    entry, end, tail = rest.rpartition(b"</Ntry>")
    entry = b"<Ntry>" + entry + end
    count = megabytes * 1024 * 1024 // (len(entry) + 9)
    closing = f"{small.opening_minor + count * small.lines[0].amount_minor:03d}"
    one = f"{small.closing_minor:03d}"
    # The totals that the bank declares are those of one entry.
    head = re.sub(rb"<TxsSummry>.*?</TxsSummry>", b"", head, flags=re.DOTALL)
    head = head.replace(f">{one[:-2]}.{one[-2:]}<".encode(), f">{closing[:-2]}.{closing[-2:]}<".encode())
    reference = small.lines[0].reference.encode()
    with path.open("wb") as file:
        file.write(head)
        for n in range(count):
            file.write(entry.replace(reference, b"%s%09d" % (reference, n)))
        file.write(tail)
    return count


def _map_csv(*, maker_id: int, checker_id: int) -> None:
    source = Source.objects.get(code="csv")
    version = operations.draft_mapping(source_id=source.pk, definition=_definition(), sample_id=None, drafted_by_id=maker_id)
    proposal = operations.submit_mapping(
        mapping_id=version.pk, reason_code="MAPPING_NEW", narrative="The columns that the benchmark writes", maker_id=maker_id
    )
    seen = proposal.versions.get(n=proposal.current_version)
    approvals.decide(
        proposal_id=proposal.pk, version=seen.n, digest=seen.digest, outcome=DecisionOutcome.APPROVE, comment="", approver_id=checker_id
    )


def _reader(code: str) -> Reader:
    return ColumnMapping.from_json(_definition()).reader() if code == "csv" else FORMATS[code].reader


def _definition() -> dict[str, Any]:
    return definition("csv", _statement("csv", lines=1, number=1))


def _source(code: str) -> PlannedSource:
    number = list(WRITERS).index(code)
    return PlannedSource(
        code=code,
        name=code,
        format=code,
        account_code=f"BANK-{code}",
        identifier=f"10203040{number}",
        asset="USD",
        servicer="Bank",
        bic="BENCHXX0",
    )


def _statement(code: str, *, lines: int, number: int) -> Statement:
    """Return a day's statement; each goes on from the one before, and no two lines say the same."""
    day = FIRST_DAY + timedelta(days=number)
    planned = tuple(
        StatementLine(
            booking_date=day,
            value_date=day,
            amount_minor=100,
            reference=f"INV{number:04d}{n:08d}",
            bank_reference=f"B{number:04d}{n:08d}",
            category="deposit",
            counterparty=f"Customer {n}",
            counterparty_account="DE89370400440532013000",
            remittance=f"Invoice {n} of the day",
        )
        for n in range(lines)
    )
    opening = (number - 1) * lines * 100 if number < 1_000 else 0
    return Statement(
        source=_source(code),
        scale=2,
        owner="Benchmark",
        statement_date=day,
        opening_date=day - timedelta(days=1),
        number=number,
        opening_minor=opening,
        lines=planned,
    )


WORKS: Mapping[str, Callable[..., Any]] = {
    "prepare_sources": prepare_sources,
    "read_alone": read_alone,
    "take_in": take_in,
    "take_in_large": take_in_large,
}
