"""The company both journeys go through, what is wrong in its last statements, and what must come of it."""

from datetime import date

from ledgerops.demo.company import plan
from ledgerops.demo.shapes import Company, Difference, DifferenceKind

RUNS_WITHIN = 60  # seconds
POSTED = "5010-USD debit 30.00 USD / 1010-USD credit 30.00 USD"
DELIVERY = ["recon.file.received", "recon.statement.accepted", "recon.file.accepted", "recon.run.requested", "recon.run.completed"]
TRAIL = [
    *(("analyst", action, "done") for action in [*DELIVERY, *DELIVERY]),
    # Matching by hand closes the breaks of both sides.
    ("analyst", "recon.break.resolved", "done"),
    ("analyst", "recon.break.resolved", "done"),
    ("analyst", "recon.match.made", "done"),
    ("analyst", "recon.break.proposed", "done"),
    ("analyst", "approvals.proposal.submitted", "done"),
    ("analyst", "approvals.access.refused", "refused"),
    ("approver", "approvals.proposal.approved", "done"),
    ("approver", "recon.break.resolved", "done"),
    ("approver", "recon.adjustment.posted", "done"),
    ("approver", "approvals.proposal.executed", "done"),
]


def company_of_the_journey() -> Company:
    return plan(seed=8, days=10, customers=6, last_day=date(2026, 11, 20))


def difference_of(company: Company, *, kind: DifferenceKind, source: str) -> Difference:
    """Return the difference of this kind that was put into the last statements of a source."""
    late = {file.statement_date for file in company.files if not file.imported}
    (found,) = (one for one in company.truth if (one.kind, one.source) == (kind, source) and one.statement_date in late)
    return found
