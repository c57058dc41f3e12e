"""ZIP files of statements: each member is read as a file of its own, the statements are numbered through."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from dataclasses import replace
from typing import BinaryIO, cast

from recon.formats import bai2, camt053, mt940, nacha, ofx
from recon.formats.events import Event, LocatedError, Place, Reader, StatementClosed, StatementOpened, refusal
from recon.formats.guard import guarded
from recon.formats.sniff import BAI2, CAMT052, CAMT053, CAMT054, MT940, MT942, NACHA, OFX, ZIP, detect

MEMBERS_MAX = 1000
UNPACKED_MAX = 1 << 30
RATIO_MAX = 200

_READERS: dict[str, Reader] = {
    BAI2: bai2.read,
    NACHA: nacha.read,
    OFX: ofx.read,
    MT940: mt940.read,
    MT942: mt940.read,
    CAMT052: camt053.read,
    CAMT053: camt053.read,
    CAMT054: camt053.read,
}


WORKBOOK = "[Content_Types].xml"


@guarded
def read(file: BinaryIO) -> Iterator[Event]:
    """Read every statement file of a ZIP archive; one unreadable member refuses the archive."""
    return _members(file, otherwise=None)


def reader_with(otherwise: Reader) -> Reader:
    """Return a reader of archives that reads what is in no format of its own with the reader given, such as that of a mapping."""

    @guarded
    def read_members(file: BinaryIO) -> Iterator[Event]:
        return _members(file, otherwise=otherwise)

    return read_members


def is_archive(file: BinaryIO) -> bool:
    """Return whether a file is a ZIP archive of files, and no workbook, which is one too; the file is left at its beginning."""
    file.seek(0)
    try:
        with zipfile.ZipFile(file) as archive:
            return WORKBOOK not in archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return False
    finally:
        file.seek(0)


def _members(file: BinaryIO, *, otherwise: Reader | None) -> Iterator[Event]:
    try:
        archive = zipfile.ZipFile(file)
    except zipfile.BadZipFile:
        yield _refusal("archive", "The ZIP archive is damaged or was cut off.")
        return
    with archive:
        members = [member for member in archive.infolist() if not member.is_dir()]
        error = _reason_to_refuse(members)
        if error:
            yield error
            return
        statements = 0
        for member in members:
            with archive.open(member) as unpacked:
                stream = cast("BinaryIO", unpacked)
                code = detect(stream)
                reader = _READERS.get(code or "", otherwise if code is None or (code == ZIP and not is_archive(stream)) else None)
                if reader is None:
                    message = "This file of the archive is in no statement format we read."
                    yield _refusal(member.filename, message)
                    continue
                opened = 0
                for event in reader(stream):
                    opened += isinstance(event, StatementOpened)
                    yield _within(event, member=member.filename, statements=statements)
                statements += opened


def _reason_to_refuse(members: list[zipfile.ZipInfo]) -> LocatedError | None:
    if not members:
        return _refusal("archive", "The ZIP archive is empty.")
    if len(members) > MEMBERS_MAX or sum(member.file_size for member in members) > UNPACKED_MAX:
        return _refusal("archive", f"The ZIP archive holds more than {MEMBERS_MAX} files or one gigabyte.")
    for member in members:
        if member.flag_bits & 1:
            return _refusal(member.filename, "This file of the archive is encrypted.")
        if member.file_size > RATIO_MAX * max(member.compress_size, 1024):
            return _refusal(member.filename, "This file of the archive unpacks to many times its size, which no statement does.")
    return None


def _refusal(member: str, message: str) -> LocatedError:
    return refusal(place=Place(None, None, member), field="ZIP", value=member, message=message)


def _within(event: Event, *, member: str, statements: int) -> Event:
    """Place an event inside its member, and number its statement after those of the members before."""
    place = Place(event.place.line, event.place.offset, f"{member}: {event.place.path}")
    if isinstance(event, StatementOpened | StatementClosed):
        return replace(event, place=place, ordinal=event.ordinal + statements)
    return replace(event, place=place)
