"""Reports of processors and custodians: units, signs, fees, batches and states, and that no row is lost."""

import io
import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from recon.formats import FORMATS, detect
from recon.formats.events import ControlRead, Event, LineRead, LocatedError, StatementOpened

STRIPE = "id,amount,available_on,created,currency,description,fee,net,source,status,type,payout_id"
ADYEN = (
    "Company Account,Merchant Account,Psp Reference,Merchant Reference,Payment Method,Creation Date,TimeZone,Type,"
    "Modification Reference,Gross Currency,Gross Debit (GC),Gross Credit (GC),Exchange Rate,Net Currency,"
    "Net Debit (NC),Net Credit (NC),Commission (NC),Batch Number"
)
SETTLEMENT = (
    '"CH","Transaction ID","Invoice ID","PayPal Reference ID","Transaction Event Code","Transaction Completion Date",'
    '"Transaction Debit or Credit","Gross Transaction Amount","Gross Transaction Currency",'
    '"Fee Debit or Credit","Fee Amount","Fee Currency"'
)
ACTIVITY = "Date,Time,TimeZone,Name,Type,Status,Currency,Gross,Fee,Net,Transaction ID,Balance Impact"


def read(text: str | bytes, *, code: str) -> list[Event]:
    file = io.BytesIO(text if isinstance(text, bytes) else text.encode())
    assert detect(file) == code
    return list(FORMATS[code].reader(file))


def table(head: str, *rows: str) -> str:
    return "\n".join((head, *rows)) + "\n"


def lines(events: list[Event]) -> list[LineRead]:
    return [event for event in events if isinstance(event, LineRead)]


def signed(events: list[Event]) -> list[str]:
    return [f"{'-' if one.direction == 'debit' else ''}{one.amount}" for one in lines(events)]


def located(events: list[Event]) -> list[tuple[int | None, str, bool]]:
    return [(event.place.line, event.field, event.row) for event in events if isinstance(event, LocatedError)]


def heads(events: list[Event]) -> list[tuple[str, str | None, str]]:
    return [(event.account, event.currency, event.statement_number) for event in events if isinstance(event, StatementOpened)]


def test_stripe_list_has_minor_units_as_stripe_counts_them() -> None:
    rows = [
        f"txn_{currency},1000,2026-11-03 00:00:00,2026-11-01 10:00:00,{currency},,30,970,ch_1,available,charge,"
        for currency in ("usd", "jpy", "ugx", "bhd")
    ]
    events = read(table(STRIPE, *rows), code="stripe")
    assert [one.amount for one in lines(events)] == [Decimal("9.70"), Decimal(970), Decimal("9.70"), Decimal("0.970")]
    assert heads(events) == [("", "USD", ""), ("", "JPY", ""), ("", "UGX", ""), ("", "BHD", "")]


def test_stripe_report_has_major_units_and_its_category_says_what_a_row_is() -> None:
    head = (
        "automatic_payout_id,balance_transaction_id,created_utc,available_on_utc,currency,gross,fee,net,reporting_category,source_id,"
        "description"
    )
    rows = [
        'po_1,txn_1,2026-11-01 10:00:00,2026-11-03 00:00:00,usd,"1,000.00",29.30,970.70,charge,ch_1,First',
        "po_1,txn_2,2026-11-02 10:00:00,2026-11-03 00:00:00,usd,-10.00,0.00,-10.00,refund,re_1,",
    ]
    events = read(table(head, *rows), code="stripe")
    assert signed(events) == ["970.70", "-10.00"]
    assert [one.transaction_code for one in lines(events)] == ["charge", "refund"]
    assert all(("payout", "po_1") in one.keys for one in lines(events))
    assert dict(lines(events)[0].facts)["fee"] == "29.30"


def test_stripe_payout_leaves_the_balance_under_the_key_of_what_it_pays() -> None:
    rows = [
        "txn_1,1000,2026-11-03 00:00:00,2026-11-01 10:00:00,usd,,30,970,ch_1,available,charge,po_7",
        "txn_2,-970,2026-11-03 00:00:00,2026-11-03 10:00:00,usd,,0,-970,po_7,available,payout,",
    ]
    events = read(table(STRIPE, *rows), code="stripe")
    assert sum(map(Decimal, signed(events))) == 0
    assert all(("payout", "po_7") in one.keys for one in lines(events))


def test_livemode_and_currency_alone_are_no_list_of_stripe() -> None:
    assert detect(io.BytesIO(table("id,amount,currency,livemode,created,memo", "1,5.00,USD,true,2026-11-02,rent").encode())) is None


