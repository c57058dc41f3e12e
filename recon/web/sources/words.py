"""Words of sources and feeds as people read them."""

from recon.due import DayState
from recon.formats import FORMATS
from recon.models import MAPPED, FeedFrequency, MappingStatus, SourceKind

# State, its word, and the look of its status.
STATE_WORDS: dict[DayState, tuple[str, str]] = {
    DayState.EXPECTED: ("Expected", "expected"),
    DayState.DUE: ("Due today", "pending"),
    DayState.LATE: ("Late", "late"),
    DayState.MISSING: ("Missing", "failed"),
    DayState.ON_TIME: ("On time", "proven"),
    DayState.ARRIVED_LATE: ("Came late", "unproven"),
    DayState.ARRIVED: ("Came", "proven"),
    DayState.QUIET: ("Nothing to report", "note"),
    DayState.WAIVED: ("Waived", "note"),
}
assert set(STATE_WORDS) == set(DayState)

KIND_WORDS = {
    SourceKind.BANK: "Bank",
    SourceKind.PROCESSOR: "Processor",
    SourceKind.CUSTODIAN: "Custodian",
    SourceKind.CHAIN: "Chain",
    SourceKind.OPERATIONAL: "Operational system",
}
assert set(KIND_WORDS) == set(SourceKind)

FREQUENCY_WORDS = {
    FeedFrequency.BUSINESS_DAILY: "every business day",
    FeedFrequency.DAILY: "every day",
    FeedFrequency.WEEKLY: "every week",
    FeedFrequency.MONTHLY: "every month",
}
assert set(FREQUENCY_WORDS) == set(FeedFrequency)

MAPPING_WORDS = {
    MappingStatus.DRAFT: "Draft",
    MappingStatus.SUBMITTED: "In approval",
    MappingStatus.APPROVED: "Approved",
    MappingStatus.REJECTED: "Not approved",
}
assert set(MAPPING_WORDS) == set(MappingStatus)

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def format_word(code: str) -> str:
    """Return how a source's files are read, in words."""
    if code == MAPPED:
        return "By its mapping"
    return FORMATS[code].label if code in FORMATS else "Recognised by content"


def format_choices() -> list[tuple[str, str]]:
    """Return what a source's files may be, in the order in which it is asked."""
    named = sorted(((code, one.label) for code, one in FORMATS.items() if code != "zip"), key=lambda pair: pair[1].lower())
    return [("", "Recognised by its content"), (MAPPED, "Columns that I map (CSV, fixed width, XLSX, JSON, XML)"), *named]
