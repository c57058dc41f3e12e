"""The registry: recording transactions by their type's rules, and what becomes of them."""

import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from audit.operations import act, record_event
from ledger.accounting import EntryDraft, Line, check_draft, lines_from_json
from ledger.models import Account, Transaction, TransactionType
from ledger.operations.posting import Posted, post_entries, refusal_of
from ledger.registry import lines_of, rule_from_json
from ledgerops.lib.errors import Refusal, RefusalKind
from ledgerops.lib.transactions import retried

BATCH_MAXIMUM = 10_000


class TransactionUnknown(Refusal):
    code = "transaction_unknown"
    kind = RefusalKind.NOT_FOUND


class SourceEventReused(Refusal):
    """The source gave the same event id to something else before."""

    code = "source_event_reused"
    kind = RefusalKind.CONFLICT


class BatchRefused(Refusal):
    """An atomic batch in which not every draft can be posted; `detail["items"]` says which and why. Nothing was posted."""

    code = "batch_refused"
    kind = RefusalKind.CONFLICT


class DryRun(Exception):
    """Carries the results of a dry run out of the transaction that is rolled back."""


def rule_lines(*, type_code: str, parameters: Mapping[str, Any]) -> list[Line]:
    """Return the lines that the current version of a type makes of its parameters; amounts are minor units.

    :raises ParameterRefused: naming the parameter.
    :raises PostingInvalid: if there is no such type.
    """
    known = TransactionType.objects.filter(code=type_code, current=True).first()
    if known is None:
        raise TransactionUnknown(f"there is no transaction type {type_code}", field="type")
    rule = rule_from_json(code=known.code, legs=known.legs, parameters=known.parameters)
    named = [str(parameters[name]) for name, kind in rule.parameters.items() if kind == "account" and name in parameters]
    assets = dict(Account.objects.filter(code__in=named).values_list("code", "asset__code"))
    return lines_of(rule, parameters=parameters, asset_of=assets)


def record_transaction(*, draft: EntryDraft, scope: str) -> Posted:
    """Record a transaction by its type's posting rules, as one act of its own.

    A refusal is remembered with its key: the same request gets the same answer, whatever changed meanwhile.

    :raises Refusal: the draft's or the books', with the refusal on the trail.
    """
    check_draft(draft)
    posted = retried(lambda: post_entries(drafts=[draft], scope=scope)[0])
    # The function's own transaction: a refusal has committed with its key before it is raised.
    if posted.entry_id is None:
        with act("ledger.transaction.recorded", target_type="ledger.idempotency_key", target_id=f"{scope}/{draft.key}"):
            raise refusal_of(posted)
    return posted


def record_batch(*, drafts: Sequence[EntryDraft], scope: str, atomic: bool) -> list[Posted]:
    """Record many transactions: each on its own, or all of them or none.

    :raises DraftRefused, DraftUnbalanced: if one contradicts itself; `detail["item"]` says which, and none is posted.
    :raises BatchRefused: if it is atomic and the books refuse one.
    """
    if not drafts or len(drafts) > BATCH_MAXIMUM:
        raise BatchRefused(f"a batch has 1 to {BATCH_MAXIMUM:,} transactions", field="items", items=[])
    for number, draft in enumerate(drafts):
        try:
            check_draft(draft)
        except Refusal as refused:
            raise type(refused)(f"item {number + 1}: {refused}", field=f"items[{number}].{refused.field}", item=number) from None

    def attempt() -> list[Posted]:
        with transaction.atomic():
            results = post_entries(drafts=drafts, scope=scope)
            if atomic and (refused := [n for n, posted in enumerate(results) if posted.entry_id is None]):
                raise BatchRefused(f"{len(refused)} of {len(drafts)} cannot be posted, so none was", field="items", items=_said(results))
        return results

    if not atomic:
        return retried(attempt)
    with act("ledger.batch.recorded", target_type="ledger.batch", target_id=f"{scope}/{drafts[0].key}"):
        return retried(attempt)


