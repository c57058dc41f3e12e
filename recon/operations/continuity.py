"""Which statements do not go on from the one before them, as things stand: kept as rows, so that a list of them reads them alone."""

from recon.feeds import with_continuity
from recon.models import StandingGap, Statement


def note_gaps(statement: Statement, *, gap_minor: int | None) -> None:
    """Bring the gaps up to date after a statement was accepted, inside the caller's transaction, which has its reconciliation locked.

    `gap_minor` is what acceptance found. What it may change is itself, what shares its day, and what comes next: nothing later refers to
    what is before that.
    """
    since = Statement.objects.filter(source=statement.source_id, closing_date__gte=statement.closing_date)
    if statement.counts and not since.exclude(pk=statement.pk).exists():
        if gap_minor:
            StandingGap.objects.create(statement=statement, gap_minor=gap_minor, closing_date=statement.closing_date)
        return
    counting = Statement.objects.counting().filter(source=statement.source_id, closing_date__gt=statement.closing_date)
    following = counting.filter(closing_minor__isnull=False).order_by("closing_date").values_list("closing_date", flat=True).first()
    around = since if following is None else since.filter(closing_date__lte=following)
    # An accepted statement never changes; whether something is missing before it does, and stands beside it.
    told = {one.pk: (vars(one)["gap_now_minor"], one.closing_date) for one in with_continuity(around)}
    gaps = {pk: (gap, day) for pk, (gap, day) in told.items() if gap}
    known = {gap.pk: (gap.gap_minor, gap.closing_date) for gap in StandingGap.objects.filter(statement__in=told)}
    closed = [pk for pk in known if known[pk] != gaps.get(pk)]
    if closed:
        StandingGap.objects.filter(statement__in=closed).delete()
    StandingGap.objects.bulk_create(
        [StandingGap(statement_id=pk, gap_minor=gap, closing_date=day) for pk, (gap, day) in gaps.items() if known.get(pk) != (gap, day)]
    )
