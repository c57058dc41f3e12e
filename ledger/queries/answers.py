"""What became of a transaction, as the REST API tells it: one statement, since every posting is answered with it."""

from collections.abc import Collection
from typing import TYPE_CHECKING, Any
from uuid import UUID

from ledger.queries import seen_codes
from ledgerops.lib.prepared import read

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractUser

# The keys are those of the API's serializers, in their order; instants are written as they write them.
_TOLD = """
    SELECT json_build_object(
        'id', t.id, 'key', t.key, 'type', y.code, 'type_version', y.version, 'entity', e.code, 'status', t.status,
        'settlement', t.settlement, 'reference', coalesce(t.content->>'reference', ''), 'entry_number', 'LE-' || j.number,
        'parent_id', t.parent_id, 'refusal_code', t.refusal_code, 'warnings', t.warnings, 'actor_id', t.actor_id,
        'request_id', t.request_id, 'created_at', to_char(t.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
        'content', t.content, 'entry', CASE WHEN j.id IS NOT NULL THEN json_build_object(
            'id', j.id, 'number', 'LE-' || j.number, 'origin', j.origin, 'effective_date', j.effective_date, 'value_date', j.value_date,
            'prior_period', j.prior_period, 'posted_at', to_char(j.posted_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
            'description', j.description, 'reference', j.reference, 'counterparty', j.counterparty, 'metadata', j.metadata,
            'proposal_id', j.proposal_id, 'reverses_id', j.reverses_id, 'lines', (
                SELECT json_agg(json_build_object(
                    'line', p.line, 'account', a.code, 'account_name', a.name, 'direction', p.direction, 'amount', p.amount_minor::text,
                    'asset', s.code, 'scale', s.scale, 'balance_after_minor', p.balance_after_minor::text) ORDER BY p.line)
                FROM ledger_posting p JOIN ledger_account a ON a.id = p.account_id JOIN ledger_asset s ON s.id = p.asset_id
                WHERE p.entry_id = j.id)) END)::text
    FROM ledger_transaction t
    LEFT JOIN ledger_transaction_type y ON y.id = t.type_id
    LEFT JOIN ledger_entity e ON e.id = t.entity_id
    LEFT JOIN ledger_entry j ON j.id = t.entry_id
    WHERE t.id = $1
"""


def told(*, transaction_id: UUID) -> dict[str, Any]:
    """Return a transaction with its entry and legs; the caller has already shown it to the reader, or asks `told_to`."""
    became: dict[str, Any] = read(_TOLD, [transaction_id])
    return became


def told_to(user: "AbstractUser", *, transaction_id: UUID, seen: Collection[str] = ()) -> dict[str, Any]:
    """Return what somebody's own request became, without its entry if they do not see all of its accounts.

    The books may have added one out of sight. `seen` are codes that this request was found to see already.
    """
    became = told(transaction_id=transaction_id)
    if became["entry"] is not None:
        others = {leg["account"] for leg in became["entry"]["lines"]}.difference(seen)
        if others and not others <= seen_codes(user, codes=others):
            became["entry"] = None
    return became
