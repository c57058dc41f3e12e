"""One line of an MT940 or MT942 message: the field :61: with its narrative."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal

from recon.formats.events import Direction, Event, LineRead, refusal, remark
from recon.formats.mt940_fields import Field
from recon.formats.mt940_narrative import Narrative, narrative, old_narrative
from recon.formats.text import key, one_line, short_date

_LINE = re.compile(
    r"(?P<value>[0-9]{6})(?P<entry>[0-9]{4}| {4})?\s*"
    r"(?P<mark>R[CD]|E[CD]|[CDcd])(?P<funds>[A-Z])?(?P<amount>[0-9]{1,20}(?:[,.][0-9]{0,6})?|[,.][0-9]{1,6})(?![0-9,.])\s*"
    r"(?P<type>[A-Z][A-Z0-9 ]{3})?(?P<references>.*)"
)


def read_line(item: Field, details: list[Field], *, ordinal: int, currency: str) -> Iterator[Event]:
    """Yield the line, or the refusal that says why it is none; dates put right are remarked on."""
    place, text = item.place, item.text
    match = _LINE.fullmatch(text) or _LINE.fullmatch("".join(item.texts[:2]))  # a line broken before its amount
    if match is None:
        message = "The line cannot be read: expected value date, entry date, C or D, amount, type and reference."
        yield refusal(place=place, field=":61:", value=text, message=message)
        return
    value_date = short_date(match["value"])
    if value_date is None and (value_date := last_of_month(match["value"])):
        message = "The value date does not exist (its month is shorter); the last day of the month is used."
        yield remark(place=place, field="value date", value=match["value"], message=message)
    if value_date is None:
        message = "The value date of the line does not exist."
        yield refusal(place=place, field="value date", value=match["value"], message=message)
        return
    booking_date: date | None = value_date
    if (match["entry"] or "").strip():
        booking_date = _near(value_date, match["entry"])
    if booking_date is None:
        message = "The entry date of the line does not exist; its value date is used."
        yield remark(place=place, field="entry date", value=match["entry"], message=message)
    dates = (booking_date or value_date, value_date)
    yield _line_read(item, details, ordinal=ordinal, currency=currency, match=match, dates=dates)


def _line_read(
    item: Field, details: list[Field], *, ordinal: int, currency: str, match: re.Match[str], dates: tuple[date, date]
) -> LineRead:
    own, _, bank = match["references"].partition("//")
    # Some banks pad the reference to its 16 characters and let a name follow.
    own, *aside = re.split(r"\s{2,}", own.strip(), maxsplit=1)
    said = _said(details)
    supplement = one_line(" ".join([*aside, *item.texts[1:]]))
    bank = key(bank)
    in_narrative = own.rstrip("+").upper() in ("KREF", "EREF")
    own = said.own_reference if in_narrative else key(own) or said.own_reference
    keys = (
        ("end_to_end", said.end_to_end_id),
        ("uetr", said.uetr),
        ("mandate", said.mandate),
        ("own_reference", own),
        ("own_reference", said.own_reference),
        ("bank_reference", bank),
    )
    return LineRead(
        ordinal=ordinal,
        booking_date=dates[0],
        value_date=dates[1],
        direction=_direction(match["mark"]),
        reversal=match["mark"].startswith("R"),
        amount=amount_of(match["amount"]),
        currency=currency,
        own_reference=own,
        bank_reference=bank,
        end_to_end_id=said.end_to_end_id,
        uetr=said.uetr,
        counterparty_name=said.counterparty_name,
        counterparty_account=said.counterparty_account,
        transaction_code=(match["type"] or "").strip(),
        description=said.description or supplement,
        raw="\n".join(f":{part.tag}:" + "\n".join(part.texts) for part in (item, *details)),
        details_total=None,
        booked=not match["mark"].startswith("E"),
        place=item.place,
        keys=tuple(dict.fromkeys(one for one in keys if one[1])),
        facts=said.facts,
    )


def _said(details: list[Field]) -> Narrative:
    if any(part.tag == "NS" for part in details):
        return old_narrative([text for part in details for text in part.texts])
    return narrative([text for part in details for text in part.texts])


def _direction(mark: str) -> Direction:
    """RC takes a credit back and so is a debit; RD gives a debit back."""
    return "credit" if mark.upper() in ("C", "EC", "RD") else "debit"


def amount_of(text: str) -> Decimal:
    return Decimal(text.replace(",", ".").rstrip("."))


def last_of_month(text: str) -> date | None:
    """Return the last day of the month for a day of 29 to 31 that it lacks: some banks count 30 days in every month, others 31."""
    if text[4:] not in ("29", "30", "31"):
        return None
    return next((found for day in ("30", "29", "28") if (found := short_date(text[:4] + day))), None)


def _near(value_date: date, entry: str) -> date | None:
    """Give the entry date MMDD the year that brings it closest to the value date: it has none of its own."""
    candidates = []
    for year in (value_date.year, value_date.year - 1, value_date.year + 1):
        try:
            candidates.append(date(year, int(entry[:2]), int(entry[2:])))
        except ValueError:
            continue
    return min(candidates, key=lambda candidate: abs(candidate - value_date), default=None)
