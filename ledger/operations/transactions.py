"""The registry: recording transactions by their type's rules, and what becomes of them."""

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from django.db import connection, transaction

from audit.operations import act, record_event
from ledger.accounting import EntryDraft, Line, check_draft, draft_from_json
from ledger.models import Account, Transaction
from ledger.operations.posting import Posted, post_entries, refusal_of
from ledger.queries.registry import rules_of
from ledger.registry import Rule, lines_of
from ledgerops.lib.errors import Refusal, RefusalKind
from ledgerops.lib.money import minor_from_string
from ledgerops.lib.transactions import check_constraints_now, retried

BATCH_MAXIMUM = 10_000
# Of an atomic batch; the answer stays readable.
REFUSALS_NAMED = 100
T = TypeVar("T")


class TransactionUnknown(Refusal):
    code = "transaction_unknown"
    kind = RefusalKind.NOT_FOUND


class BatchInvalid(Refusal):
    code = "batch_invalid"
    kind = RefusalKind.INVALID


class TransactionTypeUnknown(Refusal):
    code = "transaction_type_unknown"
    kind = RefusalKind.INVALID


class TransactionPostsNothing(Refusal):
    code = "transaction_posts_nothing"
    kind = RefusalKind.CONFLICT


class SourceEventReused(Refusal):
    """The source gave the same event id to something else before."""

    code = "source_event_reused"
    kind = RefusalKind.CONFLICT


class BatchRefused(Refusal):
    """An atomic batch in which not every draft can be posted; `detail["items"]` says which and why. Nothing was posted."""

    code = "batch_refused"
    kind = RefusalKind.CONFLICT


class DryRun(Exception):
    """Ends the transaction of a dry run, which is rolled back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruled:
    """What a type's rule makes of parameters: the legs, and the evidence that is kept in the metadata."""

    lines: Sequence[Line]
    evidence: Mapping[str, str]


def rule_lines(*, type_code: str, parameters: Mapping[str, Any]) -> list[Line]:
    """Return the lines that the current version of a type makes of its parameters; amounts are minor units.

    :raises ParameterRefused, AmountRefused: naming the parameter.
    :raises TransactionTypeUnknown: if there is no such type.
    """
    (ruled,) = rule_lines_of_many(asked=[(type_code, parameters)])
    return list(ruled.lines)


def rule_lines_of_many(*, asked: Sequence[tuple[str, Mapping[str, Any]]]) -> list[Ruled]:
    """Return what the rules make of many (type, parameters), reading types and accounts once. An amount may be a string of digits.

    :raises ParameterRefused, AmountRefused, TransactionTypeUnknown: the first; `detail["item"]` says which, from 0.
    """
    rules = rules_of(codes={code for code, _ in asked})
    named = {
        str(parameters[name])
        for code, parameters in asked
        for name, kind in (rules[code].parameters.items() if code in rules else ())
        if kind == "account" and name in parameters
    }
    assets = dict(Account.objects.filter(code__in=named).values_list("code", "asset__code"))
    ruled = []
    for number, (code, parameters) in enumerate(asked):
        try:
            ruled.append(_ruled(rules.get(code), code=code, parameters=parameters, asset_of=assets))
        except Refusal as refused:
            raise type(refused)(str(refused), field=refused.field, **{**refused.detail, "item": number}) from None
    return ruled


