"""What is wrong with a file, where, in words a banker understands."""

from dataclasses import dataclass

from recon.formats.events import VALUE_MAX, LocatedError, Place


@dataclass(frozen=True, slots=True, kw_only=True)
class ParseError:
    """A fatal error refuses the file, a quarantined row stays out of it, any other is a remark."""

    where: str
    field: str
    value: str
    message: str
    fatal: bool
    row: bool = False


def describe(place: Place) -> str:
    """Return a place as a person finds it: line 41, :61:."""
    line, path = place.line, place.path
    if line is not None:
        return f"line {line}, {path}" if path else f"line {line}"
    if place.offset is not None:
        return f"byte {place.offset}, {path}" if path else f"byte {place.offset}"
    return path or "start of file"


def from_located(error: LocatedError) -> ParseError:
    return ParseError(
        where=describe(error.place), field=error.field, value=error.value, message=error.message, fatal=error.fatal, row=error.row
    )


def fatal(where: str, message: str, *, field: str = "", value: str = "") -> ParseError:
    return ParseError(where=where, field=field, value=value[:VALUE_MAX], message=message, fatal=True)
