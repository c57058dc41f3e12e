"""Loads a planned company into the database, day by day as it would have happened. Repeating it changes nothing."""

import io
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from django.contrib.auth import get_user_model

from audit.context import Origin, acting_from
from ledger import operations as ledger
from ledger.accounting import EntryDraft, Line
from ledger.models import AccountType, OwnerClass, Transaction
from ledger.operations.posting import refusal_of
from ledgerops.demo.certificates import load_certificates
from ledgerops.demo.chains import load_chains
from ledgerops.demo.chart import FUNCTIONAL
from ledgerops.demo.controls import load_controls
from ledgerops.demo.feeds import load_feeds
from ledgerops.demo.misprints import misprints
from ledgerops.demo.movements import load_movements
from ledgerops.demo.parties import load_parties
from ledgerops.demo.people import USUAL_ACCOUNTS, define_people
from ledgerops.demo.proofs import load_proofs
from ledgerops.demo.queue_work import load_queue_work
from ledgerops.demo.rates import load_rates
from ledgerops.demo.resolutions import load_resolutions
from ledgerops.demo.shapes import Company, PlannedEntry, StatementFile
from ledgerops.lib.errors import Refusal, RefusalKind
from ledgerops.reference import load_reference_data
from recon import operations as recon
from recon.models import Statement

SCOPE = "demo"
BATCH = 500
MONTHS_AHEAD = 6
# Statements older than this are reconciled in one run of each source; the later ones day by day, so that there are runs to look at.
DAYS_RUN_SINGLY = 14


class AnotherDemoIsLoaded(Refusal):
    """The database holds a demo company of other parameters; `detail["loaded"]` names them."""

    code = "another_demo_is_loaded"
    kind = RefusalKind.CONFLICT


@dataclass
class Loaded:
    """What a load added."""

    entries: int = 0
    files: int = 0
    matches: int = 0
    breaks: int = 0


def loaded_last_day(*, seed: int, days: int, customers: int) -> date | None:
    """Return the last day of the loaded demo company of these parameters, or None if there is none."""
    key = Transaction.objects.filter(scope=SCOPE, key__startswith=f"demo-{seed}-{days}-{customers}-").values_list("key", flat=True).first()
    return date.fromisoformat(key.rsplit("-", 2)[1]) if key else None


def load(company: Company) -> Loaded:
    """Define the company, then post each day's entries, take in its statements and reconcile.

    The entries of the last days are posted too; their statements are left to be uploaded.

    :raises AnotherDemoIsLoaded: if a company of other parameters is there.
    :raises Refusal: whatever the books refuse.
    """
    other = Transaction.objects.filter(scope=SCOPE).exclude(key__startswith=f"{company.key_prefix}-").values_list("key", flat=True).first()
    if other is not None:
        prefix = other.rpartition("-")[0]
        raise AnotherDemoIsLoaded(f"the demo company {prefix} is loaded already, and this is {company.key_prefix}", loaded=prefix)
    source_ids = _define(company)
    analyst = get_user_model().objects.get(username="analyst")
    assets = {account.code: account.asset for account in company.accounts}
    by_day: dict[date, tuple[list[PlannedEntry], list[StatementFile]]] = defaultdict(lambda: ([], []))
    for entry in company.entries:
        by_day[entry.effective_date][0].append(entry)
    for file in (*misprints(company), *company.files):
        if file.imported:
            by_day[file.statement_date][1].append(file)
    loaded = Loaded()
    singly = company.entries[-1].effective_date - timedelta(days=DAYS_RUN_SINGLY)
    for day, (entries, files) in sorted(by_day.items()):
        loaded.entries += _post(entries, entity=company.entity_code, assets=assets)
        with acting_from(lambda: Origin(user_id=analyst.pk, user_name=analyst.get_username())):
            _take_in(files, received_by_id=analyst.pk, source_ids=source_ids, run=day >= singly, loaded=loaded)
    with acting_from(lambda: Origin(user_id=analyst.pk, user_name=analyst.get_username())):
        load_movements(entity=company.entity_code, day=company.entries[-1].effective_date, actor_id=analyst.pk)
        load_rates(company, recorded_by_id=analyst.pk)
        load_parties(company)
        load_controls(entity=company.entity_code, day=company.entries[-1].effective_date)
        load_feeds(company)
        load_resolutions(entity=company.entity_code)
        load_queue_work()
        load_chains(entity=company.entity_code, day=company.entries[-1].effective_date, actor_id=analyst.pk)
        load_proofs(company)
    load_certificates()
    recon.count_all_figures()
    ledger.check_books(full=True)
    return loaded


