"""Days of a bank account that are ready to be certified, and the people who certify them."""

from collections.abc import Sequence
from datetime import date

from approvals import operations as approvals
from approvals.models import DecisionOutcome, Proposal, User
from recon import operations
from recon.models import Certificate, Source
from tests.fixtures import Post
from tests.recon.delivered import accept, day, mt940, run_all

WHY = "Everything of these days was looked at"


def booked(post: Post, amount: str, reference: str, *, on: int, **values: object) -> None:
    """Post a receipt, or with a minus a payment, of the bank account on the n-th day of the week."""
    size = f"{amount.lstrip('-')} USD"
    if amount.startswith("-"):
        post(f"2010 debit {size} / 1010 credit {size}", kind="withdrawal", reference=reference, day=day(on), **values)
    else:
        post(f"1010 debit {size} / 2010 credit {size}", reference=reference, day=day(on), **values)


def agreed_days(source: Source, *, post: Post, by: User, count: int = 2, first: int = 0, opening_minor: int = 0) -> None:
    """Have both sides say the same for some days: a receipt of 10.00 each."""
    for n in range(first, first + count):
        booked(post, "10.00", f"INV-{1001 + n}", on=n)
        statement = mt940((n, 1000, f"INV-{1001 + n}"), opening_minor=opening_minor, number=n + 1, first=n, last=n)
        accept(statement, by=by, source=source)
        opening_minor += 1000
    run_all()


def prepare(source: Source, first: int, last: int | None = None, *, by: User) -> Proposal:
    return operations.prepare_certificate(
        reconciliation_id=source.reconciliation.pk,
        first_day=day(first),
        last_day=day(first if last is None else last),
        reason_code="CERTIFY_DAY",
        narrative=WHY,
        maker_id=by.pk,
    )


def decide(proposal: Proposal, *, by: User, outcome: DecisionOutcome = DecisionOutcome.APPROVE, comment: str = "") -> Proposal:
    version = proposal.versions.latest("n")
    return approvals.decide(
        proposal_id=proposal.pk, version=version.n, digest=version.digest, outcome=outcome, comment=comment, approver_id=by.pk
    )


def certify(source: Source, first: int, last: int | None = None, *, by: User, review: User) -> Certificate:
    proposal = decide(prepare(source, first, last, by=by), by=review)
    assert proposal.status == "executed", proposal.status_reason
    return Certificate.objects.get(proposal_id=proposal.pk)


def days(*numbers: int) -> Sequence[date]:
    return [day(n) for n in numbers]
