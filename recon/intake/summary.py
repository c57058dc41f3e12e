"""What a file says, in a form whose size does not depend on its lines: the file's row keeps it as JSON."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import date
from typing import Any

from recon.intake.errors import ParseError

MAXIMUM_ERRORS = 200
MAXIMUM_STATEMENTS = 5_000
MAXIMUM_CONTROLS = 200
MAXIMUM_ROWS_BEFORE = 5_000

_DATES = ("opening_date", "closing_date", "period_start", "booked_from", "booked_to")


@dataclass(slots=True, kw_only=True)
class ParsedStatement:
    """One statement with all its pages, `ordinal` to `last_ordinal` of the file. Balances are signed as the account holder sees them.

    `digest` is of what the statement says, whatever file it came in. `controls` are the totals declared beside those found.
    """

    ordinal: int
    last_ordinal: int
    account: str
    scheme: str
    currency: str
    number: str
    sequence: int | None
    kind: str
    purpose: str
    place: str
    opening_minor: int | None = None
    opening_date: date | None = None
    closing_minor: int | None = None
    closing_date: date | None = None
    period_start: date | None = None
    booked_from: date | None = None
    booked_to: date | None = None
    movements_minor: int = 0
    proof: str = "no_balance"
    difference_minor: int = 0
    line_count: int = 0
    quarantined: int = 0
    controls: list[dict[str, str]] = field(default_factory=list)
    digest: str = ""

    @property
    def counts(self) -> bool:
        """Whether its lines count: intraday reports and notifications are evidence only, and a deletion withdraws."""
        return self.kind in ("statement", "report") and self.purpose != "deletion"

    @property
    def starts_on(self) -> date | None:
        """The day that it goes on from, for all that it says."""
        return self.opening_date or self.period_start or self.booked_from


@dataclass(slots=True, kw_only=True)
class ParsedFile:
    """The statements of a file, and what is wrong with it: the first errors in full, all of them in number."""

    format: str | None
    statements: list[ParsedStatement] = field(default_factory=list)
    errors: list[ParseError] = field(default_factory=list)
    error_count: int = 0
    line_count: int = 0
    quarantined: int = 0
    refused: bool = False

    def add_error(self, error: ParseError) -> None:
        self.error_count += 1
        if len(self.errors) < MAXIMUM_ERRORS or (error.fatal and not self.refused):
            self.errors.append(error)
        self.refused = self.refused or error.fatal

    def as_json(self) -> dict[str, Any]:
        """Return everything but the errors, which the file keeps beside it, as plain JSON values."""
        statements = [
            {**asdict(one), **{name: day.isoformat() for name in _DATES if (day := getattr(one, name))}} for one in self.statements
        ]
        return {"statements": statements, "lines": self.line_count, "quarantined": self.quarantined, "errors": self.error_count}


def statements_from_json(summary: Mapping[str, Any]) -> list[ParsedStatement]:
    """Return the statements that `ParsedFile.as_json` wrote down."""
    names = {one.name for one in fields(ParsedStatement)}
    statements = []
    for said in summary.get("statements", []):
        values: dict[str, Any] = {name: value for name, value in said.items() if name in names}
        values |= {name: date.fromisoformat(values[name]) for name in _DATES if values.get(name)}
        statements.append(ParsedStatement(**values))
    return statements
