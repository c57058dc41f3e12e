"""Transaction types: which legs a business movement has, and along which arrows its two axes of status move."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from ledger.accounting import CREDIT, DEBIT, Line
from ledgerops.lib.errors import Refusal, RefusalKind

# ledger_status_may_move_v1 has the same arrows.
ARROWS: Mapping[str, Mapping[str, Sequence[str]]] = {
    "status": {
        "initiated": ("pending", "posted", "failed", "cancelled"),
        "pending": ("posted", "failed", "cancelled"),
        "posted": ("reversed",),
        "failed": (),
        "cancelled": (),
        "reversed": (),
    },
    "settlement": {
        "not_applicable": (),
        "expected": ("sent", "confirmed", "settled", "returned"),
        "sent": ("confirmed", "settled", "returned"),
        "confirmed": ("settled", "returned"),
        "settled": ("returned",),
        "returned": (),
    },
}


class ParameterRefused(Refusal):
    """A parameter that the type's rule needs is missing, unknown or of another kind; `field` names it."""

    code = "parameter_refused"
    kind = RefusalKind.INVALID


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """One leg of a rule: which side, on accounts of which classes, from which parameters. An optional leg is there if its
    amount is given.
    """

    role: str
    direction: str
    classes: Sequence[str]
    account: str
    amount: str = "amount"
    optional: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeTerms:
    """A transaction type as it is registered. `evidence` are parameters that are kept and shown but move nothing, such as a quote."""

    code: str
    name: str
    legs: Sequence[Leg]
    origin: str = "rule"
    evidence: Sequence[str] = ()
    external: bool = False
    reversible: bool = True
    mirrors: bool = False
    settles: bool = False
    multi_capture: bool = False
    in_soft_lock: bool = False
    backdating_days: int | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the terms as they are stored, with the roles as the posting function reads them."""
        required = sorted({leg.role for leg in self.legs if not leg.optional})
        return {
            "code": self.code,
            "name": self.name,
            "origin": self.origin,
            "legs": [{**asdict(leg), "classes": list(leg.classes)} for leg in self.legs],
            "roles": roles_of(self.legs),
            # An entry of free legs has whichever it has: its lines are what was approved.
            "required_roles": required if self.origin == "rule" and not self.mirrors else [],
            "parameters": list(self.evidence),
            "external": self.external,
            "reversible": self.reversible,
            "mirrors": self.mirrors,
            "settles": self.settles,
            "multi_capture": self.multi_capture,
            "in_soft_lock": self.in_soft_lock,
            "backdating_days": self.backdating_days,
        }


def roles_of(legs: Sequence[Leg]) -> dict[str, dict[str, str]]:
    """Return the role that a leg of each side and owner class has; where two could have it, the first declared."""
    roles: dict[str, dict[str, str]] = {DEBIT: {}, CREDIT: {}}
    for leg in legs:
        for owner_class in leg.classes:
            roles[leg.direction].setdefault(owner_class, leg.role)
    return roles


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What makes lines of parameters: the legs of one version of a type, and what else it wants to be told."""

    code: str
    legs: Sequence[Leg]
    evidence: Sequence[str] = field(default=())

    @property
    def parameters(self) -> dict[str, str]:
        """Return each parameter with its kind, in the order of the legs: account or amount."""
        kinds: dict[str, str] = {}
        for leg in self.legs:
            kinds.setdefault(leg.account, "account")
            kinds.setdefault(leg.amount, "amount")
        return kinds


def rule_from_json(*, code: str, legs: Sequence[Mapping[str, Any]], parameters: Sequence[str]) -> Rule:
    """Return a stored version's rule."""
    return Rule(code=code, legs=[Leg(**leg) for leg in legs], evidence=tuple(parameters))


def lines_of(rule: Rule, *, parameters: Mapping[str, Any], asset_of: Mapping[str, str]) -> list[Line]:
    """Return the lines that a rule makes of its parameters; `asset_of` gives the asset of each account named.

    :raises ParameterRefused: naming the parameter that is missing, unknown or no whole number above zero.
    """
    known = rule.parameters
    for name in parameters:
        if name not in known and name not in rule.evidence:
            raise ParameterRefused(f"{rule.code} has no parameter {name}", field=f"parameters.{name}")
    for name in rule.evidence:
        if parameters.get(name) in (None, ""):
            raise ParameterRefused(f"{rule.code} needs {name} as evidence", field=f"parameters.{name}")
    lines = []
    for leg in rule.legs:
        if leg.optional and not parameters.get(leg.amount):
            continue
        for name in (leg.account, leg.amount):
            if parameters.get(name) in (None, ""):
                raise ParameterRefused(f"{rule.code} needs {name}", field=f"parameters.{name}")
        account, amount = str(parameters[leg.account]), parameters[leg.amount]
        if account not in asset_of:
            raise ParameterRefused(f"there is no account {account}", field=f"parameters.{leg.account}")
        if type(amount) is not int or amount <= 0:
            raise ParameterRefused("an amount is a whole number of minor units above zero", field=f"parameters.{leg.amount}")
        lines.append(Line(account=account, direction=leg.direction, amount_minor=amount, asset=asset_of[account]))
    return lines
