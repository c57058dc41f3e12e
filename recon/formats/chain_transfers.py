"""What was final on a chain in one day, as lines of JSON: a head, one line for each transfer, a foot. Written and read here.

The poller writes a file of this form for each day and source, and whoever runs a chain of their own may deliver one. It proves itself
by the balances at both ends, so a line that is wrong refuses the whole file. Each line of the file is read by itself.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, BinaryIO

from recon.formats.events import BalanceRead, ControlRead, Direction, Event, LineRead, Place, StatementClosed, StatementOpened, refusal
from recon.formats.guard import guarded

FORMAT = "ledgerops.chain-transfers"
VERSION = 1
LINE_BYTES_MAX = 1 << 16
DIGITS_MAX = 78
CODES = {"token": "TRANSFER", "value": "VALUE", "gas": "GAS"}
ZERO_ADDRESS = "0x" + "0" * 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """One movement as the file tells it; `value` in the smallest unit, `why_not` empty where it counts."""

    tx: str
    log: int
    kind: str
    block: int
    block_hash: str
    mined_at: datetime
    confirmations: int
    flow: str
    sender: str
    recipient: str
    value: int
    gas: int | None = None
    failed: bool = False
    why_not: str = ""

    @property
    def signed(self) -> int:
        return 0 if self.why_not else self.value if self.flow == "in" else -self.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """The head of a file: which account, which blocks, what they begin and end with."""

    account: str
    asset: str
    decimals: int
    chain: str
    contract: str
    addresses: tuple[str, ...]
    day: date
    from_block: int
    to_block: int
    to_hash: str
    opening: int | None
    closing: int | None


class _Wrong(Exception):
    """A field of a line is not what it must be."""

    def __init__(self, field: str, value: object, message: str) -> None:
        super().__init__(message)
        self.field = field
        self.value = str(value)


def write(day: Day, transfers: Iterable[Transfer]) -> bytes:
    """Return the bytes of a file; the same day of the same transfers is the same bytes."""
    listed = list(transfers)
    head = {
        "account": day.account,
        "addresses": list(day.addresses),
        "asset": day.asset,
        "chain": day.chain,
        "contract": day.contract,
        "day": day.day.isoformat(),
        "decimals": day.decimals,
        "format": FORMAT,
        "from_block": day.from_block,
        "opening": _text(day.opening),
        "to_block": day.to_block,
        "to_hash": day.to_hash,
        "version": VERSION,
    }
    foot = {"closing": _text(day.closing), "movements": str(sum(one.signed for one in listed)), "transfers": len(listed)}
    return b"".join(_line(content) for content in (head, *map(_told, listed), foot))


def _told(one: Transfer) -> dict[str, Any]:
    return {
        "block": one.block,
        "block_hash": one.block_hash,
        "confirmations": one.confirmations,
        "failed": one.failed,
        "flow": one.flow,
        "from": one.sender,
        "gas": _text(one.gas),
        "kind": one.kind,
        "log": one.log,
        "mined_at": one.mined_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "to": one.recipient,
        "tx": one.tx,
        "value": str(one.value),
        "why_not": one.why_not,
    }


def _text(value: int | None) -> str | None:
    return None if value is None else str(value)


def _line(content: Mapping[str, Any]) -> bytes:
    return json.dumps(content, sort_keys=True, separators=(",", ":")).encode() + b"\n"


@guarded
def read(file: BinaryIO) -> Iterator[Event]:
    """Read a day's file: one report, proven by the balances that the chain told for both ends."""
    head: Day | None = None
    transfers, movements, place = 0, 0, Place(1, None, "head")
    for number, content in enumerate(_lines(file), start=1):
        place = Place(number, None, "transfer" if head else "head")
        try:
            said = _parsed(content)
            if head is None:
                head = _head(said)
                yield from _opened(head, place=place)
            elif "transfers" in said:
                place = Place(number, None, "foot")
                yield from _closed(head, said, transfers=transfers, movements=movements, place=place)
                if file.read(1):
                    yield refusal(
                        place=place, field="file", message="The file goes on after its last line. Deliver the file as it was written."
                    )
                return
            else:
                transfers += 1
                transfer = _transfer(said)
                movements += transfer.signed
                yield _line_read(transfer, head=head, ordinal=transfers, raw=content.decode(errors="replace").rstrip("\n"), place=place)
        except _Wrong as wrong:
            yield refusal(place=place, field=wrong.field, value=wrong.value, message=str(wrong))
            if head is None:
                return
    yield refusal(
        place=place, field="file", message="The file ends before its last line, which says how many transfers there are: it was cut."
    )


