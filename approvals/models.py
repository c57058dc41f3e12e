"""Proposals and their decisions; policies, reason codes, people."""

from datetime import datetime

from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.db import models
from simple_history.models import HistoricalRecords

from ledgerops.lib.sql import ClockTimestamp, UUIDv7


class User(AbstractUser):
    """A person who signs in. Rights come through roles (groups), never one by one."""

    class Meta:
        db_table = "approvals_user"
        permissions = [("read_records", "Can read every record as it stands")]

    @property
    def shown_name(self) -> str:
        return self.get_full_name() or self.username


class ReasonCode(models.Model):
    """Why a correction is made; the governed list decides what may be corrected and to which account it usually goes."""

    code = models.CharField(max_length=40, primary_key=True)
    label = models.CharField(max_length=100)
    kind = models.CharField(max_length=100)
    usual_account = models.CharField(max_length=40, blank=True)
    active = models.BooleanField(default=True)
    history = HistoricalRecords()

    class Meta:
        db_table = "approvals_reason_code"
        ordering = ["label"]

    def __str__(self) -> str:
        return self.label


class PolicyVersion(models.Model):
    """How many people other than the maker must agree to one kind of proposal, and for how long it may wait."""

    kind = models.CharField(max_length=100)
    n = models.PositiveIntegerField()
    required_approvals = models.PositiveSmallIntegerField()
    expires_after_hours = models.PositiveIntegerField()
    created_at = models.DateTimeField(db_default=ClockTimestamp())

    class Meta:
        db_table = "approvals_policy_version"
        constraints = [
            models.UniqueConstraint(fields=["kind", "n"], name="approvals_policy_version_is_numbered_once"),
            models.CheckConstraint(condition=models.Q(required_approvals__gte=1), name="approvals_policy_requires_somebody"),
        ]


class ProposalStatus(models.TextChoices):
    SUBMITTED = "submitted"
    CHANGES_REQUESTED = "changes_requested"
    EXECUTED = "executed"
    STALE = "stale"
    FAILED = "failed"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"


OPEN_STATUSES = (ProposalStatus.SUBMITTED, ProposalStatus.CHANGES_REQUESTED)


class Proposal(models.Model):
    """A stored command that waits for other people. No terminal state deletes it."""

    id = models.UUIDField(primary_key=True, db_default=UUIDv7(), editable=False)
    number = models.BigIntegerField(unique=True)
    kind = models.CharField(max_length=100)
    title = models.CharField(max_length=200)
    maker = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="proposals_made")
    scope = models.CharField(max_length=100)
    target_type = models.CharField(max_length=60)
    target_id = models.CharField(max_length=100)
    locked_object = models.CharField(max_length=100)
    status = models.CharField(max_length=20, choices=ProposalStatus.choices, default=ProposalStatus.SUBMITTED)
    status_reason = models.TextField(blank=True)
    current_version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(db_default=ClockTimestamp())
    expires_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "approvals_proposal"
        ordering = ["-id"]
        permissions = [
            ("decide_proposal", "Can approve, return or reject proposals"),
            ("set_switch", "Can stop a function at once, and propose to let it go on"),
        ]
        indexes = [
            models.Index(fields=["status", "-id"], name="approvals_proposal_by_status"),
            models.Index(fields=["maker", "-id"], name="approvals_proposal_by_maker"),
            models.Index(fields=["target_type", "target_id"], name="approvals_proposal_by_target"),
            models.Index(fields=["expires_at"], name="approvals_proposal_expiring", condition=models.Q(status__in=OPEN_STATUSES)),
        ]
        constraints = [
            # Targets of composite foreign keys: a decision names its maker and cannot name another.
            models.UniqueConstraint(fields=["id", "maker"], name="approvals_proposal_has_one_maker"),
            models.UniqueConstraint(
                fields=["locked_object"], condition=models.Q(status__in=OPEN_STATUSES), name="approvals_one_open_proposal_per_object"
            ),
            models.CheckConstraint(condition=models.Q(status__in=ProposalStatus.values), name="approvals_proposal_status_is_known"),
        ]

    @property
    def public_number(self) -> str:
        return f"ADJ-{self.number}"

    @property
    def is_open(self) -> bool:
        return self.status in OPEN_STATUSES

    def has_expired(self, *, at: datetime) -> bool:
        return self.expires_at <= at


class ProposalVersion(models.Model):
    """What exactly is asked: canonical JSON (RFC 8785), its SHA-256, and the state of the world it rests on. Never changes."""

    proposal = models.ForeignKey(Proposal, on_delete=models.PROTECT, related_name="versions")
    n = models.PositiveIntegerField()
    payload = models.JSONField()
    canonical = models.TextField()
    digest = models.CharField(max_length=64)
    preconditions = models.JSONField()
    reason_code = models.ForeignKey(ReasonCode, on_delete=models.PROTECT)
    narrative = models.TextField()
    policy_version = models.ForeignKey(PolicyVersion, on_delete=models.PROTECT)
    submitted_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    submitted_at = models.DateTimeField(db_default=ClockTimestamp())

    class Meta:
        db_table = "approvals_proposal_version"
        ordering = ["proposal", "n"]
        constraints = [
            models.UniqueConstraint(fields=["proposal", "n"], name="approvals_version_is_numbered_once"),
            models.UniqueConstraint(fields=["id", "proposal", "submitted_by"], name="approvals_version_has_one_submitter"),
        ]


class DecisionOutcome(models.TextChoices):
    APPROVE = "approve"
    REQUEST_CHANGES = "request_changes"
    REJECT = "reject"


class Decision(models.Model):
    """One person's word on one version. Maker and submitter are repeated here so that the database itself can compare them."""

    id = models.UUIDField(primary_key=True, db_default=UUIDv7(), editable=False)
    proposal = models.ForeignKey(Proposal, on_delete=models.PROTECT, related_name="decisions")
    version = models.ForeignKey(ProposalVersion, on_delete=models.PROTECT, related_name="decisions")
    maker = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    submitted_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    approver = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="decisions_made")
    outcome = models.CharField(max_length=20, choices=DecisionOutcome.choices)
    comment = models.TextField(blank=True)
    decided_at = models.DateTimeField(db_default=ClockTimestamp())

    class Meta:
        db_table = "approvals_decision"
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(condition=~models.Q(approver=models.F("maker")), name="approvals_checker_is_not_maker"),
            models.CheckConstraint(condition=~models.Q(approver=models.F("submitted_by")), name="approvals_checker_is_not_submitter"),
            models.UniqueConstraint(fields=["version", "approver"], name="approvals_one_person_one_vote"),
            models.CheckConstraint(condition=models.Q(outcome__in=DecisionOutcome.values), name="approvals_decision_outcome_is_known"),
            models.CheckConstraint(
                condition=models.Q(outcome=DecisionOutcome.APPROVE) | ~models.Q(comment=""), name="approvals_refusal_says_why"
            ),
        ]


class Execution(models.Model):
    """That an approved version was carried out: at most once for each proposal."""

    proposal = models.OneToOneField(Proposal, on_delete=models.PROTECT, primary_key=True, related_name="execution")
    version = models.ForeignKey(ProposalVersion, on_delete=models.PROTECT, related_name="+")
    executed_at = models.DateTimeField(db_default=ClockTimestamp())

    class Meta:
        db_table = "approvals_execution"
