"""Posted facts, what is derived from them, and accounting periods.

Posted facts enter through the SQL function `ledger_post_entries_v1` alone; the runtime role holds no INSERT on them.
"""

from django.db import models

from ledger.models.chart import Account, Asset, Direction, LegalEntity
from ledger.models.registry import TransactionType
from ledgerops.lib.sql import ClockTimestamp, UUIDv7


class PeriodStatus(models.TextChoices):
    OPEN = "open"
    SOFT_LOCKED = "soft_locked", "Soft-locked"
    CLOSED = "closed"


class AccountingPeriod(models.Model):
    """An interval of effective dates, both ends included. Periods of one entity do not overlap (exclusion constraint)."""

    entity = models.ForeignKey(LegalEntity, on_delete=models.PROTECT)
    starts_on = models.DateField()
    ends_on = models.DateField()
    status = models.CharField(max_length=12, choices=PeriodStatus.choices, default=PeriodStatus.OPEN)
    closed_at = models.DateTimeField(null=True)
    # A reopened period takes postings until then, on the authority of this proposal.
    reopen_ends_at = models.DateTimeField(null=True)
    reopen_proposal_id = models.UUIDField(null=True)

    class Meta:
        db_table = "ledger_period"
        ordering = ["entity", "starts_on"]
        permissions = [("close_period", "Can lock, close and propose to reopen accounting periods")]
        constraints = [
            models.CheckConstraint(condition=models.Q(starts_on__lte=models.F("ends_on")), name="ledger_period_ends_after_it_starts"),
            models.CheckConstraint(condition=models.Q(status__in=PeriodStatus.values), name="ledger_period_status_is_known"),
        ]

    def __str__(self) -> str:
        return f"{self.starts_on} to {self.ends_on}"


class JournalEntry(models.Model):
    """A posted entry: a fact, inserted once, with the id of the transaction it belongs to. A correction is another entry.

    References and checks that are not here are asked by the statement triggers of `ledger/sql/guards_v1.sql`, all at once: PostgreSQL
    reads the text of each check anew for every statement, which on this path costs as much as the insert.
    """

    id = models.UUIDField(primary_key=True, db_default=UUIDv7(), editable=False)
    number = models.BigIntegerField(unique=True)
    entity = models.ForeignKey(LegalEntity, on_delete=models.PROTECT, db_constraint=False, db_index=False)
    type = models.ForeignKey(TransactionType, on_delete=models.PROTECT, db_constraint=False, db_index=False)
    origin = models.CharField(max_length=10)
    period = models.ForeignKey(AccountingPeriod, on_delete=models.PROTECT, db_constraint=False, db_index=False)
    effective_date = models.DateField()
    value_date = models.DateField(null=True)
    prior_period = models.BooleanField(default=False)
    posted_at = models.DateTimeField(db_default=ClockTimestamp())
    lines = models.SmallIntegerField()
    description = models.TextField()
    reference = models.CharField(max_length=140, blank=True)
    counterparty = models.CharField(max_length=140, blank=True)
    metadata = models.JSONField(default=dict)
    actor_id = models.BigIntegerField(null=True)
    request_id = models.CharField(max_length=64, blank=True)
    proposal_id = models.UUIDField(null=True)
    # Which of a proposal's entries this is, from 0; a proposal of one entry has only the first.
    proposal_part = models.IntegerField(null=True)
    reverses = models.ForeignKey("self", on_delete=models.PROTECT, null=True, related_name="reversals", db_constraint=False, db_index=False)

    class Meta:
        db_table = "ledger_entry"
        ordering = ["-id"]
        permissions = [("view_trial_balance", "Can read the trial balance"), ("propose_entry", "Can propose entries and reversals")]
        indexes = [
            models.Index(fields=["reference"], name="ledger_entry_by_reference", condition=~models.Q(reference="")),
            models.Index(fields=["effective_date", "id"], name="ledger_entry_by_effective_date"),
            models.Index(fields=["reverses"], name="ledger_entry_by_reversed", condition=models.Q(reverses__isnull=False)),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["proposal_id", "proposal_part"],
                condition=models.Q(proposal_id__isnull=False),
                nulls_distinct=False,
                name="ledger_proposal_posts_once",
            ),
        ]

    @property
    def public_number(self) -> str:
        return f"LE-{self.number}"


