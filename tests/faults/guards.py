"""Every guard with how to take it away and the test that must then fail. docs/guards.md is this list for readers."""

from tests.faults.certification_guards import CERTIFICATION_GUARDS
from tests.faults.guard import Guard, constraint, index, raised, trigger
from tests.faults.ledger_guards import LEDGER_GUARDS

GUARDS_TESTS = "tests/database/test_guards.py"
RECON_TESTS = "tests/database/test_recon_guards.py"
INTAKE_TESTS = "tests/database/test_intake_guards.py"
PRIVILEGE_TESTS = "tests/database/test_privileges.py"
SOURCE_TESTS = "tests/database/test_source_guards.py"
CHAIN_TESTS = "tests/database/test_chain_guards.py"
RESOLUTION_TESTS = "tests/database/test_resolution_guards.py"
RULES_TESTS = "tests/database/test_rules_guards.py"
PROOF_TESTS = "tests/database/test_proof_guards.py"
WORK_TESTS = "tests/recon/test_break_work.py"
PROVEN_TEST = f"{PROOF_TESTS}::test_what_is_and_was_proven_never_changes_it"
AROUND_TESTS = "tests/faults/test_ways_around.py"


GUARDS = [
    trigger("ledger_entry_balanced", "ledger_posting", f"{GUARDS_TESTS}::test_unbalanced_entry_it"),
    constraint("ledger_transaction_entry_exists", "ledger_transaction", f"{GUARDS_TESTS}::test_entry_without_postings_it"),
    raised(
        "ledger_entry_has_two_lines",
        f"{GUARDS_TESTS}::test_entry_of_one_line_it",
        function="ledger_entry_in_open_period_v1()",
        text="RAISE EXCEPTION 'entry % has fewer than two lines', wrong.id"
        " USING ERRCODE = '23514', CONSTRAINT = 'ledger_entry_has_two_lines';",
    ),
    raised(
        "ledger_posting_line_is_declared",
        f"{GUARDS_TESTS}::test_posting_added_to_a_posted_entry_it",
        function="ledger_entry_balanced_v1()",
        text="""RAISE EXCEPTION 'entry % has not declared this line', wrong.entry_id
                USING ERRCODE = '23514', CONSTRAINT = 'ledger_posting_line_is_declared';""",
    ),
    raised(
        "ledger_posting_amount_positive",
        f"{GUARDS_TESTS}::test_posting_of_nothing_or_less_it",
        function="ledger_entry_balanced_v1()",
        text="""RAISE EXCEPTION 'a posting of entry % is of nothing or less', wrong.entry_id
                USING ERRCODE = '23514', CONSTRAINT = 'ledger_posting_amount_positive';""",
    ),
    constraint("ledger_posting_account_seq", "ledger_posting", f"{GUARDS_TESTS}::test_two_postings_of_an_account_with_one_place_it"),
    trigger("ledger_posting_append_only", "ledger_posting", f"{GUARDS_TESTS}::test_owner_rewrites_a_fact_it"),
    trigger("ledger_entry_append_only", "ledger_entry", f"{GUARDS_TESTS}::test_owner_rewrites_a_fact_it"),
    trigger("audit_event_append_only", "audit_event", f"{GUARDS_TESTS}::test_owner_rewrites_a_fact_it"),
    trigger("ledger_entry_in_open_period", "ledger_entry", f"{GUARDS_TESTS}::test_entry_in_a_closed_period_it"),
    Guard(
        "the period gate of the posting function",
        "tests/ledger/test_posting.py",
        function="ledger_post_each_v1(text, jsonb)",
        text=" AND p.status = 'open'",
    ),
    constraint("ledger_periods_do_not_overlap", "ledger_period", f"{GUARDS_TESTS}::test_periods_that_overlap_it"),
    trigger("ledger_asset_scale_never_changes", "ledger_asset", f"{GUARDS_TESTS}::test_what_gives_meaning_changes_it"),
    trigger("ledger_account_meaning_never_changes", "ledger_account", f"{GUARDS_TESTS}::test_what_gives_meaning_changes_it"),
    trigger("ledger_type_rules_never_change", "ledger_transaction_type", f"{GUARDS_TESTS}::test_what_gives_meaning_changes_it"),
    trigger("ledger_period_dates_never_change", "ledger_period", f"{GUARDS_TESTS}::test_what_gives_meaning_changes_it"),
    trigger("ledger_period_stays_closed", "ledger_period", f"{AROUND_TESTS}::test_closed_period_is_opened_again_it"),
    trigger("ledger_balance_never_deleted", "ledger_balance", f"{GUARDS_TESTS}::test_what_gives_meaning_changes_it"),
    constraint("ledger_one_key_posts_once", "ledger_transaction", f"{GUARDS_TESTS}::test_one_key_answers_twice_it"),
    trigger(
        "ledger_deferred_account_is_our_own",
        "ledger_balance",
        "tests/ledger/test_account_changes.py::test_the_database_itself_keeps_statements_out_of_deferred_mode",
    ),
    trigger(
        "runtime_switch_is_lifted_by_two", "runtime_switch", "tests/approvals/test_switches.py::test_the_database_lets_nobody_lift_alone"
    ),
    Guard(
        "no INSERT behind the door",
        f"{PRIVILEGE_TESTS}::test_runtime_role_inserts_behind_a_door_it_is_refused",
        sql="GRANT INSERT ON ledger_posting TO ledgerops_app",
    ),
    Guard(
        "no UPDATE of facts",
        f"{PRIVILEGE_TESTS}::test_runtime_role_rewrites_a_fact_it_is_refused",
        sql="GRANT UPDATE ON ledger_entry TO ledgerops_app",
    ),
    Guard("the maker check in Python", "tests/approvals", python="approvals.operations.decisions.refuse_the_maker"),
    constraint("approvals_checker_is_not_maker", "approvals_decision", f"{GUARDS_TESTS}::test_maker_decides_as_the_runtime_role_it"),
    constraint(
        "approvals_decision_names_the_maker", "approvals_decision", f"{GUARDS_TESTS}::test_maker_decides_under_another_makers_name_it"
    ),
    constraint("approvals_one_person_one_vote", "approvals_decision", f"{GUARDS_TESTS}::test_one_person_votes_twice_it"),
    constraint(
        "approvals_version_matches_its_digest",
        "approvals_proposal_version",
        f"{GUARDS_TESTS}::test_version_whose_digest_is_not_of_its_content_it",
    ),
    trigger("approvals_proposal_keeps_its_word", "approvals_proposal", f"{GUARDS_TESTS}::test_ended_proposal_lives_again_it"),
    trigger(
        "approvals_proposal_version_never_goes_down",
        "approvals_proposal",
        f"{GUARDS_TESTS}::test_proposal_returns_to_an_earlier_version_it",
    ),
    trigger(
        "approvals_executed_proposal_was_executed", "approvals_proposal", f"{GUARDS_TESTS}::test_proposal_called_executed_that_was_not_it"
    ),
    trigger("ledger_manual_entry_is_approved", "ledger_entry", f"{GUARDS_TESTS}::test_manual_entry_nobody_approved_it"),
    raised(
        "ledger_manual_entry_has_a_proposal",
        f"{GUARDS_TESTS}::test_manual_entry_without_a_proposal_around_the_door_it",
        function="ledger_entry_in_open_period_v1()",
        text="RAISE EXCEPTION 'entry % names no proposal', wrong.id"
        " USING ERRCODE = '23514', CONSTRAINT = 'ledger_manual_entry_has_a_proposal';",
    ),
    Guard(
        "ledger_proposal_posts_once", f"{GUARDS_TESTS}::test_approved_proposal_posts_twice_it", sql="DROP INDEX ledger_proposal_posts_once"
    ),
    constraint("approvals_execution_pkey", "approvals_execution", f"{GUARDS_TESTS}::test_proposal_executed_twice_it"),
    trigger("recon_allocation_takes_what_is_there", "recon_allocation", f"{RECON_TESTS}::test_more_than_is_left_of_an_item_it"),
    trigger("recon_match_balances", "recon_allocation", f"{RECON_TESTS}::test_match_that_does_not_balance_it"),
    Guard("recon_item_is_matched_once", f"{RECON_TESTS}::test_item_matched_twice_it", sql="DROP INDEX recon_item_is_matched_once"),
    raised(
        "recon_allocation_takes_the_whole_item",
        f"{RECON_TESTS}::test_part_of_an_item_allocated_it",
        function="recon_match_balances_v1()",
        text="RAISE EXCEPTION 'match % takes an item whole for another amount than its own', wrong"
        "\n            USING ERRCODE = '23514', CONSTRAINT = 'recon_allocation_takes_the_whole_item';",
    ),
    trigger("recon_item_has_its_population", "recon_item", f"{RECON_TESTS}::test_item_of_no_population_it"),
    trigger("recon_match_has_its_run", "recon_match", f"{RECON_TESTS}::test_match_of_no_run_it"),
    constraint("recon_break_closes_by_a_match", "recon_break", f"{RECON_TESTS}::test_break_closed_without_a_match_it"),
    trigger("recon_break_is_explained_by_its_match", "recon_break", f"{AROUND_TESTS}::test_break_closed_by_the_match_of_other_items_it"),
    trigger("recon_item_is_open_or_matched", "recon_item", f"{AROUND_TESTS}::test_item_hidden_without_a_match_it"),
    trigger("recon_item_is_born_open", "recon_item", f"{AROUND_TESTS}::test_item_hidden_from_birth_it"),
    constraint("recon_file_is_stored_once", "recon_file", f"{RECON_TESTS}::test_same_bytes_stored_twice_it"),
    constraint("recon_statement_is_accepted_once", "recon_statement", f"{RECON_TESTS}::test_statement_accepted_twice_it"),
    trigger("recon_mapping_never_changes", "recon_mapping_version", f"{SOURCE_TESTS}::test_mapping_becomes_another_it"),
    trigger("recon_mapping_is_born_a_draft", "recon_mapping_version", f"{SOURCE_TESTS}::test_mapping_is_approved_from_birth_it"),
    trigger("recon_mapping_goes_forward", "recon_mapping_version", f"{SOURCE_TESTS}::test_mapping_skips_its_submission_it"),
    trigger("recon_mapping_is_approved_by_two", "recon_mapping_version", f"{SOURCE_TESTS}::test_mapping_nobody_approved_it"),
    trigger("recon_feed_waiver_append_only", "recon_feed_waiver", f"{SOURCE_TESTS}::test_waiver_is_rewritten_it"),
    index("recon_source_has_one_live_stale_feed", f"{SOURCE_TESTS}::test_second_live_break_of_a_missing_file_it"),
    index("recon_source_has_one_live_reorganisation", f"{CHAIN_TESTS}::test_second_live_break_of_a_reorganised_chain_it"),
    constraint(
        "recon_chain_final_block_is_orphaned_by_two", "recon_chain_block", f"{CHAIN_TESTS}::test_final_block_is_dropped_by_nobody_it"
    ),
    constraint("recon_break_has_an_item", "recon_break", f"{SOURCE_TESTS}::test_other_break_has_no_item_it"),
    trigger(
        "recon_stale_feed_was_never_another",
        "recon_break",
        f"{SOURCE_TESTS}::test_break_becomes_a_missing_file_to_close_without_a_match_it",
    ),
    constraint("recon_only_a_stale_feed_waits_for_days", "recon_break", f"{SOURCE_TESTS}::test_other_break_ends_with_a_sentence_it"),
    trigger("recon_parent_stands_for_it", "recon_break", f"{SOURCE_TESTS}::test_break_waits_for_what_is_no_missing_file_it"),
    index("recon_line_counts_once", f"{INTAKE_TESTS}::test_line_counted_twice_it"),
    trigger("recon_item_is_of_a_line_that_counts", "recon_item", f"{INTAKE_TESTS}::test_item_of_a_repeated_line_it"),
    trigger("recon_line_has_its_statement", "recon_statement_line", f"{INTAKE_TESTS}::test_line_of_no_statement_it"),
    trigger("recon_line_stands_on_the_first", "recon_statement_line", f"{INTAKE_TESTS}::test_lines_that_do_not_begin_with_the_first_it"),
    trigger("recon_statement_of_items_counts", "recon_statement", f"{INTAKE_TESTS}::test_statement_that_does_not_count_after_its_items_it"),
    trigger("recon_item_moves_to_the_next_version", "recon_item", f"{INTAKE_TESTS}::test_item_moved_to_another_line_it"),
    trigger("recon_item_is_withdrawn_by_the_next_version", "recon_item", f"{INTAKE_TESTS}::test_item_withdrawn_by_any_statement_it"),
    constraint("recon_withdrawn_item_is_not_open", "recon_item", f"{INTAKE_TESTS}::test_withdrawn_item_left_open_it"),
    trigger("recon_break_is_withdrawn_with_its_line", "recon_break", f"{INTAKE_TESTS}::test_break_withdrawn_though_its_line_stands_it"),
    trigger("recon_version_follows_version", "recon_statement", f"{INTAKE_TESTS}::test_version_of_another_sources_statement_it"),
    trigger("recon_repeated_line_is_counted_by_two", "recon_repeated_line", f"{INTAKE_TESTS}::test_repeated_line_counted_by_nobody_it"),
    trigger("recon_repeated_line_is_born_so", "recon_repeated_line", f"{INTAKE_TESTS}::test_repeated_line_born_counted_it"),
    trigger("recon_file_goes_forward", "recon_file", f"{INTAKE_TESTS}::test_accepted_file_becomes_received_it"),
    index("recon_file_has_one_live_job", f"{INTAKE_TESTS}::test_two_live_jobs_of_a_file_it"),
    trigger("recon_revoked_item_is_free", "recon_allocation", f"{INTAKE_TESTS}::test_match_revoked_and_its_item_hidden_it"),
    trigger("recon_quarantined_row_ends_once", "recon_quarantined_row", f"{INTAKE_TESTS}::test_row_dismissed_twice_it"),
    Guard(
        "mutual uniqueness of the pass by key",
        "tests/recon/test_passes.py",
        python="recon.operations.selecting.pairs._PAIRS",
        text="count(*) = 2 AND",
    ),
    trigger("recon_terms_append_only", "recon_resolution_terms", f"{RESOLUTION_TESTS}::test_terms_change_it"),
    trigger("recon_terms_are_set_by_two", "recon_resolution_terms", f"{RESOLUTION_TESTS}::test_terms_nobody_approved_it"),
    trigger("recon_write_off_is_within_terms", "recon_match", f"{RESOLUTION_TESTS}::test_more_written_off_than_the_terms_allow_it"),
    trigger("recon_treatment_meaning_never_changes", "recon_treatment", f"{RESOLUTION_TESTS}::test_a_treatment_becomes_another_it"),
    trigger("recon_treatment_ends_once", "recon_treatment", f"{RESOLUTION_TESTS}::test_an_ended_treatment_lives_again_it"),
    index("recon_break_has_one_live_treatment", f"{RESOLUTION_TESTS}::test_a_break_is_treated_in_two_ways_it"),
    trigger("recon_rules_never_change", "recon_rules_version", f"{RULES_TESTS}::test_rules_become_others_it"),
    trigger("recon_rules_are_born_a_draft", "recon_rules_version", f"{RULES_TESTS}::test_rules_are_born_in_force_or_out_of_order_it"),
    trigger("recon_rules_go_forward", "recon_rules_version", f"{RULES_TESTS}::test_rules_skip_their_submission_it"),
    trigger("recon_rules_are_approved_by_two", "recon_rules_version", f"{RULES_TESTS}::test_rules_nobody_approved_it"),
    trigger("recon_population_append_only", "recon_population", f"{RULES_TESTS}::test_population_becomes_another_it"),
    trigger("recon_population_account_never_deleted", "recon_population_account", f"{RULES_TESTS}::test_account_leaves_its_population_it"),
    trigger(
        "recon_population_statement_append_only", "recon_population_statement", f"{RULES_TESTS}::test_statement_leaves_a_population_it"
    ),
    trigger("recon_run_pass_append_only", "recon_run_pass", f"{RULES_TESTS}::test_funnel_of_a_run_is_rewritten_it"),
    trigger("recon_demotion_append_only", "recon_pass_demotion", f"{RULES_TESTS}::test_demotion_is_taken_back_it"),
    trigger("recon_never_match_append_only", "recon_never_match", f"{RULES_TESTS}::test_pair_that_never_matches_is_forgotten_it"),
    trigger("recon_undoing_append_only", "recon_match_undoing", f"{RULES_TESTS}::test_undoing_of_a_match_is_rewritten_it"),
    trigger("recon_suggestion_meaning_never_changes", "recon_suggestion", f"{RULES_TESTS}::test_suggestion_becomes_another_it"),
    constraint(
        "recon_later_service_level_has_a_proposal",
        "recon_service_level",
        f"{WORK_TESTS}::TestClock::test_later_level_without_a_proposal_is_refused_by_the_database",
    ),
    constraint(
        "recon_break_is_snoozed_with_a_reason",
        "recon_break",
        f"{WORK_TESTS}::TestWork::test_put_off_without_a_reason_is_refused_by_the_database",
    ),
    trigger("recon_proof_definition_never_changes", "recon_proof_definition", PROVEN_TEST),
    trigger("recon_proof_result_never_changes", "recon_proof_result", PROVEN_TEST),
    trigger("recon_proof_certificate_never_changes", "recon_proof_certificate", "tests/recon/test_proofs.py::test_certificate_stays_it"),
    trigger(
        "recon_proof_certificate_is_approved", "recon_proof_certificate", f"{PROOF_TESTS}::test_certificate_needs_an_executed_proposal_it"
    ),
    constraint("recon_proof_outcome_is_its_difference", "recon_proof_result", f"{PROOF_TESTS}::test_outcome_is_its_difference_it"),
    constraint(
        "recon_proof_certifier_is_not_its_preparer", "recon_proof_certificate", f"{PROOF_TESTS}::test_certifier_is_not_who_prepared_it"
    ),
    trigger("recon_chain_meaning_never_changes", "recon_chain", f"{CHAIN_TESTS}::test_another_contract_is_followed_it"),
    trigger("recon_chain_block_only_rises", "recon_chain_block", f"{CHAIN_TESTS}::test_block_becomes_another_it"),
    index("recon_chain_has_one_live_block_of_a_number", f"{CHAIN_TESTS}::test_second_live_block_of_a_number_it"),
    trigger("recon_chain_transfer_is_only_orphaned", "recon_chain_transfer", f"{CHAIN_TESTS}::test_transfer_becomes_another_it"),
    index("recon_chain_transfer_lives_in_one_block", f"{CHAIN_TESTS}::test_transfer_lives_in_two_blocks_it"),
    Guard(
        "recon_chain_transfer_lives_with_its_block",
        f"{CHAIN_TESTS}::test_block_is_dropped_and_its_transfer_lives_on_it",
        sql="DROP TRIGGER recon_chain_block_lives_with_its_transfers ON recon_chain_block",
    ),
    constraint("recon_chain_ranges_do_not_overlap", "recon_chain_range", f"{CHAIN_TESTS}::test_ranges_overlap_it"),
    constraint("recon_chain_range_proves_what_it_says", "recon_chain_range", f"{CHAIN_TESTS}::test_range_is_called_proven_that_is_not_it"),
    trigger("recon_chain_range_is_only_delivered", "recon_chain_range", f"{CHAIN_TESTS}::test_range_is_rewritten_it"),
    *LEDGER_GUARDS,
    *CERTIFICATION_GUARDS,
]
