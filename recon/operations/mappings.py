"""How files without a format of their own are read: drafted, tried on a sample, and approved by a second person."""

from collections.abc import Mapping as Json
from typing import Any, BinaryIO
from uuid import UUID

from django.db.models import Max

from approvals import operations as approvals
from approvals.canonical import canonical_json, digest_of
from approvals.models import Proposal
from approvals.registry import Command, PreconditionChanged
from audit.operations import act, record_event
from ledgerops.lib.errors import Refusal, RefusalKind
from ledgerops.lib.transactions import database_now
from ledgerops.runtime.gate import refuse_if_stopped
from ledgerops.runtime.models import Function
from recon.formats.mapped import Mapping, MappingRefused
from recon.intake.mapping_preview import MappingPreview, preview
from recon.models import FileStatus, MappingStatus, MappingVersion, Source, StatementFile
from recon.operations.corrections import scope_of
from recon.operations.kept_bytes import hash_of, keep, verified
from recon.operations.sources import source_code
from recon.source_queries import mapping_in_force

APPROVE_MAPPING = "recon.approve_mapping"
SAMPLE_MAXIMUM_BYTES = 5 * 1024 * 1024


class MappingInvalid(Refusal):
    """The definition cannot be used; `field` is the path of the key that is wrong."""

    code = "mapping_invalid"
    kind = RefusalKind.INVALID


class MappingNotNew(Refusal):
    """The mapping is not in a state for this, or is what reads the files already."""

    code = "mapping_refused"
    kind = RefusalKind.CONFLICT


class MappingNotYours(Refusal):
    """Who drafted a mapping submits it: then whoever approves it is another person."""

    code = "mapping_not_yours"
    kind = RefusalKind.FORBIDDEN


class SampleRefused(Refusal):
    code = "sample_refused"
    kind = RefusalKind.INVALID


def receive_sample(*, source_id: int, name: str, content: BinaryIO, received_by_id: int) -> StatementFile:
    """Store a file of a source to try its mapping on; once a mapping reads it, the same file can be accepted.

    :raises SampleRefused: if it is empty, too large to be shown while somebody waits, or known as another source's.
    """
    sha256, size = hash_of(content)
    with act("recon.mapping.sample_received", target_type="recon.file", target_id=sha256):
        refuse_if_stopped(Function.INGESTION)
        if not 0 < size <= SAMPLE_MAXIMUM_BYTES:
            said = "the file is empty" if not size else f"a sample has at most {SAMPLE_MAXIMUM_BYTES // 1024**2} MB: cut it after some rows"
            raise SampleRefused(said, field="file")
        known = StatementFile.objects.select_for_update().filter(sha256=sha256).first()
        if known is not None:
            return _taken_as_sample(known, source_id=source_id)
        keep(sha256=sha256, content=content)
        row = StatementFile.objects.create(
            sha256=sha256, size_bytes=size, name=name[-255:], status=FileStatus.STORED, source_id=source_id, received_by_id=received_by_id
        )
        record_event(
            "recon.mapping.sample_received",
            target_type="recon.file",
            target_id=row.pk,
            after={"sha256": sha256, "size_bytes": size, "name": row.name, "source": source_id},
        )
        return row


def _taken_as_sample(known: StatementFile, *, source_id: int) -> StatementFile:
    """Return a file that came before as this source's; one that nobody could read then may be what a mapping is for."""
    if known.source_id == source_id:
        return known
    if known.source_id is not None or known.status == FileStatus.ACCEPTED:
        raise SampleRefused("these bytes came before, for another source", field="file")
    known.source_id, known.status, known.errors = source_id, FileStatus.STORED, []
    known.save(update_fields=["source", "status", "errors"])
    record_event("recon.mapping.sample_received", target_type="recon.file", target_id=known.pk, after={"source": source_id})
    return known


def try_on(*, definition: Json[str, Any], file: StatementFile) -> MappingPreview:
    """Return what a definition makes of a stored file; nothing is kept.

    :raises MappingInvalid: naming the key that is wrong.
    :raises FileBytesLost: if the bytes are gone or not those that were received.
    """
    mapping = checked(definition)
    with verified(file) as content:
        return preview(mapping, content)


def checked(definition: Json[str, Any]) -> Mapping:
    """Return the mapping that a definition describes.

    :raises MappingInvalid: naming the first key that is missing, unknown or wrong.
    """
    try:
        return Mapping.from_json(definition)
    except MappingRefused as refused:
        raise MappingInvalid(f"{refused.field}: {refused.message}", field=refused.field) from refused