def _said(results: Sequence[Posted]) -> list[dict[str, Any]]:
    return [
        {"item": number, "key": posted.draft.key, "code": posted.code, "sentence": str(refusal_of(posted))}
        for number, posted in enumerate(results)
        if posted.entry_id is None
    ]


def dry_run(*, drafts: Sequence[EntryDraft], scope: str) -> list[Posted]:
    """Return what posting these drafts would do, by doing it and rolling it back: nothing stays, no key is used.

    :raises DraftRefused, DraftUnbalanced: as posting would.
    """
    results: list[Posted] = []
    try:
        with transaction.atomic(durable=True):
            results = post_entries(drafts=drafts, scope=scope)
            raise DryRun
    except DryRun:
        return results


def post_initiated(*, transaction_id: UUID, actor_id: int | None, request_id: str = "") -> Posted:
    """Post what was initiated before; posting it again answers the same.

    :raises TransactionUnknown: if there is no such transaction.
    :raises Refusal: the books'; the transaction stays as it was.
    """
    kept = Transaction.objects.filter(pk=transaction_id).first()
    if kept is None:
        raise TransactionUnknown("there is no such transaction")
    asked = kept.content
    draft = EntryDraft(
        key=kept.key,
        type=asked["type"],
        entity=asked["entity"],
        effective_date=date.fromisoformat(asked["effective_date"]),
        description=asked["description"],
        reference=asked["reference"],
        counterparty=asked["counterparty"],
        metadata=asked["metadata"],
        lines=lines_from_json(asked["lines"]),
        actor_id=actor_id,
        request_id=request_id,
        posts=kept.pk,
    )
    with act("ledger.transaction.posted", target_type="ledger.transaction", target_id=transaction_id):
        (posted,) = post_entries(drafts=[draft], scope=kept.scope)
        if posted.entry_id is None:
            raise refusal_of(posted)
        if not posted.replayed:
            record_event("ledger.transaction.posted", target_type="ledger.transaction", target_id=transaction_id)
        return posted


def report_status(
    *,
    transaction_id: UUID,
    axis: str,
    to: str,
    source: str,
    source_event_id: str,
    source_at: datetime | None = None,
    note: str = "",
    actor_id: int | None = None,
) -> str:
    """Record what a source says became of a transaction and return the outcome.

    `applied` moved the axis; `late` and `duplicate` changed nothing; `conflict` is impossible and kept for reconciliation. A report that an
    initiated transaction has posted posts it.

    :raises TransactionUnknown: if there is no such transaction.
    :raises SourceEventReused: if the source's event id was used for something else.
    :raises Refusal: the books', if what is to be posted cannot be; then the report is not kept either and may be delivered again.
    """
    report = {
        "transaction": str(transaction_id),
        "axis": axis,
        "to": to,
        "source": source,
        "source_event_id": source_event_id,
        "source_at": source_at.isoformat() if source_at else None,
        "note": note,
        "actor_id": actor_id,
    }

    def attempt() -> str:
        if (
            axis == "status"
            and to == "posted"
            and Transaction.objects.filter(pk=transaction_id, status__in=["initiated", "pending"]).exists()
        ):
            post_initiated(transaction_id=transaction_id, actor_id=actor_id)
        with act("ledger.transaction.status_reported", target_type="ledger.transaction", target_id=transaction_id):
            outcome, detail = _record(report)
            if outcome == "unknown":
                raise TransactionUnknown("there is no such transaction", field="transaction")
            if outcome == "event_id_reused":
                raise SourceEventReused(f"{source} gave {source_event_id} to something else before", field="source_event_id")
            if outcome != "duplicate":
                record_event(
                    "ledger.transaction.status_reported",
                    target_type="ledger.transaction",
                    target_id=transaction_id,
                    before={axis: detail["from"]},
                    after={axis: to, "outcome": outcome, "source": source, "source_event_id": source_event_id},
                )
            return outcome

    return retried(attempt, lost_to=["ledger_source_event_is_recorded_once"])


def _record(report: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT outcome, detail FROM ledger_record_status_v1(%s::jsonb)", [json.dumps(report)])
        outcome, detail = cursor.fetchone()
    return outcome, json.loads(detail) if isinstance(detail, str) else detail or {}
