"""Posting: one door for one draft and for ten thousand."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg
from django.db import connection

from audit.operations import act
from ledger.accounting import EntryDraft, as_json, check_draft
from ledgerops.lib.errors import Refusal, RefusalKind
from ledgerops.lib.transactions import retried


class PostingInvalid(Refusal):
    """The draft names something that does not exist or that its type does not allow; `detail["reason"]` says which."""

    code = "posting_invalid"
    kind = RefusalKind.INVALID


class PostingRefused(Refusal):
    """The draft is sound but the books are not in a state to take it; `detail["reason"]` says why."""

    code = "posting_refused"
    kind = RefusalKind.CONFLICT


class IdempotencyKeyReused(Refusal):
    """The key was used before with other content; `detail["fields"]` names what differs."""

    code = "idempotency_key_reused"
    kind = RefusalKind.CONFLICT


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted:
    """What became of one draft. `entry_id` is set when it is posted, now or by an earlier call with the same key."""

    draft: EntryDraft
    outcome: str
    entry_id: UUID | None
    code: str | None
    detail: Mapping[str, Any]

    @property
    def replayed(self) -> bool:
        return self.outcome == "replayed"


# What the posting function may refuse, with the sentence for a person and whether other content could ever be accepted.
_SENTENCES: dict[str, tuple[type[Refusal], str]] = {
    "unknown_transaction_type": (PostingInvalid, "there is no transaction type {type}"),
    "approval_required": (PostingInvalid, "a {type} is posted only by approving a proposal"),
    "approval_not_applicable": (PostingInvalid, "a {type} does not go through a proposal"),
    "no_accounting_period": (PostingInvalid, "{entity} has no accounting period that contains {effective_date}"),
    "period_closed": (PostingRefused, "the period of {effective_date} is closed; the first open date is {first_open_date}"),
    "unknown_account": (PostingInvalid, "there is no account {account}"),
    "account_holds_another_asset": (PostingInvalid, "line {line}: account {account} holds {asset}"),
    "account_of_another_entity": (PostingInvalid, "line {line}: account {account} belongs to another legal entity"),
    "account_not_open": (PostingRefused, "line {line}: account {account} is {status}"),
    "account_class_not_allowed": (PostingInvalid, "line {line}: this type has no {direction} on a {owner_class} account ({account})"),
}


def post_entries(*, drafts: Sequence[EntryDraft], scope: str) -> list[Posted]:
    """Post each draft, or replay or refuse it, independently of the others; results are in the order of the drafts.

    `scope` is whose idempotency keys these are. The refusals of the books are values here, remembered with their key.

    :raises DraftRefused: if a draft contradicts itself; then none is posted.
    :raises DraftUnbalanced: likewise.
    """
    for draft in drafts:
        check_draft(draft)
    rows = _call(scope=scope, drafts=json.dumps([as_json(draft) for draft in drafts]))
    by_position = {row[0]: row[1:] for row in rows}
    results = []
    for position, draft in enumerate(drafts, start=1):
        outcome, entry_id, code, detail = by_position[position]
        values = json.loads(detail) if isinstance(detail, str) else detail or {}
        results.append(Posted(draft=draft, outcome=outcome, entry_id=entry_id, code=code, detail=values))
    return results


def _call(*, scope: str, drafts: str) -> list[tuple[Any, ...]]:
    """Call the posting function with its parameters apart from the statement: a tenth faster than text put together by Django."""
    connection.validate_no_broken_transaction()
    connection.close_if_health_check_failed()
    connection.ensure_connection()
    with connection.wrap_database_errors, psycopg.Cursor(connection.connection) as cursor:
        cursor.execute(
            "SELECT draft_position, outcome, posted_entry_id, code, detail FROM ledger_post_entries_v1(%s, %s::jsonb)", [scope, drafts]
        )
        return cursor.fetchall()


def post_entry(*, draft: EntryDraft, scope: str) -> Posted:
    """Post one draft inside the caller's transaction.

    :raises PostingInvalid, PostingRefused, IdempotencyKeyReused: as the books answered.
    """
    (posted,) = post_entries(drafts=[draft], scope=scope)
    if posted.entry_id is None:
        raise refusal_of(posted)
    return posted


def record_transaction(*, draft: EntryDraft, scope: str) -> Posted:
    """Record a transaction by its type's posting rules, as one act of its own.

    A refusal is remembered with its key: the same request gets the same answer, whatever changed meanwhile.

    :raises Refusal: the draft's or the books', with the refusal on the trail.
    """
    check_draft(draft)

    def attempt() -> Posted:
        # The function's own transaction: a refusal commits its key before it is raised.
        (posted,) = post_entries(drafts=[draft], scope=scope)
        return posted

    posted = retried(attempt)
    if posted.entry_id is None:
        with act("ledger.transaction.recorded", target_type="ledger.idempotency_key", target_id=f"{scope}/{draft.key}"):
            raise refusal_of(posted)
    return posted


def refusal_of(posted: Posted) -> Refusal:
    """Return the refusal that a result which is no entry stands for."""
    if posted.outcome == "mismatch":
        fields = list(posted.detail["fields"])
        return IdempotencyKeyReused(f"key {posted.draft.key} was used before with another {', '.join(fields)}", field="key", fields=fields)
    assert posted.code is not None
    refusal, sentence = _SENTENCES[posted.code]
    return refusal(sentence.format_map(posted.detail), field=_field_of(posted), reason=posted.code, **_without_field(posted.detail))


def _field_of(posted: Posted) -> str | None:
    if "line" in posted.detail:
        return f"lines[{posted.detail['line']}].account"
    return {"unknown_transaction_type": "type", "no_accounting_period": "effective_date", "period_closed": "effective_date"}.get(
        posted.code or ""
    )


def _without_field(detail: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in detail.items() if name not in ("field", "reason")}
