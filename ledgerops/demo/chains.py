"""A wallet on a chain whose transfers are pushed to us: days that are final and proven, and a last one that is still settling."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from hashlib import sha256

from ledger import operations as ledger
from ledger.accounting import CREDIT, DEBIT, EntryDraft, Line
from ledgerops.demo import chart
from recon import operations as recon
from recon.models import ChainDelivery, ChainKind, ChainSource, FinalRule, Run, RunStatus, SourceKind
from recon.operations.chain_pushes import PushedBlock, PushedTransfer, push_blocks, push_transfers
from recon.operations.chain_reading import read_chain
from recon.operations.chain_settings import set_chain

SCOPE = "demo-chain"
CODE = "SETTLE-BASE"
CHAIN = "eip155:8453"
ASSET = "USDC-BASE"
FIRST_BLOCK = 38_400_100
HOURS = (9, 14, 20)
# Day before the last one, block of that day: what went in or out, in the smallest unit.
MOVED = {(3, 0): 50_000_000000, (2, 1): -12_500_000000, (2, 2): 8_000_000000, (1, 1): -21_250_000000, (0, 0): 15_000_000000}


def address(name: str) -> str:
    """Return an invented address."""
    return f"0x{sha256(name.encode()).hexdigest()[:40]}"


def digest(name: str) -> str:
    return f"0x{sha256(name.encode()).hexdigest()}"


WALLET, HOT_WALLET, CONTRACT = address("settlement wallet"), address("hot wallet"), address("token contract")
COUNTERFEIT, STRANGER = address("counterfeit contract"), address("stranger")


@dataclass(kw_only=True)
class _Chain:
    """Blocks as they are pushed, each after the one before, with what the wallet holds after it."""

    blocks: list[PushedBlock] = field(default_factory=list)
    transfers: list[PushedTransfer] = field(default_factory=list)
    balance: int = 0

    def mine(self, at: datetime, *, stage: str, moved: int = 0, name: str = "") -> PushedBlock:
        """Add a block; what moved in it is one transfer from or to the hot wallet."""
        number = FIRST_BLOCK + len(self.blocks)
        before = self.blocks[-1].hash if self.blocks else digest("before")
        self.balance += moved
        block = PushedBlock(
            number=number, hash=digest(f"block {number}"), parent_hash=before, mined_at=at, stage=stage, balance=self.balance
        )
        self.blocks.append(block)
        if moved:
            sender, recipient = (HOT_WALLET, WALLET) if moved > 0 else (WALLET, HOT_WALLET)
            self.send(block, tx=digest(name), value=abs(moved), sender=sender, recipient=recipient)
        return block

    def send(self, block: PushedBlock, *, tx: str, value: int, sender: str, recipient: str, contract: str = CONTRACT) -> None:
        gas = 61_348 * 12_000_000 if sender == WALLET else None
        transfer = PushedTransfer(
            tx=tx, index=7, block_hash=block.hash, sender=sender, recipient=recipient, value=value, contract=contract, gas=gas
        )
        self.transfers.append(transfer)


def load_chains(*, entity: str, day: date, actor_id: int) -> None:
    """Register the wallet's source, post what moved, and push what the chain says; a company that has it stays as it is."""
    if ChainSource.objects.filter(source__code=CODE).exists():
        return
    account = chart.settlement_wallet()
    source = recon.register_source(
        code=CODE, name="Settlement wallet on Base", identifier=WALLET, account=account, servicer="Base", kind=SourceKind.CHAIN
    )
    set_chain(
        source_id=source.pk,
        chain=CHAIN,
        delivery=ChainDelivery.PUSH,
        kind=ChainKind.ERC20,
        contract=CONTRACT,
        decimals=6,
        addresses=[WALLET],
        first_block=FIRST_BLOCK + 1,
        final_rule=FinalRule.TAG,
        set_by_id=actor_id,
    )
    ledger.post_entries(drafts=list(_drafts(entity, account=account, day=day, actor_id=actor_id)), scope=SCOPE)
    chain = _mined(day)
    _pushed(source.pk, chain.blocks, chain.transfers)
    _reorganised(source.pk, chain, day=day)
    read_chain(source_id=source.pk)
    for run_id in Run.objects.filter(reconciliation__source=source, status=RunStatus.QUEUED).values_list("pk", flat=True):
        recon.execute_run(run_id=run_id)


