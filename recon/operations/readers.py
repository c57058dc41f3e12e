"""Which reader a file is read with, and which source a statement belongs to: what the file says, else what its source says."""

from dataclasses import dataclass
from functools import lru_cache
from typing import BinaryIO
from uuid import UUID

from recon.formats import FORMATS, archive, detect
from recon.formats.events import Reader
from recon.formats.mapped import Mapping
from recon.formats.sniff import ZIP
from recon.intake.summary import ParsedStatement
from recon.models import MAPPED, Source
from recon.source_queries import mapping_in_force


@dataclass(frozen=True, slots=True, kw_only=True)
class ChosenReader:
    """No reader: the format is to be recognised by content, and is refused if it cannot be."""

    format: str = ""
    reader: Reader | None = None
    mapping_id: UUID | None = None


def reader_of(source: Source | None, content: BinaryIO) -> ChosenReader:
    """Return how a file delivered for this source is read; the source's own word comes before what the content looks like."""
    if source is None:
        return ChosenReader()
    if source.format and source.format != MAPPED:
        return ChosenReader(format=source.format, reader=FORMATS[source.format].reader)
    # A workbook is a ZIP archive too, and an archive may hold files that only the mapping reads.
    code = detect(content)
    if not source.format and code not in (None, ZIP):
        return ChosenReader()
    mapping = mapping_in_force(source)
    if mapping is None:
        return ChosenReader()
    reader = Mapping.from_json(mapping.definition).reader()
    return ChosenReader(
        format=MAPPED, reader=archive.reader_with(reader) if code == ZIP and archive.is_archive(content) else reader, mapping_id=mapping.pk
    )


class Chosen:
    """Names the source of each statement of a file that was delivered for `source`, or for nobody in particular."""

    def __init__(self, source: Source | None) -> None:
        self._source = source
        self._found = lru_cache(maxsize=1024)(self._find)

    def source_of(self, statement: ParsedStatement) -> Source | None:
        return self._found(statement.account, statement.currency)

    def _find(self, account: str, currency: str) -> Source | None:
        # Who delivers several currencies has a source for each, under one identifier.
        identifier = account or (self._source.identifier if self._source else "")
        if not identifier:
            return None
        return Source.objects.select_related("asset", "account").filter(identifier=identifier, asset__code=currency).first()
