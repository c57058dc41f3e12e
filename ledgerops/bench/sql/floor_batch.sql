-- The floor of a batch: drafts lie in a temporary table; one statement inserts entries and postings and folds the balances.
WITH entries AS (
    INSERT INTO entry (idem, kind, meta) SELECT key, 'transfer', '{"r": "x"}' FROM draft ON CONFLICT (idem) DO NOTHING RETURNING id, idem
), legs AS (
    SELECT e.id AS entry, leg.account, leg.amount
    FROM entries e JOIN draft d ON d.key = e.idem, LATERAL (VALUES (d.payer, -d.moved), (d.payee, d.moved)) leg (account, amount)
), folded AS (
    UPDATE account a SET bal = a.bal + moved.amount, ver = a.ver + moved.legs
    FROM (SELECT account, sum(amount) AS amount, count(*) AS legs FROM legs GROUP BY account) moved WHERE a.id = moved.account
)
INSERT INTO posting (entry, account, amount) SELECT entry, account, amount FROM legs