def _drafts(entity: str, *, account: str, day: date, actor_id: int) -> Iterator[EntryDraft]:
    hot = chart.hot_wallet(asset=ASSET)
    for (days, _), moved in MOVED.items():
        debit, credit = (account, hot) if moved > 0 else (hot, account)
        name = _name(day, days=days, moved=moved)
        yield EntryDraft(
            key=name,
            type="settlement",
            entity=entity,
            effective_date=day - timedelta(days=days),
            description="Refill of the settlement wallet" if moved > 0 else "Returned from the settlement wallet",
            reference=digest(name),
            counterparty=chart.ENTITY_NAME,
            lines=[
                Line(account=debit, direction=DEBIT, amount_minor=abs(moved), asset=ASSET),
                Line(account=credit, direction=CREDIT, amount_minor=abs(moved), asset=ASSET),
            ],
            actor_id=actor_id,
        )


def _name(day: date, *, days: int, moved: int) -> str:
    return f"settle-{day - timedelta(days=days)}-{moved}"


def _mined(day: date) -> _Chain:
    """Return three final days and the morning of the last one, which is final, safe and seen."""
    chain = _Chain()
    chain.mine(_at(day, days=4, hour=23), stage="final")
    for days in (3, 2, 1):
        for place, hour in enumerate(HOURS):
            moved = MOVED.get((days, place), 0)
            chain.mine(_at(day, days=days, hour=hour), stage="final", moved=moved, name=_name(day, days=days, moved=moved))
    # What arrives unasked: a token that calls itself the same, and nothing from an address made to look like ours.
    chain.send(chain.blocks[5], tx=digest("counterfeit"), value=9_999_000000, sender=STRANGER, recipient=WALLET, contract=COUNTERFEIT)
    chain.send(chain.blocks[6], tx=digest("poison"), value=0, sender=HOT_WALLET[:-4] + "0000", recipient=WALLET)
    chain.mine(_at(day, days=0, hour=6), stage="final")
    moved = MOVED[0, 0]
    chain.mine(_at(day, days=0, hour=7), stage="safe", moved=moved, name=_name(day, days=0, moved=moved))
    return chain


def _reorganised(source_id: int, chain: _Chain, *, day: date) -> None:
    """Push a block with a payment, then that the chain dropped it and has the payment in another one."""
    parent = chain.blocks[-1]
    at, paid = _at(day, days=0, hour=8), 4_200_000000
    for name, minute, dropped in (("first", 0, True), ("second", 12, False)):
        block = PushedBlock(
            number=parent.number + 1,
            hash=digest(f"{name} branch"),
            parent_hash=parent.hash,
            mined_at=at + timedelta(minutes=minute),
            stage="seen",
            balance=chain.balance - paid,
        )
        transfer = PushedTransfer(
            tx=digest("payout of the morning"),
            index=3,
            block_hash=block.hash,
            sender=WALLET,
            recipient=STRANGER,
            value=paid,
            contract=CONTRACT,
        )
        _pushed(source_id, [block], [transfer])
        if dropped:
            push_blocks(source_id=source_id, blocks=[replace(block, stage="orphaned")])


def _pushed(source_id: int, blocks: Sequence[PushedBlock], transfers: Sequence[PushedTransfer]) -> None:
    """Push blocks as seen, then what moved in them, then how far they are: what is final is proven, and takes nothing more."""
    outcomes = push_blocks(source_id=source_id, blocks=[replace(block, stage="seen") for block in blocks])
    outcomes += push_transfers(source_id=source_id, transfers=transfers)
    outcomes += push_blocks(source_id=source_id, blocks=blocks)
    refused = [outcome.message for outcome in outcomes if outcome.result == "refused"]
    assert not refused, refused


def _at(day: date, *, days: int, hour: int) -> datetime:
    return datetime.combine(day - timedelta(days=days), time(hour, 20), tzinfo=UTC)
