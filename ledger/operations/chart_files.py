"""The chart of accounts as a file: written out whole, and read in as one proposal that opens what is new."""

import csv
import hashlib
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any
from uuid import UUID

from approvals import operations as approvals
from approvals.models import Proposal
from approvals.registry import Command, PreconditionChanged
from audit.operations import record_event
from ledger.models import Account, AccountGroup, AccountPurpose, AccountType, Asset, LegalEntity, OwnerClass, ReserveClass
from ledger.operations.accounts import OpeningRequest
from ledger.operations.chart import CODE, RESERVED_CODES, add_account
from ledger.queries.controls import DEFERRABLE
from ledger.queries.journals import scope_of
from ledgerops.lib import money
from ledgerops.lib.csv_cells import is_dangerous, text_cell
from ledgerops.lib.errors import Refusal, RefusalKind

IMPORT_CHART = "ledger.import_chart"
# A file of several entities is decided by those who see all of them.
WHOLE_CHART = "ledger.chart"
MOST_ROWS = 5_000
LARGEST_BYTES = 2_000_000
COLUMNS = tuple(one.name for one in fields(OpeningRequest))
REQUIRED = ("code", "name", "entity", "group", "asset", "type", "owner_class")
_TRUTH = {"": False, "no": False, "false": False, "yes": True, "true": True}


class ChartFileRefused(Refusal):
    """The file cannot be brought in; `detail["problems"]` says in which row and column, and why."""

    code = "chart_file_refused"
    kind = RefusalKind.INVALID


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What is wrong in one place of a file; the row counts from 1, the line of names included."""

    row: int
    column: str
    sentence: str


@dataclass(slots=True, kw_only=True)
class ChartReading:
    """What a file says, beside the chart as it is: accounts to open, accounts that are there already, and what is wrong."""

    new: list[OpeningRequest] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


# Out


def chart_lines(accounts: Iterable[Account]) -> Iterator[str]:
    """Return the chart as CSV, line by line; read in again it changes nothing."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(COLUMNS)
    for account in accounts:
        row = as_row(account)
        writer.writerow([row[name] if name == "overdraft_limit" else text_cell(row[name]) for name in COLUMNS])
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()
    yield buffer.getvalue()


def as_row(account: Account) -> dict[str, str]:
    """Return an account as a row of the file; what it refers to has been read with it."""
    limit = account.balance.overdraft_limit_minor
    return {
        "code": account.code,
        "name": account.name,
        "entity": account.entity.code,
        "group": account.group.code,
        "asset": account.asset.code,
        "type": account.type,
        "owner_class": account.owner_class,
        "parent": account.parent.code if account.parent else "",
        "reserve_class": account.reserve_class,
        "purpose": account.purpose,
        "equivalent_of": account.equivalent_of.code if account.equivalent_of else "",
        "control": "yes" if account.is_control else "no",
        "overdraft_limit": "" if limit is None else money.plain(int(limit), scale=account.asset.scale),
        "deferred": "yes" if account.balance.deferred else "no",
    }


# In


def read_chart(text: str) -> ChartReading:
    """Read a file against the present chart; everything that is wrong is found at once, nothing is written."""
    reading = ChartReading()
    rows = _rows(text, problems=reading.problems)
    if reading.problems:
        return reading
    known = {
        account.code: account
        for account in Account.objects.select_related("asset", "entity", "group", "parent", "equivalent_of", "balance").filter(
            code__in={value for _, row in rows for value in (row["code"], row["parent"])}
        )
    }
    names = _Names.now()
    by_code = {row["code"]: row for _, row in rows}
    seen: dict[str, int] = {}
    for number, row in rows:
        wrong = _wrong_cells(row, names=names)
        if row["code"] in seen:
            wrong.append(("code", f"row {seen[row['code']]} has account {row['code']} already"))
        seen.setdefault(row["code"], number)
        if not wrong and row["code"] in known:
            wrong = _differences(row, as_row(known[row["code"]]), scale=known[row["code"]].asset.scale)
            reading.unchanged += [row["code"]] if not wrong else []
        elif not wrong:
            wrong = _wrong_parent(row, by_code=by_code, known=known) + _wrong_purpose(row, rows=rows)
            reading.new += [_request(row, scale=names.scales[row["asset"]])] if not wrong else []
        reading.problems += [Problem(row=number, column=column, sentence=sentence) for column, sentence in wrong]
    reading.new = _parents_first(reading.new)
    return reading


