"""What the runtime role may do, table by table. Nothing is granted that is not listed here; everything may be read.

Applied after every migration; `tests/database/test_privileges.py` compares it with the catalogue.
"""

from typing import Any

from django.db import connections

RUNTIME_ROLE = "ledgerops_app"
AUDITOR_ROLE = "ledgerops_auditor"

FULL = "INSERT, UPDATE, DELETE"

# Facts and evidence: no INSERT where a function is the only door, no UPDATE but of the columns that may move.
RUNTIME_GRANTS: dict[str, str] = {
    "approvals_decision": "INSERT",
    "approvals_execution": "INSERT",
    "approvals_historicalreasoncode": "INSERT",
    "approvals_policy_version": "INSERT",
    "approvals_proposal": "INSERT, UPDATE (title, status, status_reason, current_version, expires_at, closed_at)",
    "approvals_proposal_version": "INSERT",
    "approvals_reason_code": "INSERT, UPDATE",
    "approvals_user": "INSERT, UPDATE",
    "approvals_user_groups": FULL,
    "audit_event": "",
    "ledger_account": "INSERT, UPDATE (party_id)",
    "ledger_account_group": "INSERT, UPDATE",
    "ledger_asset": "INSERT, UPDATE (name, network, contract)",
    "ledger_balance": "",
    "ledger_entity": "INSERT, UPDATE (name)",
    "ledger_entry": "",
    "ledger_alert": "INSERT, UPDATE (seen_to_at, seen_to_by_id, seen_to_note)",
    "ledger_balance_monitor": "INSERT, UPDATE (active, tripped)",
    "ledger_beneficial_ownership": "INSERT, UPDATE (until_on)",
    "ledger_close": "INSERT",
    "ledger_close_balance": "INSERT",
    "ledger_day_delta": "",
    "ledger_external_account": "INSERT, UPDATE (label, status, proposal_id, allowed_at, revoked_at)",
    "ledger_hold": "",
    "ledger_hold_event": "",
    "ledger_integrity_finding": "INSERT, UPDATE (last_seen_at, resolved_at, expected, found, sentence)",
    "ledger_integrity_run": "INSERT, UPDATE (heartbeat_at, finished_at, progress, postings_checked, findings_count)",
    "ledger_key_use": "",
    "ledger_lock_wait": FULL,
    "ledger_party": "INSERT, UPDATE (status, program_id)",
    "ledger_party_details": FULL,
    "ledger_period": "INSERT, UPDATE (status, closed_at, reopen_ends_at, reopen_proposal_id)",
    "ledger_posting": "",
    "ledger_posting_tail": "",
    "ledger_rate": "INSERT",
    "ledger_rate_age": "INSERT, UPDATE",
    "ledger_recurring_entry": "INSERT, UPDATE (next_on, occurrences, active)",
    "ledger_reversed_leg": "",
    "ledger_rolled_posting": "",
    "ledger_transaction": "",
    "ledger_transaction_event": "",
    "ledger_transaction_type": "",
    "ledger_velocity_limit": "",
    "ledger_verified_position": "INSERT, UPDATE",
    "ledger_historicalbeneficialownership": "INSERT",
    "ledger_historicalexternalaccount": "INSERT",
    "ledger_historicalparty": "INSERT",
    "runtime_switch": "INSERT, UPDATE (lifted_at, lifted_by_id, lift_proposal_id)",
    "ledger_historicalaccount": "INSERT",
    "ledger_historicalaccountgroup": "INSERT",
    "ledger_historicalasset": "INSERT",
    "ledger_historicallegalentity": "INSERT",
    "ledger_accountgroupgroupobjectpermission": FULL,
    "ledger_legalentitygroupobjectpermission": FULL,
    "recon_allocation": "INSERT, UPDATE (revoked_at)",
    "recon_break": "INSERT, UPDATE",
    "recon_break_comment": "INSERT",
    "recon_certificate": "INSERT, UPDATE (withdrawal_id, withdrawn_at)",
    "recon_certification_terms": "INSERT, UPDATE",
    "recon_certified_day": "INSERT, UPDATE (withdrawn_at)",
    "recon_break_label": "INSERT, DELETE",
    "recon_break_route": FULL,
    "recon_break_watcher": "INSERT, DELETE",
    "recon_handover_mark": "INSERT, UPDATE",
    "recon_chain": "INSERT, UPDATE (safe_after, final_rule, final_after, providers, active, set_by_id, set_at)",
    "recon_business_day": "INSERT",
    "recon_chain_block": "INSERT, UPDATE (stage, balance, orphaned_at, proposal_id)",
    "recon_chain_cursor": "INSERT, UPDATE",
    "recon_chain_range": "INSERT, UPDATE (file_id, withdrawn_at, proposal_id)",
    "recon_chain_transfer": "INSERT, UPDATE (orphaned_at)",
    "recon_day_figures": "INSERT, DELETE",
    "recon_evidence_file": "INSERT",
    "recon_feed": "INSERT, UPDATE",
    "recon_feed_waiver": "INSERT",
    "recon_figures_count": "INSERT, UPDATE",
    "recon_file": "INSERT, UPDATE (format, status, errors, summary, accepted_at, source_id, mapping_id)",
    "recon_file_job": "INSERT, UPDATE (status, started_at, heartbeat_at, finished_at, bytes_done, lines_done, failure)",
    "recon_historicalchainsource": "INSERT",
    "recon_historicalfeed": "INSERT",
    "recon_historicalreconciliation": "INSERT",
    "recon_historicalsource": "INSERT",
    "recon_item": "INSERT, UPDATE (open_minor, statement_line_id, withdrawn_by_id)",
    "recon_mapping_version": "INSERT, UPDATE (status, proposal_id, approved_at)",
    "recon_match": "INSERT",
    "recon_match_challenge": "INSERT, UPDATE (seen_by_id, seen_at, verdict)",
    "recon_match_undoing": "INSERT",
    "recon_mention": "INSERT, UPDATE (seen_at)",
    "recon_never_match": "INSERT",
    "recon_pass_demotion": "INSERT",
    "recon_population": "INSERT",
    "recon_population_account": "INSERT, UPDATE (last_account_seq)",
    "recon_population_statement": "INSERT",
    "recon_proof_certificate": "INSERT",
    "recon_proof_definition": "INSERT",
    "recon_proof_result": "INSERT",
    "recon_quarantined_row": "INSERT, UPDATE (state, ended_by_id, ended_at, reason)",
    "recon_reconciliation": "INSERT, UPDATE",
    "recon_repeated_line": "INSERT, UPDATE (proposal_id, counted_at)",
    "recon_resolution_terms": "INSERT",
    "recon_rules_trial": "INSERT, UPDATE (status, started_at, heartbeat_at, finished_at, step, passes_done, result, failure)",
    "recon_rules_version": "INSERT, UPDATE (status, backtest, proposal_id, activated_at, retired_at)",
    "recon_run": "INSERT, UPDATE",
    "recon_run_pass": "INSERT",
    "recon_saved_view": FULL,
    "recon_service_level": "INSERT",
    "recon_source": "INSERT, UPDATE (name, servicer, format)",
    "recon_sourcegroupobjectpermission": FULL,
    "recon_standing_gap": "INSERT, DELETE",
    "recon_statement": "INSERT",
    "recon_statement_line": "INSERT",
    "recon_suggestion": "INSERT, UPDATE (state, ended_by_id, ended_at)",
    "recon_treatment": "INSERT, UPDATE (ended_at, ended_by_id, end_reason)",
    # Of the libraries.
    "account_emailaddress": FULL,
    "account_emailconfirmation": FULL,
    "approvals_user_user_permissions": "",
    "auth_group": "INSERT, UPDATE",
    "auth_group_permissions": FULL,
    "auth_permission": "",
    "axes_accessattempt": FULL,
    "axes_accessattemptexpiration": FULL,
    "axes_accessfailurelog": FULL,
    "axes_accesslog": FULL,
    "django_admin_log": "",
    "django_content_type": "",
    "django_migrations": "",
    "django_session": FULL,
    "guardian_groupobjectpermission": "",
    "guardian_userobjectpermission": "",
    "knox_authtoken": FULL,
    "mfa_authenticator": FULL,
}

