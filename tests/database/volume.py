"""A company with years behind it, written by SQL alone: only its size, its keys and its dates are true to life."""

import os

import psycopg
from django.db import connections

from approvals.models import PolicyVersion, User
from ledger.models import AccountingPeriod, TransactionType
from recon.models import Source
from recon.operations.adjustments import ADJUSTMENT
from recon.operations.corrections import scope_of
from tests.conftest import SUPERUSER_URL

ENTRIES, ITEMS, BREAKS, EVENTS, PROPOSALS = 100_000, 100_000, 50_000, 200_000, 20_000
FILES, RUNS = 10_000, 5_000
BIG_TABLES = {
    "ledger_entry", "ledger_posting", "ledger_transaction", "recon_item", "recon_break", "recon_statement", "recon_statement_line",
    "recon_file", "recon_run",
    "audit_event", "approvals_proposal", "approvals_proposal_version", "approvals_decision",
}  # fmt: skip

# Everything happened within a year, at even distances: `n` of `total` is so long ago.
_AGO = "interval '365 days' * ((%(total)s - n)::float8 / %(total)s)"
_DAY = "(date '2026-11-01' - (365 * ((%(total)s - n)::float8 / %(total)s))::integer)"
_SOURCE = "(%(sources)s::bigint[])[1 + n %% cardinality(%(sources)s::bigint[])]"
_RECONCILIATION = _SOURCE.replace("sources", "reconciliations")
_BANK = _SOURCE.replace("sources", "banks")


def _population(side: str) -> str:
    return f"(SELECT p.id FROM recon_population AS p WHERE p.reconciliation_id = {_RECONCILIATION} AND p.side = '{side}')"


