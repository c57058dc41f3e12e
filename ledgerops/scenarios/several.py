"""Scenarios of several items at once: splits, aggregates, charges, alike ones, duplicates, and what is taken back."""

from datetime import timedelta

from ledgerops.scenarios.draws import Draws, Maker

TARIFF = {"code": "CARD", "name": "Card acceptance", "percent": "1.4", "fixed_minor": 25}


def fees(draws: Draws) -> None:
    """A payout of several sales, less the tariff of each."""
    day, payout = draws.day(), f"PO{draws.number()}"
    amounts = [draws.amount(least=1_000) for _ in range(draws.rng.randint(1, 4))]
    sales = [_sale(draws, day, amount, {"payout": payout}) for amount in amounts]
    net = sum(amounts) - sum(_fee(amount) for amount in amounts)
    later = draws.later(day, least=1, most=3)
    draws.together(*sales, draws.item(draws.theirs[0], day=later, amount=net, reference="PAYOUT", keys={"payout": payout}))


def _fee(amount: int) -> int:
    return (amount * 14 + 500) // 1000 + 25


def _sale(draws: Draws, day: object, amount: int, keys: dict[str, str]) -> str:
    return draws.item(draws.ours, day=day, amount=amount, reference=draws.reference(), counterparty=draws.party(known=True), keys=keys)  # type: ignore[arg-type]


def split(draws: Draws) -> None:
    """One of ours comes in several parts under its reference."""
    day, reference, total, party = draws.day(), draws.reference(), draws.amount(least=90_000), draws.party(known=True)
    one = draws.item(draws.ours, day=day, amount=total, reference=reference, counterparty=party)
    parts = draws.parts(total, count=draws.rng.randint(2, 4))
    others = [
        draws.item(draws.theirs[0], day=draws.later(day, least=0, most=2), amount=part, reference=reference, counterparty=party)
        for part in parts
    ]
    draws.together(one, *others)


def aggregate(draws: Draws) -> None:
    """Several of ours come as one sum under the key of their payout."""
    day, payout = draws.day(), f"AG{draws.number()}"
    amounts = [draws.amount() for _ in range(draws.rng.randint(2, 6))]
    ours = [_sale(draws, day, amount, {"payout": payout}) for amount in amounts]
    later = draws.later(day, least=0, most=3)
    draws.together(*ours, draws.item(draws.theirs[0], day=later, amount=sum(amounts), reference=payout, counterparty="Processor"))


def batch(draws: Draws) -> None:
    """Several of ours are several of theirs, and only the batch and the sum say so."""
    day, keys, total = draws.day(), {"batch": f"BT{draws.number()}"}, draws.amount(least=200_000)
    ours = [_sale(draws, day, part, keys) for part in draws.parts(total, count=3)]
    others = [
        draws.item(draws.theirs[0], day=draws.later(day, least=0, most=2), amount=part, reference="BATCH", keys=keys)
        for part in draws.parts(total, count=2)
    ]
    draws.together(*ours, *others)


def incomplete(draws: Draws) -> None:
    """Of an aggregate one sale was never booked: nothing of it is matched."""
    day, payout = draws.day(), f"IC{draws.number()}"
    amounts = [draws.amount(least=2_000) for _ in range(3)]
    ours = [_sale(draws, day, amount, {"payout": payout}) for amount in amounts[1:]]
    other = draws.item(draws.theirs[0], day=draws.later(day, least=0, most=2), amount=sum(amounts), reference=payout)
    draws.broken(*ours, other)


def alike(draws: Draws) -> None:
    """As many alike on each side: who belongs to whom makes no difference, so that they are one group."""
    day, amount, party = draws.day(), draws.amount(), draws.party()
    count = draws.rng.randint(2, 5)
    draws.together(
        *(draws.item(side, day=day, amount=amount, counterparty=party) for side in (draws.ours, draws.theirs[0]) for _ in range(count))
    )