class Posting(models.Model):
    """A posted leg. `balance_after_minor` is the account's balance on its normal side once this leg was posted.

    The legs of a deferred account carry neither place nor balance: the roller gives them both in `RolledPosting`.
    """

    pk = models.CompositePrimaryKey("entry_id", "line")
    entry = models.ForeignKey(JournalEntry, on_delete=models.PROTECT, related_name="postings", db_constraint=False, db_index=False)
    line = models.SmallIntegerField()
    lines = models.SmallIntegerField()
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="postings", db_constraint=False, db_index=False)
    asset = models.ForeignKey(Asset, on_delete=models.PROTECT, db_constraint=False, db_index=False)
    entity = models.ForeignKey(LegalEntity, on_delete=models.PROTECT, db_constraint=False, db_index=False)
    direction = models.CharField(max_length=6, choices=Direction.choices)
    amount_minor = models.DecimalField(max_digits=38, decimal_places=0)
    effective_date = models.DateField()
    account_seq = models.BigIntegerField(null=True)
    balance_after_minor = models.DecimalField(max_digits=50, decimal_places=0, null=True)

    class Meta:
        db_table = "ledger_posting"
        indexes = [
            models.Index(fields=["account", "effective_date", "account_seq"], name="ledger_posting_by_effective"),
            models.Index(fields=["amount_minor"], name="ledger_posting_by_amount"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["account", "account_seq"], name="ledger_posting_account_seq"),
        ]


class Balance(models.Model):
    """What an account holds, derived from its postings in the same transaction, and what may be done to it.

    `version` is its last account_seq. Sums are wider than an amount, so that no sum of amounts can ever break a posting. Pending sums are
    what holds set aside. Limit and freezes live on this row because it is the one that posting
    locks: they hold from the moment they commit.
    """

    account = models.OneToOneField(Account, on_delete=models.PROTECT, primary_key=True)
    debit_normal = models.BooleanField()
    posted_debits_minor = models.DecimalField(max_digits=50, decimal_places=0, default=0)
    posted_credits_minor = models.DecimalField(max_digits=50, decimal_places=0, default=0)
    pending_debits_minor = models.DecimalField(max_digits=50, decimal_places=0, default=0)
    pending_credits_minor = models.DecimalField(max_digits=50, decimal_places=0, default=0)
    version = models.BigIntegerField(default=0)
    # How far the account may go below zero on its normal side; null is no limit.
    overdraft_limit_minor = models.DecimalField(max_digits=38, decimal_places=0, null=True)
    debits_frozen = models.BooleanField(default=False)
    credits_frozen = models.BooleanField(default=False)
    deferred = models.BooleanField(default=False)
    has_velocity_limits = models.BooleanField(default=False)

    class Meta:
        db_table = "ledger_balance"

    @property
    def posted_minor(self) -> int:
        """The posted balance on the normal side."""
        net = int(self.posted_debits_minor) - int(self.posted_credits_minor)
        return net if self.debit_normal else -net

    @property
    def pending_out_minor(self) -> int:
        """What holds take from the normal side."""
        return int(self.pending_credits_minor if self.debit_normal else self.pending_debits_minor)

    @property
    def pending_in_minor(self) -> int:
        """What holds promise to the normal side; it never raises what is available."""
        return int(self.pending_debits_minor if self.debit_normal else self.pending_credits_minor)

    @property
    def available_minor(self) -> int:
        """What may still go out: posted less pending outflow, plus the overdraft allowed."""
        return self.posted_minor - self.pending_out_minor + int(self.overdraft_limit_minor or 0)