# (rows, statement) in an order in which what is referred to exists; `n` counts from 1.
_STATEMENTS = [
    (
        ENTRIES,
        f"""
        INSERT INTO ledger_entry (id, number, entity_id, type_id, origin, period_id, effective_date, prior_period, posted_at, lines,
                                  description, reference, counterparty, metadata, request_id)
        SELECT uuidv7(-({_AGO})), n, %(entity)s, CASE WHEN n %% 9000 = 0 THEN %(rare)s ELSE (%(types)s::bigint[])[1 + n %% 8] END, 'rule',
               %(period)s, {_DAY}, false, now() - ({_AGO}), 2,
               'Movement', 'REF-' || n, 'Party ' || n %% 500,
               jsonb_build_object('channel', CASE WHEN n %% 9000 = 0 THEN 'branch' ELSE 'wire' END, 'batch', (n / 100)::text), ''
        FROM generate_series(1, %(total)s) AS n
        """,
    ),
    (
        ENTRIES,
        """
        INSERT INTO ledger_posting (entry_id, line, lines, account_id, asset_id, entity_id, direction, amount_minor, effective_date,
                                    account_seq, balance_after_minor)
        SELECT e.id, line, 2, CASE line WHEN 1 THEN (%(banks)s::bigint[])[1 + e.number %% cardinality(%(banks)s::bigint[])] ELSE
               %(customer)s END, %(asset)s, %(entity)s, CASE line WHEN 1 THEN 'debit' ELSE 'credit' END, 100 + (e.number * 7919) %% 999983,
               e.effective_date, e.number, 0 FROM ledger_entry AS e, generate_series(1, 2) AS line
        """,
    ),
    (
        1,
        """
        INSERT INTO ledger_day_delta (account_id, effective_date, debits_minor, credits_minor, postings)
        SELECT account_id, effective_date, coalesce(sum(amount_minor) FILTER (WHERE direction = 'debit'), 0),
               coalesce(sum(amount_minor) FILTER (WHERE direction = 'credit'), 0), count(*) FROM ledger_posting GROUP BY 1, 2
        """,
    ),
    (
        ENTRIES,
        """
        INSERT INTO ledger_transaction (id, scope, key, content, type_id, entity_id, status, settlement, entry_id, lines, request_id,
                                        created_at)
        SELECT e.id, 'volume', e.number::text, '{}', e.type_id, e.entity_id, 'posted', 'not_applicable', e.id, 2, '', e.posted_at
        FROM ledger_entry AS e
        """,
    ),
    (
        1,
        """
        UPDATE ledger_balance AS b SET version = d.last FROM (
            SELECT account_id, max(account_seq) AS last FROM ledger_posting GROUP BY account_id) AS d WHERE d.account_id = b.account_id
        """,
    ),
    (
        FILES,
        f"""
        INSERT INTO recon_file (id, sha256, size_bytes, name, format, status, errors, received_by_id, received_at, channel, summary,
                                delivery_key)
        SELECT uuidv7(-({_AGO})), encode(sha256(n::text::bytea), 'hex'), 1000, 'file-' || n, 'mt940',
               CASE WHEN n %% 50 = 0 THEN 'refused' WHEN n > %(total)s - 20 THEN 'received' ELSE 'accepted' END, '[]', %(maker)s,
               now() - ({_AGO}), 'upload', '{{}}', '' FROM generate_series(1, %(total)s) AS n
        """,
    ),
    (
        FILES,
        f"""
        INSERT INTO recon_statement (id, source_id, file_id, ordinal, number, opening_minor, closing_minor, closing_date, line_count,
                                     movements_minor, proof, difference_minor, content_digest, accepted_at, kind, purpose, version,
                                     controls, quarantined)
        SELECT uuidv7(-({_AGO})), {_SOURCE}, f.id, 1, n::text, n, n + cardinality(%(sources)s::bigint[]) + (n %% 997 = 0)::int, {_DAY}, 5,
               1, CASE WHEN n %% 100 = 0 THEN 'unproven' ELSE 'proven' END, 0, f.sha256, now() - ({_AGO}),
               'statement', 'update', 1, '[]', 0
        FROM (SELECT *, row_number() OVER (ORDER BY id) AS n FROM recon_file) AS f
        """,
    ),
    # One in five hundred does not go on.
    (0, "INSERT INTO recon_standing_gap SELECT id, 1, closing_date FROM recon_statement WHERE number::int %% 500 = 7"),
    (
        ITEMS // 2,
        f"""
        INSERT INTO recon_statement_line (statement_id, ordinal, booking_date, value_date, flow, amount_minor, reversal, booked, reference,
            bank_reference, end_to_end_id, counterparty, counterparty_account, transaction_code, description, raw, place,
            facts, content_key, match_key, keys)
        SELECT s.id, line, s.closing_date, s.closing_date, 'in', 100 + n, false, true, 'REF-' || n, '', '', '', '', '', '', '', '',
               '{{}}', md5(n::text || line), '', '{{}}'
        FROM (SELECT id, closing_date, row_number() OVER (ORDER BY id) AS n FROM recon_statement) AS s,
             generate_series(1, {ITEMS // 2 // FILES}) AS line
        """,
    ),
    (
        ITEMS // 2,
        f"""
        INSERT INTO recon_item (reconciliation_id, population_id, side, statement_line_id, flow, amount_minor, item_date, match_key,
                                reference, counterparty, open_minor)
        SELECT {_RECONCILIATION}, {_population("statement")}, 'statement', l.id, 'in', l.amount_minor, l.value_date, l.reference,
               l.reference, 'Party ' || n %% 500, CASE WHEN n %% 10 = 0 THEN l.amount_minor ELSE 0 END
        FROM (SELECT *, row_number() OVER (ORDER BY id) AS n FROM recon_statement_line) AS l
        """,
    ),
    (
        ITEMS // 2,
        f"""
        INSERT INTO recon_item (reconciliation_id, population_id, side, entry_id, entry_line, flow, amount_minor, item_date, match_key,
                                reference, counterparty, open_minor)
        SELECT {_RECONCILIATION}, {_population("ledger")}, 'ledger', e.id, 1, 'in', 100 + n, e.effective_date, e.reference, e.reference,
               e.counterparty, CASE WHEN n %% 10 = 0 THEN 100 + n ELSE 0 END
        FROM (SELECT *, number AS n FROM ledger_entry WHERE number <= %(total)s) AS e
        """,
    ),
    (1, "UPDATE recon_population_account SET last_account_seq = 10000000"),
    (
        RUNS,
        f"""
        INSERT INTO recon_run (id, number, reconciliation_id, status, requested_at, started_at, finished_at, step, items_total, items_done,
            ledger_items, statement_items, matches_made, breaks_opened, breaks_resolved, rules_version, failure, passes_done,
            passes_total, watermark, suggestions_made, challenges_raised)
        SELECT uuidv7(-({_AGO})), n, {_RECONCILIATION}, CASE WHEN n %% 500 = 0 THEN 'failed' ELSE 'completed' END, now() - ({_AGO}),
               now() - ({_AGO}), now() - ({_AGO}), 'explain', 20, 20, 10, 10, 5, 10, 0, 1, '', 9, 9, '', 0, 0
        FROM generate_series(1, %(total)s) AS n
        """,
    ),
    (
        BREAKS,
        f"""
        INSERT INTO recon_break (id, number, reconciliation_id, type, state, ledger_item_id, difference_minor, occurred_on, reference,
                                 counterparty, assignee_id, opened_at, resolved_by_id, resolved_at, version)
        SELECT uuidv7(-({_AGO})), n, i.reconciliation_id,
               (ARRAY['missing_external', 'missing_internal', 'amount', 'date', 'ambiguous'])[1 + n %% 5],
               CASE WHEN n %% 10 < 6 THEN 'resolved' WHEN n %% 10 < 8 THEN 'open' WHEN n %% 10 = 8 THEN 'investigating' ELSE 'proposed' END,
               i.id, ((n * 7919) %% 999983) * (1 - 2 * (n %% 2)), {_DAY}, i.reference, i.counterparty,
               CASE WHEN n %% 10 = 8 THEN %(maker)s END, now() - ({_AGO}), CASE WHEN n %% 10 < 6 THEN uuidv7() END,
               CASE WHEN n %% 10 < 6 THEN now() END, 1
        FROM (SELECT *, row_number() OVER (ORDER BY id) AS n FROM recon_item WHERE side = 'ledger') AS i
        """,
    ),
    (
        EVENTS,
        f"""
        INSERT INTO audit_event (id, at, actor_type, actor_id, actor_name, session_digest, request_id, action, target_type, target_id,
                                 outcome, reason, transaction_id)
        SELECT uuidv7(-({_AGO})), now() - ({_AGO}), CASE WHEN n %% 4 = 0 THEN 'system' ELSE 'user' END,
               CASE WHEN n %% 4 = 0 THEN NULL WHEN n %% 100 = 1 THEN %(maker)s ELSE %(checker)s END, '', '', '',
               CASE WHEN n %% 500 = 0 THEN 'approvals.proposal.withdrawn' ELSE 'recon.break.assigned' END, 'recon.break',
               (n %% 50000)::text, CASE WHEN n %% 200 = 0 THEN 'refused' ELSE 'done' END, '', n FROM generate_series(1, %(total)s) AS n
        """,
    ),
    (
        PROPOSALS,
        f"""
        INSERT INTO approvals_proposal (id, number, kind, title, maker_id, scope, target_type, target_id, locked_object, status,
                                        status_reason, current_version, created_at, expires_at, closed_at)
        SELECT uuidv7(-({_AGO})), n, 'recon.post_adjustment', 'Bank fee', CASE WHEN n %% 100 = 0 THEN %(checker)s ELSE %(maker)s END,
               (%(scopes)s::text[])[1 + n %% cardinality(%(scopes)s::text[])], 'recon.break', n::text, n::text,
               CASE WHEN n > %(total)s - 500 THEN 'submitted' WHEN n %% 3 = 0 THEN 'rejected' ELSE 'executed' END, '', 1,
               now() - ({_AGO}), now() + interval '4 days' - ({_AGO}), CASE WHEN n <= %(total)s - 500 THEN now() END
        FROM generate_series(1, %(total)s) AS n
        """,
    ),
    (
        PROPOSALS,
        """
        INSERT INTO approvals_proposal_version (proposal_id, n, payload, canonical, digest, preconditions, reason_code_id, narrative,
                                                policy_version_id, submitted_by_id, submitted_at)
        SELECT id, 1, c::jsonb, c, encode(sha256(c::bytea), 'hex'), '{}', 'BANK_FEE', '', %(policy)s, maker_id, created_at
        FROM approvals_proposal, (SELECT '{"entry":{"lines":[{"amount":"100","asset":"USD","direction":"debit"}]}}') AS payload (c)
        """,
    ),
    (
        PROPOSALS,
        """
        INSERT INTO approvals_decision (proposal_id, version_id, maker_id, submitted_by_id, approver_id, outcome, comment, decided_at)
        SELECT p.id, v.id, p.maker_id, p.maker_id, %(checker)s, CASE p.status WHEN 'rejected' THEN 'reject' ELSE 'approve' END, 'because',
               now() FROM approvals_proposal AS p JOIN approvals_proposal_version AS v ON v.proposal_id = p.id
        WHERE p.status <> 'submitted' AND p.maker_id <> %(checker)s
        """,
    ),
]


