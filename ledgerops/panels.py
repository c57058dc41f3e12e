"""What other apps say on the pages of the ledger, which does not know them."""

from approvals.models import User
from ledger.models import Account
from ledger.web.panels import Panel
from recon import queries


def standing_panel(user: User, account: Account) -> Panel | None:
    """Return how an account stands against its statements, if somebody else keeps one and the reader sees it."""
    if not user.has_perm("recon.view_statement"):
        return None
    reconciliation = queries.reconciliations_for(user).filter(source__account=account, home=True).first()
    if reconciliation is None:
        return None
    return Panel(template="ledgerops/standing.html", context={"standing": queries.standing_of(reconciliation)})
