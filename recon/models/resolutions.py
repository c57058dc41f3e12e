"""How a break is dealt with while it is open: what may be written off or waited for, how it is treated, and what stands as evidence."""

from django.conf import settings
from django.db import models

from approvals.models import ReasonCode
from ledgerops.lib.sql import ClockTimestamp, UUIDv7
from recon.models.breaks import Break, BreakComment


class ResolutionTerms(models.Model):
    """What may be resolved by less than an adjustment in one asset of a legal entity; the version with the highest number counts.

    A residual up to `write_off_maximum_minor` may be written off to `write_off_account`; none where there is no such account. An open
    item may be accepted as timing for at most `timing_days_maximum` business days.
    """

    entity = models.ForeignKey("ledger.LegalEntity", on_delete=models.PROTECT, related_name="+", db_index=False)
    asset = models.ForeignKey("ledger.Asset", on_delete=models.PROTECT, related_name="+")
    version = models.PositiveIntegerField()
    write_off_account = models.ForeignKey("ledger.Account", on_delete=models.PROTECT, null=True, related_name="+")
    write_off_maximum_minor = models.DecimalField(max_digits=38, decimal_places=0)
    timing_days_maximum = models.PositiveSmallIntegerField()
    proposal_id = models.UUIDField(null=True)
    set_at = models.DateTimeField(db_default=ClockTimestamp())

    class Meta:
        db_table = "recon_resolution_terms"
        ordering = ["entity", "asset", "-version"]
        permissions = [
            ("propose_write_off", "Can propose to write off a residual"),
            ("propose_rebooking", "Can propose to reverse a wrong entry and book it anew"),
            ("propose_terms", "Can propose other terms of resolutions"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["entity", "asset", "version"], name="recon_terms_have_one_version"),
            models.CheckConstraint(
                condition=models.Q(write_off_maximum_minor__gte=0, timing_days_maximum__lte=60), name="recon_terms_are_in_bounds"
            ),
            models.CheckConstraint(
                condition=models.Q(version=1) | models.Q(version__gt=1, proposal_id__isnull=False),
                name="recon_later_terms_have_a_proposal",
            ),
        ]


class TreatmentKind(models.TextChoices):
    TIMING = "timing"
    DUPLICATE = "duplicate"
    STATEMENT_ERROR = "statement_error"


class Treatment(models.Model):
    """How a person treats an open break: as timing until a date, as a duplicate, or as an error of the statement.

    Its items stay open and in the roll-forward until a posting, a line or a restatement consumes them; no treatment resolves anything.
    Timing is accepted until the end of the day `until`, and by the clock no longer. Another treatment, or a person, ends it.
    """

    recon_break = models.ForeignKey(Break, on_delete=models.PROTECT, related_name="treatments")
    kind = models.CharField(max_length=20, choices=TreatmentKind.choices)
    reason = models.ForeignKey(ReasonCode, on_delete=models.PROTECT, related_name="+", db_index=False)
    narrative = models.CharField(max_length=2000)
    until = models.DateField(null=True)
    accepted_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False)
    accepted_at = models.DateTimeField(db_default=ClockTimestamp())
    ended_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    ended_at = models.DateTimeField(null=True)
    end_reason = models.CharField(max_length=500, blank=True, db_default="")

    class Meta:
        db_table = "recon_treatment"
        ordering = ["id"]
        permissions = [("treat_break", "Can accept a break as timing, and treat it as a duplicate or an error of the statement")]
        constraints = [
            models.CheckConstraint(condition=models.Q(kind__in=TreatmentKind.values), name="recon_treatment_kind_is_known"),
            models.CheckConstraint(
                condition=models.Q(kind="timing", until__isnull=False) | (~models.Q(kind="timing") & models.Q(until=None)),
                name="recon_only_timing_has_an_end",
            ),
            models.CheckConstraint(
                condition=models.Q(ended_at=None, ended_by=None, end_reason="")
                | (models.Q(ended_at__isnull=False, ended_by__isnull=False) & ~models.Q(end_reason="")),
                name="recon_treatment_ends_with_a_reason",
            ),
            models.UniqueConstraint(fields=["recon_break"], condition=models.Q(ended_at=None), name="recon_break_has_one_live_treatment"),
        ]


class EvidenceOrigin(models.TextChoices):
    UPLOADED = "uploaded"
    DRAFTED = "drafted"


class EvidenceFile(models.Model):
    """A file that stands with a break: uploaded by a person, or a message to the bank drafted from the break's data.

    Its bytes are kept under their hash. `media_type` is what the bytes are, whatever the name says.
    """

    id = models.UUIDField(primary_key=True, db_default=UUIDv7(), editable=False)
    recon_break = models.ForeignKey(Break, on_delete=models.PROTECT, related_name="evidence_files", db_index=False)
    origin = models.CharField(max_length=8, choices=EvidenceOrigin.choices)
    name = models.CharField(max_length=140)
    media_type = models.CharField(max_length=80)
    sha256 = models.CharField(max_length=64)
    size_bytes = models.PositiveIntegerField()
    note = models.CharField(max_length=500, blank=True, db_default="")
    added_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False)
    added_at = models.DateTimeField(db_default=ClockTimestamp())

    class Meta:
        db_table = "recon_evidence_file"
        ordering = ["id"]
        permissions = [
            ("attach_evidence", "Can attach files to a break"),
            ("draft_message", "Can draft messages to the bank about a break"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["recon_break", "sha256"], name="recon_evidence_stands_once"),
            models.CheckConstraint(condition=models.Q(origin__in=EvidenceOrigin.values), name="recon_evidence_origin_is_known"),
        ]

    @property
    def storage_name(self) -> str:
        return f"{self.sha256[:2]}/{self.sha256}"


class Mention(models.Model):
    """A person named in a comment, until they have seen it."""

    comment = models.ForeignKey(BreakComment, on_delete=models.PROTECT, related_name="mentions")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="mentions", db_index=False)
    seen_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "recon_mention"
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["comment", "user"], name="recon_person_is_mentioned_once")]
        indexes = [models.Index(fields=["user", "-id"], name="recon_mention_unseen", condition=models.Q(seen_at=None))]
