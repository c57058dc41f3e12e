"""Sixteen processes post to five accounts with retries, while clients and a backend of PostgreSQL are killed.

The server is one of its own: a killed backend takes every session with it.
"""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import psycopg
import pytest

from ledgerops.bench.server import PRODUCT, PROJECT, Server, bench_server
from tests.faults.hammer import BANK, CUSTOMERS, ENTITY, GROUP

SEED = 20261122

PREPARE = f"""
import django; django.setup()
from datetime import date
from django.db import transaction
from ledger import operations as ledger
from ledger.models import AccountType, OwnerClass
from ledgerops.reference import load_reference_data
load_reference_data()
ledger.define_entity(code="{ENTITY}", name="Hammer")
ledger.define_account_group(code="{GROUP}", name="Hammer")
ledger.open_period(entity="{ENTITY}", starts_on=date(2026, 1, 1), ends_on=date(2026, 12, 31))
of = dict(entity="{ENTITY}", group="{GROUP}", asset="USD")
ledger.open_account(code="{BANK}", name="Bank", account_type=AccountType.ASSET, owner_class=OwnerClass.NOSTRO, **of)
for code in {CUSTOMERS!r}:
    ledger.open_account(code=code, name=code, account_type=AccountType.LIABILITY, owner_class=OwnerClass.CUSTOMER,
                        controls={{"overdraft_limit": "1000"}}, **of)
"""

# Each returns nothing while the books are whole.
BROKEN = {
    "an entry that does not balance or is not complete": """
        SELECT e.id FROM ledger_entry e LEFT JOIN ledger_posting p ON p.entry_id = e.id GROUP BY e.id, e.lines
        HAVING count(p.line) <> e.lines OR sum(CASE p.direction WHEN 'debit' THEN p.amount_minor ELSE -p.amount_minor END) <> 0""",
    "a balance that is not the sum of its postings": """
        SELECT b.account_id FROM ledger_balance b LEFT JOIN ledger_posting p ON p.account_id = b.account_id
        GROUP BY b.account_id, b.posted_debits_minor, b.posted_credits_minor, b.version
        HAVING coalesce(sum(p.amount_minor) FILTER (WHERE p.direction = 'debit'), 0) <> b.posted_debits_minor
            OR coalesce(sum(p.amount_minor) FILTER (WHERE p.direction = 'credit'), 0) <> b.posted_credits_minor
            OR count(p.line) <> b.version""",
    "a day that is not the sum of its postings": """
        SELECT d.account_id FROM ledger_day_delta d LEFT JOIN ledger_posting p USING (account_id, effective_date)
        GROUP BY d.account_id, d.effective_date, d.debits_minor, d.credits_minor, d.postings
        HAVING coalesce(sum(p.amount_minor) FILTER (WHERE p.direction = 'debit'), 0) <> d.debits_minor
            OR coalesce(sum(p.amount_minor) FILTER (WHERE p.direction = 'credit'), 0) <> d.credits_minor OR count(p.line) <> d.postings""",
    "a gap in the postings of an account": """
        SELECT account_id FROM ledger_posting GROUP BY account_id HAVING max(account_seq) <> count(*) OR min(account_seq) <> 1""",
    "a transaction that posted without its entry, or the other way round": """
        SELECT coalesce(k.id, e.id) FROM ledger_transaction k FULL JOIN ledger_entry e ON e.id = k.id
        WHERE (k.status = 'posted') IS DISTINCT FROM (e.id IS NOT NULL) AND k.refusal_code IS NULL""",
    "a balance below its limit": """
        SELECT account_id FROM ledger_balance
        WHERE posted_credits_minor - posted_debits_minor < -overdraft_limit_minor AND NOT debit_normal""",
}


@pytest.fixture
def server() -> Iterator[Server]:
    with bench_server() as own:
        environment = {**own.environment, "DJANGO_SETTINGS_MODULE": "ledgerops.settings"}
        subprocess.run([sys.executable, "-c", PREPARE], cwd=PROJECT, env=environment, check=True)
        yield own


