"""Sample values for the style guide, which shows each component in every state. Nothing here is read by another page."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django import forms
from django.utils import timezone

from ledgerops.lib import diff
from ledgerops.templatetags.charts import Step
from ledgerops.templatetags.ui import LOOKS


@dataclass(frozen=True, slots=True)
class SampleBreak:
    number: str
    kind: str
    counterparty: str
    reference: str
    account: str
    ledger_minor: int | None
    statement_minor: int | None
    asset: str
    scale: int
    days: int
    status: str
    score: int
    assignee: str

    @property
    def difference_minor(self) -> int:
        return (self.ledger_minor or 0) - (self.statement_minor or 0)


BREAKS = (
    SampleBreak(
        "BRK-10380",
        "Value date",
        "Lumen Energie AG",
        "INV-2026-5987",
        "MUFG JPY",
        303_331,
        303_331,
        "JPY",
        0,
        16,
        "investigating",
        71,
        "analyst",
    ),
    SampleBreak(
        "BRK-10385",
        "Unbooked fee",
        "Orchard Retail Pte",
        "INV-2026-6726",
        "Citi USD Ops",
        129_744,
        127_244,
        "USD",
        2,
        16,
        "open",
        96,
        "analyst",
    ),
    SampleBreak(
        "BRK-10424", "Missing in ledger", "Halden Logistics AS", "INV-2026-1417", "Barclays GBP", None, 10_537, "GBP", 2, 11, "open", 71, ""
    ),
    SampleBreak(
        "BRK-10352",
        "Amount",
        "Kestrel Trading GmbH",
        "INV-2026-4817",
        "Citi USD Ops",
        -1_890_000,
        -1_893_000,
        "USD",
        2,
        9,
        "investigating",
        94,
        "analyst",
    ),
    SampleBreak(
        "BRK-10413",
        "Missing in ledger",
        "Kestrel Trading GmbH",
        "INV-2026-4517",
        "Citi USD Ops",
        None,
        129_577,
        "USD",
        2,
        6,
        "in_approval",
        96,
        "controller",
    ),
    SampleBreak(
        "BRK-10386",
        "Missing in ledger",
        "Castellan Legal LLP",
        "INV-2026-8633",
        "Barclays GBP",
        None,
        -39_296,
        "GBP",
        2,
        5,
        "proposed",
        64,
        "analyst",
    ),
    SampleBreak(
        "BRK-10395", "Reference", "Halden Logistics AS", "INV-2026-5126", "MUFG JPY", 48_005_694, 48_005_694, "JPY", 0, 3, "open", 77, ""
    ),
    SampleBreak(
        "BRK-10431",
        "Missing on chain",
        "Settlement wallet",
        "0x8f3a\u202691c2",
        "USDC Ethereum",
        25_000_000_000,
        None,
        "USDC",
        6,
        1,
        "open",
        52,
        "",
    ),
    SampleBreak(
        "BRK-10433", "Unbooked fee", "Lumen Energie AG", "INV-2026-5883", "Deutsche EUR", 2_700, 0, "EUR", 2, 0, "resolved", 98, "analyst"
    ),
)

DIFFERENCES = (
    {"field": "Amount", "comparison": diff.amount(-1_890_000, -1_893_000, scale=2, asset="USD"), "asset": "USD", "main": True},
    {"field": "Value date", "comparison": diff.day(date(2026, 11, 11), date(2026, 11, 11)), "mono": True},
    {"field": "Booking date", "comparison": diff.day(date(2026, 11, 11), date(2026, 11, 13)), "mono": True},
    {"field": "Counterparty", "comparison": diff.text("Kestrel Trading GmbH", "KESTREL TRADING GMBH")},
    {"field": "Reference", "comparison": diff.aligned("INV-2026-4817", "INV-2026-4871"), "mono": True},
    {"field": "End-to-end ID", "comparison": diff.aligned("E2E1035220261111A7", "E2E1035220261111A7"), "mono": True},
    {
        "field": "Description",
        "comparison": diff.text(
            "Vendor payment INV-2026-4817 Kestrel Trading GmbH", "VENDOR PAYMENT INV-2026-4871 KESTREL TRADING GMBH /OUR CHARGES 30.00"
        ),
    },
    {"field": "Bank code", "comparison": diff.aligned("", "NTRF"), "mono": True},
)

VERSIONS = (
    {"field": "Debit account", "comparison": diff.text("6410 Treasury fees", "6420 Bank charges")},
    {
        "field": "Reason",
        "comparison": diff.text("Bank fee", "Tariff 2026 \u00a74: charges on wires above 15k are deducted from principal."),
    },
)

CANDIDATES = (
    {
        "reference": "LE-88213",
        "note": "11 Nov 2026",
        "score": 94,
        "minor": -1_890_000,
        "remaining": 3_000,
        "reasons": [
            {"verdict": "yes", "text": "End-to-end ID"},
            {"verdict": "yes", "text": "Counterparty"},
            {"verdict": "near", "text": "Amount \u00b130.00"},
            {"verdict": "near", "text": "Reference 2 characters"},
        ],
    },
    {
        "reference": "LE-88213 + LE-90377",
        "note": "11\u201313 Nov 2026",
        "score": 81,
        "minor": -1_893_000,
        "remaining": 0,
        "reasons": [{"verdict": "yes", "text": "Amount"}, {"verdict": "near", "text": "Needs a fee entry"}],
    },
    {
        "reference": "LE-87954",
        "note": "9 Nov 2026",
        "score": 61,
        "minor": -1_888_200,
        "remaining": 4_800,
        "reasons": [
            {"verdict": "yes", "text": "Counterparty"},
            {"verdict": "no", "text": "Value date \u22122 d"},
            {"verdict": "no", "text": "Reference"},
        ],
    },
)

CHECKS = (
    {
        "state": "note",
        "text": "Third charge of this kind in 60 days",
        "detail": "Consider a match rule: ADJ-540, ADJ-512",
        "source": "note",
    },
    {"state": "passed", "text": "The maker is not an approver on this item", "source": "four eyes"},
    {"state": "passed", "text": "Debits equal credits, one asset", "source": "ledger"},
    {"state": "failed", "text": "October 2026 is closed for Citi USD Ops", "source": "period"},
)

STEPS = (
    {"name": "Read", "state": "done"},
    {"name": "Exact pass", "state": "done"},
    {"name": "Score", "state": "current"},
    {"name": "Breaks", "state": "waiting"},
)
RATES = (
    96.2,
    96.8,
    97.0,
    96.4,
    96.9,
    97.3,
    97.1,
    97.6,
    97.2,
    96.9,
    97.4,
    97.9,
    97.5,
    97.7,
    98.0,
    97.4,
    97.8,
    98.1,
    97.1,
    97.4,
    96.8,
    98.0,
    97.2,
    96.1,
    97.7,
    98.2,
    98.4,
    97.9,
    98.3,
)
OPENED = (18, 22, 17, 25, 31, 9, 4, 19, 21, 24, 20, 28, 8, 5, 23, 21, 26, 22, 30, 7, 3, 24)
RESOLVED = (16, 21, 20, 22, 27, 12, 5, 22, 23, 20, 24, 25, 9, 4, 21, 24, 25, 27, 24, 11, 4, 31)


class SampleForm(forms.Form):
    reason_code = forms.ChoiceField(label="Treatment", choices=[("bank_charge", "Bank charge"), ("fx", "Exchange difference")])
    amount = forms.CharField(help_text="Clears the break in full. 2 decimals for USD.")
    value_date = forms.DateField()
    narrative = forms.CharField(label="Narrative", widget=forms.Textarea(attrs={"rows": 2}))
    urgent = forms.BooleanField(label="Decide today", required=False)


def samples() -> dict[str, Any]:
    """Return the context of the style guide's page."""
    today = date(2026, 11, 20)
    heat = [("Citi USD Ops", (8, 4, 5, 3)), ("Barclays GBP", (6, 1, 4, 2)), ("Deutsche EUR", (2, 3, 0, 1)), ("MUFG JPY", (4, 0, 1, 1))]
    refused = SampleForm({"reason_code": "bank_charge", "amount": "30.005", "value_date": "", "narrative": "", "urgent": ""})
    refused.is_valid()
    refused.add_error("amount", "30.005 has more than 2 decimals")
    refused.add_error(None, "The break was matched by someone else. Reload to see the match; what you typed is kept here.")
    return {
        "looks": sorted(LOOKS),
        "tones": ("neutral", "info", "violet", "amber", "good", "bad"),
        "days": (0, 1, 2, 3, 5, 7, 9, 30),
        "breaks": BREAKS,
        "example": BREAKS[3],
        "differences": DIFFERENCES,
        "versions": VERSIONS,
        "candidates": CANDIDATES,
        "checks": CHECKS,
        "steps": STEPS,
        "age_counts": (22, 9, 10, 9),
        "no_ages": (0, 0, 0, 0),
        "rates": [((today - timedelta(days=len(RATES) - 1 - i)).strftime("%-d %b"), rate) for i, rate in enumerate(RATES)],
        "rate_values": RATES,
        "mirror": [((today - timedelta(days=len(OPENED) - 1 - i)).strftime("%-d %b"), up, RESOLVED[i]) for i, up in enumerate(OPENED)],
        "heat": [(name, counts, sum(counts)) for name, counts in heat],
        "heat_highest": 8,
        "funnel": (Step("Lines", 63_500), Step("Exact", 61_204), Step("Rules", 1_650), Step("Breaks", 646)),
        "waterfall": (
            Step("Ledger", 248_100_714, is_balance=True),
            Step("Fees", -3_000),
            Step("In transit", 21_050_000),
            Step("Returned", -6_320_000),
            Step("Statement", 262_827_714, is_balance=True),
        ),
        "now": timezone.now(),
        "earlier": timezone.now() - timedelta(minutes=12),
        "long_ago": datetime(2026, 11, 12, 8, 31, tzinfo=UTC),
        "today": today,
        "form": SampleForm(initial={"amount": "30.00", "value_date": "2026-11-13"}, auto_id="ok_%s"),
        "refused_form": refused,
        "ages": [("0-1", "0\u20131 d"), ("2-3", "2\u20133 d"), ("4-7", "4\u20137 d"), ("8", "8 d +")],
        "statuses": [("open", "Open"), ("investigating", "Investigating"), ("in_approval", "In approval")],
    }
