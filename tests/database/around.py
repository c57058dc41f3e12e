"""Writing around the operations: what a bug, a script or an intruder with the owner's or the runtime role's rights could try."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from django.db import DatabaseError, connections
from psycopg.types.json import Json

from approvals.canonical import canonical_json, digest_of
from approvals.models import PolicyVersion, User
from ledger.models import Account, AccountingPeriod, TransactionType

Session = psycopg.Connection[tuple[Any, ...]]


def session_of(alias: str) -> Session:
    """Return a new session with the rights of a database alias."""
    own = connections[alias].settings_dict
    return psycopg.connect(host=own["HOST"], port=own["PORT"], dbname=own["NAME"], user=own["USER"], password=own["PASSWORD"])


@contextmanager
def refused_by(guard: str) -> Iterator[None]:
    """Assert that the block is refused by exactly this guard."""
    with pytest.raises((psycopg.Error, DatabaseError)) as caught:
        yield
    error = caught.value if isinstance(caught.value, psycopg.Error) else caught.value.__cause__
    assert isinstance(error, psycopg.Error)
    assert error.diag.constraint_name == guard, f"{error.diag.constraint_name}: {error}"


def write_transaction(session: Session, transaction_id: UUID, *, lines: int | None) -> None:
    """Insert a transaction that says it posted an entry of so many lines."""
    session.execute(
        "INSERT INTO ledger_transaction (id, scope, key, content, status, settlement, entry_id, lines, request_id, created_at)"
        " VALUES (%s, 'around', %s, '{}', 'posted', 'not_applicable', %s, %s, '', now())",
        [transaction_id, str(transaction_id), transaction_id if lines else None, lines],
    )


def write_entry(
    session: Session,
    *,
    lines: int = 2,
    origin: str = "rule",
    day: str = "2026-11-02",
    proposal: UUID | None = None,
    with_transaction: bool = True,
    entry_id: UUID | None = None,
) -> UUID:
    """Insert an entry of type deposit without its postings."""
    entry_id = entry_id or uuid4()
    period = AccountingPeriod.objects.get()
    if with_transaction:
        write_transaction(session, entry_id, lines=max(lines, 2))
    session.execute(
        """
        INSERT INTO ledger_entry (id, number, entity_id, type_id, origin, period_id, effective_date, prior_period, posted_at, lines,
                                  description, reference, counterparty, metadata, request_id, proposal_id)
        VALUES (%s, nextval('ledger_entry_number'), %s, %s, %s, %s, %s, false, now(), %s, 'around', '', '', '{}', '', %s)
        """,
        [entry_id, period.entity_id, TransactionType.objects.get(code="deposit").pk, origin, period.pk, day, lines, proposal],
    )
    return entry_id


def write_postings(session: Session, entry_id: UUID, *legs: tuple[int, str, str, int], lines: int = 2, day: str = "2026-11-02") -> None:
    """Insert postings as (line, account, direction, amount) in one statement."""
    rows = []
    for line, code, direction, amount in legs:
        account = Account.objects.get(code=code)
        rows.append((entry_id, line, lines, account.pk, account.asset_id, account.entity_id, direction, amount, day, 1_000_000 + line, 0))
    values = ", ".join(["(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"] * len(rows))
    session.execute(
        "INSERT INTO ledger_posting (entry_id, line, lines, account_id, asset_id, entity_id, direction, amount_minor, effective_date,"
        f" account_seq, balance_after_minor) VALUES {values}".encode(),
        [value for row in rows for value in row],
    )


LINES = [
    {"account": "6420", "direction": "debit", "amount": "100", "asset": "USD"},
    {"account": "1010", "direction": "credit", "amount": "100", "asset": "USD"},
]


def write_proposal(
    session: Session,
    *,
    maker: User,
    required: int = 1,
    kind: str = "recon.post_adjustment",
    target: str = "t",
    payload: Mapping[str, Any] | None = None,
) -> tuple[UUID, int]:
    """Insert a proposal with one version, asking for an adjustment of LINES unless told otherwise; returns both keys."""
    proposal = uuid4()
    policy, _ = PolicyVersion.objects.get_or_create(
        kind=kind, n=100 + required, defaults={"required_approvals": required, "expires_after_hours": 1}
    )
    session.execute(
        "INSERT INTO approvals_proposal (id, number, kind, title, maker_id, scope, target_type, target_id, locked_object, status,"
        " status_reason, current_version, created_at, expires_at) VALUES (%s, nextval('approvals_proposal_number'),"
        " %s, 't', %s, 's', 't', %s, %s, 'submitted', '', 1, now(), now() + interval '1 hour')",
        [proposal, kind, maker.pk, target, str(proposal)],
    )
    canonical = canonical_json(payload or {"entry": {"effective_date": "2026-11-02", "type": "adjustment", "lines": LINES}})
    row = session.execute(
        "INSERT INTO approvals_proposal_version (proposal_id, n, payload, canonical, digest, preconditions, reason_code_id, narrative,"
        " policy_version_id, submitted_by_id, submitted_at)"
        " VALUES (%s, 1, %s::jsonb, %s, %s, '{}', 'BANK_FEE', '', %s, %s, now()) RETURNING id",
        [proposal, canonical, canonical, digest_of(canonical), policy.pk, maker.pk],
    ).fetchone()
    assert row is not None
    return proposal, row[0]


def write_execution(session: Session, *, proposal: UUID, version: int) -> None:
    session.execute("INSERT INTO approvals_execution (proposal_id, version_id, executed_at) VALUES (%s, %s, now())", [proposal, version])


def write_executed(session: Session, *, maker: User, checker: User, kind: str, target: str, payload: Mapping[str, Any]) -> UUID:
    """Insert a proposal that another person approved and that is being executed."""
    proposal, version = write_proposal(session, maker=maker, kind=kind, target=target, payload=payload)
    write_decision(session, proposal=proposal, version=version, maker=maker, approver=checker)
    write_execution(session, proposal=proposal, version=version)
    return proposal


def write_decision(session: Session, *, proposal: UUID, version: int, maker: User, approver: User, outcome: str = "approve") -> None:
    session.execute(
        "INSERT INTO approvals_decision (proposal_id, version_id, maker_id, submitted_by_id, approver_id, outcome, comment, decided_at)"
        " VALUES (%s, %s, %s, %s, %s, %s, 'because', now())",
        [proposal, version, maker.pk, maker.pk, approver.pk, outcome],
    )


def post_drafts(session: Session, drafts: Sequence[Mapping[str, Any]], *, scope: str = "guards") -> list[str]:
    """Call the posting function as any caller could and return outcomes or refusals; a draft is an adjustment unless it says otherwise."""
    bodies = [
        {
            "key": uuid4().hex,
            "type": "adjustment",
            "entity": "M1",
            "effective_date": "2026-11-02",
            "description": "by hand",
            "reference": "",
            "counterparty": "",
            "metadata": {},
            "actor_id": None,
            "request_id": "",
            "lines": LINES,
            **draft,
        }
        for draft in drafts
    ]
    rows = session.execute("SELECT outcome, code FROM ledger_post_entries_v1(%s, %s::jsonb)", [scope, Json(bodies)]).fetchall()
    return [str(code or outcome) for outcome, code in rows]


def post_draft(session: Session, draft: Mapping[str, Any]) -> str:
    (answer,) = post_drafts(session, [draft])
    return answer


def post_manually(session: Session, *, proposal: UUID | None, lines: list[dict[str, str]] = LINES, kind: str = "adjustment") -> str:
    return post_draft(session, {"proposal_id": str(proposal) if proposal else None, "lines": lines, "type": kind})
