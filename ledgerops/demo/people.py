"""The demo company's roles and users, its posting rules and what governs corrections."""

from dataclasses import dataclass

from approvals import operations as approvals
from ledger import operations as ledger
from ledger.models import AccountGroup, LegalEntity, OwnerClass
from ledgerops.demo import DEMO_PASSPHRASE, chart
from recon.operations import ADJUSTMENT

_CASH = (OwnerClass.NOSTRO, OwnerClass.SAFEGUARDING, OwnerClass.WALLET)
_OWN_FUNDS = (*_CASH, OwnerClass.SETTLEMENT)
# Code, name, debit classes, credit classes.
POSTING_RULES: tuple[tuple[str, str, tuple[OwnerClass, ...], tuple[OwnerClass, ...]], ...] = (
    ("deposit", "Deposit", _CASH, (OwnerClass.CUSTOMER,)),
    ("withdrawal", "Withdrawal", (OwnerClass.CUSTOMER,), _CASH),
    ("transfer", "Transfer", (OwnerClass.CUSTOMER,), (OwnerClass.CUSTOMER,)),
    ("fee", "Fee", (OwnerClass.CUSTOMER,), (OwnerClass.FEE,)),
    ("settlement", "Settlement", _OWN_FUNDS, _OWN_FUNDS),
    ("bank_charge", "Bank charge", (OwnerClass.FEE,), _CASH),
    ("interest", "Interest", (OwnerClass.NOSTRO, OwnerClass.SAFEGUARDING), (OwnerClass.FEE,)),
    ("capital", "Capital", _CASH, (OwnerClass.EQUITY,)),
)


@dataclass(frozen=True)
class Role:
    """A role and its one demo user. `groups` are the account groups it sees."""

    user: str
    full_name: str
    permissions: tuple[str, ...]
    groups: tuple[str, ...]


_EVERYTHING = tuple(group.code for group in chart.GROUPS)
ROLES = (
    Role(
        user="analyst",
        full_name="Operations Analyst",
        permissions=(
            "recon.upload_statement",
            "recon.run_reconciliation",
            "recon.match_items",
            "recon.work_break",
            "recon.propose_adjustment",
            "ledger.view_trial_balance",
        ),
        groups=_EVERYTHING,
    ),
    Role(
        user="approver",
        full_name="Compliance Approver",
        permissions=("approvals.decide_proposal", "recon.work_break", "ledger.view_trial_balance"),
        groups=_EVERYTHING,
    ),
    Role(
        user="controller",
        full_name="Financial Controller",
        permissions=(
            "ledger.open_account",
            "ledger.record_transaction",
            "ledger.close_period",
            "ledger.view_trial_balance",
            "recon.register_source",
        ),
        groups=_EVERYTHING,
    ),
    # Who gives rights away sees which accounts there are at banks, and no customer's money.
    Role(user="administrator", full_name="System Administrator", permissions=("recon.register_source",), groups=("BANKS", "SAFEGUARDING")),
    Role(user="auditor", full_name="Internal Auditor", permissions=("audit.search_trail", "ledger.view_trial_balance"), groups=_EVERYTHING),
)


def define_posting_rules() -> None:
    """Register the transaction types; an adjustment may touch anything and needs an approved proposal."""
    for code, name, debit, credit in POSTING_RULES:
        ledger.define_transaction_type(code=code, name=name, origin="rule", debit_classes=debit, credit_classes=credit)
    every = tuple(OwnerClass)
    ledger.define_transaction_type(code="adjustment", name="Adjustment", origin="manual", debit_classes=every, credit_classes=every)


def define_people(*, entity: LegalEntity, groups: dict[str, AccountGroup]) -> None:
    """Add a role and a user of the same name for each kind of person, and give the role sight."""
    for role in ROLES:
        approvals.define_role(name=role.user, permissions=role.permissions)
        approvals.add_user(username=role.user, full_name=role.full_name, role=role.user, password=DEMO_PASSPHRASE)
        approvals.grant_sight(role=role.user, scope_object=entity)
        for code in role.groups:
            approvals.grant_sight(role=role.user, scope_object=groups[code])


def define_governance() -> None:
    """Define who must agree to an adjustment, and the reasons there are for one."""
    approvals.define_policy(kind=ADJUSTMENT, required_approvals=1, expires_after_hours=72)
    for code, label, usual in (
        ("bank-fee", "Bank fee not booked", "5010"),
        ("correspondent-charge", "Charge deducted by a correspondent bank", "5010"),
        ("unidentified-receipt", "Receipt of unknown origin to suspense", "2910"),
        ("payment-not-executed", "Payment not executed by the bank", "2910"),
        ("amount-correction", "Amount booked wrongly", "2910"),
        ("bank-duplicate", "Booked twice by the bank", "2910"),
        ("other", "Other, explained in the narrative", ""),
    ):
        approvals.define_reason_code(code=code, label=label, kind=ADJUSTMENT, usual_account=usual)
