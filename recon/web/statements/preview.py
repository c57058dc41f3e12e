"""What a received file says, before anything of it is accepted."""

from collections.abc import Sequence
from dataclasses import dataclass

from approvals.models import User
from ledger.models import Asset
from recon import feeds, queries
from recon.intake.parsing import ParsedFile, ParsedLine, ParsedStatement
from recon.models import Source, Statement, StatementFile
from recon.operations import read_again

LINES_SHOWN = 50
STATEMENTS_SHOWN = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Previewed:
    """A statement of a file; `source` is None where its account is no source in the user's scope, `known` where it is new."""

    parsed: ParsedStatement
    source: Source | None
    scale: int
    known: Statement | None

    @property
    def expected_minor(self) -> int | None:
        return None if self.parsed.opening_minor is None else self.parsed.opening_minor + self.parsed.movements_minor


@dataclass(frozen=True, slots=True, kw_only=True)
class Detail:
    """The statement that is looked at: what it goes on from, what has its number already, and some of its lines."""

    previewed: Previewed
    previous: Statement | ParsedStatement | None
    gap_minor: int | None
    same_number: Statement | None
    lines: Sequence[ParsedLine]
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
    def acceptable(self) -> bool:
        return bool(self.statements) and not self.unknown and not self.known

    @property
    def shown(self) -> Sequence[Previewed]:
        return self.statements[:STATEMENTS_SHOWN]


def preview_of(file: StatementFile, *, user: User, ordinal: int, first_line: int) -> Preview:
    """Read a file's bytes again and set what they say beside what is known; `ordinal` names the statement to look at."""
    parsed = read_again(file)
    sources = {(source.identifier, source.asset.code): source for source in queries.sources_for(user)}
    scales = dict(Asset.objects.filter(code__in={one.currency for one in parsed.statements}).values_list("code", "scale"))
    digests = {one.ordinal: one.content_digest() for one in parsed.statements}
    found = Statement.objects.filter(source__in=sources.values(), content_digest__in=digests.values()).select_related("file")
    known = {(statement.source_id, statement.content_digest): statement for statement in found}
    statements = []
    for one in parsed.statements:
        source = sources.get((one.account, one.currency))
        previewed = Previewed(
            parsed=one,
            source=source,
            scale=scales.get(one.currency, 2),
            known=known.get((source.pk, digests[one.ordinal])) if source else None,
        )
        statements.append(previewed)
    unknown = {(one.parsed.account, one.parsed.currency): one.parsed for one in statements if one.source is None}
    # What keeps the file from being accepted is what is to be looked at first.
    chosen = next((one for one in statements if one.parsed.ordinal == ordinal), None)
    chosen = chosen or next((one for one in statements if one.source is None), None) or (statements[0] if statements else None)
    return Preview(
        statements=statements,
        line_count=sum(len(one.parsed.lines) for one in statements),
        unknown=list(unknown.values()),
        detail=_detail(chosen, parsed=parsed, first_line=first_line) if chosen else None,
    )


def _detail(previewed: Previewed, *, parsed: ParsedFile, first_line: int) -> Detail:
    one, source = previewed.parsed, previewed.source
    previous: Statement | ParsedStatement | None = None
    gap, same_number = None, None
    if source is not None and previewed.known is None and one.closing_date is not None:
        found = feeds.continuity_of(
            source=source, closing_date=one.closing_date, opening_minor=one.opening_minor, closing_minor=one.closing_minor
        )
        previous, gap = found.previous, found.gap_minor
        same_number = (
            Statement.objects.filter(source=source, number=one.number, closing_date=one.closing_date).first() if one.number else None
        )
    # A statement of this very file will be accepted before this one, if it is the earlier.
    before = _before(one, parsed=parsed)
    if before is not None and before.closing_minor is not None and gap != 0:
        previous = before
        gap = None if one.opening_minor is None else one.opening_minor - before.closing_minor
    start = min(max(1, first_line), max(1, len(one.lines)))
    return Detail(
        previewed=previewed,
        previous=previous,
        gap_minor=gap,
        same_number=same_number,
        lines=one.lines[start - 1 : start - 1 + LINES_SHOWN],
        first_line=start,
        last_line=min(start - 1 + LINES_SHOWN, len(one.lines)),
        next_from=start + LINES_SHOWN if start + LINES_SHOWN <= len(one.lines) else 0,
        previous_from=max(1, start - LINES_SHOWN) if start > 1 else 0,
    )


def _before(one: ParsedStatement, *, parsed: ParsedFile) -> ParsedStatement | None:
    same = [other for other in parsed.statements if (other.account, other.currency) == (one.account, one.currency)]
    in_order = sorted(same, key=lambda other: (str(other.closing_date), other.ordinal))
    place = in_order.index(one)
    return in_order[place - 1] if place else None