def test_stripe_row_that_does_not_add_up_is_kept_apart() -> None:
    rows = [
        "txn_1,1000,2026-11-03 00:00:00,2026-11-01 10:00:00,usd,,30,971,ch_1,available,charge,",
        "txn_2,10.5,2026-11-03 00:00:00,2026-11-01 10:00:00,usd,,0,10.5,ch_2,available,charge,",
        "txn_3,500,2026-11-03 00:00:00,2026-11-01 10:00:00,usd,,0,500,ch_3,available,charge,",
        "txn_4,1e3,2026-11-03 00:00:00,2026-11-01 10:00:00,usd,,0,1000,ch_4,available,charge,",
        "txn_5,500,soon,2026-11-01 10:00:00,usd,,0,500,ch_5,available,charge",
    ]
    events = read(table(STRIPE, *rows), code="stripe")
    assert signed(events) == ["5.00"]
    assert located(events) == [(2, "net", True), (3, "gross", True), (5, "gross", True), (6, "row", True)]


@pytest.mark.parametrize(
    ("head", "named"),
    [
        ("id,amount,currency,amount_capturable,livemode", "payment intents"),
        ("id,amount,balance_transaction_id,charge_id,currency,livemode", "refunds"),
        ("payout_id,balance_transaction_id", "what each payout pays"),
    ],
)
def test_other_lists_of_stripe_are_refused_by_name(head: str, named: str) -> None:
    (refused,) = read(table(head, ",".join("1" for _ in head.split(","))), code="stripe")
    assert isinstance(refused, LocatedError)
    assert refused.fatal
    assert named in refused.message


def test_adyen_batch_sums_to_its_payout() -> None:
    rows = [
        "C,SHOP,8835511210681234,ORD-1,visa,2026-11-01 10:00:00,CET,Settled,,EUR,,100.00,1,EUR,,98.50,1.50,12",
        "C,SHOP,8835511210681235,ORD-2,visa,2026-11-01 11:00:00,CET,Chargeback,,EUR,20.00,,1,EUR,20.00,,,12",
        "C,SHOP,,,,2026-11-02 01:00:00,CET,MerchantPayout,TX12,EUR,,,1,EUR,78.50,,,12",
        "C,OTHER,8835511210681236,ORD-3,mc,2026-11-01 10:00:00,CET,Settled,,EUR,,5.00,1,EUR,,5.00,,13",
    ]
    events = read(table(ADYEN, *rows), code="adyen")
    assert heads(events) == [("SHOP", "EUR", "12"), ("OTHER", "EUR", "13")]
    assert signed(events) == ["98.50", "-20.00", "-78.50", "5.00"]
    (control,) = [event for event in events if isinstance(event, ControlRead)]
    assert (control.declared, control.found) == (Decimal("78.50"), Decimal("78.50"))
    assert lines(events)[0].bank_reference == "8835511210681234"
    assert all(("batch", "12") in one.keys for one in lines(events)[:3])


def test_adyen_payout_that_is_not_what_the_batch_sums_to_is_seen() -> None:
    rows = [
        "C,SHOP,8835511210681234,ORD-1,visa,2026-11-01 10:00:00,CET,Settled,,EUR,,100.00,1,EUR,,98.50,1.50,12",
        "C,SHOP,,,,2026-11-02 01:00:00,CET,MerchantPayout,TX12,EUR,,,1,EUR,98.00,,,12",
    ]
    (control,) = [event for event in read(table(ADYEN, *rows), code="adyen") if isinstance(event, ControlRead)]
    assert control.found - control.declared == Decimal("0.50")


def settlement(*rows: str, footer: str, count: int, total: int | None = None) -> str:
    return table(
        '"RH",2026/11/01 23:59:59 +0000,"A","TP5C",009,',
        '"FH",01',
        '"SH",2026/11/01 00:00:00 +0000,2026/11/01 23:59:59 +0000,"TP5C",""',
        SETTLEMENT,
        *rows,
        footer,
        f'"SC",{count}',
        f'"RC",{count if total is None else total}',
        '"FF",1',
    )


DOLLARS = '"SB","T1","INV-1","","T0006",2026/11/01 09:00:00 +0000,"CR",10000,"USD","DR",320,"USD"'
YEN = '"SB","T2","INV-2","","T0006",2026/11/01 09:00:00 +0000,"DR",10000,"JPY","",,""'