def _lines(file: BinaryIO) -> Iterator[bytes]:
    while content := file.readline(LINE_BYTES_MAX + 1):
        if len(content) > LINE_BYTES_MAX:
            yield b""
            return
        yield content


def _parsed(content: bytes) -> Mapping[str, Any]:
    if not content:
        raise _Wrong("line", "", f"The line is longer than {LINE_BYTES_MAX} bytes. Deliver the file as it was written.")
    try:
        said = json.loads(content.decode(), object_pairs_hook=_each_once, parse_float=_no_float, parse_constant=_no_float)
    except (ValueError, RecursionError) as error:
        raise _Wrong("line", content[:60], "The line is not JSON with each name once and no decimal numbers.") from error
    if not isinstance(said, Mapping):
        raise _Wrong("line", content[:60], "The line is no JSON object.")
    return said


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        raise ValueError("a name is said twice")
    return content


def _no_float(text: str) -> None:
    raise ValueError(text)


def _head(said: Mapping[str, Any]) -> Day:
    if (said.get("format"), said.get("version")) != (FORMAT, VERSION):
        raise _Wrong("format", said.get("format"), f"The first line does not say format {FORMAT}, version {VERSION}.")
    addresses = said.get("addresses")
    if not isinstance(addresses, list) or not all(isinstance(one, str) for one in addresses):
        raise _Wrong("addresses", addresses, "The addresses are a list of texts.")
    decimals = _number(said, "decimals", most=77)
    return Day(
        account=_word(said, "account"),
        asset=_word(said, "asset"),
        decimals=decimals,
        chain=_word(said, "chain"),
        contract=_word(said, "contract", empty=True),
        addresses=tuple(addresses),
        day=_day(said),
        from_block=_number(said, "from_block"),
        to_block=_number(said, "to_block"),
        to_hash=_word(said, "to_hash"),
        opening=_amount(said, "opening", signed=True),
        closing=None,
    )


def _transfer(said: Mapping[str, Any]) -> Transfer:
    value, kind, flow = _amount(said, "value"), _word(said, "kind"), _word(said, "flow")
    if value is None:
        raise _Wrong("value", None, "The value is missing: a text of digits, in the smallest unit.")
    if kind not in CODES or flow not in {"in", "out"}:
        raise _Wrong("kind", f"{kind}, {flow}", f"The kind is one of {', '.join(CODES)}, the flow in or out.")
    return Transfer(
        tx=_word(said, "tx"),
        log=_number(said, "log", least=-2),
        kind=kind,
        block=_number(said, "block"),
        block_hash=_word(said, "block_hash"),
        mined_at=_instant(said),
        confirmations=_number(said, "confirmations"),
        flow=flow,
        sender=_word(said, "from", empty=True),
        recipient=_word(said, "to", empty=True),
        value=value,
        gas=_amount(said, "gas"),
        failed=said.get("failed") is True,
        why_not=_word(said, "why_not", empty=True),
    )


def _opened(head: Day, *, place: Place) -> Iterator[Event]:
    yield StatementOpened(
        ordinal=1,
        account=head.account,
        account_scheme="other",
        account_owner="",
        servicer_bic="",
        currency=head.asset,
        statement_id=head.day.isoformat(),
        statement_number="",
        sequence_number="",
        message_id=f"{head.chain} {head.from_block}-{head.to_block}",
        created_at=None,
        copy=False,
        place=place,
        kind="report",
        period_start=head.day,
        period_end=head.day,
    )
    if head.opening is not None:
        yield _balance(head, role="opening", value=head.opening, code=str(head.from_block), place=place)


def _closed(head: Day, foot: Mapping[str, Any], *, transfers: int, movements: int, place: Place) -> Iterator[Event]:
    closing, declared = _amount(foot, "closing", signed=True), _amount(foot, "movements", signed=True)
    if closing is not None:
        yield _balance(head, role="closing", value=closing, code=str(head.to_block), place=place)
    count = _number(foot, "transfers")
    yield ControlRead(name="transfers", declared=Decimal(count), found=Decimal(transfers), place=place)
    if declared is not None:
        scale = head.decimals
        yield ControlRead(name="movements", declared=_decimal(declared, scale), found=_decimal(movements, scale), place=place)
    yield StatementClosed(ordinal=1, lines=transfers, place=place)


