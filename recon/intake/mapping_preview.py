"""What a mapping makes of a file, row by row beside its raw text: for the editor, for the person who approves it, and for the API."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Context, Decimal
from typing import BinaryIO

from recon.formats.events import BalanceRead, ControlRead, LineRead, LocatedError, StatementClosed, StatementOpened
from recon.formats.mapped import Mapping
from recon.intake.errors import describe

ROWS_SHOWN = 25
ERRORS_SHOWN = 50
# Sums are exact: the usual context of 28 digits would round those of tokens.
_EXACT = Context(prec=200)


@dataclass(frozen=True, slots=True, kw_only=True)
class MappedRow:
    """One row of the file as it was read, or why it was not."""

    where: str
    raw: str
    line: LineRead | None
    error: LocatedError | None


@dataclass(slots=True, kw_only=True)
class MappedStatement:
    """What the rows of one account and currency come to. `proof` is proven, unproven or no_balance."""

    account: str
    currency: str
    lines: int = 0
    came: Decimal = Decimal(0)
    went: Decimal = Decimal(0)
    opening: Decimal | None = None
    closing: Decimal | None = None
    controls: list[ControlRead] = field(default_factory=list)

    @property
    def difference(self) -> Decimal | None:
        """Return closing less what opening and movements lead to; None where a balance is missing."""
        if self.opening is None or self.closing is None:
            return None
        moved = _EXACT.subtract(self.came, self.went)
        return _EXACT.subtract(self.closing, _EXACT.add(self.opening, moved))

    @property
    def proof(self) -> str:
        if any(control.declared != control.found for control in self.controls):
            return "unproven"
        if self.difference is None:
            return "no_balance"
        return "unproven" if self.difference else "proven"


@dataclass(slots=True, kw_only=True)
class MappingPreview:
    """The first rows, every statement's totals, and the errors with their place; `refused` says that nothing of the file would be read."""

    rows: list[MappedRow] = field(default_factory=list)
    statements: list[MappedStatement] = field(default_factory=list)
    errors: list[LocatedError] = field(default_factory=list)
    remarks: list[LocatedError] = field(default_factory=list)
    line_count: int = 0
    error_count: int = 0
    refused: bool = False

    @property
    def proof(self) -> str:
        """Return the weakest proof of the statements."""
        proofs = {statement.proof for statement in self.statements}
        return next((word for word in ("unproven", "no_balance", "proven") if word in proofs), "no_balance")


def preview(mapping: Mapping, file: BinaryIO) -> MappingPreview:
    """Read a file whole by a mapping and keep what a person needs to judge it."""
    found = MappingPreview()
    current: MappedStatement | None = None
    known: dict[tuple[str, str], MappedStatement] = {}
    for event in mapping.reader()(file):
        match event:
            case StatementOpened():
                key = (event.account, event.currency or "")
                current = known.setdefault(key, MappedStatement(account=key[0], currency=key[1]))
            case LineRead():
                found.line_count += 1
                if current is not None:
                    _add(current, event)
                if len(found.rows) < ROWS_SHOWN:
                    found.rows.append(MappedRow(where=describe(event.place), raw=event.raw, line=event, error=None))
            case BalanceRead() if current is not None:
                if event.role == "opening":
                    current.opening = event.amount
                elif event.role == "closing":
                    current.closing = event.amount
            case ControlRead() if current is not None:
                current.controls.append(event)
            case LocatedError():
                _note(found, event)
            case StatementClosed() | BalanceRead() | ControlRead():
                pass
    found.statements = list(known.values())
    found.refused = found.refused or (found.error_count > 0 and found.line_count == 0)
    found.rows.sort(key=_place_of)
    return found


def _add(statement: MappedStatement, line: LineRead) -> None:
    statement.lines += 1
    if not line.booked:
        return
    if line.direction == "credit":
        statement.came = _EXACT.add(statement.came, line.amount)
    else:
        statement.went = _EXACT.add(statement.went, line.amount)


def _note(found: MappingPreview, error: LocatedError) -> None:
    if not (error.fatal or error.row):
        if len(found.remarks) < ERRORS_SHOWN:
            found.remarks.append(error)
        return
    found.error_count += 1
    found.refused = found.refused or error.fatal
    if len(found.errors) < ERRORS_SHOWN:
        found.errors.append(error)
    if error.row and len(found.rows) < ROWS_SHOWN:
        found.rows.append(MappedRow(where=describe(error.place), raw=error.raw, line=None, error=error))


def _place_of(row: MappedRow) -> int:
    place = row.line.place if row.line else row.error.place if row.error else None
    return (place.line or 0) if place else 0


# The order in which a person reads a definition; the store keeps none.
_ORDER = (
    "format", "encoding", "layout", "kind", "account", "currency", "booking_date", "value_date", "numbers", "amount", "sign", "column",
    "reference", "end_to_end_id", "bank_reference", "counterparty", "counterparty_account", "transaction_code", "description", "keys",
    "facts", "balance_after", "order", "booked", "opening", "closing", "totals", "skip",
)  # fmt: skip
_PLACE = {name: place for place, name in enumerate(_ORDER)}


def flattened(definition: object, path: str = "") -> list[tuple[str, str]]:
    """Return a definition as pairs of a path and its value in words, in the order in which it is written."""
    if isinstance(definition, dict):
        names = sorted(definition, key=lambda name: (_PLACE.get(name, len(_PLACE)), name))
        return [pair for name in names for pair in flattened(definition[name], f"{path}.{name}" if path else name)]
    if isinstance(definition, list) and definition and isinstance(definition[0], dict):
        return [pair for number, value in enumerate(definition, start=1) for pair in flattened(value, f"{path}[{number}]")]
    return [(path, _word(definition))]


def _word(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None:
        return "not said"
    if isinstance(value, list):
        return ", ".join(_word(one) for one in value)
    return {"\t": "tab", " ": "space", "": "none"}.get(str(value), str(value))


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One setting of two definitions; an empty side did not have it."""

    path: str
    before: str
    after: str

    @property
    def differs(self) -> bool:
        return self.before != self.after


def compared(before: object, after: object) -> Sequence[Difference]:
    """Return every setting of either definition, in the order of the newer one, then what only the older had."""
    old, new = dict(flattened(before)), dict(flattened(after))
    paths = [*new, *(path for path in old if path not in new)]
    return [Difference(path=path, before=old.get(path, ""), after=new.get(path, "")) for path in paths]
