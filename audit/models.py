"""The trail: one row for each act and each refusal, written by one database function and never changed."""

from django.db import models

from ledgerops.lib.sql import ClockTimestamp, UUIDv7


class Outcome(models.TextChoices):
    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"


class AuditEvent(models.Model):
    """One recorded act. Rows enter through `audit_record_event_v1` only; the runtime role cannot insert."""

    id = models.UUIDField(primary_key=True, db_default=UUIDv7(), editable=False)
    at = models.DateTimeField(db_default=ClockTimestamp())
    actor_type = models.CharField(max_length=16)
    actor_id = models.BigIntegerField(null=True)
    actor_name = models.CharField(max_length=150)
    session_digest = models.CharField(max_length=64, blank=True)
    ip = models.GenericIPAddressField(null=True)
    request_id = models.CharField(max_length=64, blank=True)
    action = models.CharField(max_length=100)
    target_type = models.CharField(max_length=60)
    target_id = models.CharField(max_length=300)
    outcome = models.CharField(max_length=8, choices=Outcome.choices)
    reason = models.TextField(blank=True)
    before = models.JSONField(null=True)
    after = models.JSONField(null=True)
    proposal_id = models.UUIDField(null=True)
    transaction_id = models.BigIntegerField()

    class Meta:
        db_table = "audit_event"
        ordering = ["-id"]
        permissions = [("search_trail", "Can search the audit trail")]
        indexes = [
            models.Index(fields=["target_type", "target_id", "id"], name="audit_event_by_target"),
            models.Index(fields=["action", "id"], name="audit_event_by_action"),
            models.Index(fields=["actor_id", "id"], name="audit_event_by_actor"),
            # Few events are anything but done, and those are what an auditor looks for first.
            models.Index(fields=["outcome", "id"], name="audit_event_not_done", condition=models.Q(outcome__in=["refused", "failed"])),
            models.Index(fields=["proposal_id", "id"], name="audit_event_by_proposal", condition=models.Q(proposal_id__isnull=False)),
        ]
        constraints = [
            models.CheckConstraint(condition=models.Q(outcome__in=Outcome.values), name="audit_event_outcome_is_known"),
            models.CheckConstraint(
                condition=models.Q(actor_type__in=["user", "system", "anonymous"]), name="audit_event_actor_type_is_known"
            ),
            models.CheckConstraint(
                condition=~models.Q(actor_type="user") | models.Q(actor_id__isnull=False), name="audit_event_user_has_an_id"
            ),
        ]
