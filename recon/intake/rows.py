"""Lines as rows of COPY, in PostgreSQL's text form. Plain Python: what is copied is decided here, where it goes is not."""

import json
from collections.abc import Iterator

from recon.formats.events import LineRead
from recon.intake.errors import describe
from recon.matching.keys import match_key

LINE_COLUMNS = (
    "id", "statement_id", "ordinal", "booking_date", "value_date", "flow", "amount_minor", "reversal", "booked", "reference",
    "bank_reference", "end_to_end_id", "counterparty", "counterparty_account", "transaction_code", "description", "raw", "place", "facts",
    "details_total_minor", "content_key",
)  # fmt: skip
KEY_COLUMNS = ("line_id", "kind", "value")


def escaped(text: str) -> str:
    """Return a text as COPY reads it back; the one sign that PostgreSQL cannot hold is shown by its symbol."""
    if "\\" in text:
        text = text.replace("\\", "\\\\")
    if "\n" in text:
        text = text.replace("\n", "\\n")
    if "\r" in text:
        text = text.replace("\r", "\\r")
    if "\t" in text:
        text = text.replace("\t", "\\t")
    if "\x00" in text:
        text = text.replace("\x00", "\u2400")
    return text


def line_row(event: LineRead, *, statement_id: str, ordinal: int, amount_minor: int, details_minor: int | None, content_key: str) -> str:
    """Return the row of a line without its id, which is given when the row is written."""
    return "\t".join(
        (
            statement_id,
            str(ordinal),
            event.booking_date.isoformat(),
            event.value_date.isoformat(),
            "in" if event.direction == "credit" else "out",
            str(amount_minor),
            "t" if event.reversal else "f",
            "t" if event.booked else "f",
            escaped(event.own_reference[:140]),
            escaped(event.bank_reference[:140]),
            escaped(event.end_to_end_id[:140]),
            escaped(event.counterparty_name[:200]),
            escaped(event.counterparty_account[:60]),
            escaped(event.transaction_code[:60]),
            escaped(event.description),
            escaped(event.raw),
            escaped(describe(event.place)[:200]),
            escaped(json.dumps(dict(event.facts)).replace("\\u0000", "\\u2400")) if event.facts else "{}",
            "\\N" if details_minor is None else str(details_minor),
            content_key,
        )
    )


def keys_of(event: LineRead) -> Iterator[tuple[str, str]]:
    """Return the references that a line can be found by, in the normal form of `recon.matching.keys`, each once."""
    said = set()
    for kind, reference in (
        ("end_to_end", event.end_to_end_id),
        ("own_reference", event.own_reference),
        ("bank_reference", event.bank_reference),
        ("uetr", event.uetr),
        *event.keys,
    ):
        if reference and (value := match_key(reference)) and (kind, value) not in said:
            said.add((kind, value))
            yield kind, value
