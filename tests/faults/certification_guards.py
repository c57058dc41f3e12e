"""Guards of certificates, as `tests.faults.guards` has those of everything else."""

from tests.faults.guard import constraint, index, trigger

TESTS = "tests/database/test_certification_guards.py"

CERTIFICATION_GUARDS = [
    trigger("recon_certificate_is_reviewed", "recon_certificate", f"{TESTS}::test_certificate_nobody_reviewed_it"),
    trigger("recon_preparer_made_no_entries", "recon_certificate", f"{TESTS}::test_preparer_posted_on_the_account_in_these_days_it"),
    constraint("recon_reviewer_is_not_preparer", "recon_certificate", f"{TESTS}::test_reviewer_is_the_preparer_it"),
    constraint(
        "recon_certificate_matches_its_digest", "recon_certificate", f"{TESTS}::test_certificate_whose_digest_is_not_of_its_content_it"
    ),
    constraint(
        "recon_certificate_matches_its_content", "recon_certificate", f"{TESTS}::test_certificate_whose_twin_says_something_else_it"
    ),
    trigger("recon_certificate_has_its_days", "recon_certificate", f"{TESTS}::test_certificate_without_its_days_it"),
    trigger("recon_certified_day_is_of_its_certificate", "recon_certified_day", f"{TESTS}::test_day_of_no_certificate_it"),
    index("recon_day_is_certified_once", f"{TESTS}::test_day_certified_twice_it"),
    constraint("recon_certified_day_is_explained", "recon_certified_day", f"{TESTS}::test_day_with_something_unexplained_it"),
    trigger("recon_certificate_is_only_withdrawn", "recon_certificate", f"{TESTS}::test_certificate_is_withdrawn_by_one_it"),
    constraint("recon_certificate_is_withdrawn_by_a_proposal", "recon_certificate", f"{TESTS}::test_withdrawn_without_a_proposal_it"),
    trigger("recon_certified_day_meaning_never_changes", "recon_certified_day", f"{TESTS}::test_figures_of_a_certified_day_change_it"),
    constraint("recon_certificate_is_of_days", "recon_certificate", f"{TESTS}::test_certificate_ends_before_it_begins_it"),
]
