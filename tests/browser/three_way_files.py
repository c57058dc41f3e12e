"""What a processor, a bank and an accountant wrote of the same 48 payouts, with what goes wrong between the three."""

import csv
import random
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

PAYOUTS = 48
BANK_ACCOUNT = "DE02500105170137075030"
# Of the 48 payouts by their place; all others agree at once.
SLOW = (3, 9, 14, 20, 26, 31)  # the bank credits them three business days later
CHARGED = (5, 22, 37)  # the bank keeps 15.00 of them
MISTYPED = (7, 28)  # the accountant swapped two signs of the reference
SPLIT = (11, 33)  # the bank pays in two parts
NOT_AT_THE_BANK = (17, 40)
NOT_IN_THE_LEDGER = (24,)
TRANSPOSED = (35,)  # the accountant swapped two digits of the amount
CHARGE = Decimal("15.00")


@dataclass(frozen=True, slots=True, kw_only=True)
class Payout:
    place: int
    reference: str
    day: date
    amount: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """Where the three files are."""

    report: Path
    bank: Path
    journal: Path


def write_files(folder: Path, *, today: date, bank_account: str, clearing_account: str) -> Files:
    """Write the report, the bank's statement, and the journal that books each payout on the bank's account."""
    payouts = _payouts(today)
    files = Files(report=folder / "psp_payouts.csv", bank=folder / "bank.sta", journal=folder / "journal.csv")
    _write_report(files.report, payouts)
    _write_statement(files.bank, payouts)
    _write_journal(files.journal, payouts, bank_account=bank_account, clearing_account=clearing_account)
    return files


def _payouts(today: date) -> list[Payout]:
    chance = random.Random(48)  # noqa: S311 (no secret)
    days = [_business_day(today, back=35 - place // 2) for place in range(PAYOUTS)]
    numbers = [261100 + 37 * place + 11 for place in range(PAYOUTS)]
    return [
        Payout(
            place=place,
            reference=f"po_{numbers[place]}",
            day=days[place],
            amount=Decimal(chance.randrange(120_000, 990_000)).scaleb(-2),
        )
        for place in range(PAYOUTS)
    ]


def _business_day(today: date, *, back: int) -> date:
    """Return the weekday that lies so many weekdays before a day; ahead of it where that is less than none."""
    day, left, step = today, abs(back), 1 if back < 0 else -1
    while left:
        day += timedelta(days=step)
        left -= day.weekday() < 5
    return day


def _write_report(path: Path, payouts: list[Payout]) -> None:
    """Each payout is paid out of one charge with its fee, as the processor reports it."""
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(
            ["balance_transaction_id", "created_utc", "available_on_utc", "currency", "gross", "fee", "net", "reporting_category",
             "source_id", "description", "automatic_payout_id"]
        )  # fmt: skip
        for one in payouts:
            fee = (one.amount * Decimal("0.014")).quantize(Decimal("0.01")) + Decimal("0.25")
            at = f"{one.day} 06:00:00"
            rows.writerow(
                [f"txn_{one.place}c", at, at, "eur", one.amount + fee, fee, one.amount, "charge", f"ch_{one.place}", "Card sales",
                 one.reference]
            )  # fmt: skip
            rows.writerow(
                [f"txn_{one.place}p", at, at, "eur", -one.amount, "0.00", -one.amount, "payout", one.reference, "Payout", one.reference]
            )


def _write_statement(path: Path, payouts: list[Payout]) -> None:
    lines: list[tuple[date, Decimal, str]] = []
    for one in payouts:
        if one.place in NOT_AT_THE_BANK:
            continue
        credited = _business_day(one.day, back=-3) if one.place in SLOW else one.day
        if one.place in CHARGED:
            lines.append((credited, one.amount - CHARGE, one.reference))
        elif one.place in SPLIT:
            part = (one.amount / 3).quantize(Decimal("0.01"))
            lines += [(credited, part, one.reference), (credited, one.amount - part, one.reference)]
        else:
            lines.append((credited, one.amount, one.reference))
    lines.sort()
    lines.append((lines[-1][0], Decimal("-12.90"), ""))  # what the bank takes for keeping the account
    opening = Decimal("1000.00")
    closing = opening + sum(amount for _, amount, _ in lines)
    text = [":20:STATEMENT", f":25:{BANK_ACCOUNT}", ":28C:1/1", f":60F:C{lines[0][0]:%y%m%d}EUR{_comma(opening)}"]
    for day, amount, reference in lines:
        text.append(f":61:{day:%y%m%d}{day:%m%d}{'C' if amount > 0 else 'D'}{_comma(abs(amount))}NTRF{reference.upper() or 'NONREF'}")
        text.append(f":86:{'CARD PAYOUT' if reference else 'ACCOUNT FEE'}")
    text += [f":62F:C{lines[-1][0]:%y%m%d}EUR{_comma(closing)}", "-"]
    path.write_text("\r\n".join(text) + "\r\n", encoding="ascii")


def _comma(amount: Decimal) -> str:
    return f"{amount:.2f}".replace(".", ",")


def _write_journal(path: Path, payouts: list[Payout], *, bank_account: str, clearing_account: str) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["entry", "date", "description", "reference", "account", "debit", "credit", "asset"])
        for one in payouts:
            if one.place in NOT_IN_THE_LEDGER:
                continue
            reference, amount = one.reference, one.amount
            if one.place in MISTYPED:
                reference = reference[:-2] + reference[-1] + reference[-2]
            if one.place in TRANSPOSED:
                digits = str(amount)
                amount = Decimal(digits[1] + digits[0] + digits[2:])
            rows.writerow([one.place, one.day, "Card payout", reference, bank_account, amount, "", "EUR"])
            rows.writerow([one.place, "", "", "", clearing_account, "", amount, "EUR"])