def fill(*, sources: list[Source], customer: int, maker: User, checker: User) -> None:
    """Write it all past every trigger, which only a superuser may; what a planner knows of it is up to date afterwards."""
    sources = sorted(sources, key=lambda source: source.pk)
    account = sources[0].account
    values = {
        "sources": [source.pk for source in sources],
        "reconciliations": [source.reconciliation.pk for source in sources],
        "banks": [source.account_id for source in sources],
        "scopes": [scope_of(source_id=source.pk) for source in sources],
        "customer": customer,
        "asset": account.asset_id,
        "entity": account.entity_id,
        "period": AccountingPeriod.objects.get().pk,
        "types": list(TransactionType.objects.exclude(code__in=["adjustment", "capital"]).values_list("pk", flat=True)),
        "rare": TransactionType.objects.get(code="capital").pk,
        "policy": PolicyVersion.objects.get(kind=ADJUSTMENT).pk,
        "maker": maker.pk,
        "checker": checker.pk,
    }
    with psycopg.connect(os.environ[SUPERUSER_URL], dbname=connections["default"].settings_dict["NAME"], autocommit=True) as session:
        session.execute("SET session_replication_role = replica")
        for total, statement in _STATEMENTS:
            session.execute(statement.encode(), {**values, "total": total})
        session.execute("VACUUM ANALYZE")