def _ruled(rule: Rule | None, *, code: str, parameters: Mapping[str, Any], asset_of: Mapping[str, str]) -> Ruled:
    if rule is None:
        raise TransactionTypeUnknown(f"there is no transaction type {code}", field="type")
    known = dict(parameters)
    for name, kind in rule.parameters.items():
        if kind == "amount" and isinstance(known.get(name), str):
            known[name] = minor_from_string(known[name], field=f"parameters.{name}")
    lines = lines_of(rule, parameters=known, asset_of=asset_of)
    return Ruled(lines=lines, evidence={name: str(parameters[name]) for name in rule.evidence})


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

    :raises BatchInvalid: if there are none or too many.
    :raises DraftRefused, DraftUnbalanced: if one contradicts itself; `detail["item"]` says which, from 0, and none is posted.
    :raises BatchRefused: if it is atomic and the books refuse one.
    """
    _check_batch(drafts)

    def attempt() -> list[Posted]:
        with transaction.atomic():
            results = post_entries(drafts=drafts, scope=scope)
            if atomic:
                _refuse_incomplete(results)
        return results

    if not atomic:
        return retried(attempt)
    with act("ledger.batch.recorded", target_type="ledger.batch", target_id=f"{scope}/{drafts[0].key}"):
        return retried(attempt)


def _check_batch(drafts: Sequence[EntryDraft]) -> None:
    """Refuse a batch of no or too many drafts, or with one that contradicts itself: `detail["item"]` says which, from 0."""
    if not drafts or len(drafts) > BATCH_MAXIMUM:
        raise BatchInvalid(f"a batch has 1 to {BATCH_MAXIMUM:,} transactions", field="items")
    for number, draft in enumerate(drafts):
        try:
            check_draft(draft)
        except Refusal as refused:
            place = f"items[{number + 1}].{refused.field}" if len(drafts) > 1 else refused.field
            raise type(refused)(str(refused), field=place, **{**refused.detail, "item": number}) from None


def _refuse_incomplete(results: Sequence[Posted]) -> None:
    """Refuse a batch that is to be posted as one, unless each of it was posted; naming the first that were not."""
    refused = [
        {"item": number, "key": posted.draft.key, "code": posted.code, "message": str(refusal_of(posted))}
        for number, posted in enumerate(results, start=1)
        if posted.entry_id is None
    ]
    if refused:
        said = f"{len(refused):,} of {len(results):,} cannot be posted, so none was"
        raise BatchRefused(said, field="items", items=refused[:REFUSALS_NAMED], refused=len(refused))


def dry_run(*, drafts: Sequence[EntryDraft], scope: str, atomic: bool = False, reading: Callable[[Sequence[Posted]], T]) -> T:
    """Return what `reading` sees of the books after these drafts, by posting them and rolling that back: nothing stays, no key is used.

    Only ids, entry numbers and instants are another when it is done in earnest.

    :raises DraftRefused, DraftUnbalanced: as posting would.
    :raises BatchRefused: if it is atomic and the books refuse one.
    """
    _check_batch(drafts)
    answer: list[T] = []

    def attempt() -> None:
        answer.clear()
        with transaction.atomic(durable=True):
            results = post_entries(drafts=drafts, scope=scope)
            if atomic:
                _refuse_incomplete(results)
            check_constraints_now()
            answer.append(reading(results))
            raise DryRun

    with suppress(DryRun):
        retried(attempt)
    return answer[0]


def post_initiated(*, transaction_id: UUID, actor_id: int | None, request_id: str = "") -> Posted:
    """Post what was initiated before; posting it again answers the same.

    :raises TransactionUnknown: if there is no such transaction.
    :raises TransactionPostsNothing: if it is a hold, which is captured.
    :raises Refusal: the books'; the transaction stays as it was.
    """
    kept = Transaction.objects.filter(pk=transaction_id).first()
    if kept is None:
        raise TransactionUnknown("there is no such transaction")
    if "lines" not in kept.content:
        raise TransactionPostsNothing("a hold posts nothing by itself: capture it")
    with act("ledger.transaction.posted", target_type="ledger.transaction", target_id=transaction_id):
        return _post_kept(kept, actor_id=actor_id, request_id=request_id)


def _post_kept(kept: Transaction, *, actor_id: int | None, request_id: str) -> Posted:
    """Post an initiated transaction, exactly as it was asked for, inside the caller's act."""
    asked = draft_from_json(kept.content, key=kept.key)
    draft = replace(asked, initiate=False, posts=kept.pk, actor_id=actor_id, request_id=request_id)
    (posted,) = post_entries(drafts=[draft], scope=kept.scope)
    if posted.entry_id is None:
        raise refusal_of(posted)
    if not posted.replayed:
        record_event("ledger.transaction.posted", target_type="ledger.transaction", target_id=kept.pk)
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
        with act("ledger.transaction.status_reported", target_type="ledger.transaction", target_id=transaction_id):
            kept = Transaction.objects.filter(pk=transaction_id, status__in=["initiated", "pending"], hold__isnull=True).first()
            told = dict(report)
            if kept is not None and (axis, to) == ("status", "posted"):
                _post_kept(kept, actor_id=actor_id, request_id="")
                told["posted_from"] = kept.status
            outcome, detail = _record(told)
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
