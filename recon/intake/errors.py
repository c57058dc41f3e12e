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
    if place.line is not None and place.path:
        return f"line {place.line}, {place.path}"
    said = [f"line {place.line}"] if place.line is not None else [f"byte {place.offset}"] if place.offset is not None else []
    return ", ".join([*said, place.path] if place.path else said) or "start of file"


def from_located(error: LocatedError) -> ParseError:
    return ParseError(
        where=describe(error.place), field=error.field, value=error.value, message=error.message, fatal=error.fatal, row=error.row
    )


def fatal(where: str, message: str, *, field: str = "", value: str = "") -> ParseError:
    return ParseError(where=where, field=field, value=value[:VALUE_MAX], message=message, fatal=True)
