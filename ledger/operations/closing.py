"""What a close stores: the trial balance at the period's end, its digest, and what changed since it was stored before.

Both statements add the days since the close before to what it stored, so that a close costs its own period and not all of history.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection
from django.db.models import Max, Min, Q

from ledger.models import AccountingPeriod, Close, PeriodStatus

# Days of an account and the last of its postings are read by one statement: the one is exactly what the other numbers.
_SUMS = """
    SELECT a.id, a.code, s.code AS asset, s.scale, h.version AS seq,
           coalesce(b.debits_minor, 0) + coalesce(m.debits, 0) AS debits, coalesce(b.credits_minor, 0) + coalesce(m.credits, 0) AS credits
    FROM (SELECT d.account_id, sum(d.debits_minor) AS debits, sum(d.credits_minor) AS credits
          FROM ledger_day_delta d JOIN ledger_account o ON o.id = d.account_id AND o.entity_id = %(entity)s
          WHERE d.effective_date > %(after)s AND d.effective_date <= %(until)s GROUP BY d.account_id) m
    FULL JOIN (SELECT * FROM ledger_close_balance WHERE close_id = %(base)s) b ON b.account_id = m.account_id
    JOIN ledger_account a ON a.id = coalesce(m.account_id, b.account_id)
    JOIN ledger_asset s ON s.id = a.asset_id
    JOIN ledger_balance h ON h.account_id = a.id
"""

# ledger.queries.periods derives the digest from the stored rows by the same words.
_STORE = f"""
    WITH sums AS MATERIALIZED ({_SUMS}),
    closed AS (
        INSERT INTO ledger_close (period_id, n, closed_at, closed_by_id, proposal_id, checklist, digest, restatement)
        SELECT %(period)s, %(n)s, clock_timestamp(), %(closed_by)s::bigint, %(proposal)s::uuid, %(checklist)s::jsonb,
               encode(sha256(convert_to(%(heading)s || coalesce(string_agg(
                   E'\\n' || concat_ws(' ', code, asset, debits, credits, seq), '' ORDER BY code COLLATE "C"), ''), 'UTF8')), 'hex'),
               %(restatement)s::jsonb
        FROM sums
        RETURNING id
    ), stored AS (
        INSERT INTO ledger_close_balance (close_id, account_id, debits_minor, credits_minor, account_seq)
        SELECT closed.id, sums.id, sums.debits, sums.credits, sums.seq FROM sums, closed
    )
    SELECT id FROM closed
"""  # noqa: S608 (constants alone)

_CHANGED = f"""
    WITH sums AS ({_SUMS})
    SELECT a.id, a.code, s.code, s.scale, coalesce(o.debits_minor, 0), coalesce(o.credits_minor, 0), coalesce(n.debits, 0),
           coalesce(n.credits, 0), coalesce(o.account_seq, 0)
    FROM sums n
    FULL JOIN (SELECT * FROM ledger_close_balance WHERE close_id = %(previous)s) o ON o.account_id = n.id
    JOIN ledger_account a ON a.id = coalesce(n.id, o.account_id)
    JOIN ledger_asset s ON s.id = a.asset_id
    WHERE (coalesce(o.debits_minor, 0), coalesce(o.credits_minor, 0)) <> (coalesce(n.debits, 0), coalesce(n.credits, 0))
    ORDER BY a.code
"""  # noqa: S608 (constants alone)

_BETWEEN = """
    SELECT e.id, 'LE-' || e.number, e.effective_date, e.posted_at, e.description, e.reference, a.code, p.direction, p.amount_minor
    FROM unnest(%(accounts)s::bigint[], %(seqs)s::bigint[]) c (account_id, seq)
    CROSS JOIN LATERAL (
        SELECT l.entry_id, l.line, l.direction, l.amount_minor
        FROM ledger_posting l LEFT JOIN ledger_rolled_posting r ON r.entry_id = l.entry_id AND r.line = l.line
        WHERE l.account_id = c.account_id AND l.effective_date BETWEEN %(since)s AND %(until)s
          AND coalesce(l.account_seq, r.account_seq) > c.seq) p
    JOIN ledger_entry e ON e.id = p.entry_id
    JOIN ledger_account a ON a.id = c.account_id
    ORDER BY e.number, p.line
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ground:
    """From which stored close a period's end is reckoned, and the days to add."""

    base: int | None
    after: date


