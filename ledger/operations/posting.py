"""Posting: one door for one draft and for ten thousand."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from ledger.accounting import EntryDraft, as_json, check_draft
from ledger.operations import door
from ledgerops.lib.errors import Refusal, RefusalKind


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
    """What became of one draft. `entry_id` is its transaction's and its entry's id, set unless it was refused now or before.

    `outcome` is posted, initiated, replayed, refused or mismatch. `detail` holds what a refusal says, or what the books warned of.
    """

    draft: EntryDraft
    outcome: str
    entry_id: UUID | None
    code: str | None
    detail: Mapping[str, Any]

    @property
    def replayed(self) -> bool:
        return self.outcome == "replayed"


# What the books may refuse, with the sentence for a person and whether other content could ever be accepted.
_SENTENCES: dict[str, tuple[type[Refusal], str]] = {
    "posting_stopped": (PostingRefused, "posting is stopped for this at the moment; the switch says why"),
    "unknown_transaction_type": (PostingInvalid, "there is no transaction type {type}"),
    "approval_required": (PostingInvalid, "a {type} is posted only by approving a proposal"),
    "approval_not_applicable": (PostingInvalid, "a {type} does not go through a proposal"),
    "reversed_entry_required": (PostingInvalid, "a {type} names the entry that it undoes"),
    "type_reverses_nothing": (PostingInvalid, "a {type} undoes no entry"),
    "role_missing": (PostingInvalid, "a {type} also has a leg of {roles}"),
    "no_accounting_period": (PostingInvalid, "{entity} has no accounting period that contains {effective_date}"),
    "no_open_period_of_entity": (PostingRefused, "{entity} has no open accounting period that contains {effective_date}"),
    "entity_does_not_balance": (
        PostingInvalid,
        "the legs of {entity} differ by {difference} minor units in {asset}; add due-to and due-from",
    ),
    "backdated_too_far": (PostingRefused, "{effective_date} is more than {days} days ago"),
    "period_closed": (PostingRefused, "the period of {effective_date} is closed; the first open date is {first_open_date}"),
    "period_soft_locked": (
        PostingRefused,
        "the period of {effective_date} takes approved entries only; the first open date is {first_open_date}",
    ),
    "unknown_account": (PostingInvalid, "there is no account {account}"),
    "account_holds_another_asset": (PostingInvalid, "line {line}: account {account} holds {asset}"),
    "account_of_another_entity": (PostingInvalid, "line {line}: account {account} belongs to another legal entity"),
    "account_not_open": (PostingRefused, "line {line}: account {account} is {status}"),
    "account_is_a_control_account": (PostingInvalid, "line {line}: account {account} stands for the accounts under it"),
    "account_is_deferred": (PostingInvalid, "account {account} is posted to in deferred mode and keeps no holds"),
    "account_class_not_allowed": (PostingInvalid, "line {line}: this type has no {direction} on a {owner_class} account ({account})"),
    "account_frozen": (PostingRefused, "account {account} takes no {direction}s at the moment"),
    "limit_exceeded": (PostingRefused, "account {account} has {available} minor units available, {asked} were asked"),
    "velocity_limit_exceeded": (PostingRefused, "account {account} moves too much in {minutes} minutes: {moved} minor units have moved"),
    "shortfall_account_missing": (PostingRefused, "account {account} cannot give this and there is no receivable for the shortfall"),
    "unknown_hold": (PostingInvalid, "there is no such hold"),
    "hold_has_ended": (PostingRefused, "this hold has ended"),
    "hold_has_expired": (PostingRefused, "this hold's time was over at {expires_at}"),
    "capture_takes_nothing": (PostingInvalid, "no line moves the held account in the direction held"),
    "capture_exceeds_hold": (PostingRefused, "{captured} minor units are more than the {remaining} still held"),
    "release_exceeds_hold": (PostingRefused, "no more than the {remaining} minor units still held can be released"),
    "unknown_entry": (PostingInvalid, "there is no such entry to undo"),
    "entry_not_reversible": (PostingInvalid, "an entry of this type is not undone"),
    "reversal_leg_not_in_entry": (PostingInvalid, "the entry has no such leg on account {account}"),
    "reversal_exceeds_entry": (PostingRefused, "{reversed} of {posted} minor units on {account} are undone already"),
    "transaction_has_ended": (PostingRefused, "the transaction is {status}"),
}


def post_entries(*, drafts: Sequence[EntryDraft], scope: str) -> list[Posted]:
    """Post each draft, or replay or refuse it, independently of the others; results are in the order of the drafts.

    `scope` is whose idempotency keys these are. The refusals of the books are values here, remembered with their key.

    :raises DraftRefused: if a draft contradicts itself; then none is posted.
    :raises DraftUnbalanced: likewise.
    """
    for draft in drafts:
        check_draft(draft)
    answers = {answer.position: answer for answer in door.post(scope=scope, drafts=json.dumps([as_json(draft) for draft in drafts]))}
    return [
        Posted(draft=draft, outcome=answer.outcome, entry_id=answer.posted_id, code=answer.code, detail=answer.detail)
        for draft, answer in ((draft, answers[position]) for position, draft in enumerate(drafts, start=1))
    ]


def post_entry(*, draft: EntryDraft, scope: str) -> Posted:
    """Post one draft inside the caller's transaction.

    :raises PostingInvalid, PostingRefused, IdempotencyKeyReused: as the books answered.
    """
    (posted,) = post_entries(drafts=[draft], scope=scope)
    if posted.entry_id is None:
        raise refusal_of(posted)
    return posted


def refusal_of(posted: Posted) -> Refusal:
    """Return the refusal that a result which is no entry stands for."""
    return refusal(key=posted.draft.key, code=posted.code or "", detail=posted.detail)


def refusal(*, key: str, code: str, detail: Mapping[str, Any]) -> Refusal:
    """Return the refusal that a function of the books answered with."""
    if code == IdempotencyKeyReused.code:
        fields = list(detail["fields"])
        return IdempotencyKeyReused(f"key {key} was used before with another {', '.join(fields)}", field="key", fields=fields)
    kind, sentence = _SENTENCES[code]
    values = {name: value for name, value in detail.items() if name not in ("field", "reason")}
    return kind(sentence.format_map(detail), field=_field_of(code, detail), reason=code, **values)


_FIELDS = {
    "unknown_transaction_type": "type",
    "no_accounting_period": "effective_date",
    "period_closed": "effective_date",
    "period_soft_locked": "effective_date",
    "backdated_too_far": "effective_date",
    "reversed_entry_required": "reverses",
    "unknown_entry": "reverses",
    "unknown_hold": "hold",
    "hold_has_ended": "hold",
    "hold_has_expired": "hold",
    "capture_exceeds_hold": "amount",
    "release_exceeds_hold": "amount",
    "role_missing": "lines",
    "entity_does_not_balance": "lines",
}


def _field_of(code: str, detail: Mapping[str, Any]) -> str | None:
    return f"lines[{detail['line']}].account" if "line" in detail else _FIELDS.get(code)
