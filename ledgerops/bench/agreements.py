"""Reconciliations of a benchmark: two sources whose lines have to agree, and runs over them."""

import resource
import time
from collections.abc import Callable, Mapping
from typing import Any

from approvals import operations as approvals
from ledger.models import AccountGroup, LegalEntity
from ledgerops.bench.books import ENTITY, GROUP, prepare
from recon import operations
from recon.models import Population, Reconciliation, Run, RunPass, Source
from recon.operations.reconciliations import give_standard_rules

CODES = ("AGREE-1", "AGREE-2")


def prepare_agreement() -> int:
    """Define the books and two sources."""
    prepare(accounts=10)
    approvals.grant_sight(role="Analyst", scope_object=LegalEntity.objects.get())
    approvals.grant_sight(role="Analyst", scope_object=AccountGroup.objects.get())
    for n, code in enumerate(CODES):
        account = operations.NewAccount(code=code, name=code, entity=ENTITY, group=GROUP, asset="USD")
        operations.register_source_with_account(code=code, name=code, identifier=f"20304050{n}", account=account)
    return len(CODES)


def define_agreement(*, name: str) -> int:
    """Declare that the sources agree, by the standard rules, and return the reconciliation's id."""
    sources = [Source.objects.get(code=code) for code in CODES]
    reconciliation = Reconciliation.objects.create(source=sources[0], home=False, name=name)
    for position, source in enumerate(sources, start=1):
        Population.objects.create(reconciliation=reconciliation, position=position, name=source.name, side="statement", source=source)
    give_standard_rules(reconciliation)
    return int(reconciliation.pk)


def ask_for_runs(*, names: list[str]) -> int:
    """Define reconciliations and ask for a run of each."""
    for name in names:
        operations.request_run(reconciliation_id=define_agreement(name=name), requested_by_id=None)  # type: ignore[arg-type]
    return len(names)


def work_runs(*, reconciliation: int | None = None) -> dict[str, Any]:
    """Carry out what runs wait, asking for one first where a reconciliation is named, and return the seconds and what came of it."""
    if reconciliation is not None:
        operations.request_run(reconciliation_id=reconciliation, requested_by_id=None)  # type: ignore[arg-type]
    started = time.perf_counter()
    done = [operations.execute_run(run_id=waiting) for waiting in operations.overdue_runs()]
    seconds = time.perf_counter() - started
    if any(run.status not in ("completed", "running") for run in done):
        raise RuntimeError(f"a run ended as {[run.status for run in done]}")
    own = Run.objects.filter(pk__in=[run.pk for run in done])
    return {
        "seconds": seconds,
        "matches": sum(run.matches_made for run in own),
        "breaks": sum(run.breaks_opened for run in own),
        "passes": {one.pass_id: one.took_ms for one in RunPass.objects.filter(run__in=own).order_by("position")},
        "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


WORKS: Mapping[str, Callable[..., Any]] = {
    "prepare_agreement": prepare_agreement,
    "define_agreement": define_agreement,
    "ask_for_runs": ask_for_runs,
    "work_runs": work_runs,
}
