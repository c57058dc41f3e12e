"""The demo company's users, what each role sees, and the accounts its corrections usually go to."""

from dataclasses import dataclass

from django.contrib.auth import get_user_model

from approvals import operations as approvals
from approvals.models import DecisionOutcome, Proposal, ProposalVersion
from audit.context import Origin, acting_from
from ledger.models import AccountGroup, LegalEntity
from ledgerops.demo import DEMO_PASSPHRASE, chart

_EVERYTHING = tuple(group.code for group in chart.GROUPS)


@dataclass(frozen=True)
class Person:
    """A user with one role, and the account groups that role sees."""

    user: str
    full_name: str
    role: str
    groups: tuple[str, ...] = _EVERYTHING


PEOPLE = (
    Person(user="analyst", full_name="Operations Analyst", role="Analyst"),
    Person(user="approver", full_name="Compliance Approver", role="Approver"),
    Person(user="controller", full_name="Financial Controller", role="Controller"),
    # Who gives rights away sees which accounts there are at banks, and no customer's money.
    Person(user="administrator", full_name="System Administrator", role="Administrator", groups=("BANKS", "SAFEGUARDING")),
    Person(user="auditor", full_name="Internal Auditor", role="Auditor"),
)

# Bank charges and suspense, by the number that the chart completes with the asset.
USUAL_ACCOUNTS = {
    "BANK_FEE": "5010",
    "CHARGES_DEDUCTED": "5010",
    "WRONG_AMOUNT": "2910",
    "NOT_EXECUTED": "2910",
    "UNKNOWN_RECEIPT": "2910",
    "BANK_ERROR": "2910",
}


def define_people(*, entity: LegalEntity, groups: dict[str, AccountGroup]) -> None:
    """Add a user for each role, and give the role sight."""
    for person in PEOPLE:
        approvals.add_user(username=person.user, full_name=person.full_name, role=person.role, password=DEMO_PASSPHRASE)
        approvals.grant_sight(role=person.role, scope_object=entity)
        for code in person.groups:
            approvals.grant_sight(role=person.role, scope_object=groups[code])


def approve(proposal: Proposal) -> None:
    """Have the approver agree to the first version of a proposal."""
    approver = get_user_model().objects.get(username="approver")
    version = ProposalVersion.objects.get(proposal=proposal)
    with acting_from(lambda: Origin(user_id=approver.pk, user_name=approver.get_username())):
        approvals.decide(
            proposal_id=proposal.pk, version=version.n, digest=version.digest, outcome=DecisionOutcome.APPROVE, comment="Checked.",
            approver_id=approver.pk,
        )  # fmt: skip