def _rows(text: str, *, problems: list[Problem]) -> list[tuple[int, dict[str, str]]]:
    """Return the rows with their numbers, blanks stripped, and the columns that are not there as empty ones."""
    if len(text.encode()) > LARGEST_BYTES:
        problems.append(Problem(row=1, column="", sentence=f"a chart has at most {LARGEST_BYTES:,} bytes"))
        return []
    if "\0" in text:
        problems.append(Problem(row=1, column="", sentence="this is no text: it holds a NUL"))
        return []
    reader = csv.reader(io.StringIO(text.lstrip("\ufeff"), newline=""))
    try:
        lines = [(number, line) for number, line in enumerate(reader, start=1) if any(cell.strip() for cell in line)]
    except csv.Error as error:
        problems.append(Problem(row=reader.line_num, column="", sentence=f"this line cannot be read: {error}"))
        return []
    if not lines:
        problems.append(Problem(row=1, column="", sentence="the file is empty"))
        return []
    head = [name.strip().lower() for name in lines[0][1]]
    strange = [name for name in head if name not in COLUMNS or head.count(name) > 1]
    problems += [Problem(row=1, column=name, sentence="there is no such column, or it is there twice") for name in strange]
    problems += [Problem(row=1, column=name, sentence="this column is missing") for name in REQUIRED if name not in head]
    if len(lines) - 1 > MOST_ROWS:
        problems.append(Problem(row=MOST_ROWS + 1, column="", sentence=f"at most {MOST_ROWS:,} accounts come in one file"))
    rows = []
    for number, line in lines[1 : MOST_ROWS + 1]:
        if len(line) != len(head):
            problems.append(Problem(row=number, column="", sentence=f"{len(line)} cells, where the first line names {len(head)}"))
            continue
        rows.append((number, dict.fromkeys(COLUMNS, "") | {name: _cell(cell) for name, cell in zip(head, line, strict=True)}))
    return rows


def _cell(text: str) -> str:
    """Return a cell without the apostrophe that keeps spreadsheets from running it."""
    text = text.strip()
    return text[1:] if text.startswith("'") and is_dangerous(text[1:]) else text


@dataclass(frozen=True, slots=True)
class _Names:
    """What a row may refer to."""

    entities: frozenset[str]
    groups: frozenset[str]
    scales: Mapping[str, int]

    @classmethod
    def now(cls) -> "_Names":
        return cls(
            frozenset(LegalEntity.objects.values_list("code", flat=True)),
            frozenset(AccountGroup.objects.values_list("code", flat=True)),
            dict(Asset.objects.values_list("code", "scale")),
        )


def _wrong_cells(row: Mapping[str, str], *, names: _Names) -> list[tuple[str, str]]:
    """Return what is wrong with a row by itself, as (column, sentence)."""
    wrong = [(name, "this is missing") for name in REQUIRED if not row[name]]
    listed: Sequence[tuple[str, Iterable[str]]] = (
        ("entity", names.entities),
        ("group", names.groups),
        ("asset", names.scales),
        ("type", AccountType.values),
        ("owner_class", OwnerClass.values),
        ("purpose", AccountPurpose.values),
        ("equivalent_of", names.scales),
        ("reserve_class", ReserveClass.values),
    )
    wrong += [
        (name, f"there is no {name.replace('_', ' ')} {row[name]}"[:200]) for name, known in listed if row[name] and row[name] not in known
    ]
    if row["code"] and (not CODE.fullmatch(row["code"]) or row["code"] in RESERVED_CODES):
        wrong.append(("code", "a code has letters, digits, dots and hyphens, at most 40, and is not the name of a page"))
    if len(row["name"]) > 120:
        wrong.append(("name", "a name has at most 120 characters"))
    if (row["owner_class"] == OwnerClass.RESERVE) != bool(row["reserve_class"]):
        wrong.append(("reserve_class", "a reserve account, and no other, has a statutory reserve class"))
    wrong += [(name, "say yes or no") for name in ("control", "deferred") if row[name].lower() not in _TRUTH]
    if _TRUTH.get(row["deferred"].lower()):
        if row["owner_class"] not in DEFERRABLE:
            wrong.append(("deferred", f"a statement is kept of {row['owner_class']} accounts, so they are strict"))
        if row["overdraft_limit"]:
            wrong.append(("deferred", "an account in deferred mode has no limit"))
    if (
        row["overdraft_limit"]
        and row["asset"] in names.scales
        and (sentence := _wrong_limit(row["overdraft_limit"], names.scales[row["asset"]]))
    ):
        wrong.append(("overdraft_limit", sentence))
    return wrong


def _wrong_limit(text: str, scale: int) -> str:
    try:
        return "" if money.minor_from_text(text, scale=scale, field="overdraft_limit") >= 0 else "a limit is zero or above"
    except money.AmountRefused as refusal:
        return str(refusal)


def _differences(row: Mapping[str, str], now: Mapping[str, str], *, scale: int) -> list[tuple[str, str]]:
    """Return where a row says something else than the account that is there; a change has its own proposal."""
    said = _request(row, scale=scale)
    held = _request(now, scale=scale)
    return [
        (name, f"account {row['code']} is in the chart with {now[name] or 'nothing'} here: propose a change of the account instead")
        for name in COLUMNS
        if getattr(said, name) != getattr(held, name) and not (name == "control" and held.control)
    ]


