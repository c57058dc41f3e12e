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
_TABS = len(LINE_COLUMNS) - 2


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
        statement_id,
        str(ordinal),
        day,
        day if valued == booked else valued.isoformat(),
        "in" if event.direction == "credit" else "out",
        str(amount_minor),
        "t" if event.reversal else "f",
        "t" if event.booked else "f",
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
        content_key,
        match,
        "{" + ",".join(keys) + "}",
    )
    row = "\t".join(values)
    # Escaped whole, unless a value has a tab of its own.
    row = _escaped_but_tabs(row) if row.count("\t") == _TABS else "\t".join(map(escaped, values))
    return f"{row}\t\\N" if details_minor is None else f"{row}\t{details_minor}"


def keys_of(event: LineRead) -> tuple[str, list[str]]:
    """Return the key that a line is matched by first, and all that it can be found by as kind:value, each once."""
    own, by_id, bank = event.own_reference, event.end_to_end_id, event.bank_reference
    # Most formats name the same reference again under a kind of its own: each is brought into its normal form once.
    normal = {"": ""}
    for reference in (by_id, own, bank):
        if reference not in normal:
            normal[reference] = match_key(reference)
    first, second = normal[by_id], normal[own]
    keys = []
    if first:
        keys.append("end_to_end:" + first)
    if second:
        keys.append("own_reference:" + second)
    if value := normal[bank]:
        keys.append("bank_reference:" + value)
    if event.uetr and (value := match_key(event.uetr)):
        keys.append("uetr:" + value)
    for kind, reference in event.keys:
        known = normal.get(reference)
        value = match_key(reference) if known is None else known
        if value and (key := f"{kind}:{value}") not in keys:
            keys.append(key)
    return first or second, keys