def test_paypal_settlement_has_no_decimal_sign_and_a_column_for_the_direction() -> None:
    report = settlement(DOLLARS, YEN, footer='"SF","USD",10000,0,0,320,"DR",500,"CR",9180', count=2)
    events = read(report, code="paypal_settlement")
    assert signed(events) == ["96.80", "-10000"]
    assert heads(events) == [("TP5C", "USD", ""), ("TP5C", "JPY", "")]
    controls = {event.name: (event.declared, event.found) for event in events if isinstance(event, ControlRead)}
    assert controls["fee debits"] == (Decimal("3.20"), Decimal("3.20"))
    assert all(declared == found for declared, found in controls.values())


@pytest.mark.parametrize(("count", "total"), [(3, None), (2, 3)])
def test_paypal_settlement_with_rows_missing_is_refused(count: int, total: int | None) -> None:
    report = settlement(DOLLARS, YEN, footer='"SF","USD",10000,0,0,320,"CR",0,"CR",9680', count=count, total=total)
    assert any(isinstance(event, LocatedError) and event.fatal for event in read(report, code="paypal_settlement"))


def test_paypal_settlement_row_without_a_direction_is_kept_apart() -> None:
    report = settlement(DOLLARS, YEN.replace('"DR"', '""'), footer='"SF","USD",10000,0,0,320,"CR",0,"CR",9680', count=2)
    events = read(report, code="paypal_settlement")
    assert (signed(events), located(events)) == (["96.80"], [(6, "debit or credit", True)])


@pytest.mark.parametrize(
    ("rows", "day"),
    [(["13/11/2026", "05/11/2026"], 5), (["11/13/2026", "11/05/2026"], 5), (["2026-11-13", "2026-11-05"], 5)],
)
def test_paypal_activity_takes_the_one_order_that_all_dates_allow(rows: list[str], day: int) -> None:
    events = read(
        table(ACTIVITY, *(f'{one},08:00,UTC,A,Payment,Completed,USD,"1,234.56",-1.00,"1,233.56",T,Credit' for one in rows)),
        code="paypal_activity",
    )
    assert [one.booking_date.day for one in lines(events)] == [13, day]
    assert signed(events) == ["1233.56"] * 2


def test_paypal_activity_whose_dates_contradict_each_other_is_refused() -> None:
    rows = [f"{one},08:00,UTC,A,Payment,Completed,USD,1.00,0.00,1.00,T,Credit" for one in ("13/11/2026", "11/13/2026")]
    (refused,) = read(table(ACTIVITY, *rows), code="paypal_activity")
    assert isinstance(refused, LocatedError)
    assert "contradict" in refused.message


def test_paypal_activity_counts_only_what_moves_the_balance() -> None:
    rows = [
        f"11/13/2026,08:00,UTC,A,Payment,{status},EUR,{amount},T,{impact}"
        for status, amount, impact in (
            ("Completed", '"1.234,56","0,00","1.234,56"', "Credit"),
            ("Pending", '"5,00","0,00","5,00"', "Credit"),
            ("Completed", '"5,00","0,00","5,00"', "Memo"),
            ("Completed", '"1.234","0,00","1.234"', "Credit"),
        )
    ]
    events = read(table(ACTIVITY, *rows), code="paypal_activity")
    assert [(str(one.amount), one.booked) for one in lines(events)] == [("1234.56", True), ("5.00", False), ("5.00", False)]
    assert located(events) == [(5, "Gross", True)]


def answer(**said: Any) -> dict[str, Any]:
    return said


TRANSFER = answer(
    id="t-1",
    source={"type": "blockchain", "chain": "ETH", "address": "0xab"},
    destination={"type": "wallet", "id": "1000"},
    amount={"amount": "3.14", "currency": "USD"},
    transactionHash="0xAB",
    status="complete",
    createDate="2026-11-01T08:00:00Z",
)


def test_circle_transfer_counts_when_it_is_complete_and_not_when_it_is_confirmed() -> None:
    events = read(json.dumps({"data": [TRANSFER, {**TRANSFER, "id": "t-2", "status": "confirmed"}]}), code="circle")
    assert [(one.bank_reference, one.booked) for one in lines(events)] == [("t-1", True), ("t-2", False)]
    assert ("tx", "0xab") in lines(events)[0].keys


def test_circle_transfer_between_our_wallets_moves_both() -> None:
    both = {**TRANSFER, "source": {"type": "wallet", "id": "2000"}}
    events = read(json.dumps({"data": [both]}), code="circle")
    assert heads(events) == [("2000", "USD", ""), ("1000", "USD", "")]
    assert signed(events) == ["-3.14", "3.14"]