class DayDelta(models.Model):
    """What one effective day added to an account: effective balances are sums over days, never over postings."""

    pk = models.CompositePrimaryKey("account_id", "effective_date")
    account = models.ForeignKey(Account, on_delete=models.PROTECT, db_constraint=False, db_index=False)
    effective_date = models.DateField()
    debits_minor = models.DecimalField(max_digits=50, decimal_places=0)
    credits_minor = models.DecimalField(max_digits=50, decimal_places=0)
    postings = models.BigIntegerField()

    class Meta:
        db_table = "ledger_day_delta"
        # What moved between two dates is read for all accounts in one stretch.
        indexes = [models.Index(fields=["effective_date"], name="ledger_day_delta_by_day")]


class PostingTail(models.Model):
    """A leg of a deferred account that its balance does not hold yet; reads add it, the roller takes it away."""

    pk = models.CompositePrimaryKey("entry_id", "line")
    entry = models.ForeignKey(JournalEntry, on_delete=models.PROTECT, related_name="+", db_constraint=False, db_index=False)
    line = models.SmallIntegerField()
    account = models.ForeignKey(Account, on_delete=models.PROTECT, db_constraint=False, db_index=False)
    effective_date = models.DateField()
    direction = models.CharField(max_length=6, choices=Direction.choices)
    amount_minor = models.DecimalField(max_digits=38, decimal_places=0)

    class Meta:
        db_table = "ledger_posting_tail"
        indexes = [models.Index(fields=["account", "entry", "line"], name="ledger_tail_by_account")]


class RolledPosting(models.Model):
    """Place and balance of a deferred leg, once the roller has folded it into its account's balance."""

    pk = models.CompositePrimaryKey("entry_id", "line")
    entry = models.ForeignKey(JournalEntry, on_delete=models.PROTECT, related_name="+", db_constraint=False, db_index=False)
    line = models.SmallIntegerField()
    account = models.ForeignKey(Account, on_delete=models.PROTECT, db_constraint=False, db_index=False)
    account_seq = models.BigIntegerField()
    effective_date = models.DateField()
    balance_after_minor = models.DecimalField(max_digits=50, decimal_places=0)
    rolled_at = models.DateTimeField(db_default=ClockTimestamp())

    class Meta:
        db_table = "ledger_rolled_posting"
        indexes = [models.Index(fields=["account", "effective_date", "account_seq"], name="ledger_rolled_by_effective")]
        constraints = [models.UniqueConstraint(fields=["account", "account_seq"], name="ledger_rolled_posting_account_seq")]


class Close(models.Model):
    """One closing of a period. Closing again after a reopening is the next one, with what changed between the two."""

    period = models.ForeignKey(AccountingPeriod, on_delete=models.PROTECT, related_name="closes", db_index=False)
    n = models.PositiveIntegerField()
    closed_at = models.DateTimeField(db_default=ClockTimestamp())
    closed_by_id = models.BigIntegerField(null=True)
    proposal_id = models.UUIDField(null=True)
    checklist = models.JSONField()
    # SHA-256 over the stored trial balance in canonical form.
    digest = models.CharField(max_length=64)
    restatement = models.JSONField(null=True)

    class Meta:
        db_table = "ledger_close"
        ordering = ["period", "n"]
        constraints = [models.UniqueConstraint(fields=["period", "n"], name="ledger_close_is_numbered_once")]


class CloseBalance(models.Model):
    """An account at the end of a closed period: all its effective days so far, and the last of its postings that this includes."""

    pk = models.CompositePrimaryKey("close_id", "account_id")
    close = models.ForeignKey(Close, on_delete=models.PROTECT, related_name="balances", db_index=False)
    account = models.ForeignKey(Account, on_delete=models.PROTECT)
    debits_minor = models.DecimalField(max_digits=50, decimal_places=0)
    credits_minor = models.DecimalField(max_digits=50, decimal_places=0)
    account_seq = models.BigIntegerField()

    class Meta:
        db_table = "ledger_close_balance"
