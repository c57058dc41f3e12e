"""The guards of the registry, of holds, limits and structure, and of approvals in the ledger: more of tests.faults.guards."""

from tests.faults.guard import Guard, constraint, index, raised, trigger

TESTS = "tests/database/test_ledger_guards.py"
AROUND = f"{TESTS}::test_owner_writes_around_it"
BESIDE = f"{TESTS}::test_owner_writes_around_what_stands_beside_the_books_it"

LEDGER_GUARDS: list[Guard] = [
    constraint("ledger_balance_keeps_its_limit", "ledger_balance", f"{AROUND}[ledger_balance_keeps_its_limit]"),
    constraint("ledger_hold_amount_positive", "ledger_hold", f"{AROUND}[ledger_hold_amount_positive]"),
    constraint("ledger_hold_is_of_a_number_on_a_side", "ledger_hold", f"{AROUND}[ledger_hold_is_of_a_number_on_a_side]"),
    constraint("ledger_hold_gives_no_more_than_it_holds", "ledger_hold", f"{AROUND}[ledger_hold_gives_no_more_than_it_holds]"),
    constraint("ledger_closed_hold_holds_nothing", "ledger_hold", f"{AROUND}[ledger_closed_hold_holds_nothing]"),
    constraint("ledger_hold_act_is_known", "ledger_hold_event", f"{AROUND}[ledger_hold_act_is_known]"),
    constraint("ledger_reversal_stays_under_its_cap", "ledger_reversed_leg", f"{AROUND}[ledger_reversal_stays_under_its_cap]"),
    constraint("ledger_transaction_has_its_entrys_id", "ledger_transaction", f"{AROUND}[ledger_transaction_has_its_entrys_id]"),
    constraint("ledger_source_event_is_recorded_once", "ledger_transaction_event", f"{AROUND}[ledger_source_event_is_recorded_once]"),
    constraint("ledger_rolled_posting_account_seq", "ledger_rolled_posting", f"{AROUND}[ledger_rolled_posting_account_seq]"),
    constraint("ledger_reserve_account_has_its_class", "ledger_account", f"{AROUND}[ledger_reserve_account_has_its_class]"),
    constraint("ledger_account_purpose_is_known", "ledger_account", f"{AROUND}[ledger_account_purpose_is_known]"),
    constraint("ledger_account_status_is_known", "ledger_account", f"{AROUND}[ledger_account_status_is_known]"),
    constraint("ledger_rate_is_said_once", "ledger_rate", f"{BESIDE}[ledger_rate_is_said_once]"),
    constraint("ledger_entry_proposal_exists", "ledger_entry", f"{TESTS}::test_entry_on_a_proposal_that_does_not_exist_it"),
    index("ledger_hold_ends_once", f"{AROUND}[ledger_hold_ends_once]"),
    index("ledger_hold_is_placed_once", f"{AROUND}[ledger_hold_is_placed_once]"),
    index("ledger_account_purpose_has_one_account", f"{AROUND}[ledger_account_purpose_has_one_account]"),
    index("ledger_transaction_type_has_one_current_version", f"{AROUND}[ledger_transaction_type_has_one_current_version]"),
    index("runtime_switch_is_set_once", f"{BESIDE}[runtime_switch_is_set_once]"),
    index("ledger_external_account_is_listed_once", f"{BESIDE}[ledger_external_account_is_listed_once]"),
    trigger("ledger_balance_components_not_negative", "ledger_balance", f"{AROUND}[ledger_balance_components_not_negative]"),
    trigger("ledger_deferred_account_has_no_limit", "ledger_balance", f"{AROUND}[ledger_deferred_account_has_no_limit]"),
    trigger("ledger_rolled_posting_append_only", "ledger_rolled_posting", f"{AROUND}[ledger_rolled_posting_append_only]"),
    trigger("ledger_hold_only_gives", "ledger_hold", f"{AROUND}[ledger_hold_only_gives]"),
    trigger("ledger_hold_never_deleted", "ledger_hold", f"{AROUND}[ledger_hold_never_deleted]"),
    trigger("ledger_hold_event_append_only", "ledger_hold_event", f"{AROUND}[ledger_hold_event_append_only]"),
    trigger("ledger_transaction_moves_along_arrows", "ledger_transaction", f"{AROUND}[ledger_transaction_moves_along_arrows]"),
    trigger("ledger_transaction_never_deleted", "ledger_transaction", f"{AROUND}[ledger_transaction_never_deleted]"),
    trigger("ledger_transaction_event_append_only", "ledger_transaction_event", f"{AROUND}[ledger_transaction_event_append_only]"),
    trigger("ledger_account_never_deleted", "ledger_account", f"{AROUND}[ledger_account_never_deleted]"),
    trigger("ledger_type_never_deleted", "ledger_transaction_type", f"{AROUND}[ledger_type_never_deleted]"),
    trigger("ledger_period_never_deleted", "ledger_period", f"{AROUND}[ledger_period_never_deleted]"),
    trigger("ledger_close_append_only", "ledger_close", f"{BESIDE}[ledger_close_append_only]"),
    trigger("ledger_close_balance_append_only", "ledger_close_balance", f"{BESIDE}[ledger_close_balance_append_only]"),
    trigger("ledger_rate_append_only", "ledger_rate", f"{BESIDE}[ledger_rate_append_only]"),
    trigger("runtime_switch_never_deleted", "runtime_switch", f"{BESIDE}[runtime_switch_never_deleted]"),
    trigger("ledger_external_account_is_approved", "ledger_external_account", f"{BESIDE}[ledger_external_account_is_approved]"),
    trigger(
        "ledger_external_account_keeps_its_identity", "ledger_external_account", f"{BESIDE}[ledger_external_account_keeps_its_identity]"
    ),
    trigger("ledger_recurring_entry_keeps_its_terms", "ledger_recurring_entry", f"{BESIDE}[ledger_recurring_entry_keeps_its_terms]"),
    trigger("approvals_execution_is_approved", "approvals_execution", f"{TESTS}::test_execution_of_what_nobody_approved_it"),
    raised(
        "ledger_account_change_is_approved",
        f"{TESTS}::test_change_of_an_account_in_use_without_a_proposal_it",
        function="ledger_change_account_v1(text, jsonb, uuid)",
        text="""RAISE EXCEPTION 'account % changes on an executed proposal only', account_code
            USING ERRCODE = '23514', CONSTRAINT = 'ledger_account_change_is_approved';""",
    ),
    raised(
        "ledger_changed_account_exists",
        f"{TESTS}::test_change_of_an_account_that_does_not_exist_it",
        function="ledger_change_account_v1(text, jsonb, uuid)",
        text="RAISE EXCEPTION 'there is no account %', account_code USING ERRCODE = '23514', CONSTRAINT = 'ledger_changed_account_exists';",
    ),
    raised(
        "ledger_closed_account_is_empty",
        f"{TESTS}::test_account_that_still_holds_something_is_closed_it",
        function="ledger_change_account_v1(text, jsonb, uuid)",
        text="RAISE EXCEPTION 'account % is not empty', account_code"
        " USING ERRCODE = '23514', CONSTRAINT = 'ledger_closed_account_is_empty';",
    ),
    raised(
        "ledger_control_account_has_no_postings",
        f"{TESTS}::test_account_stands_where_it_cannot_it",
        function="ledger_stand_under_v1(bigint, bigint)",
        text="""RAISE EXCEPTION 'account % has postings of its own', control
            USING ERRCODE = '23514', CONSTRAINT = 'ledger_control_account_has_no_postings';""",
    ),
    raised(
        "ledger_account_is_of_its_controls_kind",
        f"{TESTS}::test_account_stands_where_it_cannot_it",
        function="ledger_stand_under_v1(bigint, bigint)",
        text="""RAISE EXCEPTION 'account % stands under one of another asset, entity or type', child
            USING ERRCODE = '23514', CONSTRAINT = 'ledger_account_is_of_its_controls_kind';""",
    ),
    raised(
        "ledger_account_tree_has_no_circle",
        f"{TESTS}::test_accounts_stand_under_each_other_in_a_circle_it",
        function="ledger_stand_under_v1(bigint, bigint)",
        text="""RAISE EXCEPTION 'account % would stand under itself', child
            USING ERRCODE = '23514', CONSTRAINT = 'ledger_account_tree_has_no_circle';""",
    ),
    raised(
        "ledger_type_change_is_approved",
        f"{TESTS}::test_type_that_takes_from_suspense_without_a_proposal_it",
        function="ledger_define_type_v1(jsonb, uuid)",
        text="""RAISE EXCEPTION 'type % changes on an executed proposal only', terms->>'code'
            USING ERRCODE = '23514', CONSTRAINT = 'ledger_type_change_is_approved';""",
    ),
    raised(
        "ledger_rebuild_is_approved",
        f"{TESTS}::test_figures_rebuilt_without_a_proposal_it",
        function="ledger_rebuild_derived_v1(text, uuid)",
        text="""RAISE EXCEPTION 'the figures of account % are rebuilt on an executed proposal only', account_code
            USING ERRCODE = '23514', CONSTRAINT = 'ledger_rebuild_is_approved';""",
    ),
    raised(
        "an approval serves once",
        f"{TESTS}::test_approved_change_of_an_account_is_made_once",
        function="ledger_was_approved_v1(uuid, text, text, jsonb)",
        text=" AND approvals_is_executed_here_v1(proposal)",
    ),
    raised(
        "an approval is for exactly one thing",
        f"{TESTS}::test_type_of_fewer_required_roles_than_approved_it",
        function="ledger_was_approved_v1(uuid, text, text, jsonb)",
        text=" AND v.payload->'changes' = wanted",
    ),
    raised(
        "one entry has no parts",
        f"{TESTS}::test_approved_entry_is_posted_again_as_a_part_it",
        function="ledger_manual_entry_is_approved_v1()",
        text="WHEN NEW.proposal_part IS NOT NULL AND NEW.origin <> 'automatic' THEN NULL",
    ),
    raised(
        "ledger_transaction_posts_what_was_asked",
        f"{TESTS}::test_initiated_transaction_posted_as_another_it",
        function="ledger_post_each_v1(text, jsonb)",
        text="""RAISE EXCEPTION 'transaction % asked for something else', body->>'posts'
                    USING ERRCODE = '23514', CONSTRAINT = 'ledger_transaction_posts_what_was_asked';""",
    ),
    raised(
        "ledger_posting_agrees_with_entry",
        f"{TESTS}::test_posting_on_another_day_than_its_entry_it",
        function="ledger_entry_balanced_v1()",
        text="""RAISE EXCEPTION 'a posting differs from its entry % in lines or day', wrong.entry_id
                USING ERRCODE = '23514', CONSTRAINT = 'ledger_posting_agrees_with_entry';""",
    ),
    raised(
        "ledger_posting_account_is_open",
        f"{TESTS}::test_posting_on_an_account_that_takes_none_it",
        function="ledger_entry_balanced_v1()",
        text="""RAISE EXCEPTION 'a posting of entry % is on an account that takes none', wrong.entry_id
                USING ERRCODE = '40001', CONSTRAINT = 'ledger_posting_account_is_open';""",
    ),
    raised(
        "ledger_entry_has_the_origin_of_its_type",
        f"{TESTS}::test_entry_of_another_origin_than_its_type_it",
        function="ledger_entry_in_open_period_v1()",
        text="""RAISE EXCEPTION 'entry % has another origin than its type', wrong.id
            USING ERRCODE = '23514', CONSTRAINT = 'ledger_entry_has_the_origin_of_its_type';""",
    ),
    raised(
        "ledger_entry_belongs_to_a_transaction",
        f"{TESTS}::test_entry_of_no_transaction_it",
        function="ledger_entry_in_open_period_v1()",
        text="""RAISE EXCEPTION 'entry % belongs to no transaction', wrong.id
        USING ERRCODE = '23514', CONSTRAINT = 'ledger_entry_belongs_to_a_transaction';""",
    ),
]
