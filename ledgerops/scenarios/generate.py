"""A reconciliation from a seed, every scenario with its share of the items, and the truth of it."""

import random
from dataclasses import replace
from typing import Any

from ledgerops.scenarios.chains import CHAINS
from ledgerops.scenarios.draws import LAST_DAY, Draws, fill
from ledgerops.scenarios.pairs import DAYS_ALLOWED, PAIRS
from ledgerops.scenarios.several import SEVERAL, TARIFF
from ledgerops.scenarios.shapes import PopulationPlan, Scenario
from recon.matching.rules import Rules

LEDGER, BANK, PROCESSOR = "Ledger", "Bank", "Processor"
# Of the items, in each scenario; what is left over are plain ones.
SHARE = 0.0225
SHARE_OF_CHAINS = 0.06

_RULES: dict[str, Any] = {
    "passes": [
        {"id": "contra", "kind": "contra", "name": "An error and its reversal", "automatic": True, "days": DAYS_ALLOWED},
        {"id": "reference", "kind": "key", "name": "Same reference, same amount", "automatic": True, "days": DAYS_ALLOWED},
        {"id": "group", "kind": "group", "name": "Same reference, same sum", "automatic": True, "days": DAYS_ALLOWED, "tariffs": ["CARD"]},
        {"id": "alike", "kind": "block", "name": "As many alike", "automatic": True, "attributes": ["counterparty"], "days": 0},
        {"id": "party", "kind": "attribute", "name": "Same party, same amount", "automatic": True, "attributes": ["counterparty"],
         "days": 2},
        {"id": "window", "kind": "window", "name": "Same amount within days", "automatic": False, "days": 2},
        {"id": "assignment", "kind": "assignment", "name": "The best pairs of several", "automatic": False, "days": 3},
        {"id": "subset", "kind": "subset", "name": "Several that add up to one", "automatic": False, "days": 5},
        {"id": "fuzzy", "kind": "fuzzy", "name": "Texts that are nearly alike", "automatic": False, "days": 5},
    ],
    "tariffs": [TARIFF],
}  # fmt: skip
RULES = Rules.from_json(_RULES).definition


def generate(*, seed: int, items: int, populations: int = 2) -> Scenario:
    """Return a reconciliation of about so many items between two or three populations; the same arguments give the same."""
    if populations not in (2, 3):
        raise ValueError("a generated reconciliation has two or three populations")
    theirs = (BANK,) if populations == 2 else (PROCESSOR, BANK)
    draws = Draws(rng=random.Random(f"{seed}/{items}/{populations}"), ours=LEDGER, theirs=theirs)  # noqa: S311 (no secret)
    if populations == 2:
        fill(draws, items=items, makers={**PAIRS, **SEVERAL}, plain="plain", share=SHARE)
    else:
        fill(draws, items=items, makers=CHAINS, plain="chain", share=SHARE_OF_CHAINS)
    _close(draws)
    # In the order of their days, as both sides tell them: the order in which they were made says nothing of the truth.
    draws.rng.shuffle(draws.items)
    draws.items.sort(key=lambda item: item.day)
    names = {item.id: f"i{n:07d}" for n, item in enumerate(draws.items, start=1)}
    return Scenario(
        name=f"seed {seed}, {items} items, {populations} populations",
        populations=tuple(PopulationPlan(name=name, side="ledger" if name == LEDGER else "statement") for name in (LEDGER, *theirs)),
        rules=RULES,
        items=tuple(replace(item, id=names[item.id]) for item in draws.items),
        groups=tuple(replace(one, items=tuple(names[item] for item in one.items)) for one in draws.groups),
        breaks=tuple(replace(one, items=tuple(names[item] for item in one.items)) for one in draws.breaks),
    )


def _close(draws: Draws) -> None:
    """Let the last day have a movement on every side, so that no statement ends before what it should have shown."""
    reference = draws.reference()
    draws.together(*(draws.item(side, day=LAST_DAY, amount=12_345, reference=reference) for side in (draws.ours, *draws.theirs)))
