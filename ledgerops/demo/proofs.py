"""What the demo company proves every day: that dollars of its customers are at the bank that holds them for their benefit."""

from django.contrib.auth import get_user_model

from ledgerops.demo.shapes import Company
from recon.models import ProofDefinition, Statement
from recon.operations.proofs import define_proof, prove

CODE = "CUSTOMERS-USD"
SOURCE = "HARBOR-FBO"
# Fees stay at the bank until they are taken out; what the card scheme is owed is paid from there.
TERMS = {"sources": [SOURCE], "programs": [], "in_transit": ["1310-USD"], "own": ["4010-USD"]}
DAYS_PROVEN = 3


def load_proofs(company: Company) -> None:
    """Define the proof and prove the last days that the bank has reported on; a company that has it stays as it is."""
    if ProofDefinition.objects.filter(code=CODE).exists():
        return
    closed = Statement.objects.filter(source__code=SOURCE).order_by("-closing_date").values_list("closing_date", flat=True)
    days = sorted(set(closed[:DAYS_PROVEN]))
    definition = define_proof(
        code=CODE,
        name="Dollars of customers",
        kind="customer_money",
        entity=company.entity_code,
        asset="USD",
        terms=TERMS,
        starts_on=days[0],
        defined_by_id=get_user_model().objects.get(username="controller").pk,
    )
    for day in days:
        prove(definition_id=definition.pk, day=day)