def store_close(
    *,
    period: AccountingPeriod,
    checklist: Sequence[Mapping[str, Any]],
    closed_by_id: int | None,
    proposal_id: UUID | None,
) -> Close:
    """Store a close of a period that nobody posts into any more: its number, trial balance, digest and restatement.

    The caller holds the exclusive lock of the period.
    """
    previous = Close.objects.filter(period=period).order_by("-n").first()
    n = previous.n + 1 if previous else 1
    ground = _ground_of(period)
    values = {"entity": period.entity_id, "base": ground.base, "after": ground.after, "until": period.ends_on}
    restatement = _restatement(period, previous=previous, values=values) if previous else None
    with connection.cursor() as cursor:
        cursor.execute(
            _STORE,
            {
                **values,
                "period": period.pk,
                "n": n,
                "closed_by": closed_by_id,
                "proposal": proposal_id,
                "checklist": json.dumps(checklist),
                "heading": heading_of(period, n=n),
                "restatement": json.dumps(restatement, cls=DjangoJSONEncoder) if restatement else None,
            },
        )
        (close_id,) = cursor.fetchone()
    return Close.objects.get(pk=close_id)


def restated_after(*, period: AccountingPeriod) -> list[AccountingPeriod]:
    """Return the later closed periods whose stored trial balance is no longer what the days up to their end add up to."""
    later = AccountingPeriod.objects.filter(entity=period.entity_id, starts_on__gt=period.ends_on, status=PeriodStatus.CLOSED)
    return [one for one in later.select_related("entity").order_by("starts_on") if _differs(one)]


def heading_of(period: AccountingPeriod, *, n: int) -> str:
    """Return the first line of what a close's digest is over."""
    return f"{period.entity.code} {period.starts_on} {period.ends_on} close {n}"


def _differs(period: AccountingPeriod) -> bool:
    latest = Close.objects.filter(period=period).order_by("-n").values_list("pk", flat=True).first()
    ground = _ground_of(period)
    return bool(
        _changed(previous=latest, values={"entity": period.entity_id, "base": ground.base, "after": ground.after, "until": period.ends_on})
    )


def _ground_of(period: AccountingPeriod) -> _Ground:
    """Return the close of the period before, if all before it is closed; otherwise nothing stored may be relied on."""
    earlier = AccountingPeriod.objects.filter(entity=period.entity_id, ends_on__lt=period.starts_on)
    if earlier.exclude(status=PeriodStatus.CLOSED).exists():
        return _Ground(base=None, after=date.min)
    latest = Close.objects.filter(period__in=earlier).order_by("-period__ends_on", "-n").values_list("pk", "period__ends_on").first()
    return _Ground(base=latest[0], after=latest[1]) if latest else _Ground(base=None, after=date.min)


def _changed(*, previous: int | None, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(_CHANGED, {**values, "previous": previous})
        return list(cursor.fetchall())


def _restatement(period: AccountingPeriod, *, previous: Close, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return each account that differs from the close before, and the entries posted since that explain it."""
    changed = _changed(previous=previous.pk, values=values)
    # Only days of periods that were open since the close before can have moved.
    moved = AccountingPeriod.objects.filter(entity=period.entity_id, ends_on__lte=period.ends_on)
    closed_since = moved.annotate(last=Max("closes__closed_at"))
    since = closed_since.filter(Q(pk=period.pk) | Q(last__gt=previous.closed_at) | ~Q(status=PeriodStatus.CLOSED)).aggregate(
        day=Min("starts_on")
    )
    with connection.cursor() as cursor:
        cursor.execute(
            _BETWEEN,
            {"accounts": [row[0] for row in changed], "seqs": [row[8] for row in changed], "since": since["day"], "until": period.ends_on},
        )
        legs = cursor.fetchall()
    return {
        "of": previous.n,
        "accounts": [
            {
                "account": code,
                "asset": asset,
                "scale": scale,
                "before": {"debits": str(int(old_debits)), "credits": str(int(old_credits))},
                "after": {"debits": str(int(debits)), "credits": str(int(credits_))},
            }
            for _, code, asset, scale, old_debits, old_credits, debits, credits_, _ in changed
        ],
        "entries": _entries(legs),
    }


def _entries(legs: Sequence[tuple[Any, ...]]) -> list[dict[str, Any]]:
    entries: dict[UUID, dict[str, Any]] = {}
    for entry_id, number, effective_date, posted_at, description, reference, account, direction, amount in legs:
        entry = entries.setdefault(
            entry_id,
            {
                "id": entry_id,
                "number": number,
                "effective_date": effective_date,
                "posted_at": posted_at,
                "description": description,
                "reference": reference,
                "legs": [],
            },
        )
        entry["legs"].append({"account": account, "direction": direction, "amount": str(int(amount))})
    return list(entries.values())
