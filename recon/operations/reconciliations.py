"""Defining what must agree."""

from recon.matching.rules import STANDARD, Rules
from recon.models import Population, PopulationAccount, Reconciliation, RulesStatus, RulesVersion, Side, Source


def define_home(*, source: Source) -> Reconciliation:
    """Define a source's own reconciliation, it against its ledger account by the standard rules, inside the caller's transaction."""
    reconciliation = Reconciliation.objects.create(source=source, home=True, name=source.name)
    ledger = Population.objects.create(reconciliation=reconciliation, position=1, name="Ledger", side=Side.LEDGER)
    PopulationAccount.objects.create(population=ledger, account=source.account)
    Population.objects.create(reconciliation=reconciliation, position=2, name="Statement", side=Side.STATEMENT, source=source)
    give_standard_rules(reconciliation)
    return reconciliation


def give_standard_rules(reconciliation: Reconciliation) -> RulesVersion:
    """Put the standard rules in force where there are none yet."""
    rules = Rules.from_json(STANDARD)
    return RulesVersion.objects.create(
        reconciliation=reconciliation,
        number=1,
        definition=rules.definition,
        digest=rules.digest,
        note="The standard rules",
        status=RulesStatus.ACTIVE,
    )


def rules_of(reconciliation: Reconciliation) -> tuple[RulesVersion, Rules]:
    """Return the rules that are in force."""
    version = RulesVersion.objects.get(reconciliation=reconciliation, status=RulesStatus.ACTIVE)
    return version, Rules.from_json(version.definition)
