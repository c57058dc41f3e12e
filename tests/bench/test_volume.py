"""The loaded ledger is what posting would have left: every derived figure follows from the postings."""

import psycopg
import pytest

from ledgerops.bench import volume
from ledgerops.bench.clients import product_clients
from ledgerops.bench.server import PRODUCT, bench_server

WRONG = {
    "entries that do not balance": """
        SELECT entry_id FROM ledger_posting GROUP BY entry_id
        HAVING sum(CASE direction WHEN 'debit' THEN amount_minor ELSE -amount_minor END) <> 0 OR count(*) <> max(lines)""",
    "balances that are not the sum": """
        SELECT b.account_id FROM ledger_balance b LEFT JOIN ledger_posting p ON p.account_id = b.account_id GROUP BY b.account_id
        HAVING b.posted_debits_minor <> coalesce(sum(p.amount_minor) FILTER (WHERE p.direction = 'debit'), 0)
            OR b.posted_credits_minor <> coalesce(sum(p.amount_minor) FILTER (WHERE p.direction = 'credit'), 0)
            OR b.version <> count(p.account_id) OR b.version <> coalesce(max(p.account_seq), 0)""",
    "balances after a posting that are not the sum so far": """
        SELECT 1 FROM (
            SELECT p.balance_after_minor, b.debit_normal, sum(CASE p.direction WHEN 'debit' THEN p.amount_minor ELSE -p.amount_minor END)
                OVER (PARTITION BY p.account_id ORDER BY p.account_seq) AS net
            FROM ledger_posting p JOIN ledger_balance b ON b.account_id = p.account_id) so_far
        WHERE balance_after_minor <> CASE WHEN debit_normal THEN net ELSE -net END""",
    "days that are not the sum": """
        SELECT 1 FROM (
            SELECT account_id, effective_date, sum(amount_minor) FILTER (WHERE direction = 'debit') AS debits,
                   sum(amount_minor) FILTER (WHERE direction = 'credit') AS credits, count(*) AS postings
            FROM ledger_posting GROUP BY account_id, effective_date) p
        FULL JOIN ledger_day_delta d USING (account_id, effective_date)
        WHERE (d.debits_minor, d.credits_minor, d.postings)
            IS DISTINCT FROM (coalesce(p.debits, 0), coalesce(p.credits, 0), p.postings)""",
    "postings dated otherwise than their entry": """
        SELECT 1 FROM ledger_posting p JOIN ledger_entry e ON e.id = p.entry_id WHERE e.effective_date <> p.effective_date""",
    "entries without their transaction": """
        SELECT 1 FROM ledger_entry e LEFT JOIN ledger_transaction t ON t.entry_id = e.id
        WHERE t.status IS DISTINCT FROM 'posted'""",
}


@pytest.mark.slow
def test_it_loads_on_top_of_what_was_posted_and_can_be_posted_to() -> None:
    with bench_server() as server, product_clients(server) as product:
        product.ask("prepare")
        product.ask("post", kind="deposit", seconds=0.2)
        before = volume.postings(server)
        volume.load(server, postings=5_000)
        assert volume.postings(server) == before + 5_500
        product.ask("post", kind="deposit", seconds=0.2)
        with psycopg.connect(server.url(PRODUCT)) as connection:
            found = {name: connection.execute(statement.encode()).fetchall() for name, statement in WRONG.items()}
        assert not any(found.values()), found
