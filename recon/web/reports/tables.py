"""The tables of the report, as they leave the house."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone

from audit.context import current_origin
from ledger.web.exports import format_of, table_response
from ledgerops.lib.tables import Amount, Cell, Column, Kind, Table
from recon.figure_queries import Matched, Report
from recon.models import Source


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportTable:
    title: str
    columns: Sequence[Column]
    rows: Callable[[Report], Sequence[Sequence[Cell]]]


def _whole(*named: tuple[str, str]) -> list[Column]:
    return [Column(name=name, title=title, kind=Kind.INTEGER) for name, title in named]


def _money(*named: tuple[str, str]) -> list[Column]:
    return [Column(name=name, title=title, kind=Kind.MONEY) for name, title in named]


def handed_out(
    request: HttpRequest,
    *,
    name: str,
    title: str,
    columns: Sequence[Column],
    rows: Sequence[Sequence[Cell]],
    subtitles: Sequence[str] = (),
    parameters: str,
) -> HttpResponseBase:
    """Return a table as a file in the format that was asked for. That it leaves has been recorded by then."""
    facts = [("Source", "LedgerOps, reconciliation"), ("Parameters", parameters or "none"), ("Request", current_origin().request_id)]
    table = Table(name=name, title=title, subtitles=subtitles, columns=columns, rows=rows, facts=facts, made_at=timezone.now())
    return table_response(format_of(request), table)


_SOURCE = [Column(name="account", title="Account", wide=True), Column(name="asset", title="Asset")]
_MATCHED = [
    *_whole(("items", "Items"), ("automatic", "Matched by runs"), ("by_people", "Matched by people"), ("open", "Open")),
    Column(name="rate", title="Automatic, % of items"),
    *_money(
        ("items_value", "Value"), ("automatic_value", "Value matched by runs"), ("by_people_value", "Value matched by people"),
        ("open_value", "Value open"),
    ),
    Column(name="value_rate", title="Automatic, % of value"),
    *_whole(("rule_matches", "Matches by runs"), ("undone", "Undone by people")),
]  # fmt: skip


def _matched_cells(matched: Matched, *, code: str, scale: int) -> list[Cell]:
    values = (matched.items_minor, matched.automatic_minor, matched.by_people_minor, matched.open_items_minor)
    return [
        matched.items, matched.automatic, matched.by_people, matched.open_items, matched.rate,
        *(Amount(minor, scale, code) for minor in values),
        matched.value_rate, matched.rule_matches, matched.rule_matches_undone,
    ]  # fmt: skip


def _source_cells(source: Source) -> list[Cell]:
    return [source.name, source.asset.code]


def _accounts(report: Report) -> list[list[Cell]]:
    return [
        [
            one.reconciliation.name,
            one.reconciliation.source.asset.code,
            *_matched_cells(one.matched, code=one.reconciliation.source.asset.code, scale=one.reconciliation.source.asset.scale),
        ]
        for one in report.reconciliations
    ]


def _assets(report: Report) -> list[list[Cell]]:
    return [
        [
            one.code,
            one.open_breaks,
            Amount(one.at_risk_minor, one.scale, one.code),
            Amount(one.put_off_minor, one.scale, one.code),
            *_matched_cells(one.matched, code=one.code, scale=one.scale),
        ]
        for one in report.assets
    ]


def _days(report: Report) -> list[list[Cell]]:
    return [[day.day, day.items, day.automatic, day.rate, day.opened, day.resolved] for day in report.days]


def _ageing(report: Report) -> list[list[Cell]]:
    return [
        [
            *_source_cells(one.source),
            *one.bands,
            one.total,
            one.past_due,
            one.put_off,
            Amount(one.at_risk_minor, one.source.asset.scale, one.source.asset.code),
            one.oldest,
        ]
        for one in report.ageing or ()
    ]


def _deliveries(report: Report) -> list[list[Cell]]:
    return [
        [
            *_source_cells(one.source),
            one.on_time,
            one.not_on_time,
            one.punctuality,
            one.statements,
            one.proven,
            one.unproven,
            one.without_balance,
            one.proven_share,
        ]
        for one in report.delivered or ()
    ]


def _load(report: Report) -> list[list[Cell]]:
    return [[one.name, one.live, one.past_limit, one.oldest, one.matches] for one in report.load or ()]


TABLES: dict[str, ReportTable] = {
    "accounts": ReportTable(title="Matched by account", columns=[*_SOURCE, *_MATCHED], rows=_accounts),
    "assets": ReportTable(
        title="Value by asset",
        columns=[
            Column(name="asset", title="Asset"),
            *_whole(("open_breaks", "Open breaks")),
            *_money(("at_risk", "Value at risk, gross"), ("put_off", "Value put off, gross")),
            *_MATCHED,
        ],
        rows=_assets,
    ),
    "days": ReportTable(
        title="Days",
        columns=[
            Column(name="day", title="Day", kind=Kind.DATE),
            *_whole(("items", "Items"), ("automatic", "Matched by runs")),
            Column(name="rate", title="Automatic, % of items"),
            *_whole(("opened", "Breaks opened"), ("resolved", "Breaks resolved")),
        ],
        rows=_days,
    ),
    "ageing": ReportTable(
        title="Open breaks by account and age in business days",
        columns=[
            *_SOURCE,
            *_whole(
                ("from_0", "0 to 1"),
                ("from_2", "2 to 3"),
                ("from_4", "4 to 7"),
                ("from_8", "8 and more"),
                ("all", "All"),
                ("past_due", "Past their day"),
                ("put_off", "Put off"),
            ),
            *_money(("at_risk", "Value at risk, gross")),
            Column(name="oldest", title="Oldest", kind=Kind.DATE),
        ],
        rows=_ageing,
    ),
    "deliveries": ReportTable(
        title="Deliveries and proofs",
        columns=[
            *_SOURCE,
            *_whole(("on_time", "On time"), ("not_on_time", "Late or missing")),
            Column(name="punctuality", title="On time, %"),
            *_whole(("statements", "Statements"), ("proven", "Proven"), ("unproven", "Not proven"), ("no_balance", "Without a balance")),
            Column(name="proven_share", title="Proven, %"),
        ],
        rows=_deliveries,
    ),
    "load": ReportTable(
        title="Who works on what",
        columns=[
            Column(name="person", title="Person", wide=True),
            *_whole(("live", "Open breaks"), ("past_limit", "Past the limit")),
            Column(name="oldest", title="Oldest", kind=Kind.DATE),
            *_whole(("matches", "Matches made")),
        ],
        rows=_load,
    ),
}
