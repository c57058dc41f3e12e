"""Reference data every installation starts from. Loading it again changes nothing."""

from collections.abc import Mapping

from iso4217 import Currency

from approvals import operations as approvals
from ledger import operations as ledger
from ledger.transaction_types import TRANSACTION_TYPES
from recon import operations as recon
from recon.break_clock import Level
from recon.models import TreatmentKind
from recon.operations import (
    ACCEPT_CHAIN,
    ADJUSTMENT,
    APPROVE_MAPPING,
    APPROVE_RULES,
    CERTIFY,
    COUNT_REPEATED,
    LABELS,
    REASONS_OF,
    REBOOK,
    ROOT_CAUSES,
    SET_SERVICE_LEVEL,
    SET_TERMS,
    UNCERTIFY,
    WRITE_OFF,
)
from recon.operations.proofs import CERTIFY_PROOF

READING = [
    "ledger.view_account",
    "ledger.view_journalentry",
    "ledger.view_trial_balance",
    "ledger.view_transaction",
    "ledger.view_transactiontype",
    "ledger.view_hold",
    "ledger.view_rate",
    "ledger.view_party",
    "ledger.view_externalaccount",
    "ledger.view_accountingperiod",
    "ledger.view_integrityrun",
    "ledger.view_alert",
    "ledger.view_recurringentry",
    "recon.view_break",
    "recon.view_run",
    "recon.view_statement",
    "recon.view_proofresult",
    "recon.view_certificate",
    "approvals.view_proposal",
]
ROLES = {
    "Analyst": [
        *READING,
        "recon.upload_statement",
        "recon.work_quarantine",
        "recon.register_source",
        "recon.map_source",
        "recon.define_reconciliation",
        "recon.run_reconciliation",
        "recon.work_break",
        "recon.match_items",
        "recon.propose_adjustment",
        "recon.propose_write_off",
        "recon.propose_rebooking",
        "recon.treat_break",
        "recon.attach_evidence",
        "recon.draft_message",
        "recon.accept_chain",
        "recon.run_proof",
        "recon.prepare_certificate",
        "ledger.record_transaction",
        "ledger.record_status",
        "ledger.manage_hold",
        "ledger.manage_monitor",
        "ledger.manage_party",
        "ledger.view_partydetails",
        "ledger.open_account",
        "ledger.propose_account_change",
        "ledger.freeze_account",
        "ledger.propose_entry",
        "ledger.record_rate",
    ],
    "Approver": [*READING, "approvals.decide_proposal", "approvals.set_switch", "ledger.freeze_account", "ledger.view_partydetails"],
    "Controller": [
        *READING,
        "approvals.decide_proposal",
        "approvals.set_switch",
        "ledger.close_period",
        "ledger.propose_entry",
        "ledger.propose_account_change",
        "ledger.freeze_account",
        "ledger.record_rate",
        "ledger.run_integrity",
        "ledger.manage_monitor",
        "recon.run_reconciliation",
        "recon.undo_match",
        "recon.prepare_certificate",
        "recon.set_certification_terms",
        "recon.propose_terms",
        "recon.attach_evidence",
        "recon.propose_service_level",
        "recon.route_break",
        "recon.set_feed",
        "recon.run_proof",
        "recon.define_proof",
    ],
    "Administrator": ["recon.view_statement", "recon.set_feed", "approvals.view_proposal", "approvals.set_switch", "audit.search_trail"],
    "Auditor": [*READING, "audit.search_trail", "approvals.read_records"],
    "Engineer": [*READING, "approvals.read_records"],
}

ADJUSTMENT_REASONS = [
    ("BANK_FEE", "Bank charge not booked"),
    ("CHARGES_DEDUCTED", "Charges deducted from the amount"),
    ("WRONG_AMOUNT", "Booked with a wrong amount"),
    ("NOT_EXECUTED", "Booked, but never carried out by the bank"),
    ("UNKNOWN_RECEIPT", "Receipt not yet identified, held in suspense"),
    ("BANK_ERROR", "Error of the bank, to be reclaimed"),
    ("INTEREST", "Interest not booked"),
]

