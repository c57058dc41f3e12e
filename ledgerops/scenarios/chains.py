"""Scenarios over three populations: orders in the ledger, what the processor reports, and what the bank receives."""

from datetime import date

from ledgerops.scenarios.draws import Draws, Maker


def chain(draws: Draws) -> None:
    """The processor knows the order of the ledger and the payout of the bank; those two share nothing."""
    draws.together(*_chain(draws, day=draws.day(), amount=draws.amount()))


def _chain(draws: Draws, *, day: date, amount: int) -> list[str]:
    processor, bank = draws.theirs
    order, payout, party = f"OR{draws.number()}", f"PO{draws.number()}", draws.party(known=True)
    return [
        draws.item(draws.ours, day=day, amount=amount, reference=order, counterparty=party, keys={"order": order}),
        draws.item(processor, day=day, amount=amount, keys={"order": order, "payout": payout}),
        draws.item(bank, day=draws.later(day, least=0, most=2), amount=amount, reference=payout, counterparty="Processor"),
    ]


def one_key(draws: Draws) -> None:
    """All three have one reference."""
    day, amount, reference = draws.day(), draws.amount(), draws.reference()
    draws.together(*(draws.item(side, day=day, amount=amount, reference=reference) for side in (draws.ours, *draws.theirs)))


def slow(draws: Draws) -> None:
    """Each of the three a few days after the other."""
    day, amount, reference = draws.edge(), draws.amount(), draws.reference()
    second = draws.later(day, least=1, most=2)
    days = (day, second, draws.later(second, least=1, most=2))
    sides = (draws.ours, *draws.theirs)
    draws.together(*(draws.item(side, day=one, amount=amount, reference=reference) for side, one in zip(sides, days, strict=True)))


def payout(draws: Draws) -> None:
    """Several orders and their reports come as one sum."""
    day, key = draws.day(), f"PY{draws.number()}"
    amounts = [draws.amount() for _ in range(draws.rng.randint(2, 4))]
    sides = (draws.ours, draws.theirs[0])
    items = [
        draws.item(side, day=day, amount=amount, reference=f"{key}{n}", keys={"payout": key})
        for side in sides
        for n, amount in enumerate(amounts)
    ]
    draws.together(*items, draws.item(draws.theirs[1], day=draws.later(day, least=1, most=3), amount=sum(amounts), reference=key))


def alike(draws: Draws) -> None:
    """As many alike in each of the three."""
    day, amount, party = draws.day(), draws.amount(), draws.party()
    count = draws.rng.randint(2, 3)
    sides = (draws.ours, *draws.theirs)
    draws.together(*(draws.item(side, day=day, amount=amount, counterparty=party) for side in sides for _ in range(count)))


def alike_uneven(draws: Draws) -> None:
    """One has fewer than the others."""
    day, amount, party = draws.day(), draws.amount(), draws.party()
    sides = (draws.ours, draws.ours, *draws.theirs)
    draws.broken(*(draws.item(side, day=day, amount=amount, counterparty=party) for side in sides), as_="ambiguous")


def hop_missing(draws: Draws) -> None:
    """One of the three is not there: two that agree are no whole."""
    items = _hops(draws)
    missing, _ = items.pop(draws.rng.randint(0, 2))
    as_ = "missing_internal" if missing == draws.ours else "missing_external"
    draws.broken(*(draws.item(side, **values) for side, values in items), as_=as_)  # type: ignore[arg-type]


def hop_differs(draws: Draws) -> None:
    """One of the three has another amount."""
    items = _hops(draws)
    side, values = items.pop(draws.rng.randint(0, 2))
    items.append((side, {**values, "amount": int(str(values["amount"])) + 10}))
    draws.broken(*(draws.item(side, **values) for side, values in items), as_="amount")  # type: ignore[arg-type]


def hop_twice(draws: Draws) -> None:
    """One of the three has it twice."""
    items = _hops(draws)
    items.append(draws.rng.choice(items))
    draws.broken(*(draws.item(side, **values) for side, values in items))  # type: ignore[arg-type]


def _hops(draws: Draws) -> list[tuple[str, dict[str, object]]]:
    values = {"day": draws.day(), "amount": draws.amount(), "reference": draws.reference()}
    return [(side, {**values}) for side in (draws.ours, *draws.theirs)]


CHAINS: dict[str, Maker] = {
    one.__name__: one for one in (chain, one_key, slow, payout, alike, alike_uneven, hop_missing, hop_differs, hop_twice)
}
