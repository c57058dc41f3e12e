"""Files that stand with a break: attached by people, kept under their hash, handed out as they came."""

import re
import unicodedata
from io import BytesIO
from typing import IO, BinaryIO
from uuid import UUID

from audit.operations import act, record_event
from ledgerops.lib.errors import Refusal, RefusalKind
from recon.formats.evidence_types import ENDINGS, NotEvidence, type_of
from recon.models import Break, EvidenceFile, EvidenceOrigin
from recon.operations.kept_bytes import hash_of, keep, verified

EVIDENCE_MAXIMUM_BYTES = 10 * 1024 * 1024
FILES_MAXIMUM = 100
NOTE_MAX = 500
NAME_MAX = 100


class EvidenceRefused(Refusal):
    """The file is not taken; the sentence says why."""

    code = "evidence_refused"
    kind = RefusalKind.INVALID


class EvidenceKnown(Refusal):
    """The break has a file of exactly these bytes."""

    code = "evidence_known"
    kind = RefusalKind.CONFLICT


def attach_file(*, break_id: UUID, name: str, content: BinaryIO, note: str, added_by_id: int) -> EvidenceFile:
    """Keep a file as evidence of a break, whatever the break's state.

    What it is, is told by its bytes; a name that says otherwise gets the right ending.

    :raises EvidenceRefused: if it is too large, of no kind that is taken, or could run something.
    :raises EvidenceKnown: if these bytes stand with the break already.
    """
    with act("recon.evidence.attached", target_type="recon.break", target_id=break_id):
        sha256, size = hash_of(content)
        if size > EVIDENCE_MAXIMUM_BYTES:
            raise EvidenceRefused(f"a file has at most {EVIDENCE_MAXIMUM_BYTES // 1024**2} MB", field="file")
        try:
            media_type = type_of(content)
        except NotEvidence as error:
            raise EvidenceRefused(str(error), field="file") from error
        if len(note.strip()) > NOTE_MAX:
            raise EvidenceRefused(f"a note has at most {NOTE_MAX} characters", field="note")
        recon_break = _locked(break_id)
        keep(sha256=sha256, content=content)
        kept = _write(
            recon_break,
            origin=EvidenceOrigin.UPLOADED,
            name=safe_name(name, media_type=media_type),
            media_type=media_type,
            sha256=sha256,
            size=size,
            note=note.strip(),
            added_by_id=added_by_id,
        )
        _record("recon.evidence.attached", kept)
        return kept


def keep_message(*, break_id: UUID, name: str, content: bytes, media_type: str, note: str, added_by_id: int) -> EvidenceFile:
    """Keep a drafted message with its break; nobody is sent anything.

    :raises EvidenceKnown: if these bytes stand with the break already.
    """
    with act("recon.message.drafted", target_type="recon.break", target_id=break_id):
        recon_break = _locked(break_id)
        file = BytesIO(content)
        sha256, size = hash_of(file)
        keep(sha256=sha256, content=file)
        kept = _write(
            recon_break,
            origin=EvidenceOrigin.DRAFTED,
            name=name,
            media_type=media_type,
            sha256=sha256,
            size=size,
            note=note,
            added_by_id=added_by_id,
        )
        _record("recon.message.drafted", kept)
        return kept


def hand_out_evidence(*, evidence_id: UUID) -> IO[bytes]:
    """Open a file of evidence for the person who asked, and record that it was handed out.

    :raises FileBytesLost: if its bytes are not those that were kept.
    """
    with act("recon.evidence.downloaded", target_type="recon.evidence_file", target_id=evidence_id):
        kept = EvidenceFile.objects.select_related("recon_break").get(pk=evidence_id)
        with verified(kept) as content:
            copy = BytesIO(content.read())
        record_event(
            "recon.evidence.downloaded",
            target_type="recon.evidence_file",
            target_id=evidence_id,
            after={"break": kept.recon_break.public_number, "sha256": kept.sha256, "name": kept.name},
        )
        return copy


def safe_name(name: str, *, media_type: str) -> str:
    """Return a file's name without folders and signs that mislead, with the ending of what it is."""
    plain = unicodedata.normalize("NFC", name).replace("\\", "/").rpartition("/")[2]
    plain = "".join(sign for sign in plain if unicodedata.category(sign)[0] != "C" and sign not in '"<>|:*?;%')
    stem = re.sub(r"\s+", " ", plain).strip(" .")
    ending = ENDINGS[media_type]
    known = {ending, ".jpeg"} if ending == ".jpg" else {ending}
    has = next((one for one in known if stem.lower().endswith(one)), "")
    return f"{(stem[: -len(has)] if has else stem)[:NAME_MAX] or 'evidence'}{has or ending}"


def _locked(break_id: UUID) -> Break:
    recon_break = Break.objects.select_for_update(of=("self",)).get(pk=break_id)
    if EvidenceFile.objects.filter(recon_break=recon_break).count() >= FILES_MAXIMUM:
        raise EvidenceRefused(f"{recon_break.public_number} has {FILES_MAXIMUM} files already", field="file")
    return recon_break


def _write(
    recon_break: Break, *, origin: EvidenceOrigin, name: str, media_type: str, sha256: str, size: int, note: str, added_by_id: int
) -> EvidenceFile:
    known = EvidenceFile.objects.filter(recon_break=recon_break, sha256=sha256).first()
    if known is not None:
        raise EvidenceKnown(
            f"{recon_break.public_number} has exactly this file already: {known.name}", field="file", evidence=str(known.pk)
        )
    return EvidenceFile.objects.create(
        recon_break=recon_break,
        origin=origin,
        name=name,
        media_type=media_type,
        sha256=sha256,
        size_bytes=size,
        note=note,
        added_by_id=added_by_id,
    )


def _record(action: str, kept: EvidenceFile) -> None:
    record_event(
        action,
        target_type="recon.break",
        target_id=kept.recon_break_id,
        after={
            "evidence": str(kept.pk),
            "name": kept.name,
            "media_type": kept.media_type,
            "sha256": kept.sha256,
            "size_bytes": kept.size_bytes,
            "text": kept.note,
        },
    )
