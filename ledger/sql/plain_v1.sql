-- What may be posted without further questions, said once for a draft that comes alone and for thousands: by these types, on these days, on
-- these accounts. Whatever is not in these views is treated draft by draft by ledger_post_each_v1.
CREATE VIEW ledger_plain_type AS
    SELECT t.id, t.code, t.roles, t.required_roles, t.settles FROM ledger_transaction_type t
    WHERE t.current AND t.origin = 'rule' AND NOT t.mirrors AND t.backdating_days IS NULL;

CREATE VIEW ledger_plain_period AS
    SELECT p.id, p.entity_id, p.starts_on, p.ends_on FROM ledger_period p WHERE p.status = 'open' AND p.reopen_ends_at IS NULL;

-- Written through as well: what an update through it finds is asked under the lock of the row.
CREATE VIEW ledger_plain_balance AS
    SELECT b.account_id, b.debit_normal, b.posted_debits_minor, b.posted_credits_minor, b.version, b.deferred FROM ledger_balance b
    WHERE b.overdraft_limit_minor IS NULL AND NOT b.has_velocity_limits AND NOT b.debits_frozen AND NOT b.credits_frozen;

CREATE VIEW ledger_plain_account AS
    SELECT a.id, a.code, a.asset_id, s.code AS asset, a.entity_id, a.owner_class, b.debit_normal, b.version, b.deferred,
           b.posted_debits_minor - b.posted_credits_minor AS net
    FROM ledger_account a JOIN ledger_asset s ON s.id = a.asset_id JOIN ledger_plain_balance b ON b.account_id = a.id
    WHERE a.status = 'open' AND NOT a.is_control;
-- reverse
DROP VIEW ledger_plain_account;
DROP VIEW ledger_plain_balance;
DROP VIEW ledger_plain_period;
DROP VIEW ledger_plain_type;
