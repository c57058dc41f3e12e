"""An accepted statement finds its place: which one it replaces, what it goes on from, which of its lines count."""

from uuid import UUID

from django.db import IntegrityError, transaction

from audit.operations import record_event
from ledgerops.lib.errors import Refusal, RefusalKind
from ledgerops.lib.transactions import constraint_of
from recon.feeds import Continuity, continuity_of
from recon.intake.summary import ParsedStatement
from recon.models import Purpose, Reconciliation, Source, Statement, StatementFile
from recon.operations.continuity import note_gaps
from recon.operations.counting import make_items, note_repeated_lines, shares_days
from recon.operations.restating import restate


class StatementKnown(Refusal):
    code = "statement_known"
    kind = RefusalKind.CONFLICT


class NothingToWithdraw(Refusal):
    """The sender corrects or deletes what never came, or came and was withdrawn."""

    code = "nothing_to_withdraw"
    kind = RefusalKind.CONFLICT


def superseded_by(parsed: ParsedStatement, *, source: Source) -> Statement | None:
    """Return the accepted statement that this one replaces: of the same number and closing date, or what its sender corrects.

    :raises StatementKnown: if one that says the same was accepted before.
    :raises NothingToWithdraw: if it deletes what is not there.
    """
    known = Statement.objects.filter(source=source, content_digest=parsed.digest).first()
    if known is not None:
        raise StatementKnown(f"{parsed.place}: statement {parsed.number} of {source.name} was accepted before", statement_id=str(known.pk))
    assert parsed.closing_date is not None, "the reading refuses a statement without any date"
    standing = Statement.objects.select_related("source").filter(source=source, kind=parsed.kind, closing_date=parsed.closing_date)
    standing = standing.filter(superseded_by=None).exclude(purpose=Purpose.DELETION).order_by("-id")
    same = standing.filter(number=parsed.number).first() if parsed.number else None
    if parsed.purpose == Purpose.UPDATE:
        return same if parsed.counts else None
    found = same or standing.first()
    if found is None and parsed.purpose == Purpose.DELETION:
        raise NothingToWithdraw(f"{parsed.place}: the sender withdraws a statement of {parsed.closing_date} that was not accepted")
    return found


def goes_on(parsed: ParsedStatement, *, continuity: Continuity) -> bool:
    """Return whether a statement continues the one before it by its balance, and so can repeat nothing of it."""
    if continuity.gap_minor != 0 or continuity.previous is None:
        return False
    # An account that is emptied every day closes at nothing: a week's statement must not be taken for a continuation of its last day.
    return parsed.starts_on is None or parsed.starts_on >= continuity.previous.closing_date


def place_statement(
    parsed: ParsedStatement,
    *,
    statement_id: UUID,
    file: StatementFile,
    source: Source,
    reconciliation: Reconciliation,
    supersedes: Statement | None,
    made_ahead: tuple[int, int] = (0, 0),
    others_ahead: bool = False,
) -> Statement:
    """Write a statement whose lines are in already, and let those of its lines count that do.

    Up to a line, items were `made_ahead`, so many; or those of another statement of the source in the same file were.
    """
    continuity = Continuity(previous=None, gap_minor=None)
    if parsed.counts and parsed.closing_date is not None:
        continuity = continuity_of(
            source=source,
            closing_date=parsed.closing_date,
            opening_minor=parsed.opening_minor,
            closing_minor=parsed.closing_minor,
            superseded=supersedes,
        )
    joined = parsed.counts and (
        others_ahead or shares_days(source=source, statement_id=statement_id, booked_from=parsed.booked_from, booked_to=parsed.booked_to)
    )
    repeats = joined and not goes_on(parsed, continuity=continuity)
    repeated, repeated_minor = 0, 0 if supersedes is None else int(supersedes.repeated_minor)
    if repeats and supersedes is None:
        repeated, repeated_minor = note_repeated_lines(statement=statement_id, reconciliation=reconciliation)
    gap = None if continuity.gap_minor is None else continuity.gap_minor + repeated_minor
    statement = _written(
        parsed, statement_id=statement_id, file=file, source=source, gap=gap, repeated_minor=repeated_minor, supersedes=supersedes
    )
    after, made = made_ahead
    if supersedes is not None:
        _restate(statement, supersedes=supersedes, reconciliation=reconciliation)
    if parsed.counts:
        if repeats and supersedes is not None:  # what the version before said has moved on by now
            repeated, _ = note_repeated_lines(statement=statement.pk, reconciliation=reconciliation)
        made += make_items(statement=statement.pk, reconciliation=reconciliation, joined=joined, after=after)
    note_gaps(statement, gap_minor=gap)
    record_event(
        "recon.statement.accepted",
        target_type="recon.statement",
        target_id=statement.pk,
        after={
            "source": source.code,
            "number": statement.number,
            "kind": statement.kind,
            "version": statement.version,
            "closing_date": statement.closing_date,
            "lines": parsed.line_count,
            "counted": made,
            "repeated": repeated,
            "quarantined": parsed.quarantined,
            "proof": parsed.proof,
            "difference_minor": str(parsed.difference_minor),
            "gap_minor": None if gap is None else str(gap),
        },
    )
    return statement


def _restate(statement: Statement, *, supersedes: Statement, reconciliation: Reconciliation) -> None:
    restated = restate(statement=statement, reconciliation=reconciliation)
    record_event(
        "recon.statement.restated",
        target_type="recon.statement",
        target_id=supersedes.pk,
        before={"version": supersedes.version, "content_digest": supersedes.content_digest},
        after={
            "statement": statement.pk,
            "version": statement.version,
            "purpose": statement.purpose,
            "lines_kept": restated.kept,
            "lines_withdrawn": restated.withdrawn,
            "matches_revoked": len(restated.matches),
        },
    )


def _written(
    parsed: ParsedStatement,
    *,
    statement_id: UUID,
    file: StatementFile,
    source: Source,
    gap: int | None,
    repeated_minor: int,
    supersedes: Statement | None,
) -> Statement:
    assert parsed.closing_date is not None, "the reading refuses a statement without any date"
    statement = Statement(
        pk=statement_id,
        source=source,
        file=file,
        ordinal=parsed.ordinal,
        number=parsed.number,
        opening_minor=parsed.opening_minor,
        closing_minor=parsed.closing_minor,
        opening_date=parsed.opening_date,
        closing_date=parsed.closing_date,
        line_count=parsed.line_count,
        movements_minor=parsed.movements_minor,
        proof=parsed.proof,
        difference_minor=parsed.difference_minor,
        gap_minor=gap,
        repeated_minor=repeated_minor,
        content_digest=parsed.digest,
        kind=parsed.kind,
        purpose=parsed.purpose,
        version=supersedes.version + 1 if supersedes else 1,
        supersedes=supersedes,
        mapping_id=file.mapping_id,
        period_start=parsed.period_start,
        booked_from=parsed.booked_from,
        booked_to=parsed.booked_to,
        sequence=parsed.sequence,
        controls=parsed.controls,
        quarantined=parsed.quarantined,
    )
    try:
        with transaction.atomic():
            statement.save(force_insert=True)
    except IntegrityError as error:
        if constraint_of(error) != "recon_statement_is_accepted_once":
            raise
        raise StatementKnown(f"{parsed.place}: statement {parsed.number} of {source.name} was accepted before") from error
    statement.refresh_from_db(fields=["accepted_at"])
    return statement
