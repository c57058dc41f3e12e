"""Reference data every installation starts from. Loading it again changes nothing."""

from collections.abc import Mapping

from iso4217 import Currency

from approvals import operations as approvals
from ledger import operations as ledger
from ledger.transaction_types import TRANSACTION_TYPES
from recon.operations import ADJUSTMENT

READING = [
    "ledger.view_account",
    "ledger.view_journalentry",
    "ledger.view_trial_balance",
    "recon.view_break",
    "recon.view_run",
    "recon.view_statement",
    "approvals.view_proposal",
]
ROLES = {
    "Analyst": [
        *READING,
        "recon.upload_statement",
        "recon.register_source",
        "recon.run_reconciliation",
        "recon.work_break",
        "recon.match_items",
        "recon.propose_adjustment",
        "ledger.record_transaction",
        "ledger.open_account",
    ],
    "Approver": [*READING, "approvals.decide_proposal"],
    "Controller": [*READING, "approvals.decide_proposal", "ledger.close_period", "recon.run_reconciliation"],
    "Administrator": ["recon.view_statement", "approvals.view_proposal", "audit.search_trail"],
    "Auditor": [*READING, "audit.search_trail", "approvals.read_records"],
    "Engineer": [*READING, "approvals.read_records"],
}

REASON_CODES = [
    ("BANK_FEE", "Bank charge not booked"),
    ("CHARGES_DEDUCTED", "Charges deducted from the amount"),
    ("WRONG_AMOUNT", "Booked with a wrong amount"),
    ("NOT_EXECUTED", "Booked, but never carried out by the bank"),
    ("UNKNOWN_RECEIPT", "Receipt not yet identified, held in suspense"),
    ("BANK_ERROR", "Error of the bank, to be reclaimed"),
    ("INTEREST", "Interest not booked"),
]


def load_reference_data(*, usual_accounts: Mapping[str, str] | None = None) -> None:
    """Define every ISO 4217 currency, the transaction types, the roles, the reasons and the first policy.

    `usual_accounts` gives, by reason code, the number of the account that such a correction usually goes to.
    """
    for currency in Currency:
        if currency.exponent is not None:
            ledger.define_asset(code=currency.code, name=currency.currency_name, scale=currency.exponent)
    for terms in TRANSACTION_TYPES:
        ledger.define_transaction_type(terms)
    for role, permissions in ROLES.items():
        approvals.define_role(name=role, permissions=permissions)
    for code, label in REASON_CODES:
        approvals.define_reason_code(code=code, label=label, kind=ADJUSTMENT, usual_account=(usual_accounts or {}).get(code, ""))
    approvals.define_policy(kind=ADJUSTMENT, required_approvals=1, expires_after_hours=96)