def _wrong_parent(
    row: Mapping[str, str], *, by_code: Mapping[str, Mapping[str, str]], known: Mapping[str, Account]
) -> list[tuple[str, str]]:
    if not row["parent"]:
        return []
    above = by_code.get(row["parent"]) or (as_row(known[row["parent"]]) if row["parent"] in known else None)
    if above is None:
        return [("parent", f"there is no account {row['parent']}, in the chart or in this file"[:200])]
    if any(above[name] != row[name] for name in ("asset", "entity", "type")):
        return [("parent", "an account stands under one of its own asset, entity and type")]
    if row["parent"] in known and known[row["parent"]].balance.version:
        return [("parent", f"{row['parent']} has postings of its own, so it cannot stand for others")]
    passed = {row["code"]}
    while above is not None:
        if above["code"] in passed:
            return [("parent", "an account cannot stand under itself")]
        passed.add(above["code"])
        above = by_code.get(above["parent"])
    return []


def _wrong_purpose(row: Mapping[str, str], *, rows: Sequence[tuple[int, Mapping[str, str]]]) -> list[tuple[str, str]]:
    if not row["purpose"]:
        return []
    same = [number for number, other in rows if all(other[name] == row[name] for name in ("entity", "asset", "purpose"))]
    taken = Account.objects.filter(entity__code=row["entity"], asset__code=row["asset"], purpose=row["purpose"]).exclude(code=row["code"])
    if len(same) > 1 or taken.exists():
        return [("purpose", "another account of this entity and asset serves this purpose")]
    return []


def _request(row: Mapping[str, str], *, scale: int) -> OpeningRequest:
    limit = row["overdraft_limit"]
    return OpeningRequest(
        **{name: row[name] for name in COLUMNS if name not in ("control", "deferred", "overdraft_limit")},
        control=_TRUTH[row["control"].lower()],
        deferred=_TRUTH[row["deferred"].lower()],
        overdraft_limit=str(money.minor_from_text(limit, scale=scale, field="overdraft_limit")) if limit else None,
    )


def _parents_first(requests: Sequence[OpeningRequest]) -> list[OpeningRequest]:
    """Return the accounts in an order in which each comes after the one it stands under; circles have been refused."""
    by_code = {request.code: request for request in requests}
    ordered: dict[str, OpeningRequest] = {}
    for request in requests:
        chain = []
        above: OpeningRequest | None = request
        while above is not None and above.code not in ordered and above not in chain:
            chain.append(above)
            above = by_code.get(above.parent)
        ordered |= {one.code: one for one in reversed(chain)}
    return list(ordered.values())


# The proposal


def propose_chart_import(*, text: str, file_name: str, reason_code: str, narrative: str, maker_id: int) -> Proposal:
    """Ask to open every account of a file that is not there yet.

    :raises ChartFileRefused: with everything that is wrong in it.
    """
    payload = {"text": text, "file": file_name[:200], "reason_code": reason_code, "narrative": narrative.strip()}
    return approvals.submit(kind=IMPORT_CHART, payload=payload, maker_id=maker_id)


def check_chart_import(*, payload: Mapping[str, Any]) -> Command:
    """Understand a file against the chart as it is now.

    :raises ChartFileRefused: with everything that is wrong in it, or if it brings nothing new.
    """
    reading = read_chart(payload["text"])
    if reading.problems:
        told = [asdict(problem) for problem in reading.problems]
        raise ChartFileRefused(f"{len(told)} places of the file are wrong", field="file", problems=told[:200])
    if not reading.new:
        raise ChartFileRefused("every account of the file is in the chart already", field="file", problems=[])
    entities = sorted({request.entity for request in reading.new})
    digest = hashlib.sha256(payload["text"].encode()).hexdigest()
    return Command(
        payload={
            "file": payload["file"],
            "sha256": digest,
            "accounts": [asdict(request) for request in reading.new],
            "unchanged": len(reading.unchanged),
            "reason_code": payload["reason_code"],
            "narrative": payload["narrative"],
        },
        title=f"Open {len(reading.new):,} account{'' if len(reading.new) == 1 else 's'} from {payload['file'] or 'a file'}"[:200],
        scope=scope_of(entities[0]) if len(entities) == 1 else WHOLE_CHART,
        target_type="ledger.chart",
        target_id=digest,
        locked_object=f"ledger.chart:{digest}",
        preconditions={"absent": len(reading.new)},
        reason_code=payload["reason_code"],
        narrative=payload["narrative"],
    )


def carry_out_chart_import(*, payload: Mapping[str, Any], proposal_id: UUID) -> None:
    """Open every account of an approved file, inside the caller's transaction.

    :raises PreconditionChanged: if one of them has been opened meanwhile.
    :raises ChartRefused: as the guards of the chart say; then none is opened.
    """
    requests = [OpeningRequest(**account) for account in payload["accounts"]]
    there = Account.objects.filter(code__in=[request.code for request in requests]).order_by("code").values_list("code", flat=True)
    if there:
        raise PreconditionChanged(f"{there[0]} has been opened since this was proposed")
    for request in requests:
        add_account(**request.as_arguments())
    record_event(
        "ledger.chart.imported",
        target_type="ledger.chart",
        target_id=payload["sha256"],
        reason=payload["reason_code"],
        after={"file": payload["file"], "accounts": len(requests)},
        proposal_id=proposal_id,
    )