RUNTIME_SEQUENCES = ("approvals_proposal_number", "recon_run_number", "recon_break_number", "recon_statement_line_id_seq")

RUNTIME_FUNCTIONS = (
    "approvals_is_executed_here_v1(uuid)",
    "audit_record_event_v1(jsonb)",
    "ledger_change_account_v1(text, jsonb, uuid)",
    "ledger_change_hold_v1(text, jsonb)",
    "ledger_define_type_v1(jsonb, uuid)",
    "ledger_expire_holds_v1(integer)",
    "ledger_post_entries_v1(text, jsonb)",
    "ledger_rebuild_derived_v1(text, uuid)",
    "ledger_record_status_v1(jsonb)",
    "ledger_roll_account_v1(bigint, integer)",
    "ledger_status_may_move_v1(text, text, text)",
    "recon_chain_is_accepted_v1(uuid, bigint, bigint)",
    "recon_entry_keys_v1(text, jsonb)",
    "recon_match_key_v1(text)",
)


def apply_grants(*, using: str, **_: Any) -> None:
    """Make the privileges in the database those of the list above (receiver of `post_migrate`)."""
    statements = [
        f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {RUNTIME_ROLE}, {AUDITOR_ROLE}, PUBLIC",
        f"REVOKE ALL ON ALL SEQUENCES IN SCHEMA public FROM {RUNTIME_ROLE}, {AUDITOR_ROLE}, PUBLIC",
        f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {RUNTIME_ROLE}, {AUDITOR_ROLE}",
        *(f"GRANT {rights} ON {table} TO {RUNTIME_ROLE}" for table, rights in RUNTIME_GRANTS.items() if rights),
        *(f"GRANT USAGE ON SEQUENCE {sequence} TO {RUNTIME_ROLE}" for sequence in RUNTIME_SEQUENCES),
        *(f"GRANT EXECUTE ON FUNCTION {function} TO {RUNTIME_ROLE}" for function in RUNTIME_FUNCTIONS),
    ]
    with connections[using].cursor() as cursor:
        # What migrations make last; on the way there, or back, there is nobody to grant anything to.
        cursor.execute(
            "SELECT (SELECT bool_and(to_regclass(s) IS NOT NULL) FROM unnest(%s::text[]) s)"
            " AND (SELECT bool_and(to_regprocedure(f) IS NOT NULL) FROM unnest(%s::text[]) f)",
            [list(RUNTIME_SEQUENCES), list(RUNTIME_FUNCTIONS)],
        )
        (migrated,) = cursor.fetchone()
        if migrated:
            cursor.execute(";\n".join(statements))
