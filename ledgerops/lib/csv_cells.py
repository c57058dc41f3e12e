"""Text that is safe to open in a spreadsheet."""

# A cell that starts with one of these is read as a formula or a command; the full-width forms are folded to them by some programs.
_DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n", "\0", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def text_cell(value: object) -> str:
    """Return a text for a CSV cell, with an apostrophe before what a spreadsheet would run; amounts are never passed through this."""
    text = str(value)
    return f"'{text}" if text.lstrip(" ").startswith(_DANGEROUS) else text
