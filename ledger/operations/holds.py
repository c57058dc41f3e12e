"""Holds: money set aside, captured by a posting or given back."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from audit.operations import act, record_event
from ledger.operations.posting import refusal
from ledgerops.lib.errors import Refusal, RefusalKind
from ledgerops.lib.transactions import retried

EXPIRED_AT_ONCE = 500


class HoldInvalid(Refusal):
    code = "hold_invalid"
    kind = RefusalKind.INVALID


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldRequest:
    """Money of one account to set aside until an instant: `debit` keeps outflow of a customer, `credit` announces inflow."""

    key: str
    type: str
    entity: str
    account: str
    direction: str
    amount_minor: int
    asset: str
    expires_at: datetime
    description: str = ""
    reference: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldAnswer:
    """The hold's id, and whether the same request was answered before."""

    hold_id: UUID
    replayed: bool


def place_hold(*, request: HoldRequest, scope: str, actor_id: int | None = None, request_id: str = "") -> HoldAnswer:
    """Set money aside; the same key and content answers the same again.

    :raises HoldInvalid: if the request contradicts itself.
    :raises Refusal: the books', remembered with the key.
    """
    if not request.key or len(request.key) > 200:
        raise HoldInvalid("an idempotency key has 1 to 200 characters", field="key")
    if type(request.amount_minor) is not int or not 0 < request.amount_minor < 10**38:
        raise HoldInvalid("an amount is a whole number above zero of at most 38 digits", field="amount")
    if request.direction not in ("debit", "credit"):
        raise HoldInvalid("a hold keeps debits or credits", field="direction")
    body = {
        "act": "place",
        "key": request.key,
        "type": request.type,
        "entity": request.entity,
        "account": request.account,
        "direction": request.direction,
        "amount": str(request.amount_minor),
        "asset": request.asset,
        "expires_at": request.expires_at.isoformat(),
        "description": request.description,
        "reference": request.reference,
        "actor_id": actor_id,
        "request_id": request_id,
    }
    return _change(body=body, scope=scope, action="ledger.hold.placed")


def release_hold(
    *, hold_id: UUID, key: str, scope: str, amount_minor: int | None = None, actor_id: int | None = None, request_id: str = ""
) -> HoldAnswer:
    """Give back what a hold still keeps, or a part of it.

    :raises HoldInvalid: if the amount is no whole number above zero.
    :raises Refusal: the books', remembered with the key.
    """
    if not key or len(key) > 200:
        raise HoldInvalid("an idempotency key has 1 to 200 characters", field="key")
    if amount_minor is not None and (type(amount_minor) is not int or amount_minor <= 0):
        raise HoldInvalid("an amount is a whole number above zero of at most 38 digits", field="amount")
    body = {
        "act": "release",
        "key": key,
        "hold": str(hold_id),
        "amount": str(amount_minor) if amount_minor is not None else None,
        "actor_id": actor_id,
        "request_id": request_id,
    }
    return _change(body=body, scope=scope, action="ledger.hold.released")


def expire_holds(*, at_most: int = EXPIRED_AT_ONCE) -> int:
    """End the holds whose time is over and return how many; may run at any time and twice."""

    def attempt() -> int:
        with act("ledger.hold.expired", target_type="ledger.hold", target_id="due"):
            with connection.cursor() as cursor:
                cursor.execute("SELECT ledger_expire_holds_v1(%s)", [at_most])
                (ended,) = cursor.fetchone()
            if ended:
                record_event("ledger.hold.expired", target_type="ledger.hold", target_id="due", after={"holds": ended})
            return int(ended)

    return retried(attempt)


def _change(*, body: Mapping[str, Any], scope: str, action: str) -> HoldAnswer:
    def attempt() -> tuple[str, UUID | None, str | None, Mapping[str, Any]]:
        with act(action, target_type="ledger.idempotency_key", target_id=f"{scope}/{body['key']}"):
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT outcome, answer_id, code, detail FROM ledger_change_hold_v1(%s, %s::jsonb)", [scope, json.dumps(body)]
                )
                outcome, answer_id, code, detail = cursor.fetchone()
            if outcome in ("placed", "released"):
                told = {
                    name: body[name] for name in ("account", "direction", "amount", "asset", "expires_at", "reference") if body.get(name)
                }
                record_event(action, target_type="ledger.hold", target_id=answer_id, after=told)
            return outcome, answer_id, code, json.loads(detail) if isinstance(detail, str) else detail or {}

    outcome, answer_id, code, detail = retried(attempt)
    if code is not None:
        # The refusal committed with its key; that it was refused is on the trail.
        with act(action, target_type="ledger.idempotency_key", target_id=f"{scope}/{body['key']}"):
            raise refusal(key=str(body["key"]), code=code, detail=detail)
    if answer_id is None:
        raise AssertionError(f"the books answered {outcome} without an id")
    return HoldAnswer(hold_id=UUID(str(body["hold"])) if body["act"] == "release" else answer_id, replayed=outcome == "replayed")
