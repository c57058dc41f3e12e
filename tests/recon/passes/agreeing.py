"""Populations that have to agree, made of lines that say just what a test needs: two sources of statements, and the ledger."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from itertools import count
from typing import Any

from ledger.models import Account
from recon import operations
from recon.matching.rules import Rules
from recon.models import (
    Allocation,
    Item,
    Match,
    Population,
    PopulationAccount,
    Reconciliation,
    RulesStatus,
    RulesVersion,
    Run,
    Source,
    Statement,
    StatementFile,
    StatementLine,
)
from recon.operations.reconciliations import give_standard_rules
from tests.fixtures import DAY

_numbers = count(1)
Group = tuple[str, ...]


def sources() -> tuple[Source, Source]:
    """Register a bank and a processor, of two accounts in one asset."""
    bank = operations.register_source(code="bank", name="Bank", identifier="DE00500105170000001010", account="1010")
    processor = operations.register_source(code="psp", name="Processor", identifier="DE00500105170000001020", account="1020")
    return bank, processor


def reconciliation(
    *of: Source, ledger: str = "", rules: Sequence[Mapping[str, Any]] = (), tariffs: Sequence[Mapping[str, Any]] = ()
) -> Reconciliation:
    """Declare that sources, and the postings of an account if one is named, have to agree, by these passes alone."""
    made = Reconciliation.objects.create(source=of[0], home=False, name=f"Agreement {next(_numbers)}")
    for position, source in enumerate(of, start=1):
        Population.objects.create(reconciliation=made, position=position, name=source.name, side="statement", source=source)
    if ledger:
        books = Population.objects.create(reconciliation=made, position=len(of) + 1, name="Ledger", side="ledger")
        PopulationAccount.objects.create(population=books, account=Account.objects.get(code=ledger))
    if not rules:
        give_standard_rules(made)
        return made
    read = Rules.from_json({"passes": [{"id": one["kind"], "name": one["kind"], **one} for one in rules], "tariffs": list(tariffs)})
    RulesVersion.objects.create(
        reconciliation=made, number=1, definition=read.definition, digest=read.digest, status=RulesStatus.ACTIVE, note="of a test"
    )
    return made


def told(source: Source, *lines: Mapping[str, Any], day: date = DAY) -> Statement:
    """Let a source say lines: `name`, signed `minor`, and whatever else a line has; `after` is in days after `day`."""
    number = next(_numbers)
    file = StatementFile.objects.create(
        sha256=hashlib.sha256(str(number).encode()).hexdigest(), size_bytes=1, name="lines", status="accepted", source=source
    )
    statement = Statement.objects.create(
        source=source,
        file=file,
        ordinal=1,
        closing_date=day,
        line_count=len(lines),
        movements_minor=0,
        proof="unproven",
        difference_minor=0,
        content_digest=hashlib.sha256(f"content {number}".encode()).hexdigest(),
        kind="report",
    )
    StatementLine.objects.bulk_create([_line(statement, ordinal, dict(one), day) for ordinal, one in enumerate(lines, start=1)])
    return statement


def _line(statement: Statement, ordinal: int, said: dict[str, Any], day: date) -> StatementLine:
    minor, name, after = said.pop("minor"), said.pop("name"), said.pop("after", 0)
    on = day + timedelta(days=after)
    key = said.get("match_key", "")
    return StatementLine(
        statement=statement,
        ordinal=ordinal,
        booking_date=on,
        value_date=on,
        flow="in" if minor > 0 else "out",
        amount_minor=abs(minor),
        raw=name,
        place="1",
        content_key=hashlib.sha256(f"{statement.pk}{ordinal}".encode()).hexdigest()[:32],
        reference=name,
        keys=said.pop("keys", [f"end_to_end:{key}"] if key else []),
        **said,
    )


def run(made: Reconciliation) -> Run:
    queued = operations.request_run(reconciliation_id=made.pk, requested_by_id=None)  # type: ignore[arg-type]
    return operations.execute_run(run_id=queued.pk)


def groups(made: Reconciliation) -> list[Group]:
    """Return every live match as the names of its items."""
    found = []
    for match in Match.objects.filter(reconciliation=made):
        live = Allocation.objects.filter(match=match, revoked_at=None).select_related("item")
        if live:
            found.append(tuple(sorted(one.item.reference for one in live)))
    return sorted(found)


def open_of(made: Reconciliation) -> dict[str, int]:
    """Return what is open of each item, by its name."""
    return {item.reference: int(item.open_minor) for item in Item.objects.filter(reconciliation=made, open=True)}
