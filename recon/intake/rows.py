"""Lines as rows of COPY, in PostgreSQL's text form. Plain Python: what is copied is decided here, where it goes is not."""

import json

from recon.formats.events import LineRead
from recon.intake.errors import describe
from recon.matching.keys import match_key

LINE_COLUMNS = (
    "statement_id", "ordinal", "booking_date", "value_date", "flow", "amount_minor", "reversal", "booked", "reference",
    "bank_reference", "end_to_end_id", "counterparty", "counterparty_account", "transaction_code", "description", "raw", "place", "facts",
    "content_key", "match_key", "keys", "details_total_minor",
)  # fmt: skip
_NULL = "\\N"
# The columns whose text is the sender's stand together.
_TEXTS = LINE_COLUMNS.index("content_key") - LINE_COLUMNS.index("reference")


def escaped(text: str) -> str:
    """Return a text as COPY reads it back; the one sign that PostgreSQL cannot hold is shown by its symbol."""
    return _escaped_but_tabs(text).replace("\t", "\\t")


def _escaped_but_tabs(text: str) -> str:
    if "\\" in text:
        text = text.replace("\\", "\\\\")
    if "\n" in text:
        text = text.replace("\n", "\\n")
    if "\r" in text:
        text = text.replace("\r", "\\r")
    if "\x00" in text:
        text = text.replace("\x00", "\u2400")
    return text


def line_row(event: LineRead, *, statement_id: str, ordinal: int, amount_minor: int, details_minor: int | None, content_key: str) -> str:
    """Return the row of a line; its id is the table's to give."""
    match, keys = keys_of(event)
    booked, valued = event.booking_date, event.value_date
    day = booked.isoformat()
    values = (
        event.own_reference[:140],
        event.bank_reference[:140],
        event.end_to_end_id[:140],
        event.counterparty_name[:200],
        event.counterparty_account[:60],
        event.transaction_code[:60],
        event.description,
        event.raw,
        describe(event.place)[:200],
        json.dumps(dict(event.facts)).replace("\\u0000", "\\u2400") if event.facts else "{}",
    )
    texts = "\t".join(values)
    # Escaped whole, unless a value has a tab of its own.
    texts = _escaped_but_tabs(texts) if texts.count("\t") == _TEXTS - 1 else "\t".join(map(escaped, values))
    return (
        f"{statement_id}\t{ordinal}\t{day}\t{day if valued == booked else valued.isoformat()}"
        f"\t{'in' if event.direction == 'credit' else 'out'}\t{amount_minor}"
        f"\t{'t' if event.reversal else 'f'}\t{'t' if event.booked else 'f'}"
        f"\t{texts}\t{content_key}\t{match}\t{{{','.join(keys)}}}\t{_NULL if details_minor is None else details_minor}"
    )


def keys_of(event: LineRead) -> tuple[str, list[str]]:
    """Return the key that a line is matched by first, and all that it can be found by as kind:value, each once."""
    own, by_id, bank = event.own_reference, event.end_to_end_id, event.bank_reference
    # Most formats name the same reference again under a kind of its own: each is brought into its normal form once.
    first = match_key(by_id) if by_id else ""
    second = first if own == by_id else match_key(own) if own else ""
    third = first if bank == by_id else second if bank == own else match_key(bank) if bank else ""
    keys = []
    if first:
        keys.append("end_to_end:" + first)
    if second:
        keys.append("own_reference:" + second)
    if third:
        keys.append("bank_reference:" + third)
    if event.uetr and (value := match_key(event.uetr)):
        keys.append("uetr:" + value)
    for kind, reference in event.keys:
        value = first if reference == by_id else second if reference == own else third if reference == bank else match_key(reference)
        if value and (key := f"{kind}:{value}") not in keys:
            keys.append(key)
    return first or second, keys
