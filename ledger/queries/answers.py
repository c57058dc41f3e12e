"""What became of a transaction, as the REST API tells it: one statement, since every posting is answered with it."""

import json
from collections.abc import Collection
from typing import TYPE_CHECKING, Any
from uuid import UUID

from ledger.queries import seen_codes
from ledgerops.lib.prepared import read

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractUser

_TOLD = """
    SELECT t.id, t.key, y.code, y.version, e.code, t.status, t.settlement, t.parent_id, t.refusal_code, t.warnings, t.actor_id,
           t.request_id, t.created_at, t.content,
           j.id, j.number, j.origin, j.effective_date, j.value_date, j.prior_period, j.posted_at, j.description, j.reference,
           j.counterparty, j.metadata, j.proposal_id, j.reverses_id,
           (SELECT json_agg(json_build_object(
                'line', p.line, 'account', a.code, 'account_name', a.name, 'direction', p.direction, 'amount', p.amount_minor::text,
                'asset', s.code, 'scale', s.scale, 'balance_after_minor', p.balance_after_minor::text) ORDER BY p.line)
            FROM ledger_posting p JOIN ledger_account a ON a.id = p.account_id JOIN ledger_asset s ON s.id = p.asset_id
            WHERE p.entry_id = j.id)::text
    FROM ledger_transaction t
    LEFT JOIN ledger_transaction_type y ON y.id = t.type_id
    LEFT JOIN ledger_entity e ON e.id = t.entity_id
    LEFT JOIN ledger_entry j ON j.id = t.entry_id
    WHERE t.id = $1
"""


def told(*, transaction_id: UUID) -> dict[str, Any]:
    """Return a transaction with its entry and legs; the caller has already shown it to the reader, or asks `told_to`."""
    ((*head, content, entry_id, number, origin, effective_date, value_date, prior, posted_at, description, reference, counterparty,
      metadata, proposal_id, reverses_id, legs),) = read(_TOLD, [transaction_id])  # fmt: skip
    (own_id, key, type_code, version, entity, status, settlement, parent_id, refusal, warnings, actor_id, request_id, created_at) = head
    asked = json.loads(content)
    entry = {
        "id": entry_id,
        "number": f"LE-{number}",
        "origin": origin,
        "effective_date": effective_date,
        "value_date": value_date,
        "prior_period": prior,
        "posted_at": posted_at,
        "description": description,
        "reference": reference,
        "counterparty": counterparty,
        "metadata": json.loads(metadata or "{}"),
        "proposal_id": proposal_id,
        "reverses_id": reverses_id,
        "lines": json.loads(legs or "[]"),
    }
    return {
        "id": own_id,
        "key": key,
        "type": type_code,
        "type_version": version,
        "entity": entity,
        "status": status,
        "settlement": settlement,
        "reference": str(asked.get("reference", "")),
        "entry_number": entry["number"] if entry_id else None,
        "parent_id": parent_id,
        "refusal_code": refusal,
        "warnings": json.loads(warnings) if warnings else None,
        "actor_id": actor_id,
        "request_id": request_id,
        "created_at": created_at,
        "content": asked,
        "entry": entry if entry_id else None,
    }


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
