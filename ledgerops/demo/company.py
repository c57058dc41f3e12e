"""Plans the whole demo company from a seed: the same inputs give the same bytes."""

import random
from datetime import date, timedelta

from ledgerops.demo import chart
from ledgerops.demo.activity import simulate
from ledgerops.demo.bankdays import is_bank_day
from ledgerops.demo.chart import Customer
from ledgerops.demo.differences import Injector, movements
from ledgerops.demo.names import Names
from ledgerops.demo.shapes import Company, PlannedEntry, Statement
from ledgerops.demo.statements import files, statements


def plan_statements(*, seed: int, days: int, customers: int, last_day: date) -> tuple[Statement, ...]:
    """Return the statements of the company that :func:`plan` plans, for every source and bank day, before any bank writes them.

    :raises ValueError: as :func:`plan`.
    """
    _, _, injector, bank_days = _simulated(seed=seed, days=days, customers=customers, last_day=last_day)
    return statements(delivered=injector.delivered(), bank_days=bank_days)


def plan(*, seed: int, days: int, customers: int, last_day: date) -> Company:
    """Return the company as it stands on `last_day`, `days` calendar days after it began.

    :raises ValueError: if there is no customer, or no bank day within the days.
    """
    invented, entries, injector, bank_days = _simulated(seed=seed, days=days, customers=customers, last_day=last_day)
    return Company(
        entity_code=chart.ENTITY_CODE,
        entity_name=chart.ENTITY_NAME,
        assets=chart.ASSETS,
        groups=chart.GROUPS,
        accounts=chart.accounts(customers=invented),
        entries=entries,
        sources=chart.SOURCES,
        files=files(statements=statements(delivered=injector.delivered(), bank_days=bank_days), bank_days=bank_days),
        truth=tuple(sorted(injector.truth, key=lambda difference: (difference.statement_date, difference.source))),
    )


def _simulated(
    *, seed: int, days: int, customers: int, last_day: date
) -> tuple[tuple[Customer, ...], tuple[PlannedEntry, ...], Injector, list[date]]:
    first_day = last_day - timedelta(days=days - 1)
    bank_days = [day for offset in range(days) if is_bank_day(day := first_day + timedelta(days=offset))]
    if customers < 1 or not bank_days:
        raise ValueError(f"{customers} customers and {len(bank_days)} bank days make no company")
    # One stream of chance per subject, so that a change to one leaves the others as they were.
    # Nothing here is secret: the generator must repeat itself.
    people, activity, mishaps = (random.Random(f"{seed}:{subject}") for subject in ("people", "activity", "mishaps"))  # noqa: S311
    names = Names(people)
    invented = chart.invent_customers(people, count=customers, names=names)
    simulation = simulate(
        rng=activity, customers=invented, names=names, first_day=first_day, last_day=last_day,
        key_prefix=f"demo-{seed}-{days}-{customers}-{last_day:%Y%m%d}",
    )  # fmt: skip
    entries = tuple(simulation.books.entries)
    injector = Injector(rng=mishaps, simulation=simulation, movements=movements(entries=entries, rng=mishaps), bank_days=bank_days)
    injector.inject()
    return invented, entries, injector, bank_days
