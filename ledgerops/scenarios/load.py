"""A scenario in the product's own tables: postings through the ledger's door, lines through the intake, rules by two people."""

import io
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from django.utils import timezone

from approvals import operations as approvals
from approvals.models import DecisionOutcome, User
from audit.context import Origin, acting_from
from ledger import operations as ledger
from ledger.accounting import EntryDraft, Line
from ledger.models import AccountGroup, AccountType, LegalEntity, OwnerClass
from ledger.operations.posting import refusal_of
from ledgerops.reference import load_reference_data
from ledgerops.scenarios.reader import CODE, format_known, statement_file
from ledgerops.scenarios.shapes import PlannedItem, PopulationPlan, Scenario
from recon import operations as recon
from recon.models import Reconciliation, Source, Statement
from recon.operations.reconciliations import NewPopulation, define_reconciliation

ENTITY, GROUP, CUSTOMERS = "SCENARIO", "SCENARIO", "CUSTOMERS"
SCOPE = "scenario"
BATCH = 500
_FLOWS = {"in": ("deposit", "debit", "credit"), "out": ("withdrawal", "credit", "debit")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Defined:
    """A scenario's reconciliation, the ledger account or the source of each population, and who may do what with it."""

    reconciliation: Reconciliation
    accounts: dict[str, str]
    sources: dict[str, int]
    maker: User
    checker: User


def load(scenario: Scenario, *, shuffled: int | None = None) -> Defined:
    """Define everything, take in the first delivery and run; then the second, if there is one, and run again.

    With `shuffled`, a seed, items come in another order.
    """
    defined = define(scenario)
    for delivery in (1, 2) if any(item.delivery == 2 or item.withdrawn for item in scenario.items) else (1,):
        deliver(scenario, defined, delivery=delivery, shuffled=shuffled)
        run(defined)
    return defined


def define(scenario: Scenario) -> Defined:
    """Define the books, the people, the reconciliation and its rules."""
    load_reference_data()
    entity = ledger.define_entity(code=ENTITY, name="Scenario")
    group = ledger.define_account_group(code=GROUP, name="Scenario")
    ledger.define_asset(code=scenario.asset, name=scenario.asset, scale=scenario.scale)
    _open_periods(scenario)
    maker, checker = _people(entity, group)
    _open(CUSTOMERS, AccountType.LIABILITY, OwnerClass.CUSTOMER, asset=scenario.asset)
    with acting_from(lambda: Origin(user_id=maker.pk, user_name=maker.get_username())):
        reconciliation, accounts, sources = _reconciliation(scenario, maker)
        defined = Defined(reconciliation=reconciliation, accounts=accounts, sources=sources, maker=maker, checker=checker)
        if scenario.rules is not None:
            _put_in_force(scenario, defined)
    return defined


def deliver(scenario: Scenario, defined: Defined, *, delivery: int, shuffled: int | None = None) -> None:
    """Post what a delivery has in the ledger, and take in the version of each statement that goes with it."""
    for population in scenario.populations:
        items = [item for item in scenario.items if item.population == population.name]
        if shuffled is not None:
            random.Random(shuffled).shuffle(items)  # noqa: S311 (no secret)
        if population.side == "ledger":
            post((item for item in items if item.delivery == delivery), account=defined.accounts[population.name], asset=scenario.asset)
        elif delivery == 1 or any(item.delivery == 2 or item.withdrawn for item in items):
            told = [item for item in items if item.delivery <= delivery and not (item.withdrawn and delivery == 2)]
            # Of lines that say the same, those that were there before come first, as a bank tells them.
            take_in(sorted(told, key=lambda item: item.delivery), scenario=scenario, defined=defined, population=population)


def run(defined: Defined) -> None:
    """Run the reconciliation to its end.

    :raises RuntimeError: if it does not get there.
    """
    with acting_from(lambda: Origin(user_id=defined.maker.pk, user_name=defined.maker.get_username())):
        queued = recon.request_run(reconciliation_id=defined.reconciliation.pk, requested_by_id=defined.maker.pk)
        done = recon.execute_run(run_id=queued.pk)
    if done.status != "completed":
        raise RuntimeError(f"the run ended as {done.status}: {done.failure}")


def post(items: Iterable[PlannedItem], *, account: str, asset: str) -> None:
    """Post items to the account of their population, against customers."""
    drafts = [_draft(item, account=account, asset=asset) for item in items]
    for start in range(0, len(drafts), BATCH):
        for posted in ledger.post_entries(drafts=drafts[start : start + BATCH], scope=SCOPE):
            if posted.entry_id is None:
                raise refusal_of(posted)


def _draft(item: PlannedItem, *, account: str, asset: str) -> EntryDraft:
    kind, of_account, of_customers = _FLOWS[item.flow]
    return EntryDraft(
        key=item.id,
        type=kind,
        entity=ENTITY,
        effective_date=item.day,
        description=item.description or kind,
        reference=item.reference,
        counterparty=item.counterparty,
        metadata=dict(item.keys),
        lines=[
            Line(account=account, direction=of_account, amount_minor=item.amount_minor, asset=asset),
            Line(account=CUSTOMERS, direction=of_customers, amount_minor=item.amount_minor, asset=asset),
        ],
    )


def take_in(items: Sequence[PlannedItem], *, scenario: Scenario, defined: Defined, population: PopulationPlan) -> None:
    """Take in these items as the statement of a population, in the next version if there is one already."""
    source = Source.objects.get(pk=defined.sources[population.name])
    first, last = scenario.days
    content = statement_file(
        items,
        account=source.identifier,
        asset=scenario.asset,
        scale=scenario.scale,
        first=first - timedelta(days=1),
        last=last,
    )
    with format_known(), acting_from(lambda: Origin(user_id=defined.maker.pk, user_name=defined.maker.get_username())):
        file, _ = recon.receive_file(
            name=f"{population.name}.json",
            content=io.BytesIO(content),
            maximum_bytes=len(content),
            received_by_id=defined.maker.pk,
            source_id=source.pk,
            large_bytes=1 << 40,
        )
        before = list(Statement.objects.filter(source=source, superseded_by=None).values_list("pk", flat=True))
        recon.accept_file(file_id=file.pk, source_ids=[source.pk], restating=before, large_bytes=1 << 40)


def _reconciliation(scenario: Scenario, maker: User) -> tuple[Reconciliation, dict[str, str], dict[str, int]]:
    """Define the populations: the ledger against one source is that source's own reconciliation, all else is declared."""
    accounts: dict[str, str] = {}
    sources: dict[str, int] = {}
    ours = [one for one in scenario.populations if one.side == "ledger"]
    theirs = [one for one in scenario.populations if one.side == "statement"]
    for number, one in enumerate(ours, start=1):
        accounts[one.name] = f"POPULATION-{number}"
        _open(accounts[one.name], AccountType.ASSET, OwnerClass.NOSTRO, asset=scenario.asset)
    home = len(ours) == len(theirs) == 1 and all(one.sign == 1 for one in scenario.populations)
    for number, one in enumerate(theirs, start=1):
        account = accounts[ours[0].name] if home else f"MIRROR-{number}"
        if not home:
            _open(account, AccountType.ASSET, OwnerClass.NOSTRO, asset=scenario.asset)
        registered = recon.register_source(code=f"S{number}", name=one.name, identifier=f"SCENARIO{number}", account=account)
        sources[one.name] = registered.pk
        Source.objects.filter(pk=registered.pk).update(format=CODE)
    if home:
        reconciliation = Reconciliation.objects.get(source=sources[theirs[0].name], home=True)
        Reconciliation.objects.filter(pk=reconciliation.pk).update(calendar=scenario.calendar)
        return reconciliation, accounts, sources
    wishes = [
        NewPopulation(
            name=one.name,
            sign=one.sign,
            accounts=[accounts[one.name]] if one.side == "ledger" else (),
            source="" if one.side == "ledger" else Source.objects.get(pk=sources[one.name]).code,
        )
        for one in scenario.populations
    ]
    reconciliation = define_reconciliation(
        name="Scenario", asset=scenario.asset, populations=wishes, calendar=scenario.calendar, defined_by_id=maker.pk
    )
    return reconciliation, accounts, sources


def _put_in_force(scenario: Scenario, defined: Defined) -> None:
    assert scenario.rules is not None
    draft = recon.draft_rules(
        reconciliation_id=defined.reconciliation.pk, definition=scenario.rules, note=scenario.name, drafted_by_id=defined.maker.pk
    )
    proposal = recon.submit_rules(
        rules_id=draft.pk,
        reason_code="RULES_MORE",
        narrative="The rules of the scenario",
        maker_id=defined.maker.pk,
        since=timezone.now().date(),
    )
    seen = proposal.versions.get(n=proposal.current_version)
    with acting_from(lambda: Origin(user_id=defined.checker.pk, user_name=defined.checker.get_username())):
        approvals.decide(
            proposal_id=proposal.pk,
            version=seen.n,
            digest=seen.digest,
            outcome=DecisionOutcome.APPROVE,
            comment="",
            approver_id=defined.checker.pk,
        )


def _open_periods(scenario: Scenario) -> None:
    first, last = scenario.days
    for year in range(first.year, last.year + 1):
        ledger.open_year(entity=ENTITY, starts_on=date(year, 1, 1))


def _people(entity: LegalEntity, group: AccountGroup) -> tuple[User, User]:
    people = []
    for name, role in (("scenario-maker", "Analyst"), ("scenario-checker", "Approver")):
        approvals.grant_sight(role=role, scope_object=entity)
        approvals.grant_sight(role=role, scope_object=group)
        people.append(approvals.add_user(username=name, full_name=role, role=role, password="kept by nobody, used by nobody"))  # noqa: S106
    return people[0], people[1]


def _open(code: str, kind: AccountType, owner_class: OwnerClass, *, asset: str) -> None:
    ledger.open_account(code=code, name=code, entity=ENTITY, group=GROUP, asset=asset, account_type=kind, owner_class=owner_class)
