"""The evidence pack of a certificate for people: PDF/A of everything that its machine-readable twin says."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from ledgerops.lib import money
from ledgerops.lib.pdf import Section, report

Content = Mapping[str, Any]


def pack_of(content: Content, *, digest: str, made_at: datetime) -> bytes:
    """Return the pack of a certificate's content; `digest` is the SHA-256 of the twin, which it names."""
    said = content["statement"]
    account, asset, source, period = said["account"], said["asset"], said["source"], said["period"]
    days = period["last_day"] if period["first_day"] == period["last_day"] else f"{period['first_day']} to {period['last_day']}"
    return report(
        title=f"Certificate of account {account['code']}",
        subtitles=[f"{account['name']} against {source['name']}, in {asset['code']}", days],
        sections=[
            _figures(said, scale=asset["scale"]),
            _roll_forward(said, scale=asset["scale"]),
            _open_items(said, scale=asset["scale"]),
            _statements(said, scale=asset["scale"]),
            *([_days(said, scale=asset["scale"])] if len(said["days"]) > 1 else []),
        ],
        facts=[
            ("Prepared by", content["prepared_by"]),
            ("Reviewed by", content["reviewed_by"]),
            ("Certified at", content["certified_at"]),
            ("Proposal", content["proposal"]),
            ("Entity", account["entity"]),
            ("Account at the source", source["identifier"]),
            ("Rules", f"version {said['rules']['version']}, SHA-256 {said['rules']['digest']}"),
            ("Ledger", f"postings of the account up to number {said['ledger_through']:,} in its own order"),
            ("What was said", content["narrative"]),
            ("SHA-256 of the machine-readable twin", digest),
        ],
        running=f"{content['proposal']} \u00b7 twin SHA-256 {digest}",
        made_at=made_at,
    )


def _figures(said: Content, *, scale: int) -> Section:
    figures = said["figures"]
    return Section(
        title=f"At the end of {figures['day']}",
        columns=[("", False), ("Amount", True)],
        rows=[
            ["Ledger balance", _money(figures["ledger"], scale)],
            [f"Balance of the source: {figures['balance']}", _money(figures["external"], scale)],
            ["Open items of both sides", _money(figures["open_items"], scale)],
            ["Unexplained", _money(figures["unexplained"], scale)],
        ],
    )


def _roll_forward(said: Content, *, scale: int) -> Section:
    names = ("opening", "new", "cleared", "closing")
    return Section(
        title="Open items rolled forward over these days",
        columns=[("Side", False), ("Open before", True), ("New", True), ("Cleared", True), ("Open", True)],
        rows=[[one["side"].capitalize(), *(_money(one[name], scale) for name in names)] for one in said["roll_forward"]],
    )


def _open_items(said: Content, *, scale: int) -> Section:
    return Section(
        title="Open items",
        columns=[
            ("Side", False), ("Row", False), ("Since", False), ("Age", True), ("Counterparty", False), ("Reference", False),
            ("Explanation", False), ("Owner", False), ("Amount", True),
        ],
        rows=[
            [
                one["side"].capitalize(), one["row"], one["since"], f"{one['age_business_days']} d", one["counterparty"], one["reference"],
                one["explanation"], one["owner"], _money(one["amount"], scale),
            ]
            for one in said["open_items"]
        ],
        wide=(4, 5, 6),
    )  # fmt: skip


def _statements(said: Content, *, scale: int) -> Section:
    return Section(
        title="Statements, with the SHA-256 of their files",
        columns=[
            ("Closes", False),
            ("Number", False),
            ("Opening", True),
            ("Closing", True),
            ("Proof", False),
            ("File", False),
            ("SHA-256", False),
        ],
        rows=[
            [
                one["closing_date"],
                f"{one['number']} v{one['version']}",
                _money(one["opening"], scale),
                _money(one["closing"], scale),
                one["proof"],
                one["file"],
                one["sha256"],
            ]
            for one in said["statements"]
        ],
        wide=(5, 6),
    )


def _days(said: Content, *, scale: int) -> Section:
    names: Sequence[str] = ("ledger", "external", "open_items", "unexplained")
    return Section(
        title="Day by day",
        columns=[("Day", False), ("Ledger", True), ("Source", True), ("Open items", True), ("Unexplained", True), ("Balance", False)],
        rows=[[one["day"], *(_money(one[name], scale) for name in names), one["balance"]] for one in said["days"]],
    )


def _money(minor: str, scale: int) -> str:
    return money.grouped(int(minor), scale=scale) if minor else ""
