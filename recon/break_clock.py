"""What a break is by nature, and when it is due: asked of the clock and the service levels in force, never stored.

So a break turns from timing to true, or passes its day, without anybody writing to it, and other service levels count for all at once.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

from django.db.models import Q

from ledgerops.lib.calendars import business_day_after
from recon.models import Break, BreakType, Reconciliation, ServiceLevel

# Where nothing is said for an asset.
USUAL_BANDS = ((0, 4),)
USUAL_TIMING_DAYS = 3
ONE_SIDED = (BreakType.MISSING_EXTERNAL, BreakType.MISSING_INTERNAL, BreakType.DATE)
OF_FEEDS = (BreakType.STALE_FEED, BreakType.CHAIN_REORG)
OF_DATA = (BreakType.AMBIGUOUS, BreakType.DUPLICATE_EXTERNAL, BreakType.DUPLICATE_INTERNAL)
# What the amounts of a pair suggest where somebody wrote one of them wrongly.
SLIPS = ("transposed", "decimal_shift", "doubled", "halved", "sign")
DUES = ("breached", "today", "soon")
NATURES = ("timing", "true", "data", "feed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """A service level: least amounts in minor units with business days, ascending, and how long what is one-sided is timing."""

    bands: tuple[tuple[int, int], ...] = USUAL_BANDS
    timing_days: int = USUAL_TIMING_DAYS
    version: int = 0

    def days_for(self, minor: int) -> int:
        return [days for least, days in self.bands if abs(minor) >= least][-1]


class Clock:
    """The levels in force on a day, by asset."""

    def __init__(self, *, today: date) -> None:
        self.today = today
        self._levels = levels_in_force()

    def level_of(self, asset: str) -> Level:
        return self._levels.get(asset, Level())

    def due_on(self, recon_break: Break) -> date:
        """Return the business day by whose end a break is to be resolved."""
        reconciliation = recon_break.reconciliation
        days = self.level_of(reconciliation.source.asset.code).days_for(int(recon_break.difference_minor))
        return business_day_after(recon_break.occurred_on, count=days, calendar=reconciliation.calendar)

    def timing_until(self, recon_break: Break) -> date:
        """Return the last day on which what one side does not show is a matter of timing."""
        days = self.level_of(recon_break.reconciliation.source.asset.code).timing_days
        return business_day_after(recon_break.occurred_on, count=days, calendar=recon_break.reconciliation.calendar)

    def nature_of(self, recon_break: Break) -> str:
        """Return what a break is today; of a resolved one what it was on its last day. `parent` is asked where there is one."""
        held = recon_break.parent_id is not None and recon_break.parent is not None and recon_break.parent.type == BreakType.STALE_FEED
        if held or recon_break.type in OF_FEEDS:
            return "feed"
        if recon_break.type in OF_DATA or (recon_break.type == BreakType.AMOUNT and recon_break.cause.get("kind") in SLIPS):
            return "data"
        until = recon_break.resolved_at.date() if recon_break.resolved_at else self.today
        return "timing" if recon_break.type in ONE_SIDED and until <= self.timing_until(recon_break) else "true"

    def due_before(self, day: date, *, reconciliations: Iterable[Reconciliation]) -> Q:
        """Return the condition of breaks of these reconciliations that are due before a day. It needs `size_minor`."""
        found = Q(pk__in=[])
        for (asset, calendar), ids in _alike(reconciliations).items():
            bands = self.level_of(asset).bands
            for (least, days), following in zip(bands, [*bands[1:], None], strict=True):
                size = Q(size_minor__gte=least) if following is None else Q(size_minor__gte=least, size_minor__lt=following[0])
                found |= size & Q(reconciliation__in=ids, occurred_on__lte=_latest_due_before(day, days=days, calendar=calendar))
        return found

    def of_nature(self, nature: str, *, reconciliations: Sequence[Reconciliation]) -> Q:
        """Return the condition of breaks of these reconciliations that are of a nature today."""
        if nature == "feed":
            return of_a_feed()
        if nature == "data":
            return of_data()
        timing = self.is_timing(reconciliations=reconciliations)
        return timing if nature == "timing" else ~(timing | of_a_feed() | of_data())

    def due_when(self, due: str, *, reconciliations: Sequence[Reconciliation]) -> Q:
        """Return the condition of breaks that are past their day (`breached`), due `today`, or due by tomorrow (`soon`)."""
        past = self.due_before(self.today, reconciliations=reconciliations)
        if due == "breached":
            return past
        following = self.today + timedelta(days=1 if due == "today" else 2)
        # Implied by the rest, and what lets an index begin there: all that is older is past its day.
        days = [(days, one.calendar) for one in reconciliations for _, days in self.level_of(one.source.asset.code).bands]
        over = min((_latest_due_before(self.today, days=count, calendar=calendar) for count, calendar in days), default=self.today)
        return Q(occurred_on__gt=over) & self.due_before(following, reconciliations=reconciliations) & ~past

    def is_timing(self, *, reconciliations: Iterable[Reconciliation]) -> Q:
        """Return the condition of breaks of these reconciliations that are a matter of timing today."""
        found, oldest = Q(pk__in=[]), self.today
        for (asset, calendar), ids in _alike(reconciliations).items():
            over = _latest_due_before(self.today, days=self.level_of(asset).timing_days, calendar=calendar)
            found, oldest = found | Q(reconciliation__in=ids, occurred_on__gt=over), min(oldest, over)
        # The first is implied by the rest, and what lets an index begin there.
        return Q(occurred_on__gt=oldest) & Q(type__in=ONE_SIDED) & found & ~of_a_feed()


def of_a_feed() -> Q:
    return Q(type__in=OF_FEEDS) | Q(parent__isnull=False, parent__type=BreakType.STALE_FEED)


def of_data() -> Q:
    return (Q(type__in=OF_DATA) | Q(type=BreakType.AMOUNT, cause__kind__in=SLIPS)) & ~of_a_feed()


def levels_in_force() -> dict[str, Level]:
    """Return the service level in force of each asset that has one."""
    newest = ServiceLevel.objects.order_by("asset_id", "-version").distinct("asset_id").select_related("asset")
    return {row.asset.code: level_from(row) for row in newest}


def level_from(row: ServiceLevel) -> Level:
    return Level(bands=tuple((int(least), int(days)) for least, days in row.bands), timing_days=row.timing_days, version=row.version)


def _alike(reconciliations: Iterable[Reconciliation]) -> Mapping[tuple[str, str], list[int]]:
    """Return reconciliations by what their deadlines hang on: asset and calendar."""
    by: dict[tuple[str, str], list[int]] = {}
    for one in reconciliations:
        by.setdefault((one.source.asset.code, one.calendar), []).append(one.pk)
    return by


@lru_cache(maxsize=256)
def _latest_due_before(day: date, *, days: int, calendar: str) -> date:
    """Return the latest day of which what lies `days` business days after it lies before `day`."""
    current = day - timedelta(days=1)
    while business_day_after(current, count=days, calendar=calendar) >= day:
        current -= timedelta(days=1)
    return current