def test_coinbase_prime_conversion_has_two_legs_and_an_unknown_type_is_kept_apart() -> None:
    row = answer(
        id="p-1", portfolio_id="p", wallet_id="w", type="CONVERSION", status="TRANSACTION_DONE", symbol="USD", destination_symbol="USDC",
        amount="100", completed_at="2026-11-01T08:00:00Z",
    )  # fmt: skip
    events = read(json.dumps({"transactions": [row, {**row, "type": "SLASH"}]}), code="coinbase_prime")
    assert (heads(events), signed(events)) == ([("w", "USD", ""), ("w", "USDC", "")], ["-100", "100"])
    assert located(events) == [(None, "type", True)]


VAULTED = answer(
    id="f-1",
    assetId="USDC",
    source={"type": "VAULT_ACCOUNT", "id": "1", "name": "Treasury"},
    destination={"type": "VAULT_ACCOUNT", "id": "2", "name": "Hot"},
    amount="10",
    netAmount="9.5",
    networkFee="0.001",
    feeCurrency="ETH",
    txHash="0xCD",
    status="COMPLETED",
    lastUpdated=1793520000000,
    blockInfo={"blockHeight": "1", "blockHash": "0x01"},
)


def test_fireblocks_pays_the_amount_receives_the_net_and_pays_the_fee_in_its_own_asset() -> None:
    events = read(json.dumps([VAULTED]), code="fireblocks")
    assert heads(events) == [("1", "USDC", ""), ("2", "USDC", ""), ("1", "ETH", "")]
    assert signed(events) == ["-10", "9.5", "-0.001"]


def test_fireblocks_waits_for_the_block_and_a_failed_one_costs_its_fee_alone() -> None:
    waiting, failed = {**VAULTED, "blockInfo": {}}, {**VAULTED, "id": "f-2", "status": "FAILED"}
    events = read(json.dumps([waiting, failed]), code="fireblocks")
    assert [(one.bank_reference, one.currency) for one in lines(events) if one.booked] == [("f-2", "ETH")]


@pytest.mark.parametrize(
    "hostile",
    [
        b'[{"assetId": "A", "status": "x", "source": 1, "destination": NaN}]',
        b'{"transactions": {"assetId": 1, "status": 1, "source": 1, "destination": 1}}',
        b'["assetId", "status", "source", "destination"' + b"[" * 200_000,
        b'{"transactions": ["assetId", "status", "source", "destination", "\xff"]}',
    ],
)
def test_what_is_no_report_is_refused_with_a_sentence(hostile: bytes) -> None:
    errors = [event for event in FORMATS["fireblocks"].reader(io.BytesIO(hostile)) if isinstance(event, LocatedError)]
    assert any(error.fatal for error in errors)
    assert all(error.message.endswith(".") for error in errors)


SAMPLES: dict[str, Callable[[], str]] = {
    "stripe": lambda: table(STRIPE, *(f"t{n},100,2026-11-03,2026-11-01,usd,,0,100,ch,available,charge," for n in range(9))),
    "adyen": lambda: table(ADYEN, *(f"C,S,P{n},O,v,2026-11-01,CET,Settled,,EUR,,1.00,1,EUR,,1.00,,1" for n in range(9))),
    "paypal_activity": lambda: table(ACTIVITY, *(f"11/13/2026,08:00,UTC,A,P,Completed,USD,1.00,0.00,1.00,T{n},Credit" for n in range(9))),
}


@pytest.mark.parametrize("code", sorted(SAMPLES))
@pytest.mark.parametrize("damage", ["\0", '"', ",", "\n", "x", ""])
def test_no_row_is_lost_whatever_is_done_to_one_of_them(code: str, damage: str) -> None:
    """Every row comes back as a line or as an error of its own."""
    whole = SAMPLES[code]()
    for at in range(whole.index("\n") + 1, len(whole), 7):
        damaged = whole[:at] + damage + whole[at + 1 :]
        events = list(FORMATS[code].reader(io.BytesIO(damaged.encode())))
        told = len(lines(events)) + sum(isinstance(event, LocatedError) and event.row for event in events)
        refused = any(isinstance(event, LocatedError) and event.fatal for event in events)
        # A row of separators alone says nothing.
        rows = sum(bool(row.strip(',"\0')) for row in damaged.splitlines()) - 1
        assert refused or told >= rows, (at, told, rows)
