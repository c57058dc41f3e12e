"""What became of the items of a run, step by step, and how far a run that works has come."""

from collections.abc import Sequence
from datetime import datetime

from ledgerops.templatetags.charts import Step
from recon.models import Run, RunPass


def funnel_of(run: Run, passes: Sequence[RunPass]) -> list[Step]:
    """Return the open items at the start, what each pass that matched something left, and the new breaks."""
    steps = [Step("Open items", run.items_total)]
    steps += [Step(one.name, one.left_open) for one in passes if one.matches and one.automatic]
    return [*steps, Step("New breaks", run.breaks_opened)]


def given_up_by(passes: Sequence[RunPass]) -> list[tuple[str, str, int]]:
    """Return what suggesting passes did not search: name of the pass, reason, and how many items."""
    return [(one.name, reason, count) for one in passes for reason, count in sorted(one.given_up.items())]


def seconds_left(run: Run, *, now: datetime) -> int | None:
    """Return how long a run will still take if its passes go on at the rate so far; None while that cannot be told."""
    if run.started_at is None or not run.passes_done or run.passes_total <= run.passes_done:
        return None
    worked = (now - run.started_at).total_seconds()
    return max(1, round(worked / run.passes_done * (run.passes_total - run.passes_done)))


def rate_of(run: Run, passes: Sequence[RunPass]) -> int | None:
    """Return how many items a second the passes so far have looked at; None before the first."""
    took = sum(one.took_ms for one in passes)
    return round(1000 * run.items_total * len(passes) / took) if took and passes else None