def _balance(head: Day, *, role: Any, value: int, code: str, place: Place) -> BalanceRead:
    return BalanceRead(
        role=role, amount=_decimal(value, head.decimals), currency=head.asset, date=head.day, code=f"block {code}", place=place
    )


def _line_read(one: Transfer, *, head: Day, ordinal: int, raw: str, place: Place) -> LineRead:
    direction: Direction = "credit" if one.flow == "in" else "debit"
    other = one.sender if one.flow == "in" else one.recipient
    facts = [
        ("block", str(one.block)), ("block_hash", one.block_hash), ("confirmations", str(one.confirmations)), ("from", one.sender),
        ("to", one.recipient), ("gas", _text(one.gas) or ""), ("mined_at", one.mined_at.isoformat()), ("not_counted", one.why_not),
        ("failed", "yes" if one.failed else ""),
    ]  # fmt: skip
    return LineRead(
        ordinal=ordinal,
        booking_date=one.mined_at.date(),
        value_date=one.mined_at.date(),
        direction=direction,
        reversal=False,
        amount=_decimal(one.value, head.decimals),
        currency=head.asset,
        own_reference=one.tx,
        bank_reference=f"{one.tx}:{one.log}",
        end_to_end_id="",
        uetr="",
        counterparty_name="",
        counterparty_account="" if other == ZERO_ADDRESS else other,
        transaction_code=_code(one),
        description=_description(one),
        raw=raw,
        details_total=None,
        booked=not one.why_not,
        place=place,
        keys=(("tx", one.tx), ("log", f"{one.tx}:{one.log}")),
        facts=tuple((name, value) for name, value in facts if value),
    )


def _code(one: Transfer) -> str:
    if one.kind == "token" and ZERO_ADDRESS in (one.sender, one.recipient):
        return "MINT" if one.sender == ZERO_ADDRESS else "BURN"
    return CODES[one.kind]


def _description(one: Transfer) -> str:
    if one.kind == "gas":
        return f"Gas of {'failed ' if one.failed else ''}transaction {one.tx}"
    what = {"MINT": "Minted", "BURN": "Burned"}.get(_code(one), "Transfer")
    way = "" if what != "Transfer" else f" {'from' if one.flow == 'in' else 'to'} {one.sender if one.flow == 'in' else one.recipient}"
    # Not in which block: a transfer that the chain moves to another one is the same line, and keeps its match.
    return f"{what}{way}"


def _decimal(value: int, scale: int) -> Decimal:
    """Return a value exactly: made from text, since arithmetic would round to the context's digits."""
    return Decimal(f"{value}E-{scale}")


def _word(said: Mapping[str, Any], name: str, *, empty: bool = False) -> str:
    value = said.get(name)
    if not isinstance(value, str) or not (value or empty) or len(value) > 140 or not value.isprintable():
        raise _Wrong(name, value, f"{name} is missing, or no printable text of at most 140 characters.")
    return value


def _number(said: Mapping[str, Any], name: str, *, least: int = 0, most: int = 2**63 - 1) -> int:
    value = said.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise _Wrong(name, value, f"{name} is a whole number from {least} to {most}.")
    return value


def _amount(said: Mapping[str, Any], name: str, *, signed: bool = False) -> int | None:
    value = said.get(name)
    if value is None and name in said:
        return None
    digits = value.removeprefix("-") if signed and isinstance(value, str) else value
    if not isinstance(digits, str) or not digits.isascii() or not digits.isdigit() or len(digits) > DIGITS_MAX:
        raise _Wrong(name, value, f"{name} is a text of at most {DIGITS_MAX} digits, in the smallest unit.")
    return int(str(value))


def _day(said: Mapping[str, Any]) -> date:
    try:
        return date.fromisoformat(_word(said, "day"))
    except ValueError as error:
        raise _Wrong("day", said.get("day"), "The day is written as 2026-11-01.") from error


def _instant(said: Mapping[str, Any]) -> datetime:
    try:
        return datetime.strptime(_word(said, "mined_at"), "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError as error:
        raise _Wrong("mined_at", said.get("mined_at"), "The instant is written as 2026-11-01T12:00:00Z.") from error