def draft_mapping(*, source_id: int, definition: Json[str, Any], sample_id: UUID | None, drafted_by_id: int) -> MappingVersion:
    """Keep a definition as the next version of a source's mapping; the same person's same draft again returns the one there is.

    :raises MappingInvalid: naming the key that is wrong.
    :raises MappingNotNew: if this is what reads the files already.
    """
    with act("recon.mapping.drafted", target_type="recon.source", target_id=source_code(source_id)):
        checked(definition)
        source = Source.objects.select_for_update(of=("self",), no_key=True).get(pk=source_id)
        if sample_id is not None and not StatementFile.objects.filter(pk=sample_id, source=source).exists():
            raise MappingInvalid("the sample is no file of this source", field="sample")
        digest = digest_of(canonical_json(definition))
        in_force = mapping_in_force(source)
        if in_force is not None and in_force.digest == digest:
            raise MappingNotNew(f"version {in_force.number} reads the files in just this way", number=in_force.number)
        same = MappingVersion.objects.filter(source=source, digest=digest, status=MappingStatus.DRAFT, drafted_by=drafted_by_id).first()
        if same is not None and same.sample_id == sample_id:
            return same
        latest = MappingVersion.objects.filter(source=source).aggregate(number=Max("number"))["number"] or 0
        version = MappingVersion.objects.create(
            source=source, number=latest + 1, definition=dict(definition), digest=digest, sample_id=sample_id, drafted_by_id=drafted_by_id
        )
        record_event(
            "recon.mapping.drafted",
            target_type="recon.mapping",
            target_id=version.pk,
            after={"source": source.code, "number": version.number, "digest": digest, "sample": sample_id},
        )
        return version


def submit_mapping(*, mapping_id: UUID, reason_code: str, narrative: str, maker_id: int) -> Proposal:
    """Ask a second person to approve a draft of one's own.

    :raises MappingNotNew: if it is no draft any more.
    :raises MappingNotYours: if somebody else drafted it.
    :raises Refusal: the approvals' own.
    """
    return approvals.submit(
        kind=APPROVE_MAPPING, payload=_asked(mapping_id, reason_code=reason_code, narrative=narrative, maker_id=maker_id), maker_id=maker_id
    )


def revise_mapping(*, proposal_id: UUID, mapping_id: UUID, reason_code: str, narrative: str, maker_id: int) -> Proposal:
    """Submit another draft after changes were requested; the version that was returned is not approved any more."""
    payload = _asked(mapping_id, reason_code=reason_code, narrative=narrative, maker_id=maker_id)
    return approvals.revise(proposal_id=proposal_id, payload=payload, maker_id=maker_id)


def _asked(mapping_id: UUID, *, reason_code: str, narrative: str, maker_id: int) -> dict[str, Any]:
    return {"mapping": str(mapping_id), "reason_code": reason_code, "narrative": narrative.strip(), "maker": maker_id}


def check_mapping(*, payload: Json[str, Any]) -> Command:
    """Understand a request to approve a mapping against the version as it is, locking it.

    :raises MappingNotNew, MappingNotYours: see `submit_mapping`.
    """
    version = _locked(UUID(payload["mapping"]))
    source = version.source
    if version.status != MappingStatus.DRAFT:
        raise MappingNotNew(f"version {version.number} is {version.get_status_display().lower()}, no draft")
    if version.drafted_by_id != payload["maker"]:
        raise MappingNotYours(f"version {version.number} is submitted by {version.drafted_by.shown_name}, who drafted it")
    in_force = mapping_in_force(source)
    return Command(
        payload={
            **payload,
            "source": source.code,
            "version": version.number,
            "digest": version.digest,
            "definition": version.definition,
        },
        title=f"Read files of {source.name} by version {version.number} of their mapping"[:200],
        scope=scope_of(source_id=source.pk),
        target_type="recon.source",
        target_id=source.code,
        locked_object=f"recon.mapping:{source.code}",
        preconditions={"in_force": in_force.number if in_force else None},
        reason_code=payload["reason_code"],
        narrative=payload["narrative"],
    )


def hold_mapping(*, payload: Json[str, Any]) -> None:
    MappingVersion.objects.filter(pk=UUID(payload["mapping"]), status=MappingStatus.DRAFT).update(status=MappingStatus.SUBMITTED)


def release_mapping(*, payload: Json[str, Any]) -> None:
    """A version whose proposal ended is not approved; the same definition may be drafted again."""
    MappingVersion.objects.filter(pk=UUID(payload["mapping"]), status=MappingStatus.SUBMITTED).update(status=MappingStatus.REJECTED)


def put_in_force(*, payload: Json[str, Any], preconditions: Json[str, Any], proposal_id: UUID) -> None:
    """Let an approved version read what comes from now on, inside the caller's transaction.

    :raises PreconditionChanged: if another version has come into force since this was proposed.
    """
    version = _locked(UUID(payload["mapping"]))
    in_force = mapping_in_force(version.source)
    if (in_force.number if in_force else None) != preconditions["in_force"]:
        raise PreconditionChanged("another version of this mapping has been approved since this was proposed")
    if version.status != MappingStatus.SUBMITTED:
        raise PreconditionChanged(f"version {version.number} is {version.get_status_display().lower()}")
    version.status, version.proposal_id, version.approved_at = MappingStatus.APPROVED, proposal_id, database_now()
    version.save(update_fields=["status", "proposal_id", "approved_at"])
    record_event(
        "recon.mapping.approved",
        target_type="recon.mapping",
        target_id=version.pk,
        before={"in_force": preconditions["in_force"]},
        after={"source": version.source.code, "number": version.number, "digest": version.digest},
        proposal_id=proposal_id,
    )


def _locked(mapping_id: UUID) -> MappingVersion:
    return MappingVersion.objects.select_for_update(of=("self",)).select_related("source", "drafted_by").get(pk=mapping_id)
