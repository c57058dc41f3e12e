"""A day of a chain as a file: exact values, and a refusal with its place for whatever is wrong."""

import io
import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest

from recon.formats import CHAIN, detect
from recon.formats.chain_transfers import Day, Transfer, read, write
from recon.formats.events import ControlRead, Event
from tests.recon.formats.samples import balances, errors, fatal, lines

OURS, THEIRS = "0x" + "11" * 20, "0x" + "22" * 20
DAY = Day(
    account="wallet",
    asset="USDC",
    decimals=6,
    chain="eip155:1",
    contract="0x" + "33" * 20,
    addresses=(OURS,),
    day=date(2026, 11, 1),
    from_block=100,
    to_block=200,
    to_hash="0x" + "44" * 32,
    opening=10,
    closing=2**80,
)


def transfer(**changes: Any) -> Transfer:
    values: dict[str, Any] = {
        "tx": "0x" + "55" * 32, "log": 3, "kind": "token", "block": 150, "block_hash": "0x" + "66" * 32,
        "mined_at": datetime(2026, 11, 1, 12, tzinfo=UTC), "confirmations": 51, "flow": "in", "sender": THEIRS, "recipient": OURS,
        "value": 2**80 - 10,
    }  # fmt: skip
    return Transfer(**{**values, **changes})


CONTENT = write(DAY, [transfer(), transfer(log=4, value=0, why_not="zero_value")])


def events_of(content: bytes) -> list[Event]:
    return list(read(io.BytesIO(content)))


def changed(line: int, change: Callable[[dict[str, Any]], Any]) -> bytes:
    """Return the file with one of its lines changed."""
    rows = CONTENT.splitlines(keepends=True)
    said = json.loads(rows[line])
    change(said)
    rows[line] = json.dumps(said, separators=(",", ":")).encode() + b"\n"
    return b"".join(rows)


def test_values_of_a_chain_are_exact_and_prove_it() -> None:
    assert detect(io.BytesIO(CONTENT)) == CHAIN
    events = events_of(CONTENT)
    assert not errors(events)
    moved, nothing = lines(events)
    assert int(moved.amount.scaleb(6)) == 2**80 - 10
    assert (moved.booked, nothing.booked) == (True, False)
    assert moved.keys == (("tx", moved.own_reference), ("log", f"{moved.own_reference}:3"))
    assert dict(moved.facts)["confirmations"] == "51"
    assert dict(nothing.facts)["not_counted"] == "zero_value"
    assert balances(events)["closing"] - balances(events)["opening"] == moved.amount
    assert all(event.declared == event.found for event in events if isinstance(event, ControlRead))


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"sender": "0x" + "0" * 40}, "MINT"),
        ({"recipient": "0x" + "0" * 40, "sender": OURS, "flow": "out"}, "BURN"),
        ({"kind": "gas", "log": -2, "flow": "out", "recipient": "", "failed": True}, "GAS"),
        ({"kind": "value", "log": -1}, "VALUE"),
    ],
)
def test_mint_burn_gas_and_native_coin_are_told_apart_it(changes: dict[str, Any], code: str) -> None:
    (read_back,) = lines(events_of(write(DAY, [transfer(**changes)])))
    assert read_back.transaction_code == code
    assert read_back.counterparty_account in (THEIRS, "")


def test_total_that_is_not_the_sum_is_told_it() -> None:
    controls = [event for event in events_of(changed(3, lambda foot: foot.update(movements="1"))) if isinstance(event, ControlRead)]
    assert [event.name for event in controls if event.declared != event.found] == ["movements"]


@pytest.mark.parametrize(
    ("content", "field"),
    [
        (CONTENT[: CONTENT.rindex(b"\n", 0, -1) + 1], "file"),
        (CONTENT[:-5], "line"),
        (CONTENT + b"{}\n", "file"),
        (changed(0, lambda head: head.update(version=2)), "format"),
        (changed(0, lambda head: head.update(day="1.11.2026")), "day"),
        (changed(1, lambda one: one.update(value=5)), "value"),
        (changed(1, lambda one: one.update(value="-5")), "value"),
        (changed(1, lambda one: one.update(value="9" * 79)), "value"),
        (changed(1, lambda one: one.update(value="\u0661")), "value"),
        (changed(1, lambda one: one.update(block=True)), "block"),
        (changed(1, lambda one: one.update(flow="up")), "kind"),
        (changed(1, lambda one: one.update(tx="a\u0000b")), "tx"),
        (changed(1, lambda one: one.update(mined_at="now")), "mined_at"),
        (changed(1, lambda one: one.pop("from")), "from"),
        (CONTENT.replace(b'"flow":"in"', b'"flow":"in","flow":"out"', 1), "line"),
        (CONTENT.replace(b'"log":3', b'"log":3.5'), "line"),
        (CONTENT.replace(b'"log":3', b'"log":NaN'), "line"),
        (CONTENT.splitlines(keepends=True)[0] + b'{"x":"' + b"a" * 70_000 + b'"}\n', "line"),
        (b'{"format":"ledgerops.chain-transfers"' + b"[" * 50_000 + b"\n", "line"),
    ],
)
def test_what_is_wrong_refuses_the_file_at_its_place_it(content: bytes, field: str) -> None:
    (first, *_) = fatal(events_of(content))
    assert first.field == field
    assert first.place.line
