"""Words of breaks as people read them."""

from recon.models import Break, BreakType, MatchMethod, TreatmentKind

TYPE_WORDS = {
    BreakType.MISSING_EXTERNAL: "Not on statement",
    BreakType.MISSING_INTERNAL: "Not in ledger",
    BreakType.AMOUNT: "Amount mismatch",
    BreakType.DATE: "Value-date drift",
    BreakType.DUPLICATE_EXTERNAL: "Duplicate at bank",
    BreakType.DUPLICATE_INTERNAL: "Duplicate in ledger",
    BreakType.AMBIGUOUS: "Ambiguous",
    BreakType.STALE_FEED: "Statement missing",
    BreakType.CHAIN_REORG: "Chain reorganised",
}
assert set(TYPE_WORDS) == set(BreakType)

METHOD_WORDS = {
    MatchMethod.RULE: "a rule",
    MatchMethod.MANUAL: "a match by hand",
    MatchMethod.ADJUSTMENT: "an adjustment",
    MatchMethod.WRITE_OFF: "a write-off",
    MatchMethod.REBOOKING: "a reversal and rebooking",
}
assert set(METHOD_WORDS) == set(MatchMethod)

TREATMENT_WORDS = {
    TreatmentKind.TIMING: "Accepted as timing",
    TreatmentKind.DUPLICATE: "Duplicate",
    TreatmentKind.STATEMENT_ERROR: "Error of the statement",
}
assert set(TREATMENT_WORDS) == set(TreatmentKind)


def type_word(recon_break: Break) -> str:
    """Return what a break is called; between more than two populations what is missing is named."""
    missing = recon_break.cause.get("missing") if recon_break.cause.get("kind") == "hop_missing" else None
    return f"Missing: {', '.join(missing)}" if missing else TYPE_WORDS[BreakType(recon_break.type)]
