"""Drafting what is written to the bank about a break. The draft is kept with the break; a person sends it, never the product."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from ledgerops.lib.errors import Refusal, RefusalKind
from ledgerops.lib.money import plain
from ledgerops.lib.transactions import database_now
from recon.formats.bank_messages import (
    CANCELLATION,
    CANCELLATION_REASONS,
    CLAIM,
    Movement,
    cancellation_request,
    claim_of_non_receipt,
    letter,
)
from recon.models import Break, EvidenceFile
from recon.operations.evidence import keep_message
from recon.queries import Facts, account_of, facts_of_items

LETTER = "letter"
KINDS = {LETTER: "Letter", CLAIM: "Claim of non-receipt (camt.027)", CANCELLATION: "Request to cancel and return (camt.056)"}
TEXT_MAX = 2000
CURRENCY_LETTERS = 3


class MessageInvalid(Refusal):
    """What was asked can be no message; `field` says where."""

    code = "message_invalid"
    kind = RefusalKind.INVALID


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageRequest:
    """What an analyst chooses: the kind, what they want to say, and why a payment is to be cancelled."""

    break_id: UUID
    kind: str
    text: str
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    name: str
    media_type: str
    content: str


def draft_of(recon_break: Break, *, request: MessageRequest, written_at: datetime) -> Draft:
    """Return the message as it would be kept, without keeping it.

    :raises MessageInvalid: naming the field.
    """
    _check(recon_break, request)
    said = _movement(recon_break, text=request.text.strip(), written_at=written_at)
    name = f"{recon_break.public_number}-{written_at:%Y%m%d-%H%M%S}"
    if request.kind == LETTER:
        return Draft(name=f"{name}-letter.txt", media_type="text/plain", content=letter(said))
    written = claim_of_non_receipt(said) if request.kind == CLAIM else cancellation_request(said, reason=request.reason)
    return Draft(name=f"{name}-{request.kind[:8]}.xml", media_type="application/xml", content=written)


def draft_message(*, request: MessageRequest, drafted_by_id: int) -> EvidenceFile:
    """Draft a message and keep it as evidence of its break.

    :raises MessageInvalid: naming the field.
    """
    recon_break = Break.objects.select_related(
        "reconciliation__source__asset", "reconciliation__source__account__entity", "ledger_item", "statement_item"
    ).get(pk=request.break_id)
    draft = draft_of(recon_break, request=request, written_at=database_now())
    return keep_message(
        break_id=recon_break.pk,
        name=draft.name,
        content=draft.content.encode(),
        media_type=draft.media_type,
        note=KINDS[request.kind],
        added_by_id=drafted_by_id,
    )


def _check(recon_break: Break, request: MessageRequest) -> None:
    if recon_break.is_of_a_source:
        raise MessageInvalid("there is no movement that could be written about", field="kind")
    if request.kind not in KINDS:
        raise MessageInvalid("choose a kind of message", field="kind")
    if not 0 < len(request.text.strip()) <= TEXT_MAX:
        raise MessageInvalid(f"say what the bank is asked in 1 to {TEXT_MAX} characters", field="text")
    if request.kind == CANCELLATION and request.reason not in CANCELLATION_REASONS:
        raise MessageInvalid("say why the payment is to be cancelled", field="reason")
    code = recon_break.reconciliation.source.asset.code
    if request.kind != LETTER and not (len(code) == CURRENCY_LETTERS and code.isalpha()):
        raise MessageInvalid(f"{code} is no currency that this message could name; write a letter", field="kind")


def _movement(recon_break: Break, *, text: str, written_at: datetime) -> Movement:
    source = recon_break.reconciliation.source
    items = [item for item in (recon_break.statement_item, recon_break.ledger_item) if item is not None]
    told = facts_of_items(items)
    facts: Facts = told[items[0].pk]
    line = facts.line
    statement = f"{line.statement.number or line.statement.closing_date}, line {line.ordinal}" if line is not None else ""
    return Movement(
        case=f"{recon_break.public_number}-{written_at:%y%m%d%H%M%S}",
        ours=account_of(recon_break).entity.name,
        bank=source.servicer,
        account=source.identifier,
        amount=Decimal(plain(abs(facts.amount_minor), scale=source.asset.scale)),
        currency=source.asset.code,
        outgoing=facts.amount_minor < 0,
        day=facts.value_date,
        reference=facts.reference or facts.end_to_end_id,
        counterparty=facts.counterparty,
        statement=statement,
        text=text,
        written_at=written_at,
    )
