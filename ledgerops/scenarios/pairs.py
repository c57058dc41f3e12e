"""Scenarios between the ledger and one bank: what belongs together one by one, and what only looks as if it did."""

from collections.abc import Callable
from datetime import timedelta

from ledgerops.scenarios.draws import Draws, Maker

DAYS_ALLOWED = 5


def plain(draws: Draws) -> None:
    """The same reference and amount, on the same day or the next."""
    day, amount, flow, reference = draws.day(), draws.amount(), draws.flow(), draws.reference()
    party = draws.party(known=draws.rng.random() < 0.5)
    ours = draws.item(draws.ours, day=day, amount=amount, flow=flow, reference=reference, counterparty=party)
    later = draws.later(day, least=0, most=1)
    draws.together(ours, draws.item(draws.theirs[0], day=later, amount=amount, flow=flow, reference=reference, counterparty=party))


def timing(draws: Draws) -> None:
    """Days apart, over weekends and the ends of months, within what the rules allow."""
    day = draws.edge() if draws.rng.random() < 0.6 else draws.day()
    first, second = draws.either()
    amount, flow, reference, party = draws.amount(), draws.flow(), draws.reference(), draws.party(known=True)
    later = draws.later(day, least=2, most=DAYS_ALLOWED)
    one = draws.item(first, day=day, amount=amount, flow=flow, reference=reference, counterparty=party)
    draws.together(one, draws.item(second, day=later, amount=amount, flow=flow, reference=reference, counterparty=party))


def late(draws: Draws) -> None:
    """Further apart than the rules allow: a pair whose dates disagree."""
    day, (first, second) = draws.day(margin=30), draws.either()
    amount, reference, party = draws.amount(), draws.reference(), draws.party()
    one = draws.item(first, day=day, amount=amount, reference=reference, counterparty=party)
    later = draws.later(day, least=DAYS_ALLOWED + 2, most=DAYS_ALLOWED + 8)
    other = draws.item(second, day=later, amount=amount, reference=reference, counterparty=party)
    draws.together(one, other, automatic=False)
    draws.broken(one, other, as_="date")


def noise(draws: Draws) -> None:
    """One reference, written as each system writes it."""
    day, amount, number = draws.day(), draws.amount(), draws.number()
    one = draws.item(draws.ours, day=day, amount=amount, reference=f"Inv/{number}-a", counterparty="")
    draws.together(one, draws.item(draws.theirs[0], day=day, amount=amount, reference=f"INV {number} A", counterparty=draws.party()))


def missing_external(draws: Draws) -> None:
    values = {"reference": draws.reference(), "counterparty": draws.party(known=True)}
    draws.broken(draws.item(draws.ours, day=draws.day(), amount=draws.amount(), flow=draws.flow(), **values), as_="missing_external")


def missing_internal(draws: Draws) -> None:
    values = {"reference": draws.reference(), "counterparty": draws.party()}
    draws.broken(draws.item(draws.theirs[0], day=draws.day(), amount=draws.amount(), flow=draws.flow(), **values), as_="missing_internal")


def typo(draws: Draws) -> None:
    """A reference mistyped as hands do it: two signs swapped, one left out, one doubled, a letter for a digit."""
    day, amount, party = draws.day(), draws.amount(least=20_000), draws.party()
    reference = f"TY{draws.number()}{draws.rng.choice('KMPRTW')}{draws.number()}"
    one = draws.item(draws.ours, day=day, amount=amount, reference=reference, counterparty=party)
    other = draws.item(draws.theirs[0], day=day, amount=amount, reference=_mistyped(draws, reference), counterparty=party)
    draws.together(one, other)


def _mistyped(draws: Draws, reference: str) -> str:
    places = [n for n in range(3, len(reference) - 1) if reference[n] != reference[n + 1]]
    at, kind = draws.rng.choice(places), draws.rng.randint(0, 3)
    if kind == 0:
        return reference[:at] + reference[at + 1] + reference[at] + reference[at + 2 :]
    if kind == 1:
        return reference[:at] + reference[at + 1 :]
    if kind == 2:
        return reference[:at] + reference[at] + reference[at:]
    letters = {"0": "O", "1": "I", "5": "S", "8": "B", "2": "Z"}
    at = next(n for n in range(2, len(reference)) if reference[n] in letters)
    return reference[:at] + letters[reference[at]] + reference[at + 1 :]


