"""Writes a statement as the reports of processors: Stripe, Adyen, PayPal."""

import csv
import io
from collections.abc import Iterable, Sequence

from ledgerops.demo.shapes import Statement, StatementLine
from ledgerops.lib.money import plain

_STRIPE = ("id", "Type", "Source", "Amount", "Fee", "Net", "Currency", "Created (UTC)", "Available On (UTC)", "Description", "Transfer")
_ADYEN = (
    "Company Account", "Merchant Account", "Psp Reference", "Merchant Reference", "Payment Method", "Creation Date", "TimeZone", "Type",
    "Modification Reference", "Gross Currency", "Gross Debit (GC)", "Gross Credit (GC)", "Exchange Rate", "Net Currency", "Net Debit (NC)",
    "Net Credit (NC)", "Commission (NC)", "Markup (NC)", "Scheme Fees (NC)", "Interchange (NC)", "Batch Number",
)  # fmt: skip
_SETTLEMENT = (
    "Transaction ID", "Invoice ID", "PayPal Reference ID", "PayPal Reference ID Type", "Transaction Event Code",
    "Transaction Initiation Date", "Transaction Completion Date", "Transaction Debit or Credit", "Gross Transaction Amount",
    "Gross Transaction Currency", "Fee Debit or Credit", "Fee Amount", "Fee Currency", "Custom Field", "Consumer ID",
)  # fmt: skip
_ACTIVITY = (
    "Date", "Time", "TimeZone", "Name", "Type", "Status", "Currency", "Gross", "Fee", "Net", "Transaction ID", "Invoice Number",
    "Subject", "Balance Impact", "Reference Txn ID",
)  # fmt: skip


def write_stripe(statement: Statement) -> bytes:
    """Return the dashboard's export of balance transactions, in major units and without fees."""
    rows = [
        (
            line.bank_reference, line.category, line.reference, _major(line, statement), "0.00", _major(line, statement),
            statement.source.asset.lower(), f"{line.booking_date} 12:00", f"{line.value_date} 00:00", line.remittance, "",
        )
        for line in statement.lines
    ]  # fmt: skip
    return _csv([_STRIPE, *rows])


def write_adyen(statement: Statement) -> bytes:
    """Return a settlement details report whose batch is paid out whole by its last row."""
    total = sum(line.amount_minor for line in statement.lines)
    asset, batch = statement.source.asset, str(statement.number)
    rows = [
        _adyen_row(
            statement, reference=line.reference, psp=line.bank_reference, day=str(line.booking_date), kind="Settled",
            minor=line.amount_minor, note="",
        )
        for line in statement.lines
    ]  # fmt: skip
    day = str(statement.statement_date)
    rows.append(_adyen_row(statement, reference="", psp="", day=day, kind="MerchantPayout", minor=-total, note=f"TX{batch}{asset}"))
    return _csv([_ADYEN, *rows])


def _adyen_row(statement: Statement, *, reference: str, psp: str, day: str, kind: str, minor: int, note: str) -> Sequence[str]:
    asset, amount = statement.source.asset, plain(abs(minor), scale=statement.scale)
    debit, credit = (amount, "") if minor < 0 else ("", amount)
    return (
        "MeridianPayments", statement.source.identifier, psp, reference, "visa", f"{day} 09:30:00", "CET", kind, note, asset, debit, credit,
        "1", asset, debit, credit, "", "", "", "", str(statement.number),
    )  # fmt: skip


def write_paypal_settlement(statement: Statement) -> bytes:
    """Return a settlement report of one section, with its footer, balances and counts."""
    day, asset = f"{statement.statement_date:%Y/%m/%d}", statement.source.asset
    received = sum(line.amount_minor for line in statement.lines if line.amount_minor > 0)
    paid = -sum(line.amount_minor for line in statement.lines if line.amount_minor < 0)
    balances = [
        _side(statement.opening_minor),
        _size(statement.opening_minor),
        _side(statement.closing_minor),
        _size(statement.closing_minor),
    ]
    footer = ["SF", asset, str(received), str(paid), "0", "0", *balances, *["CR", "0"] * 4, str(len(statement.lines))]
    rows = [
        (
            "SB", line.bank_reference, line.reference, "", "", "T0006", f"{line.booking_date:%Y/%m/%d} 08:00:00 +0000",
            f"{line.booking_date:%Y/%m/%d} 09:00:00 +0000", _side(line.amount_minor), _size(line.amount_minor), asset, "", "", "",
            line.remittance, "",
        )
        for line in statement.lines
    ]  # fmt: skip
    count = str(len(rows))
    head: list[Sequence[str]] = [
        ("RH", f"{day} 23:59:59 +0000", "A", statement.source.identifier, "009"),
        ("FH", "01"),
        ("SH", f"{day} 00:00:00 +0000", f"{day} 23:59:59 +0000", statement.source.identifier, ""),
        ("CH", *_SETTLEMENT),
    ]
    return _csv([*head, *rows, footer, ("SC", count), ("RF", *footer[1:]), ("RC", count), ("FF", count)])


def write_paypal_activity(statement: Statement) -> bytes:
    """Return the activity download of an account in the United States: month, day, year."""
    rows = [
        (
            f"{line.booking_date:%m/%d/%Y}", "08:00:00", "UTC", line.counterparty, "Website Payment", "Completed", statement.source.asset,
            _grouped(line, statement), plain(0, scale=statement.scale), _grouped(line, statement),
            line.bank_reference, line.reference, line.remittance, "Credit" if line.amount_minor > 0 else "Debit", "",
        )
        for line in statement.lines
    ]  # fmt: skip
    return _csv([_ACTIVITY, *rows])


def _major(line: StatementLine, statement: Statement) -> str:
    return plain(line.amount_minor, scale=statement.scale)


def _grouped(line: StatementLine, statement: Statement) -> str:
    whole, point, fraction = plain(abs(line.amount_minor), scale=statement.scale).partition(".")
    return f"{'-' if line.amount_minor < 0 else ''}{int(whole):,}{point}{fraction}"


def _side(minor: int) -> str:
    return "DR" if minor < 0 else "CR"


def _size(minor: int) -> str:
    return str(abs(minor))


def _csv(rows: Iterable[Sequence[str]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue().encode()
