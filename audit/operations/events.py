"""Recording acts and refusals."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection, transaction

from audit import actions
from audit.context import current_origin, note_refusal
from ledgerops.lib.errors import Refusal
from ledgerops.lib.transactions import check_constraints_now


class UnregisteredAction(Exception):
    """The action's name is not in the catalogue."""


class EventOutsideTransaction(Exception):
    """An event must commit with the act it records, so it needs that act's transaction."""


def record_event(
    action: str,
    *,
    target_type: str,
    target_id: object,
    outcome: str = "done",
    reason: str = "",
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    proposal_id: UUID | None = None,
) -> UUID:
    """Record one act in the transaction that performs it, attributed to the current origin.

    :raises UnregisteredAction: if the catalogue does not know the action.
    :raises EventOutsideTransaction: if no transaction is open.
    """
    if action not in actions.catalogue():
        raise UnregisteredAction(action)
    if not connection.in_atomic_block:
        raise EventOutsideTransaction(action)

    origin = current_origin()
    actor_type = "user" if origin.user_id is not None else "anonymous" if origin.anonymous else "system"
    event = {
        "actor_type": actor_type,
        "actor_id": origin.user_id,
        "actor_name": origin.user_name,
        "session_digest": origin.session_digest,
        "ip": origin.ip,
        "request_id": origin.request_id,
        "action": action,
        "target_type": target_type,
        "target_id": str(target_id),
        "outcome": outcome,
        "reason": reason,
        "before": before,
        "after": after,
        "proposal_id": proposal_id,
    }
    with connection.cursor() as cursor:
        cursor.execute("SELECT audit_record_event_v1(%s::jsonb)", [json.dumps(event, cls=DjangoJSONEncoder)])
        row = cursor.fetchone()
    assert row is not None
    event_id: UUID = row[0]
    return event_id


@contextmanager
def act(action: str, *, target_type: str, target_id: object) -> Iterator[None]:
    """Run one act as one transaction; if it is refused, its transaction is gone and the refusal is on the trail.

    :raises Refusal: the act's own, after the refusal has been recorded in a transaction of its own.
    """
    try:
        with transaction.atomic(durable=True):
            yield
            check_constraints_now()
    except Refusal as refusal:
        with transaction.atomic(durable=True):
            record_event(
                action,
                target_type=target_type,
                target_id=target_id,
                outcome="refused",
                reason=f"{refusal.code}: {refusal}",
                after={"code": refusal.code, **refusal.detail},
            )
        note_refusal()
        raise