def hammer(server: Server, folder: Path, *, processes: int, seconds: float, kill_backends: int) -> None:
    print(f"seed {SEED}")  # noqa: T201 (shown with a failure)
    dice = random.Random(SEED)  # noqa: S311 (no secret)
    names = (f"client{n}" for n in count(1))
    environment = {**server.environment, "DJANGO_SETTINGS_MODULE": "ledgerops.settings"}
    complaints = (folder / "complaints").open("w")

    def client() -> subprocess.Popen[bytes]:
        name = next(names)
        return subprocess.Popen(
            [sys.executable, "-m", "tests.faults.hammer", name, str(folder / f"{name}.acks")],
            cwd=PROJECT,
            env=environment,
            stderr=complaints,
        )

    clients = [client() for _ in range(processes)]
    killed_clients = killed_backends = 0
    try:
        _until_posting(folder, processes=processes)
        started = time.monotonic()
        while time.monotonic() - started < seconds or (killed_backends < kill_backends and time.monotonic() - started < 3 * seconds):
            time.sleep(dice.uniform(0.3, 1.2))
            if killed_backends < kill_backends and time.monotonic() - started > seconds * (killed_backends + 1) / (kill_backends + 1):
                killed_backends += _kill_backend(server)
                continue
            place = dice.randrange(processes)
            assert clients[place].poll() is None, (folder / "complaints").read_text()[-3000:]
            clients[place].send_signal(signal.SIGKILL)
            clients[place].wait()
            clients[place] = client()
            killed_clients += 1
    finally:
        for one in clients:
            one.kill()
            one.wait()
        complaints.close()
    # Nobody was told of anything but that they were cut off.
    assert (folder / "complaints").read_text() == ""
    assert (killed_clients > 0, killed_backends) == (True, kill_backends)
    _check(server, folder)


def _until_posting(folder: Path, *, processes: int) -> None:
    deadline = time.monotonic() + 180
    while sum(file.stat().st_size > 0 for file in folder.glob("*.acks")) < processes // 2:
        assert time.monotonic() < deadline, (folder / "complaints").read_text()[-3000:]
        time.sleep(0.2)


def _kill_backend(server: Server) -> int:
    """Kill a backend of PostgreSQL that is in the middle of a statement; the server ends all sessions and recovers by itself."""
    with psycopg.connect(server.superuser_url, autocommit=True) as session:
        busy = session.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = %s AND state = 'active' AND query LIKE '%%ledger_post_entries_v1%%' LIMIT 1",
            [PRODUCT],
        ).fetchone()
    if busy is None:
        return 0
    os.kill(busy[0], signal.SIGKILL)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            with psycopg.connect(server.superuser_url, connect_timeout=5):
                return 1
        except psycopg.OperationalError:
            time.sleep(0.2)
    raise AssertionError("the server did not come back")


def _check(server: Server, folder: Path) -> None:
    acknowledged: dict[str, str] = {}
    for file in folder.glob("*.acks"):
        for line in file.read_text().splitlines():
            # A client killed while it wrote leaves half a line: that one was never told to anybody.
            if len(words := line.split(" ")) == 2 and (len(words[1]) == 36 or words[1] == "limit_exceeded"):
                assert acknowledged.setdefault(words[0], words[1]) == words[1]
    with psycopg.connect(server.url(PRODUCT)) as session:
        kept: dict[str, str] = dict(
            session.execute("SELECT key, coalesce(entry_id::text, refusal_code) FROM ledger_transaction WHERE scope = 'hammer'").fetchall()
        )
        wrong = {what: session.execute(statement.encode()).fetchall()[:5] for what, statement in BROKEN.items()}
    print(f"{len(acknowledged)} acknowledged, {len(kept)} kept")  # noqa: T201
    assert len(acknowledged) > 20
    assert {key: kept.get(key) for key in acknowledged} == acknowledged
    assert {what: rows for what, rows in wrong.items() if rows} == {}


@pytest.mark.slow
def test_every_acknowledged_key_stands_once_though_clients_and_a_backend_are_killed(server: Server, tmp_path: Path) -> None:
    hammer(server, tmp_path, processes=16, seconds=180, kill_backends=6)