def _define(company: Company) -> list[int]:
    """Define all reference data and the people, and return the ids of the sources."""
    load_reference_data(usual_accounts=USUAL_ACCOUNTS)
    for asset in company.assets:
        ledger.define_asset(code=asset.code, name=asset.name, scale=asset.scale, network=asset.network)
    entity = ledger.define_entity(code=company.entity_code, name=company.entity_name, functional_asset=FUNCTIONAL)
    groups = {group.code: ledger.define_account_group(code=group.code, name=group.name) for group in company.groups}
    # Before the sources: whoever sees the entity then sees each source from its registration on.
    define_people(entity=entity, groups=groups)
    for starts_on, ends_on in _months(company.entries[0].effective_date, company.entries[-1].effective_date):
        ledger.open_period(entity=company.entity_code, starts_on=starts_on, ends_on=ends_on)
    for account in company.accounts:
        ledger.open_account(
            code=account.code,
            name=account.name,
            entity=company.entity_code,
            group=account.group,
            asset=account.asset,
            account_type=AccountType(account.type),
            owner_class=OwnerClass(account.owner_class),
            parent=account.parent,
            purpose=account.purpose,
            equivalent_of=account.equivalent_of,
            controls=None if account.overdraft_limit_minor is None else {"overdraft_limit": str(account.overdraft_limit_minor)},
        )
    return [
        recon.register_source(
            code=source.code, name=source.name, identifier=source.identifier, account=source.account_code, servicer=source.servicer
        ).pk
        for source in company.sources
    ]


def _months(first_day: date, last_day: date) -> Iterator[tuple[date, date]]:
    """Yield the calendar months from the first day to some time after the last, so that there is a period to work in."""
    starts_on = first_day.replace(day=1)
    until = last_day + timedelta(days=31 * MONTHS_AHEAD)
    while starts_on <= until:
        following = (starts_on + timedelta(days=31)).replace(day=1)
        yield starts_on, following - timedelta(days=1)
        starts_on = following


def _post(entries: Sequence[PlannedEntry], *, entity: str, assets: Mapping[str, str]) -> int:
    """Post what is not posted yet and return how many entries that were."""
    posted = 0
    for start in range(0, len(entries), BATCH):
        drafts = [_draft(entry, entity=entity, assets=assets) for entry in entries[start : start + BATCH]]
        for result in ledger.post_entries(drafts=drafts, scope=SCOPE):
            if result.entry_id is None:
                raise refusal_of(result)
            posted += not result.replayed
    return posted


def _draft(entry: PlannedEntry, *, entity: str, assets: Mapping[str, str]) -> EntryDraft:
    return EntryDraft(
        key=entry.key,
        type=entry.type,
        entity=entity,
        effective_date=entry.effective_date,
        description=entry.description,
        reference=entry.reference,
        counterparty=entry.metadata.get("counterparty", ""),
        metadata=entry.metadata,
        lines=[
            Line(account=line.account_code, direction=line.direction, amount_minor=line.amount_minor, asset=assets[line.account_code])
            for line in entry.lines
        ],
    )


def _take_in(files: Sequence[StatementFile], *, received_by_id: int, source_ids: Sequence[int], run: bool, loaded: Loaded) -> None:
    """Receive and accept the files that are new; a second statement of a day replaces the first.

    What they bring is reconciled with `run`, else by the next run, which waits already.
    """
    for file in files:
        row, _ = recon.receive_file(
            name=file.filename, content=io.BytesIO(file.content), maximum_bytes=len(file.content), received_by_id=received_by_id
        )
        first = Statement.objects.filter(source__code=file.source, closing_date=file.statement_date)
        accepted = recon.accept_file(file_id=row.pk, source_ids=source_ids, restating=list(first.values_list("pk", flat=True)))
        loaded.files += bool(accepted)
        for queued in accepted if run else ():
            done = recon.execute_run(run_id=queued.pk)
            loaded.matches += done.matches_made
            loaded.breaks += done.breaks_opened - done.breaks_resolved
