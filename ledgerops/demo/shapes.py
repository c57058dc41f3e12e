"""What a planned company is made of: plain frozen values, free of Django and of the database."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum


class DifferenceKind(StrEnum):
    """Why a ledger and a statement disagree, in the words of the break types."""

    MISSING_INTERNAL = "MISSING_INTERNAL"
    MISSING_EXTERNAL = "MISSING_EXTERNAL"
    AMOUNT = "AMOUNT"
    REFERENCE = "REFERENCE"
    DATE = "DATE"
    DUPLICATE_EXTERNAL = "DUPLICATE_EXTERNAL"


@dataclass(frozen=True)
class PlannedAsset:
    code: str
    name: str
    scale: int
    network: str = ""


@dataclass(frozen=True)
class PlannedGroup:
    code: str
    name: str


@dataclass(frozen=True)
class PlannedAccount:
    """An account of the chart. One that others name as their parent is a control account and is never posted to."""

    code: str
    name: str
    type: str
    owner_class: str
    asset: str
    group: str
    parent: str | None
    purpose: str = ""
    equivalent_of: str | None = None
    overdraft_limit_minor: int | None = None


@dataclass(frozen=True)
class PlannedLine:
    account_code: str
    direction: str
    amount_minor: int


@dataclass(frozen=True)
class PlannedEntry:
    """A business movement. `key` is its idempotency key; `reference` is the end-to-end id the bank repeats."""

    key: str
    type: str
    effective_date: date
    description: str
    reference: str
    lines: tuple[PlannedLine, ...]
    metadata: Mapping[str, str]


@dataclass(frozen=True)
class PlannedSource:
    """A bank account as the bank delivers it, in a format of `recon.formats`. `identifier` is its IBAN where the country has them."""

    code: str
    name: str
    format: str
    account_code: str
    identifier: str
    asset: str
    servicer: str
    bic: str


@dataclass(frozen=True)
class StatementLine:
    """One booked line as the bank sees it: `amount_minor` is positive when money comes in."""

    booking_date: date
    value_date: date
    amount_minor: int
    reference: str
    bank_reference: str
    category: str
    counterparty: str
    counterparty_account: str
    remittance: str


@dataclass(frozen=True)
class Statement:
    source: PlannedSource
    scale: int
    owner: str
    statement_date: date
    opening_date: date
    number: int
    opening_minor: int
    lines: tuple[StatementLine, ...]

    @property
    def closing_minor(self) -> int:
        return self.opening_minor + sum(line.amount_minor for line in self.lines)


@dataclass(frozen=True)
class StatementFile:
    """A delivered file. `imported` is false for the last days, which a person uploads by hand."""

    source: str
    statement_date: date
    filename: str
    content: bytes
    imported: bool


@dataclass(frozen=True)
class Difference:
    """One injected difference.

    `statement_date` is the date of the statement that shows it, or the effective date of the entry that no statement shows.
    `amount_minor` is by how much the last closing balance exceeds the ledger because of it; it is zero where only the
    reference or the date differs.
    """

    kind: DifferenceKind
    source: str
    statement_date: date
    amount_minor: int
    entry_key: str | None
    line_reference: str | None
    note: str


@dataclass(frozen=True)
class Company:
    entity_code: str
    entity_name: str
    assets: tuple[PlannedAsset, ...]
    groups: tuple[PlannedGroup, ...]
    accounts: tuple[PlannedAccount, ...]
    entries: tuple[PlannedEntry, ...]
    sources: tuple[PlannedSource, ...]
    files: tuple[StatementFile, ...]
    truth: tuple[Difference, ...]

    @property
    def key_prefix(self) -> str:
        """What all its entries' keys begin with; it names the parameters of the plan."""
        return self.entries[0].key.rpartition("-")[0]
