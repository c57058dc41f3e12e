"""At the size of a company with years behind it, every list costs what it shows: the plans of the very queries its pages ask."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest
from django.db import connection

from approvals.models import User
from ledger.models import Account
from recon import operations as recon
from recon.models import PopulationAccount
from tests.conftest import SUPERUSER_URL
from tests.database.volume import BIG_TABLES, ENTRIES, fill
from tests.fixtures import signed_in

pytestmark = [
    pytest.mark.browser,
    pytest.mark.xdist_group("plans"),
    pytest.mark.django_db(transaction=True, databases=["default", "owner"]),
]

# A page shows fifty rows and counts to a thousand; each may be joined to a handful of others, and some are looked at in vain.
ROWS_EXAMINED = 30_000
# A count to a thousand may begin anywhere and stop early; a scan that sees so much of a table would see all of a larger one.
MOST_OF_A_TABLE = 0.5


def _uuid7(day: str) -> UUID:
    return UUID(int=(int(datetime.fromisoformat(f"{day}T00:00:00+00:00").timestamp() * 1000) << 80) | (7 << 76) | (2 << 62))


LONG_AGO = _uuid7("2026-02-01")
OPEN_WITH_ITS_LINES = {"recon_item", "recon_statement", "recon_statement_line"}
# By list: who reads it, what is asked of it, and a cursor far into its order.
LISTS: list[tuple[str, str, list[str], str]] = [
    (
        "maker",
        "/breaks/",
        ["", "type=amount", "age=late", "age=1", "state=resolved", "state=open", "assignee=me", "assignee=nobody", "asset=USD",
         "source=bank1", "q=BRK-40004", "type=amount&source=bank1&assignee=nobody"],
        "2026-08-01~40000",
    ),
    ("maker", "/breaks/", ["sort=age", "sort=age&type=date"], "2026-02-01~10000"),
    ("maker", "/breaks/", ["due=breached", "due=today", "nature=true", "nature=timing", "snoozed=yes", "label=NONE"], "2026-08-01~40000"),
    ("maker", "/breaks/", ["sort=-amount", "sort=-amount&type=date", "sort=-amount&state=resolved"], "40000~20000"),
    ("maker", "/breaks/", ["sort=amount", "sort=amount&source=bank1"], "900000~20000"),
    ("maker", "/statements/", ["", "proof=unproven", "gap=gap", "gap=none", "since=2026-03-01&until=2026-06-01"], f"2026-02-01~{LONG_AGO}"),
    ("maker", "/statements/files/", ["", "status=received", "status=refused"], str(LONG_AGO)),
    ("maker", "/runs/", ["", "status=failed"], str(LONG_AGO)),
    (
        "maker",
        "/ledger/",
        ["", "type=fee", "type=capital", "account=1010", "reference=REF-77", "since=2026-03-01&until=2026-03-31",
         "amount=0.01", "amount=80.19", "metadata=channel%3Dwire", "metadata=channel%3Dbranch", "metadata=channel%3Dnone",
         "origin=manual", "origin=rule", "q=REF-77",
         "q=LE-77", "q=nobody", "q=Movement", "q=nobody&since=2026-03-01&until=2026-03-31"],
        f"2026-02-01~{LONG_AGO}",
    ),
    ("maker", "/accounts/1010/", [""], "9000"),
    ("maker", "/accounts/2010/", ["", "rows=postings", "known_at=2026-03-01T00:00"], "20000"),
    (
        "maker",
        "/accounts/2010/",
        [
            f"order=effective{asked}"
            for asked in (
                "", "&rows=postings", "&as_of=2026-05-01", "&known_at=2026-03-01T00:00", "&as_of=2026-02-15&known_at=2026-05-01T00:00"
            )
        ],
        "2026-02-01~20000",
    ),
    ("checker", "/approvals/", ["view=decidable", "view=waiting"], f"2026-10-30T00:00:00+00:00~{LONG_AGO}"),
    ("checker", "/approvals/", ["view=mine", "view=decided", "view=decided&status=rejected"], str(LONG_AGO)),
    ("maker", "/adjustments/", ["view=all", "view=mine", "view=all&status=submitted"], str(LONG_AGO)),
    (
        "auditor",
        "/audit/",
        ["", "actor=maker", "actor=checker", "actor=system", "action=approvals.proposal.withdrawn", "action=recon.break.assigned",
         "outcome=refused", "outcome=done", "target=recon.break 77", "target=77", "since=2026-03-01&until=2026-03-31"],
        str(LONG_AGO),
    ),
]  # fmt: skip


@pytest.fixture
def cast(maker: User, checker: User, auditor: User, chart: dict[str, Account]) -> dict[str, User]:
    """People in a company at volume: four bank accounts, one of their customers busy above all others."""
    if SUPERUSER_URL not in os.environ:
        pytest.skip(f"writing past triggers takes a superuser: set {SUPERUSER_URL}")
    sources = [
        recon.register_source(code=f"bank{n}", name=f"Bank {n}", identifier=f"DE{n}", account=account)
        for n, account in enumerate(("1010", "1020", "1030", "1040"))
    ]
    fill(sources=sources, customer=chart["2010"].pk, maker=maker, checker=checker)
    return {"maker": maker, "checker": checker, "auditor": auditor}


def test_every_list_costs_what_it_shows(cast: dict[str, User]) -> None:
    sizes, wrongs = _sizes(), []
    for name, path, asked, cursor in LISTS:
        client = signed_in(cast[name])
        for address in [address for query in asked for address in (f"{path}?{query}", f"{path}?{query}&after={cursor}")]:
            with _queries() as queries:
                response = client.get(address)
            assert response.status_code == 200, f"{address}: {response.status_code}"
            # Figures over all that is open are sums, not lists: they have no limit and read what they add.
            limited = [(sql, values) for sql, values in queries if " LIMIT " in sql and "COUNT(" not in sql.split(" LIMIT ")[-1]]
            assert limited, f"{address} asked for no list"
            wrongs += [f"{address}: {wrong}" for sql, values in limited for wrong in _wrongs_of(sql, values, sizes=sizes)]
    assert wrongs == [], "\n".join(wrongs)


def test_days_of_accounts_are_found_by_their_days(cast: dict[str, User]) -> None:
    """What is open is read as it is, with its lines and their statements: here that is half of everything. Nothing else is."""
    wrongs, sizes = [], {table: size for table, size in _sizes().items() if table not in OPEN_WITH_ITS_LINES}
    PopulationAccount.objects.update(last_account_seq=ENTRIES)  # or nothing of it would have been compared
    client = signed_in(cast["maker"])
    for address in ("/accounts/1010/proof/?as_of=2026-10-30", "/certifications/?until=2026-10-31&days=31"):
        with _queries() as queries:
            assert client.get(address).status_code == 200
        asked = [(sql, values) for sql, values in queries if "recon_" in sql or "ledger_" in sql]
        wrongs += [f"{address}: {wrong}" for sql, values in asked for wrong in _wrongs_of(sql, values, sizes=sizes)]
    assert wrongs == [], "\n".join(wrongs)


@contextmanager
def _queries() -> Iterator[list[tuple[str, Any]]]:
    seen: list[tuple[str, Any]] = []

    def note(execute: Any, sql: str, values: Any, many: bool, context: Any) -> Any:  # noqa: FBT001 (Django's signature)
        if sql.lstrip().startswith(("SELECT", "WITH")):
            seen.append((sql, values))
        return execute(sql, values, many, context)

    with connection.execute_wrapper(note):
        yield seen


def _sizes() -> dict[str, float]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT relname, reltuples FROM pg_class WHERE relname = ANY(%s)", [sorted(BIG_TABLES)])
        sizes = dict(cursor.fetchall())
    assert set(sizes) == BIG_TABLES
    assert min(sizes.values()) >= 5_000
    return sizes


def _wrongs_of(sql: str, values: Any, *, sizes: dict[str, float]) -> list[str]:
    """Return what is wrong with the plan as it ran. Its cost is no measure: what is asked of each row is expected to be asked of all."""
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {sql}", values)
        (answer,) = cursor.fetchone()
    plan = (json.loads(answer) if isinstance(answer, str) else answer)[0]["Plan"]
    nodes = list(_nodes(plan))
    wrongs = [
        f"reads the whole of {table}"
        for node in nodes
        if node["Node Type"] == "Seq Scan"
        and (table := node["Relation Name"]) in sizes
        and _examined(node) > MOST_OF_A_TABLE * sizes[table]
    ]
    examined = sum(_examined(node) for node in nodes if node.get("Relation Name") in sizes)
    if examined > ROWS_EXAMINED:
        wrongs.append(f"examines {examined:.0f} rows")
    return [f"{wrong}: {sql}" for wrong in wrongs]


def _examined(node: dict[str, Any]) -> float:
    rows = node["Actual Rows"] + node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Index Recheck", 0)
    return float(rows * node["Actual Loops"])


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for inner in plan.get("Plans", []):
        yield from _nodes(inner)
