"""A charge of the bank that the ledger does not know, proposed by the maker: what the tests of this folder decide upon."""

from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import Group
from django.urls import reverse

from approvals import operations as approvals
from approvals import queries
from approvals.models import DecisionOutcome, Proposal, User
from audit.models import AuditEvent
from recon.models import Source
from recon.operations.adjustments import AdjustmentRequest, revise_adjustment
from tests.concurrency import scene
from tests.fixtures import DAY, signed_in

CHARGE = "6420 debit 0.50 USD / 1010 credit 0.50 USD"


@pytest.fixture
def bank(roles: None) -> Source:
    return scene.bank()


@pytest.fixture
def proposal(bank: Source, maker: User, checker: User) -> Proposal:
    scene.reconcile(scene.mt940(("D", 50, "CHARGE1"), ("D", 70, "CHARGE2")), source=bank, by=maker)
    proposed, _ = scene.propose(scene.break_of(reference="CHARGE1"), by=maker)
    return Proposal.objects.get(pk=proposed.pk)


@pytest.fixture
def deciding_maker(bank: Source, maker: User) -> User:
    """Return the maker, who holds the approver's role as well."""
    return give_role(maker, "Approver")


def decide(user: User, proposal: Proposal, outcome: str = "approve", comment: str = "", **changed: Any) -> Any:
    """Post a decision on the current version as this person's browser does; `changed` replaces fields of the form."""
    version = queries.current_version(Proposal.objects.get(pk=proposal.pk))
    form = {"version": version.n, "digest": version.digest, "outcome": outcome, "comment": comment, **changed}
    return signed_in(user).post(reverse("approvals:decide", args=[proposal.pk]), form)


def decide_directly(user: User, proposal: Proposal, outcome: str = "approve", comment: str = "") -> Proposal:
    version = queries.current_version(Proposal.objects.get(pk=proposal.pk))
    return approvals.decide(
        proposal_id=proposal.pk,
        version=version.n,
        digest=version.digest,
        outcome=DecisionOutcome(outcome),
        comment=comment,
        approver_id=user.pk,
    )


def revise(proposal: Proposal, maker: User, *, counter_account: str = "4010") -> None:
    request = AdjustmentRequest(
        break_id=UUID(proposal.target_id),
        item_ids=[],
        reason_code="BANK_FEE",
        narrative="Charged by the tariff of this year, page four",
        counter_account=counter_account,
        effective_date=DAY,
    )
    revise_adjustment(proposal_id=proposal.pk, request=request, maker_id=maker.pk)


def give_role(user: User, role: str) -> User:
    """Return this person holding one role more."""
    user.groups.add(Group.objects.get(name=role))
    return User.objects.get(pk=user.pk)


def code_of(event: AuditEvent) -> str:
    """Return which refusal an event records."""
    return str((event.after or {})["code"])


def status_of(proposal: Proposal) -> str:
    return Proposal.objects.get(pk=proposal.pk).status
