"""The proof of customers' money: banks, less or plus what is on its way, against what each customer is owed.

A customer who owes us never makes up for what another one is owed: negative balances are listed, and call for money of our own.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from ledger.models import Account, OwnerClass
from ledger.queries.balances import NOTHING, balances_known_at
from recon.models import ProofDefinition, ProofOutcome, Reconciliation, Source
from recon.proof_queries.banks import balance_at
from recon.proof_queries.in_transit import in_transit

# As many are listed one by one; their number and sum are complete.
LISTED = 500


def customer_money(definition: ProofDefinition, *, day: date, known_at: datetime) -> tuple[dict[str, Any], ProofOutcome, int | None]:
    """Return all that the proof says of a day, its outcome, and what is held beyond what is owed."""
    terms = definition.terms
    banks, moving, complete = _banks(terms["sources"], day=day, known_at=known_at)
    accounts = _named_accounts(terms, day=day, known_at=known_at)
    owners = _owners(definition, day=day, known_at=known_at)
    in_transit_minor = sum(int(one["minor"]) for one in moving)
    held = sum(int(one["minor"] or 0) for one in banks) + in_transit_minor + sum(int(one["counts_minor"]) for one in accounts)
    difference = held - owners["owed"]
    content = {
        "accounts": accounts,
        "actions": _actions(owners, difference=difference if complete else None),
        "banks": banks,
        "difference_minor": str(difference) if complete else None,
        "held_minor": str(held),
        "in_transit": moving[:LISTED],
        "in_transit_count": len(moving),
        "in_transit_minor": str(in_transit_minor),
        "negative": owners["negative"][:LISTED],
        "negative_count": len(owners["negative"]),
        "negative_minor": str(owners["overdrawn"]),
        "owed_minor": str(owners["owed"]),
        "owners_count": owners["count"],
        "programs": owners["programs"],
    }
    if not complete:
        return content, ProofOutcome.INCOMPLETE, None
    outcome = ProofOutcome.HOLDS if difference == 0 else ProofOutcome.SURPLUS if difference > 0 else ProofOutcome.SHORTFALL
    return content, outcome, difference


def _banks(codes: Sequence[str], *, day: date, known_at: datetime) -> tuple[list[dict[str, Any]], list[dict[str, Any]], bool]:
    banks: list[dict[str, Any]] = []
    moving: list[dict[str, Any]] = []
    for source in Source.objects.filter(code__in=codes).select_related("account").order_by("code"):
        found = balance_at(source=source, day=day, known_at=known_at)
        banks.append(
            {
                "account": source.account.code,
                "digest": found.digest,
                "minor": None if found.minor is None else str(found.minor),
                "number": found.number,
                "proof": found.proof,
                "rule": found.rule,
                "source": source.code,
                "statement": str(found.statement_id) if found.statement_id else None,
            }
        )
        home = Reconciliation.objects.get(source=source, home=True)
        between = in_transit(reconciliation=home, day=day, known_at=known_at)
        sums = balances_known_at(account_ids=[source.account_id], as_of=day, known_at=known_at).get(source.account_id, NOTHING)
        ledger = sums.debits_minor - sums.credits_minor
        # What the bank says and what is on its way come to what the books say, or something is lost.
        unexplained = None if found.minor is None else ledger - found.minor - sum(one.minor for one in between)
        banks[-1] |= {"ledger_minor": str(ledger), "unexplained_minor": None if unexplained is None else str(unexplained)}
        moving += [
            {
                "day": one.day.isoformat(),
                "entry": str(one.entry_id) if one.entry_id else None,
                "minor": str(one.minor),
                "place": one.place,
                "reference": one.reference,
                "side": one.side,
                "source": source.code,
            }
            for one in between
        ]
    return banks, moving, all(bank["minor"] is not None for bank in banks)


def _named_accounts(terms: Mapping[str, Any], *, day: date, known_at: datetime) -> list[dict[str, Any]]:
    """Return the accounts that the terms name: what is on its way to the banks counts with its debit balance, what is ours does not."""
    roles = {code: role for role in ("in_transit", "own") for code in terms.get(role, [])}
    accounts = list(Account.objects.filter(code__in=roles).order_by("code"))
    sums = balances_known_at(account_ids=[one.pk for one in accounts], as_of=day, known_at=known_at) if accounts else {}
    found = []
    for account in accounts:
        held = sums.get(account.pk, NOTHING)
        # Both ways a debit balance adds to what the banks hold for customers, a credit balance is of others.
        net = held.debits_minor - held.credits_minor
        found.append({"account": account.code, "counts_minor": str(net), "name": account.name, "role": roles[account.code]})
    return found


def _owners(definition: ProofDefinition, *, day: date, known_at: datetime) -> dict[str, Any]:
    accounts = Account.objects.filter(
        entity=definition.entity_id, asset=definition.asset_id, owner_class=OwnerClass.CUSTOMER, is_control=False, children__isnull=True
    )
    if programs := definition.terms.get("programs"):
        accounts = accounts.filter(party__program__code__in=programs)
    rows = list(accounts.order_by("code").values_list("pk", "code", "party__code", "party__program__code"))
    sums = balances_known_at(account_ids=[row[0] for row in rows], as_of=day, known_at=known_at) if rows else {}
    by_program: dict[str, list[int]] = {}
    negative, owed, overdrawn, count = [], 0, 0, 0
    for pk, code, party, program in rows:
        held = sums.get(pk, NOTHING)
        if held == NOTHING:
            continue  # an account that had not moved by then may have been opened later
        balance = held.credits_minor - held.debits_minor
        count += 1
        of_program = by_program.setdefault(program or "", [0, 0, 0])
        of_program[0] += 1
        of_program[1 if balance >= 0 else 2] += balance
        if balance < 0:
            overdrawn += balance
            negative.append({"account": code, "minor": str(balance), "party": party or ""})
        else:
            owed += balance
    told = [
        {"accounts": n, "negative_minor": str(below), "owed_minor": str(above), "program": code}
        for code, (n, above, below) in sorted(by_program.items())
    ]
    return {"count": count, "negative": negative, "overdrawn": overdrawn, "owed": owed, "programs": told}


def _actions(owners: Mapping[str, Any], *, difference: int | None) -> list[dict[str, str]]:
    """Return what has to be done: fund what customers overdrew and what else is missing, take out what is ours."""
    if difference is None:
        return []
    overdrawn = -int(owners["overdrawn"])
    missing = max(0, -difference)
    funding = min(overdrawn, missing)
    told = [("fund_overdrawn", funding), ("find_shortfall", missing - funding), ("take_out_own_money", max(0, difference))]
    return [{"action": action, "minor": str(minor)} for action, minor in told if minor]
