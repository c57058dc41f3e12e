"""The switch gate: what is stopped, for whom, and why. Whoever acts reads it inside its own transaction.

Setting a switch is one person's act, or the integrity checker's, and quick; lifting one goes through approval. Both live above.
"""

from django.db import models

from ledgerops.lib.sql import ClockTimestamp, UUIDv7


class Function(models.TextChoices):
    POSTING = "posting"
    EXECUTION = "execution", "Execution of approvals"
    MATCHING = "matching", "Automatic matching"
    INGESTION = "ingestion", "Taking statements in"
    EXPORTS = "exports"


class Switch(models.Model):
    """A stop of one function, everywhere or in one scope (`entity:CODE`, `account:CODE`), until it is lifted."""

    EVERYWHERE = ""

    id = models.UUIDField(primary_key=True, db_default=UUIDv7(), editable=False)
    function = models.CharField(max_length=20, choices=Function.choices)
    scope = models.CharField(max_length=60, blank=True)
    reason = models.TextField()
    # An approved correction passes: otherwise what an integrity finding stopped could never be put right.
    passes_approved = models.BooleanField(default=False)
    set_by_id = models.BigIntegerField(null=True)
    set_at = models.DateTimeField(db_default=ClockTimestamp())
    lifted_at = models.DateTimeField(null=True)
    lifted_by_id = models.BigIntegerField(null=True)
    lift_proposal_id = models.UUIDField(null=True)

    class Meta:
        db_table = "runtime_switch"
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["function", "scope"], condition=models.Q(lifted_at__isnull=True), name="runtime_switch_is_set_once"
            ),
            models.CheckConstraint(condition=models.Q(function__in=Function.values), name="runtime_switch_function_is_known"),
        ]
