"""Match keys: references stripped of everything that systems add or lose on the way."""

import re

# What banks write where there is no reference; matching on it would match everything.
STOP_KEYS = frozenset({"", "NOTPROVIDED", "NONREF", "NOREF", "NONE", "NULL", "NA", "UNKNOWN", "0"})
MINIMUM_LENGTH = 4
_NOISE = re.compile(r"[^A-Za-z0-9]")


def match_key(*references: str) -> str:
    """Return the first reference that identifies something, in capitals without punctuation; empty if none does."""
    for reference in references:
        # Most references have no noise to take out.
        key = (reference if reference.isalnum() and reference.isascii() else _NOISE.sub("", reference)).upper()
        if len(key) >= MINIMUM_LENGTH and key not in STOP_KEYS:
            return key[:140]
    return ""