def neighbours(draws: Draws) -> None:
    """Two movements of one party and amount under neighbouring references, each without its other side: they are no pair."""
    day, amount, party, number = draws.day(), draws.amount(), draws.party(), draws.number() * 10 + draws.rng.randint(0, 8)
    one = draws.item(draws.ours, day=day, amount=amount, reference=f"RE-{number}", counterparty=party)
    other = draws.item(draws.theirs[0], day=day, amount=amount, reference=f"RE-{number + 1}", counterparty=party)
    draws.broken(one, as_="missing_external")
    draws.broken(other, as_="missing_internal")


def unreferenced(draws: Draws) -> None:
    """The bank tells the party and no reference."""
    day, amount, party = draws.day(), draws.amount(least=5_000), draws.party()
    one = draws.item(draws.ours, day=day, amount=amount, reference=draws.reference(), counterparty=party)
    later = draws.later(day, least=0, most=2)
    draws.together(one, draws.item(draws.theirs[0], day=later, amount=amount, reference="NOTPROVIDED", counterparty=party.upper()))


def unidentified(draws: Draws) -> None:
    """Nothing but the amount agrees, since nothing else is told: a person may say so, a machine may not."""
    day, amount = draws.day(), draws.amount()
    filler = draws.rng.choice(("", "NOTPROVIDED", "NONREF"))
    one = draws.item(draws.ours, day=day, amount=amount, reference=filler)
    other = draws.item(draws.theirs[0], day=draws.later(day, least=0, most=1), amount=amount, reference=filler)
    draws.together(one, other, automatic=False)
    draws.broken(one, other)


def transposed(draws: Draws) -> None:
    """Two digits of the amount are swapped."""
    _differing(draws, lambda digits, n: digits[:n] + digits[n + 1] + digits[n] + digits[n + 2 :])


def decimal_shift(draws: Draws) -> None:
    """The decimal point is one or two places off."""
    _differing(draws, lambda digits, _: digits + draws.rng.choice(("0", "00")))


def fee_variance(draws: Draws) -> None:
    """What came in is less by a charge that no tariff knows."""
    _differing(draws, lambda digits, _: str(int(digits) - draws.rng.choice((1, 7, 333))))


def _differing(draws: Draws, change: Callable[[str, int], str]) -> None:
    amount, at = 0, 0
    while not amount:
        digits = str(draws.amount(least=40_000))
        places = [n for n in range(len(digits) - 1) if digits[n] != digits[n + 1] and (n or digits[1] != "0")]
        if places:
            amount, at = int(digits), draws.rng.choice(places)
    day, reference, party = draws.day(), draws.reference(), draws.party(known=True)
    one = draws.item(draws.ours, day=day, amount=amount, reference=reference, counterparty=party)
    later = draws.later(day, least=0, most=1)
    other = draws.item(draws.theirs[0], day=later, amount=int(change(str(amount), at)), reference=reference, counterparty=party)
    draws.broken(one, other, as_="amount")


def direction(draws: Draws) -> None:
    """The same reference and amount, and money that moved the other way."""
    day, reference, amount, party = draws.day(), draws.reference(), draws.amount(), draws.party()
    one = draws.item(draws.ours, day=day, amount=amount, flow="in", reference=reference, counterparty=party)
    other = draws.item(draws.theirs[0], day=day, amount=amount, flow="out", reference=reference, counterparty=party)
    draws.broken(one, other)


def parties(draws: Draws) -> None:
    """One amount on one day from several parties, without references; two are alone, and are no pair."""
    day, amount = draws.day(), draws.amount()
    for _ in range(draws.rng.randint(2, 3)):
        party = draws.party()
        one = draws.item(draws.ours, day=day, amount=amount, counterparty=party)
        draws.together(one, draws.item(draws.theirs[0], day=day, amount=amount, counterparty=party))
    draws.broken(draws.item(draws.ours, day=day, amount=amount, counterparty=draws.party()), as_="missing_external")
    draws.broken(draws.item(draws.theirs[0], day=day, amount=amount, counterparty=draws.party()), as_="missing_internal")


def instalments(draws: Draws) -> None:
    """One reference and amount, month after month."""
    day, amount, reference, party = draws.day(margin=90), draws.amount(), f"RATE-{draws.number()}", draws.party()
    for month in range(3):
        due = day + timedelta(days=28 * month)
        one = draws.item(draws.ours, day=due, amount=amount, flow="out", reference=reference, counterparty=party)
        other = draws.item(draws.theirs[0], day=due, amount=amount, flow="out", reference=reference, counterparty=party)
        draws.together(one, other)


PAIRS: dict[str, Maker] = {
    one.__name__: one
    for one in (
        plain, timing, late, noise, missing_external, missing_internal, typo, neighbours, unreferenced, unidentified, transposed,
        decimal_shift, fee_variance, direction, parties, instalments,
    )
}  # fmt: skip
