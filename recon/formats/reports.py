"""Reports that processors and custodians deliver: one line for each, with its reader and what tells it from all others."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass

from recon.formats import adyen, circle, coinbase_prime, fireblocks, paypal_activity, paypal_settlement, stripe
from recon.formats.events import Reader


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A report is recognised by the names of its columns, by its first signs, or by the names in its JSON."""

    code: str
    label: str
    reader: Reader
    by_columns: Callable[[frozenset[str]], bool] | None = None
    by_head: Callable[[str], bool] | None = None
    by_json: Callable[[str], bool] | None = None


REPORTS = (
    Report(code="adyen", label="Adyen settlement details", reader=adyen.read, by_columns=adyen.recognise),
    Report(code="paypal_settlement", label="PayPal settlement report", reader=paypal_settlement.read, by_head=paypal_settlement.recognise),
    Report(code="paypal_activity", label="PayPal activity download", reader=paypal_activity.read, by_columns=paypal_activity.recognise),
    Report(code="stripe", label="Stripe balance transactions", reader=stripe.read, by_columns=stripe.recognise),
    Report(code="fireblocks", label="Fireblocks transactions", reader=fireblocks.read, by_json=fireblocks.recognise),
    Report(code="coinbase_prime", label="Coinbase Prime transactions", reader=coinbase_prime.read, by_json=coinbase_prime.recognise),
    Report(code="circle", label="Circle transfers", reader=circle.read, by_json=circle.recognise),
)


def report_code(head: str) -> str | None:
    """Return the code of the report that begins with these signs, or None."""
    text = head.lstrip("\ufeff \t\r\n")
    if text.startswith(("{", "[")):
        return next((one.code for one in REPORTS if one.by_json and one.by_json(text)), None)
    first = text.split("\n", 1)[0][:20_000]
    try:
        columns = frozenset(" ".join(name.split()) for row in csv.reader([first.rstrip("\r")]) for name in row)
    except csv.Error:
        columns = frozenset()
    for one in REPORTS:
        if (one.by_columns and one.by_columns(columns)) or (one.by_head and one.by_head(text)):
            return one.code
    return None
