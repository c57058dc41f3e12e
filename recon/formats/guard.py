"""The promise every reader makes to its caller: nothing is raised, and a hopeless file stops by itself."""

from __future__ import annotations

from collections.abc import Iterator
from functools import wraps
from typing import BinaryIO

from recon.formats.events import Event, LocatedError, Place, Reader, refusal, remark

ERRORS_MAX = 200
REMARKS_MAX = 200


def guarded(reader: Reader) -> Reader:
    """Turn any exception of a reader into a fatal located error, and stop after ``ERRORS_MAX`` errors."""

    @wraps(reader)
    def read(file: BinaryIO) -> Iterator[Event]:
        place = Place(None, None, "file")
        errors = remarks = 0
        try:
            file.seek(0)
            for event in reader(file):
                place = event.place
                # A remark refuses nothing, whatever the number: a long statement may have one on every line.
                remarks += isinstance(event, LocatedError) and not (event.fatal or event.row)
                if isinstance(event, LocatedError) and not (event.fatal or event.row) and remarks > REMARKS_MAX:
                    continue
                yield event
                # Rows in quarantine are counted apart: a file of bad rows is theirs to keep, whatever their number.
                errors += isinstance(event, LocatedError) and event.fatal
                if errors >= ERRORS_MAX:
                    message = f"Reading stopped here: the file has {ERRORS_MAX} errors or more."
                    yield refusal(place=place, field="file", message=message)
                    return
        except Exception as error:  # noqa: BLE001 (the caller relies on events alone; the event names the failure)
            message = f"The file could not be read after this place ({type(error).__name__})."
            yield refusal(place=place, field="file", value=str(error), message=message)
        if remarks > REMARKS_MAX:
            message = f"The file gives {remarks - REMARKS_MAX} further remarks like those above; they are not listed."
            yield remark(place=place, field="file", message=message)

    return read
