"""The proof of reserves: what is in circulation on the chain, what the books owe for it, and what covers it, by its statutory class."""

from datetime import date, datetime
from typing import Any

from django.db.models import Q, QuerySet, Sum

from ledger.models import Account, Asset, OwnerClass, ReserveClass
from ledger.queries.balances import NOTHING, balances_known_at
from recon.chain.values import ZERO_ADDRESS
from recon.models import ChainRange, ChainSource, ChainStage, ChainTransfer, ProofDefinition, ProofOutcome, TransferKind

COVERAGE_PLACES = 4


def reserves(definition: ProofDefinition, *, day: date, known_at: datetime) -> tuple[dict[str, Any], ProofOutcome, int | None]:
    """Return all that the proof says of a day, its outcome, and what is held beyond what must be, in the reserve asset."""
    terms = definition.terms
    reserve_asset = Asset.objects.get(code=terms["reserve_asset"])
    chain = ChainSource.objects.select_related("source").get(source__code=terms["chain"])
    last = _last_final(chain, day=day, known_at=known_at)
    minted, burnt = _issued(chain, through=last.to_block if last else -1, known_at=known_at)
    supply = minted - burnt
    liability = _liability(terms["liability"], day=day, known_at=known_at)
    held, accounts = _reserves(definition, asset=reserve_asset, day=day, known_at=known_at)
    required = _in_reserve_units(max(supply, liability), of=definition.asset.scale, into=reserve_asset.scale)
    checks = {
        "block_is_final": last is not None,
        "supply_is_booked": supply == liability,
        "supply_is_covered": held >= required,
    }
    content = {
        "block": {"day": last.day.isoformat(), "hash": last.to_hash, "number": str(last.to_block), "status": last.status} if last else None,
        "burnt_minor": str(burnt),
        "by_class": [
            {"class": name, "minor": str(sum(int(one["minor"]) for one in accounts if one["class"] == name))}
            for name in ReserveClass.values
            if any(one["class"] == name for one in accounts)
        ],
        "chain": chain.chain,
        "checks": checks,
        "contract": chain.contract,
        "coverage": coverage_of(held=held, required=required),
        "held_minor": str(held),
        "liability_minor": str(liability),
        "minted_minor": str(minted),
        "required_minor": str(required),
        "reserve_scale": reserve_asset.scale,
        "reserves": accounts,
        "shortfall_minor": str(max(0, required - held)),
        "supply_minor": str(supply),
    }
    if last is None:
        return content, ProofOutcome.INCOMPLETE, None
    difference = held - required
    if difference < 0:
        return content, ProofOutcome.SHORTFALL, difference
    # What is issued beyond the books is a liability that nobody booked; the other way round somebody was not given what they paid for.
    return content, ProofOutcome.HOLDS if supply == liability else ProofOutcome.MISMATCH, difference


def coverage_of(*, held: int, required: int) -> str | None:
    """Return how many times what is required is held, cut after four places; None where nothing is required."""
    if required <= 0:
        return None
    scaled = 10**COVERAGE_PLACES * held // required
    whole, rest = divmod(scaled, 10**COVERAGE_PLACES)
    return f"{whole}.{rest:0{COVERAGE_PLACES}d}"


def _in_reserve_units(minor: int, *, of: int, into: int) -> int:
    """Return an amount of the token at par in minor units of the reserve asset, rounded up: what is owed is never less."""
    of_token, of_reserve = int(10**of), int(10**into)
    return -(-minor * of_reserve // of_token)


def _last_final(chain: ChainSource, *, day: date, known_at: datetime) -> ChainRange | None:
    """Return the range of final blocks that ends last on or before the day, as it was known; its last block is where supply is read.

    Whether the balance of the zero address proves the range says nothing of supply: contracts mint from it without taking from it.
    """
    stood = ChainRange.objects.filter(chain=chain, day__lte=day, proven_at__lte=known_at)
    return stood.filter(Q(withdrawn_at=None) | Q(withdrawn_at__gt=known_at)).order_by("-to_block").first()


def _issued(chain: ChainSource, *, through: int, known_at: datetime) -> tuple[int, int]:
    """Return what was minted and burnt in final blocks: what came from and went to the address that nobody has."""
    standing = Q(orphaned_at=None) | Q(orphaned_at__gt=known_at)
    moved: QuerySet[ChainTransfer] = ChainTransfer.objects.filter(
        standing, chain=chain, kind=TransferKind.TOKEN, contract=chain.contract, block__number__lte=through,
        block__stage=ChainStage.FINAL, seen_at__lte=known_at,
    )  # fmt: skip
    sums = moved.aggregate(
        minted=Sum("value", filter=Q(sender=ZERO_ADDRESS) & ~Q(recipient=ZERO_ADDRESS)),
        burnt=Sum("value", filter=Q(recipient=ZERO_ADDRESS) & ~Q(sender=ZERO_ADDRESS)),
    )
    return int(sums["minted"] or 0), int(sums["burnt"] or 0)


def _liability(code: str, *, day: date, known_at: datetime) -> int:
    account = Account.objects.get(code=code)
    held = balances_known_at(account_ids=[account.pk], as_of=day, known_at=known_at).get(account.pk, NOTHING)
    return int(held.credits_minor - held.debits_minor)


def _reserves(definition: ProofDefinition, *, asset: Asset, day: date, known_at: datetime) -> tuple[int, list[dict[str, str]]]:
    """Return what the reserve accounts of the entity hold. One that is overdrawn covers nothing, and takes nothing from the others."""
    accounts = list(
        Account.objects.filter(
            entity=definition.entity_id, asset=asset, owner_class=OwnerClass.RESERVE, is_control=False, children__isnull=True
        ).order_by("code")
    )
    sums = balances_known_at(account_ids=[one.pk for one in accounts], as_of=day, known_at=known_at) if accounts else {}
    total, told = 0, []
    for account in accounts:
        held = sums.get(account.pk, NOTHING)
        if held == NOTHING:
            continue
        minor = held.debits_minor - held.credits_minor
        total += max(0, minor)
        told.append({"account": account.code, "class": account.reserve_class, "minor": str(minor), "name": account.name})
    return total, told
