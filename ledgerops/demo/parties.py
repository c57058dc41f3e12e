"""A program, some of the demo company's customers as parties, their owners, and one account outside in each state."""

from django.contrib.auth import get_user_model

from ledger import operations as ledger
from ledger.models import Account, Party
from ledger.operations import Details
from ledgerops.demo.names import iban
from ledgerops.demo.people import approve
from ledgerops.demo.shapes import Company

PROGRAM = "PAYOUTS"
CUSTOMERS_NAMED = 12
NARRATIVE = "Written order of the customer, checked against the register of companies."


def load_parties(company: Company) -> None:
    """Add the parties once; a company that has them stays as it is."""
    if Party.objects.filter(code=PROGRAM).exists():
        return
    ledger.add_party(code=PROGRAM, kind="program", details=Details(name="Payouts for marketplaces", country="US", state="NY"))
    accounts = [account for account in company.accounts if account.owner_class == "customer" and account.parent]
    named = list(dict.fromkeys(account.code.rpartition("-")[0] for account in accounts))[:CUSTOMERS_NAMED]
    for code in named:
        own = [account for account in accounts if account.code.rpartition("-")[0] == code]
        party = ledger.add_party(code=code, kind="customer", details=Details(name=own[0].name, country="US", state="NY"), program=PROGRAM)
        for account in Account.objects.filter(code__in=[account.code for account in own]):
            ledger.link_account(account_id=account.pk, party_id=party.pk)
    for number in (1, 2):
        ledger.add_party(code=f"OWNER-{number}", kind="beneficial_owner", details=Details(name=f"Owner {number}", country="US", state="NY"))
    _list_accounts(named)


def _list_accounts(named: list[str]) -> None:
    """Have the analyst ask and the approver agree: owners of the first customer, an allowed account, and one that waits."""
    maker = get_user_model().objects.get(username="analyst")
    owners = [{"owner": f"OWNER-{n}", "share_basis_points": share, "capacity": "BUS"} for n, share in ((1, 6000), (2, 4000))]
    asked = {"kind": "bank", "asset": "EUR", "servicer": "RHEBDEFFXXX", "reason_code": "EXTERNAL_NEW", "narrative": NARRATIVE}
    proposals = [
        ledger.propose_party_change(
            party=named[0], changes={"owners": owners}, reason_code="PARTY_CHANGE", narrative=NARRATIVE, maker_id=maker.pk
        ),
        *(
            ledger.propose_external_account(
                **asked, party=code, identifier=iban(country="DE", bban=f"5091004400048160{n:02d}"), label="Main account", maker_id=maker.pk
            )
            for n, code in enumerate(named[:2])
        ),
    ]
    for proposal in proposals[:2]:
        approve(proposal)
