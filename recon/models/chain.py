"""What was read from chains: blocks as far as they were seen, transfers, and what the balances prove of a range of blocks."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from simple_history.models import HistoricalRecords

from ledgerops.lib.sql import ClockTimestamp, UUIDv7
from recon.models.files import StatementFile
from recon.models.sources import Source

ADDRESS_LENGTH = 100
HASH_LENGTH = 100


class ChainDelivery(models.TextChoices):
    """How transfers come: read by us from two providers, or pushed over the API by whoever runs the chain."""

    RPC = "rpc", "Read from providers"
    PUSH = "push", "Pushed over the API"


class ChainKind(models.TextChoices):
    NATIVE = "native", "Native coin"
    ERC20 = "erc20", "Token contract"


class FinalRule(models.TextChoices):
    TAG = "tag", "The chain says which block is final"
    DEPTH = "depth", "So many blocks deep"


class ChainStage(models.TextChoices):
    """How far a block is from being undone. Only what is final counts."""

    SEEN = "seen"
    SAFE = "safe"
    FINAL = "final"


class ChainSource(models.Model):
    """What is followed for a source, and when it is final. What is followed never changes; how it is read may.

    `chain` is a CAIP-2 name such as `eip155:1`. `contract` is an address, never a symbol. `decimals` are those of the contract and of
    the asset alike. `providers` are names: their addresses, which hold keys, come from the environment.
    """

    source = models.OneToOneField(Source, on_delete=models.PROTECT, primary_key=True, related_name="chain")
    chain = models.CharField(max_length=41)
    delivery = models.CharField(max_length=4, choices=ChainDelivery.choices)
    kind = models.CharField(max_length=6, choices=ChainKind.choices)
    contract = models.CharField(max_length=ADDRESS_LENGTH, blank=True)
    decimals = models.PositiveSmallIntegerField()
    addresses = ArrayField(models.CharField(max_length=ADDRESS_LENGTH))
    first_block = models.PositiveBigIntegerField()
    safe_after = models.PositiveIntegerField(default=1)
    final_rule = models.CharField(max_length=5, choices=FinalRule.choices, default=FinalRule.TAG)
    final_after = models.PositiveIntegerField(null=True)
    providers = ArrayField(models.CharField(max_length=40), default=list)
    active = models.BooleanField(default=True)
    set_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    set_at = models.DateTimeField(db_default=ClockTimestamp())
    history = HistoricalRecords()

    class Meta:
        db_table = "recon_chain"
        ordering = ["source"]
        constraints = [
            models.CheckConstraint(condition=models.Q(delivery__in=ChainDelivery.values), name="recon_chain_delivery_is_known"),
            models.CheckConstraint(condition=models.Q(kind__in=ChainKind.values), name="recon_chain_kind_is_known"),
            models.CheckConstraint(
                condition=models.Q(kind="native", contract="") | (models.Q(kind="erc20") & ~models.Q(contract="")),
                name="recon_chain_token_has_a_contract",
            ),
            models.CheckConstraint(condition=models.Q(addresses__len__gt=0), name="recon_chain_watches_an_address"),
            models.CheckConstraint(
                condition=models.Q(final_rule="tag", final_after=None) | models.Q(final_rule="depth", final_after__gt=0),
                name="recon_chain_final_rule_is_whole",
            ),
            models.CheckConstraint(
                condition=models.Q(delivery="push", providers__len=0) | models.Q(delivery="rpc", providers__len=2),
                name="recon_chain_is_read_from_two",
            ),
        ]

    @property
    def is_read(self) -> bool:
        return self.delivery == ChainDelivery.RPC


class ChainCursor(models.Model):
    """How far a chain source has been read, proven and delivered. `problem` says what stopped it: place, sentence and what was found.

    `next_block` is the first that has not been read, `proven_through` the last that a range proves, `heartbeat_at` the claim of a worker.
    """

    chain = models.OneToOneField(ChainSource, on_delete=models.PROTECT, primary_key=True, related_name="cursor")
    next_block = models.PositiveBigIntegerField()
    head = models.PositiveBigIntegerField(null=True)
    safe = models.PositiveBigIntegerField(null=True)
    final = models.PositiveBigIntegerField(null=True)
    proven_through = models.BigIntegerField()
    problem = models.JSONField(null=True)
    providers = models.JSONField(default=dict)
    read_at = models.DateTimeField(null=True)
    heartbeat_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "recon_chain_cursor"


class ChainBlock(models.Model):
    """A block that was seen. One that the chain dropped is orphaned, and stays; one that was final goes only by an agreed proposal."""

    chain = models.ForeignKey(ChainSource, on_delete=models.PROTECT, related_name="blocks", db_index=False)
    number = models.PositiveBigIntegerField()
    hash = models.CharField(max_length=HASH_LENGTH)
    parent_hash = models.CharField(max_length=HASH_LENGTH)
    mined_at = models.DateTimeField()
    stage = models.CharField(max_length=5, choices=ChainStage.choices, default=ChainStage.SEEN)
    balance = models.DecimalField(max_digits=78, decimal_places=0, null=True)
    seen_at = models.DateTimeField(db_default=ClockTimestamp())
    orphaned_at = models.DateTimeField(null=True)
    proposal_id = models.UUIDField(null=True)

    class Meta:
        db_table = "recon_chain_block"
        ordering = ["-number"]
        constraints = [
            # A chain may return to a block that it dropped: then it is a row of its own again.
            models.UniqueConstraint(
                fields=["chain", "hash"], condition=models.Q(orphaned_at__isnull=True), name="recon_chain_block_is_stored_once"
            ),
            models.UniqueConstraint(
                fields=["chain", "number"], condition=models.Q(orphaned_at__isnull=True), name="recon_chain_has_one_live_block_of_a_number"
            ),
            models.CheckConstraint(condition=models.Q(stage__in=ChainStage.values), name="recon_chain_block_stage_is_known"),
            models.CheckConstraint(
                condition=~models.Q(stage="final") | models.Q(orphaned_at__isnull=True) | models.Q(proposal_id__isnull=False),
                name="recon_chain_final_block_is_orphaned_by_two",
            ),
        ]

    @property
    def word(self) -> str:
        """The stage, or that it was orphaned."""
        return "orphaned" if self.orphaned_at else self.stage


class TransferKind(models.TextChoices):
    TOKEN = "token", "Token transfer"
    VALUE = "value", "Native coin"
    GAS = "gas", "Gas"


class Uncounted(models.TextChoices):
    """Why a transfer does not count, though the chain has it."""

    ZERO = "zero_value", "moves nothing"
    UNLISTED = "unlisted_contract", "another contract"
    SELF = "self", "between our own addresses"
    TOO_LARGE = "too_large", "more digits than the books hold"


class ChainTransfer(models.Model):
    """A movement of value that touches a watched address. Its place is the transaction and the log; -1 is its value, -2 its gas.

    `flow` says which way value moved for us. `uncounted` is empty where it counts once it is final.
    """

    VALUE_INDEX = -1
    GAS_INDEX = -2

    id = models.UUIDField(primary_key=True, db_default=UUIDv7(), editable=False)
    chain = models.ForeignKey(ChainSource, on_delete=models.PROTECT, related_name="transfers", db_index=False)
    block = models.ForeignKey(ChainBlock, on_delete=models.PROTECT, related_name="transfers")
    tx_hash = models.CharField(max_length=HASH_LENGTH)
    log_index = models.IntegerField()
    kind = models.CharField(max_length=5, choices=TransferKind.choices)
    contract = models.CharField(max_length=ADDRESS_LENGTH, blank=True)
    sender = models.CharField(max_length=ADDRESS_LENGTH, blank=True)
    recipient = models.CharField(max_length=ADDRESS_LENGTH, blank=True)
    value = models.DecimalField(max_digits=78, decimal_places=0)
    flow = models.CharField(max_length=3, choices=[("in", "In"), ("out", "Out")])
    gas = models.DecimalField(max_digits=78, decimal_places=0, null=True)
    failed = models.BooleanField(default=False)
    uncounted = models.CharField(max_length=20, choices=Uncounted.choices, blank=True)
    seen_at = models.DateTimeField(db_default=ClockTimestamp())
    orphaned_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "recon_chain_transfer"
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["chain", "block", "tx_hash", "log_index"], name="recon_chain_transfer_is_stored_once"),
            models.UniqueConstraint(
                fields=["chain", "tx_hash", "log_index"],
                condition=models.Q(orphaned_at__isnull=True),
                name="recon_chain_transfer_lives_in_one_block",
            ),
            models.CheckConstraint(condition=models.Q(value__gte=0), name="recon_chain_transfer_value_not_negative"),
            models.CheckConstraint(condition=models.Q(flow__in=["in", "out"]), name="recon_chain_transfer_flow_is_known"),
            models.CheckConstraint(
                condition=models.Q(uncounted__in=["", *Uncounted.values]), name="recon_chain_transfer_says_why_it_does_not_count"
            ),
            models.CheckConstraint(
                condition=models.Q(kind="token", log_index__gte=0)
                | models.Q(kind="value", log_index__gte=-1)
                | models.Q(kind="gas", log_index=-2),
                name="recon_chain_transfer_has_its_place",
            ),
        ]
        indexes = [models.Index(fields=["chain", "-id"], name="recon_chain_transfer_by_chain")]

    @property
    def word(self) -> str:
        """The stage of its block, or that it was orphaned."""
        return "orphaned" if self.orphaned_at else self.block.stage

    @property
    def signed(self) -> int:
        return int(self.value) if self.flow == "in" else -int(self.value)

    @property
    def other(self) -> str:
        """Return the address on the other side."""
        return self.sender if self.flow == "in" else self.recipient


class RangeStatus(models.TextChoices):
    PROVEN = "proven"
    UNPROVEN = "unproven"
    NO_BALANCE = "no_balance"


class ChainRange(models.Model):
    """A range of final blocks of one day: what its ends hold against what moved in between, to the last unit.

    `difference` is closing - (opening + movements). Ranges follow each other without a gap. `file` is the day's statement, once written.
    One that proved blocks which the chain no longer has is withdrawn by the proposal that accepted the other chain, and stays.
    """

    chain = models.ForeignKey(ChainSource, on_delete=models.PROTECT, related_name="ranges", db_index=False)
    day = models.DateField()
    from_block = models.PositiveBigIntegerField()
    to_block = models.PositiveBigIntegerField()
    to_hash = models.CharField(max_length=HASH_LENGTH)
    opening = models.DecimalField(max_digits=78, decimal_places=0, null=True)
    movements = models.DecimalField(max_digits=78, decimal_places=0)
    closing = models.DecimalField(max_digits=78, decimal_places=0, null=True)
    difference = models.DecimalField(max_digits=78, decimal_places=0, null=True)
    transfers_counted = models.PositiveIntegerField()
    transfers_uncounted = models.PositiveIntegerField()
    status = models.CharField(max_length=10, choices=RangeStatus.choices)
    file = models.ForeignKey(StatementFile, on_delete=models.PROTECT, null=True, related_name="chain_ranges")
    proven_at = models.DateTimeField(db_default=ClockTimestamp())
    withdrawn_at = models.DateTimeField(null=True)
    proposal_id = models.UUIDField(null=True)

    class Meta:
        db_table = "recon_chain_range"
        ordering = ["-to_block"]
        constraints = [
            models.CheckConstraint(condition=models.Q(from_block__lte=models.F("to_block")), name="recon_chain_range_goes_forward"),
            models.CheckConstraint(condition=models.Q(status__in=RangeStatus.values), name="recon_chain_range_status_is_known"),
            models.CheckConstraint(
                condition=models.Q(status="no_balance", difference=None)
                | models.Q(status="proven", difference=0, closing=models.F("opening") + models.F("movements"))
                | (models.Q(status="unproven", difference__isnull=False) & ~models.Q(difference=0)),
                name="recon_chain_range_proves_what_it_says",
            ),
        ]
        indexes = [models.Index(fields=["chain", "-to_block"], name="recon_chain_range_by_chain")]