# Every kind of proposal, with the governed reasons for it. One other person decides each, within four days.
REASONS = {
    ADJUSTMENT: ADJUSTMENT_REASONS,
    WRITE_OFF: [
        ("WRITE_OFF_SMALL", "Too small to pursue"),
        ("WRITE_OFF_ROUNDING", "Rounding difference"),
        ("WRITE_OFF_UNRECOVERABLE", "Not recoverable from the bank or the party"),
    ],
    REBOOK: [
        ("REBOOK_AMOUNT", "Booked with a wrong amount"),
        ("REBOOK_DATE", "Booked on a wrong date"),
        ("REBOOK_ACCOUNT", "Booked against a wrong account"),
    ],
    SET_TERMS: [
        ("TERMS_POLICY", "The policy on residuals and timing has changed"),
        ("TERMS_REVIEW", "Yearly review"),
    ],
    CERTIFY: [("CERTIFY_DAY", "Days complete"), ("CERTIFY_AGAIN", "Days complete after a correction")],
    UNCERTIFY: [
        ("UNCERTIFY_ERROR", "Something of its days was wrong"),
        ("UNCERTIFY_RESTATED", "The source restated its days"),
        ("UNCERTIFY_LATE", "A posting belongs into its days"),
    ],
    COUNT_REPEATED: [
        ("NO_DUPLICATE", "Two movements that look the same"),
        ("SENDER_CONFIRMED", "The sender says that both were carried out"),
    ],
    ACCEPT_CHAIN: [
        ("CHAIN_OTHER", "The chain went another way, as its operators confirm"),
        ("CHAIN_PROVIDERS", "The providers had followed the wrong chain"),
    ],
    APPROVE_MAPPING: [
        ("MAPPING_NEW", "First mapping of a source"),
        ("MAPPING_CHANGE", "Its files are written in another way than before"),
        ("MAPPING_MORE", "More of its columns are read"),
    ],
    CERTIFY_PROOF: [("PROOF_CERTIFIED", "The proof is right as it stands")],
    APPROVE_RULES: [
        ("RULES_MORE", "More is matched by itself"),
        ("RULES_SAFER", "Wrong matches are avoided"),
        ("RULES_TARIFF", "A charge has changed"),
    ],
    SET_SERVICE_LEVEL: [
        ("SERVICE_LEVEL_POLICY", "The policy on deadlines has changed"),
        ("SERVICE_LEVEL_REVIEW", "Yearly review"),
    ],
    "ledger.change_account": [
        ("ACCOUNT_LIMIT", "Limit set or changed"),
        ("ACCOUNT_STATUS", "Account opened again, closed or released from a freeze"),
        ("ACCOUNT_STRUCTURE", "Place in the chart or purpose changed"),
        ("ACCOUNT_MODE", "Posting mode changed"),
    ],
    "ledger.import_chart": [("CHART_IMPORT", "Accounts brought in from a file")],
    "ledger.post_journal": [
        ("JOURNAL_ACCRUAL", "Accrual or deferral"),
        ("JOURNAL_RECLASS", "Reclassification"),
        ("JOURNAL_CORRECTION", "Correction of an entry"),
        ("JOURNAL_OTHER", "Other, as the narrative says"),
    ],
    "ledger.reverse_entry": [
        ("REVERSAL_ERROR", "Posted in error"),
        ("REVERSAL_DUPLICATE", "Posted twice"),
        ("REVERSAL_PARTIAL", "Part of the amount was wrong"),
    ],
    "ledger.post_opening": [("CUTOVER", "Balances brought in from the books before")],
    "ledger.start_recurring": [("RECURRING", "Entry that comes again")],
    "ledger.remeasure": [("REMEASUREMENT", "Foreign balances at the closing rate")],
    "ledger.close_year": [("YEAR_END", "Income and expense to retained earnings")],
    "ledger.close_period": [("PERIOD_CLOSE", "Period complete")],
    "ledger.reopen_period": [("PERIOD_REOPEN", "A posting belongs into the closed period")],
    "ledger.define_type": [("TYPE_CHANGE", "Posting rules changed")],
    "ledger.allow_external_account": [("EXTERNAL_NEW", "New account of a party"), ("EXTERNAL_CHANGE", "Replaces another account")],
    "ledger.change_party": [("PARTY_CHANGE", "Owners, status or program changed")],
    "ledger.rebuild_derived": [("REBUILD", "Derived figures differ from their postings")],
    "approvals.lift_switch": [("SWITCH_LIFTED", "The cause of the stop is gone")],
}
# Why an open break is treated as it is; nothing is proposed for it.
TREATMENT_REASONS = {
    REASONS_OF[TreatmentKind.TIMING]: [
        ("TIMING_IN_TRANSIT", "On its way, the bank will book it"),
        ("TIMING_CUT_OFF", "After the bank's cut-off"),
        ("TIMING_HOLIDAY", "Holiday of the bank or the scheme"),
    ],
    REASONS_OF[TreatmentKind.DUPLICATE]: [
        ("DUPLICATE_BANK", "The bank has booked it twice and will return one"),
        ("DUPLICATE_LEDGER", "Booked twice by us, to be reversed"),
    ],
    REASONS_OF[TreatmentKind.STATEMENT_ERROR]: [
        ("STATEMENT_WRONG_LINE", "The line is wrong; the bank will correct it"),
        ("STATEMENT_FOREIGN_LINE", "The line belongs to another account of the bank"),
    ],
}
# Governed lists that no proposal is about: what breaks are labelled with, and what is found to be their cause.
LISTS = {
    LABELS: [
        ("LABEL_BANK_ASKED", "Bank asked"),
        ("LABEL_CUSTOMER_ASKED", "Customer asked"),
        ("LABEL_ENGINEERING", "With engineering"),
        ("LABEL_FRAUD", "Fraud check"),
        ("LABEL_MONTH_END", "Month end"),
    ],
    ROOT_CAUSES: [
        ("CAUSE_CUT_OFF", "Booked after the cut-off"),
        ("CAUSE_FEE", "Charge not booked by us"),
        ("CAUSE_FX", "Rate differs"),
        ("CAUSE_REFERENCE", "Reference lost or mistyped"),
        ("CAUSE_DOUBLE", "Sent or booked twice"),
        ("CAUSE_OURS", "Our booking was wrong"),
        ("CAUSE_THEIRS", "The bank's booking was wrong"),
        ("CAUSE_FEED", "Feed late or incomplete"),
    ],
}
REASON_CODES = [(code, label, kind) for kind, reasons in {**REASONS, **TREATMENT_REASONS, **LISTS}.items() for code, label in reasons]
# Differences from so many minor units are due within so many business days; what one side lacks is timing for three.
SERVICE_LEVELS = {
    "USD": Level(bands=((0, 5), (1_000_000, 3), (10_000_000, 1))),
    "EUR": Level(bands=((0, 5), (1_000_000, 3), (10_000_000, 1))),
}


def load_reference_data(*, usual_accounts: Mapping[str, str] | None = None) -> None:
    """Define every ISO 4217 currency, the transaction types, the roles, the reasons and the first policies.

    `usual_accounts` gives, by reason code, the number of the account that such a correction usually goes to.
    """
    for currency in Currency:
        if currency.exponent is not None:
            ledger.define_asset(code=currency.code, name=currency.currency_name, scale=currency.exponent)
    for terms in TRANSACTION_TYPES:
        ledger.define_transaction_type(terms)
    for role, permissions in ROLES.items():
        approvals.define_role(name=role, permissions=permissions)
    for code, label, kind in REASON_CODES:
        approvals.define_reason_code(code=code, label=label, kind=kind, usual_account=(usual_accounts or {}).get(code, ""))
    for asset, level in SERVICE_LEVELS.items():
        recon.define_service_level(asset=asset, level=level)
    for kind in REASONS:
        approvals.define_policy(kind=kind, required_approvals=1, expires_after_hours=96)