def alike_uneven(draws: Draws) -> None:
    """More alike on one side than on the other: choosing would be a guess."""
    day, amount, party, (first, second) = draws.day(), draws.amount(), draws.party(), draws.either()
    count = draws.rng.randint(1, 3)
    items = [draws.item(first, day=day, amount=amount, counterparty=party) for _ in range(count + draws.rng.randint(1, 2))]
    items += [draws.item(second, day=day, amount=amount, counterparty=party) for _ in range(count)]
    draws.broken(*items, as_="ambiguous")


def duplicate_external(draws: Draws) -> None:
    _duplicate(draws, draws.theirs[0], draws.ours)


def duplicate_internal(draws: Draws) -> None:
    _duplicate(draws, draws.ours, draws.theirs[0])


def _duplicate(draws: Draws, twice: str, once: str) -> None:
    """One side has it twice, and nothing says which of the two is too many."""
    values = {"day": draws.day(), "amount": draws.amount(), "reference": draws.reference(), "counterparty": draws.party()}
    draws.broken(*(draws.item(side, **values) for side in (twice, twice, once)), as_="ambiguous")  # type: ignore[arg-type]


def repeated(draws: Draws) -> None:
    """What was matched comes once more: the match stands, the second one is a duplicate."""
    again, side = draws.rng.choice(((draws.ours, "duplicate_internal"), (draws.theirs[0], "duplicate_external")))
    values = {"day": draws.day(), "amount": draws.amount(), "reference": draws.reference(), "counterparty": draws.party()}
    draws.together(draws.item(draws.ours, **values), draws.item(draws.theirs[0], **values))  # type: ignore[arg-type]
    draws.broken(draws.item(again, **values, delivery=2), as_=side)  # type: ignore[arg-type]


def contra(draws: Draws) -> None:
    """An error and its reversal on one side, which the other side never sees."""
    day, amount, side, reference = draws.day(), draws.amount(), draws.either()[0], draws.reference()
    wrong = draws.item(side, day=day, amount=amount, flow="in", reference=reference, description="Booked in error")
    back = draws.later(day, least=0, most=3)
    draws.together(wrong, draws.item(side, day=back, amount=amount, flow="out", reference=reference, description="Reversal"))


def restated(draws: Draws) -> None:
    """The bank corrects the amount of a line in the next version of its statement."""
    day, amount, reference, party = draws.day(), draws.amount(least=2_000), draws.reference(), draws.party()
    ours = draws.item(draws.ours, day=day, amount=amount, reference=reference, counterparty=party)
    draws.item(draws.theirs[0], day=day, amount=amount - 100, reference=reference, counterparty=party, withdrawn=True)
    draws.together(ours, draws.item(draws.theirs[0], day=day, amount=amount, reference=reference, counterparty=party, delivery=2))


def taken_back(draws: Draws) -> None:
    """The bank takes back a line that was matched already."""
    day, amount, reference, party = draws.day(), draws.amount(), draws.reference(), draws.party()
    ours = draws.item(draws.ours, day=day, amount=amount, reference=reference, counterparty=party)
    draws.item(draws.theirs[0], day=day, amount=amount, reference=reference, counterparty=party, withdrawn=True)
    draws.broken(ours, as_="missing_external")


def reorg(draws: Draws) -> None:
    """A transfer is in a block that the chain gives up, and in another one a little later."""
    day, amount, flow = draws.day(), draws.amount(), draws.flow()
    keys = {"tx": f"0x{draws.rng.getrandbits(256):064x}"}
    ours = draws.item(draws.ours, day=day, amount=amount, flow=flow, reference=draws.reference(), keys=keys)
    block = draws.number()
    draws.item(draws.theirs[0], day=day, amount=amount, flow=flow, description=f"block {block}", keys=keys, withdrawn=True)
    upper = {"tx": keys["tx"].upper().replace("0X", "0x")}
    later = day + timedelta(days=draws.rng.randint(0, 1))
    draws.together(
        ours, draws.item(draws.theirs[0], day=later, amount=amount, flow=flow, description=f"block {block + 1}", keys=upper, delivery=2)
    )


SEVERAL: dict[str, Maker] = {
    one.__name__: one
    for one in (
        fees, split, aggregate, batch, incomplete, alike, alike_uneven, duplicate_external, duplicate_internal, repeated, contra,
        restated, taken_back, reorg,
    )
}  # fmt: skip
