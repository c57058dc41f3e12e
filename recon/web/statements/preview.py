"""What a received file says, before anything of it is accepted."""

from collections.abc import Sequence
from dataclasses import dataclass

from approvals.models import User
from ledger.models import Asset
from recon import feeds, queries
from recon.intake.summary import ParsedStatement
from recon.models import Purpose, Source, Statement, StatementFile
from recon.operations import FileLine, Restatement, lines_in, repeated_by, restatement_by, statements_in

LINES_SHOWN = 50
STATEMENTS_SHOWN = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Previewed:
    """A statement of a file; `source` is None where its account is no source in the user's scope.

    `known` is the same statement, accepted before; `replaces` the one that this is a newer version of.
    """

    parsed: ParsedStatement
    source: Source | None
    scale: int
    known: Statement | None
    replaces: Statement | None

    @property
    def expected_minor(self) -> int | None:
        return None if self.parsed.opening_minor is None else self.parsed.opening_minor + self.parsed.movements_minor


@dataclass(frozen=True, slots=True, kw_only=True)
class Detail:
    """The statement that is looked at: what it goes on from, what it replaces, and some of its lines."""

    previewed: Previewed
    previous: Statement | ParsedStatement | None
    gap_minor: int | None
    repeated: int
    missing: Sequence[int]
    restatement: Restatement | None
    lines: Sequence[FileLine]
    first_line: int
    last_line: int
    next_from: int
    previous_from: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    statements: Sequence[Previewed]
    line_count: int
    unknown: Sequence[ParsedStatement]
    detail: Detail | None

    @property
    def known(self) -> list[Previewed]:
        return [one for one in self.statements if one.known is not None]

    @property
    def replacing(self) -> list[Previewed]:
        return [one for one in self.statements if one.replaces is not None]

    @property
    def nameless(self) -> bool:
        """Whether the file names no account, so that somebody has to say whose it is."""
        return any(not one.account for one in self.unknown)

    @property
    def acceptable(self) -> bool:
        return bool(self.statements) and not self.unknown and not self.known

    @property
    def shown(self) -> Sequence[Previewed]:
        return self.statements[:STATEMENTS_SHOWN]


def preview_of(file: StatementFile, *, user: User, ordinal: int, first_line: int) -> Preview:
    """Set what a file says beside what is known; `ordinal` names the statement to look at, whose lines are read from the bytes."""
    parsed = statements_in(file)
    sources = {(source.identifier, source.asset.code): source for source in queries.sources_for(user)}
    scales = dict(Asset.objects.filter(code__in={one.currency for one in parsed}).values_list("code", "scale"))
    found = Statement.objects.filter(source__in=sources.values(), content_digest__in=[one.digest for one in parsed])
    known = {(statement.source_id, statement.content_digest): statement for statement in found.select_related("file")}
    standing = _standing(parsed, sources=list(sources.values()))
    chosen_for = file.source.identifier if file.source else ""
    statements = []
    for one in parsed:
        source = sources.get((one.account or chosen_for, one.currency))
        previewed = Previewed(
            parsed=one,
            source=source,
            scale=scales.get(one.currency, 2),
            known=known.get((source.pk, one.digest)) if source else None,
            replaces=_replaced(one, source=source, standing=standing) if source else None,
        )
        statements.append(previewed)
    unknown = {(one.parsed.account, one.parsed.currency): one.parsed for one in statements if one.source is None}
    # What keeps the file from being accepted is what is to be looked at first.
    chosen = next((one for one in statements if one.parsed.ordinal == ordinal), None)
    chosen = chosen or next((one for one in statements if one.source is None), None) or (statements[0] if statements else None)
    return Preview(
        statements=statements,
        line_count=sum(one.parsed.line_count for one in statements),
        unknown=list(unknown.values()),
        detail=_detail(chosen, file=file, statements=parsed, first_line=first_line) if chosen else None,
    )


def _standing(parsed: Sequence[ParsedStatement], *, sources: Sequence[Source]) -> list[Statement]:
    """Return the newest versions that could be replaced, latest first."""
    same_days = Statement.objects.filter(source__in=sources, closing_date__in={one.closing_date for one in parsed})
    return list(same_days.filter(superseded_by=None).exclude(purpose=Purpose.DELETION).order_by("-id"))


def _replaced(one: ParsedStatement, *, source: Source, standing: Sequence[Statement]) -> Statement | None:
    own = [
        statement
        for statement in standing
        if (statement.source_id, statement.kind, statement.closing_date) == (source.pk, one.kind, one.closing_date)
        and statement.content_digest != one.digest
    ]
    same = next((statement for statement in own if one.number and statement.number == one.number), None)
    if one.purpose == Purpose.UPDATE:
        return same if one.counts else None
    return same or next(iter(own), None)


def _detail(previewed: Previewed, *, file: StatementFile, statements: Sequence[ParsedStatement], first_line: int) -> Detail:
    one, source = previewed.parsed, previewed.source
    previous: Statement | ParsedStatement | None = None
    gap, repeated = None, 0
    if source is not None and previewed.known is None and one.closing_date is not None and one.counts:
        found = feeds.continuity_of(
            source=source,
            closing_date=one.closing_date,
            opening_minor=one.opening_minor,
            closing_minor=one.closing_minor,
            superseded=previewed.replaces,
        )
        previous, gap = found.previous, found.gap_minor
        repeated_minor = int(previewed.replaces.repeated_minor) if previewed.replaces else 0
        if not previewed.replaces:
            repeated, repeated_minor = repeated_by(file, parsed=one, source=source, continuity=found)
        gap = None if gap is None else gap + repeated_minor
    # A statement of this very file will be accepted before this one, if it is the earlier.
    before = _before(one, statements=statements)
    if before is not None and before.closing_minor is not None and gap != 0:
        previous = before
        gap = None if one.opening_minor is None else one.opening_minor - before.closing_minor
    start = min(max(1, first_line), max(1, one.line_count))
    return Detail(
        previewed=previewed,
        previous=previous,
        gap_minor=gap,
        repeated=repeated,
        missing=feeds.missing_between(previous, one) if previous else (),
        restatement=restatement_by(file, parsed=one, replaced=previewed.replaces) if previewed.replaces else None,
        lines=lines_in(file, ordinal=one.ordinal, first=start, count=LINES_SHOWN) if one.line_count else (),
        first_line=start,
        last_line=min(start - 1 + LINES_SHOWN, one.line_count),
        next_from=start + LINES_SHOWN if start + LINES_SHOWN <= one.line_count else 0,
        previous_from=max(1, start - LINES_SHOWN) if start > 1 else 0,
    )


def _before(one: ParsedStatement, *, statements: Sequence[ParsedStatement]) -> ParsedStatement | None:
    same = [other for other in statements if (other.account, other.currency) == (one.account, one.currency)]
    in_order = sorted(same, key=lambda other: (str(other.closing_date), other.ordinal))
    place = in_order.index(one)
    return in_order[place - 1] if place else None
