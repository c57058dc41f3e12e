"""By which rules a reconciliation matches, what they suggested, and what people said to it."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models

from ledgerops.lib.sql import ClockTimestamp, UUIDv7
from recon.models.matching import Item, Match, Reconciliation, Run, RunStatus


class RulesStatus(models.TextChoices):
    DRAFT = "draft"
    SUBMITTED = "submitted"
    ACTIVE = "active"
    RETIRED = "retired"
    REJECTED = "rejected"


class RulesVersion(models.Model):
    """One version of a reconciliation's rules. Its definition never changes; another one is another version.

    `definition` is what `recon.matching.rules.Rules.from_json` takes, `digest` the SHA-256 of its canonical JSON. Version 1 is the
    standard one, in force from the beginning; every later one comes into force by the executed proposal that carries its digest, and
    retires the one before. `backtest` is what trying it on decided history said before it was submitted.
    """

    id = models.UUIDField(primary_key=True, db_default=UUIDv7(), editable=False)
    reconciliation = models.ForeignKey(Reconciliation, on_delete=models.PROTECT, related_name="rules")
    number = models.PositiveIntegerField()
    definition = models.JSONField()
    digest = models.CharField(max_length=64)
    note = models.CharField(max_length=500, blank=True)
    status = models.CharField(max_length=10, choices=RulesStatus.choices, default=RulesStatus.DRAFT)
    backtest = models.JSONField(null=True)
    drafted_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    drafted_at = models.DateTimeField(db_default=ClockTimestamp())
    proposal_id = models.UUIDField(null=True)
    activated_at = models.DateTimeField(null=True)
    retired_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "recon_rules_version"
        ordering = ["reconciliation", "-number"]
        constraints = [
            models.UniqueConstraint(fields=["reconciliation", "number"], name="recon_rules_version_is_numbered_once"),
            models.UniqueConstraint(
                fields=["reconciliation"], condition=models.Q(status="active"), name="recon_one_version_of_rules_is_active"
            ),
            models.CheckConstraint(condition=models.Q(status__in=RulesStatus.values), name="recon_rules_status_is_known"),
            models.CheckConstraint(
                condition=models.Q(number=1, drafted_by=None)
                | models.Q(drafted_by__isnull=False)
                & (~models.Q(status__in=("active", "retired")) | models.Q(proposal_id__isnull=False, activated_at__isnull=False)),
                name="recon_active_rules_have_a_proposal",
            ),
        ]


class RulesTrial(models.Model):
    """Rules tried on a reconciliation's items, and what came of it. The row is the queue; what it says is kept.

    With `decided` it is a back-test on what was decided `since` a day, else a dry run on what is open. `result` is what
    `recon.operations.backtests.summary_of` returns. `step` names the pass that it is at.
    """

    id = models.UUIDField(primary_key=True, db_default=UUIDv7(), editable=False)
    reconciliation = models.ForeignKey(Reconciliation, on_delete=models.PROTECT, related_name="trials")
    definition = models.JSONField()
    digest = models.CharField(max_length=64)
    decided = models.BooleanField()
    since = models.DateField(null=True)
    status = models.CharField(max_length=10, choices=RunStatus.choices, default=RunStatus.QUEUED)
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    requested_at = models.DateTimeField(db_default=ClockTimestamp())
    started_at = models.DateTimeField(null=True)
    heartbeat_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    step = models.CharField(max_length=80, blank=True)
    passes_done = models.PositiveSmallIntegerField(default=0)
    passes_total = models.PositiveSmallIntegerField(default=0)
    result = models.JSONField(default=dict)
    failure = models.CharField(max_length=500, blank=True)

    class Meta:
        db_table = "recon_rules_trial"
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=models.Q(status__in=RunStatus.values), name="recon_trial_status_is_known"),
            models.CheckConstraint(
                condition=~models.Q(decided=True) | models.Q(since__isnull=False), name="recon_back_test_says_since_when"
            ),
        ]
        indexes = [models.Index(fields=["reconciliation", "digest", "-id"], name="recon_trial_by_rules")]

    @property
    def is_active(self) -> bool:
        return self.status in (RunStatus.QUEUED, RunStatus.RUNNING)


class PassDemotion(models.Model):
    """A pass of a version of rules that only suggests from now on, since too many of its matches were undone."""

    rules = models.ForeignKey(RulesVersion, on_delete=models.PROTECT, related_name="demotions", db_index=False)
    pass_id = models.CharField(max_length=40)
    matches_made = models.PositiveIntegerField()
    matches_undone = models.PositiveIntegerField()
    demoted_at = models.DateTimeField(db_default=ClockTimestamp())

    class Meta:
        db_table = "recon_pass_demotion"
        constraints = [models.UniqueConstraint(fields=["rules", "pass_id"], name="recon_pass_is_demoted_once")]


class RunPass(models.Model):
    """What one pass of a run did: the funnel. `took_ms` is the time in the database, `left_open` what it left to the next.

    `given_up` is what a suggesting pass did not search: how many items, by the bound that they are beyond.
    """

    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="passes", db_index=False)
    position = models.PositiveSmallIntegerField()
    pass_id = models.CharField(max_length=40)
    kind = models.CharField(max_length=20)
    name = models.CharField(max_length=80)
    automatic = models.BooleanField()
    matches = models.PositiveIntegerField(default=0)
    items = models.PositiveIntegerField(default=0)
    suggestions = models.PositiveIntegerField(default=0)
    left_open = models.PositiveIntegerField(default=0)
    took_ms = models.PositiveIntegerField(default=0)
    given_up = models.JSONField(default=dict)
    finished_at = models.DateTimeField(db_default=ClockTimestamp())

    class Meta:
        db_table = "recon_run_pass"
        ordering = ["position"]
        constraints = [models.UniqueConstraint(fields=["run", "position"], name="recon_run_pass_has_one_place")]


class SuggestionState(models.TextChoices):
    OPEN = "open"
    ACCEPTED = "accepted"
    DISMISSED = "dismissed"


class Suggestion(models.Model):
    """A group of open items that may explain each other, with why. Never a match until a person makes one of it.

    `items` are their ids in ascending order; one whose items are no longer all open is stale, which is asked, not stored.
    `ways` counts the solutions that were found, to two; where there are more than one, none is proposed.
    """

    id = models.UUIDField(primary_key=True, db_default=UUIDv7(), editable=False)
    reconciliation = models.ForeignKey(Reconciliation, on_delete=models.PROTECT, related_name="suggestions")
    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="+")
    pass_id = models.CharField(max_length=40)
    kind = models.CharField(max_length=20)
    items = ArrayField(models.BigIntegerField())
    score = models.DecimalField(max_digits=7, decimal_places=3)
    ways = models.PositiveSmallIntegerField(default=1)
    explanation = models.JSONField()
    state = models.CharField(max_length=10, choices=SuggestionState.choices, default=SuggestionState.OPEN)
    ended_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    ended_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "recon_suggestion"
        constraints = [
            models.UniqueConstraint(fields=["reconciliation", "items"], name="recon_group_is_suggested_once"),
            models.CheckConstraint(condition=models.Q(state__in=SuggestionState.values), name="recon_suggestion_state_is_known"),
            models.CheckConstraint(
                condition=models.Q(state="open", ended_by=None, ended_at=None)
                | ~models.Q(state="open") & models.Q(ended_by__isnull=False, ended_at__isnull=False),
                name="recon_suggestion_is_ended_by_somebody",
            ),
        ]


class NeverMatch(models.Model):
    """Two items that somebody said do not belong together; no run matches or suggests them until `until`."""

    left = models.ForeignKey(Item, on_delete=models.PROTECT, related_name="+", db_index=False)
    right = models.ForeignKey(Item, on_delete=models.PROTECT, related_name="+")
    reason = models.CharField(max_length=500)
    said_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    said_at = models.DateTimeField(db_default=ClockTimestamp())
    until = models.DateField()

    class Meta:
        db_table = "recon_never_match"
        constraints = [
            models.UniqueConstraint(fields=["left", "right", "until"], name="recon_pair_is_refused_once"),
            models.CheckConstraint(condition=models.Q(left__lt=models.F("right")), name="recon_refused_pair_is_in_order"),
        ]


class MatchChallenge(models.Model):
    """Something that came later would have made a match ambiguous: the match stands, and somebody has to look."""

    match = models.ForeignKey(Match, on_delete=models.PROTECT, related_name="challenges", db_index=False)
    item = models.ForeignKey(Item, on_delete=models.PROTECT, related_name="+")
    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="+")
    raised_at = models.DateTimeField(db_default=ClockTimestamp())
    seen_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    seen_at = models.DateTimeField(null=True)
    verdict = models.CharField(max_length=500, blank=True)

    class Meta:
        db_table = "recon_match_challenge"
        constraints = [models.UniqueConstraint(fields=["match", "item"], name="recon_match_is_challenged_once")]


class BusinessDay(models.Model):
    """The days of a calendar, counted: of two days, the difference of their numbers is how many business days lie between them.

    A day without business has the number of the last one before it.
    """

    calendar = models.CharField(max_length=20)
    day = models.DateField()
    number = models.IntegerField()

    class Meta:
        db_table = "recon_business_day"
        constraints = [models.UniqueConstraint(fields=["calendar", "day"], include=["number"], name="recon_day_is_counted_once")]
