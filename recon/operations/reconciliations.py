"""Defining what must agree."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from django.contrib.auth.models import Group
from django.db.models import Model, QuerySet
from guardian.shortcuts import get_groups_with_perms

from audit.operations import act, record_event
from ledger.models import Account
from ledgerops.lib.calendars import WEEKDAYS, calendar_exists
from ledgerops.lib.errors import Refusal, RefusalKind
from recon.matching.rules import STANDARD, Rules
from recon.models import Population, PopulationAccount, Reconciliation, RulesStatus, RulesVersion, Side, Source

POPULATIONS_MIN, POPULATIONS_MAX, ACCOUNTS_MAX, CODES_MAX = 2, 6, 20, 50
NAME_MAX, CODE_MAX = 120, 60


class ReconciliationInvalid(Refusal):
    """What was said of a reconciliation cannot be; `field` says where, such as populations.1.source."""

    code = "reconciliation_invalid"
    kind = RefusalKind.INVALID


class ReconciliationRefused(Refusal):
    code = "reconciliation_refused"
    kind = RefusalKind.CONFLICT


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPopulation:
    """One side of a reconciliation that is to be: the lines of a source (by code), or the postings of ledger accounts (by code)."""

    name: str
    source: str = ""
    accounts: Sequence[str] = ()
    sign: int = 1
    codes: Sequence[str] = ()
    without_codes: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Understood:
    wish: NewPopulation
    source: Source | None
    accounts: Sequence[Account]


def define_reconciliation(
    *, name: str, asset: str, populations: Sequence[NewPopulation], calendar: str = WEEKDAYS, defined_by_id: int
) -> Reconciliation:
    """Declare that populations of one asset must agree, by the standard rules until others are approved.

    Its sight is that of the source whose readers see everything in it.

    :raises ReconciliationInvalid: naming what cannot be.
    :raises ReconciliationRefused: if there is one of that name.
    """
    with act("recon.reconciliation.defined", target_type="recon.reconciliation", target_id=name[:NAME_MAX]):
        name = name.strip()
        _refuse_unfit(name=name, calendar=calendar, populations=populations)
        understood = [_understood(wish, asset=asset, path=f"populations.{n}") for n, wish in enumerate(populations)]
        _refuse_overlaps(understood)
        source = _source_of_sight(understood)
        if Reconciliation.objects.filter(name=name).exists():
            raise ReconciliationRefused(f"there is a reconciliation {name} already", field="name")
        # Nothing is refused any more.
        reconciliation = Reconciliation.objects.create(source=source, home=False, name=name, calendar=calendar)
        for position, one in enumerate(understood, start=1):
            _add_population(reconciliation, one, position=position)
        give_standard_rules(reconciliation)
        record_event(
            "recon.reconciliation.defined",
            target_type="recon.reconciliation",
            target_id=reconciliation.pk,
            after={
                "name": name,
                "asset": asset,
                "calendar": calendar,
                "defined_by": defined_by_id,
                "populations": [_said(one) for one in understood],
            },
        )
        return reconciliation


def _refuse_unfit(*, name: str, calendar: str, populations: Sequence[NewPopulation]) -> None:
    if not 0 < len(name) <= NAME_MAX:
        raise ReconciliationInvalid(f"a name has 1 to {NAME_MAX} characters", field="name")
    if not calendar_exists(calendar):
        raise ReconciliationInvalid(f"there is no calendar {calendar}", field="calendar")
    if not POPULATIONS_MIN <= len(populations) <= POPULATIONS_MAX:
        raise ReconciliationInvalid(f"a reconciliation has {POPULATIONS_MIN} to {POPULATIONS_MAX} populations", field="populations")
    names = [one.name.strip() for one in populations]
    for number, one in enumerate(names):
        if not 0 < len(one) <= NAME_MAX:
            raise ReconciliationInvalid(f"a name has 1 to {NAME_MAX} characters", field=f"populations.{number}.name")
        if one in names[:number]:
            raise ReconciliationInvalid(f"two populations are called {one}", field=f"populations.{number}.name")


def _understood(wish: NewPopulation, *, asset: str, path: str) -> _Understood:
    """Return what a population is made of.

    :raises ReconciliationInvalid: at its path.
    """
    if wish.sign not in (-1, 1):
        raise ReconciliationInvalid("a sign is 1 or -1", field=f"{path}.sign")
    if bool(wish.source) == bool(wish.accounts):
        raise ReconciliationInvalid("name a source, or ledger accounts", field=f"{path}.source")
    if wish.accounts and (wish.codes or wish.without_codes):
        raise ReconciliationInvalid("postings have no transaction codes", field=f"{path}.codes")
    for field in ("codes", "without_codes"):
        codes: Sequence[str] = getattr(wish, field)
        if len(codes) > CODES_MAX or any(not 0 < len(code) <= CODE_MAX for code in codes):
            raise ReconciliationInvalid(f"at most {CODES_MAX} codes of 1 to {CODE_MAX} characters", field=f"{path}.{field}")
    if wish.source:
        source = Source.objects.select_related("asset").filter(code=wish.source).first()
        if source is None or source.asset.code != asset:
            raise ReconciliationInvalid(f"there is no source {wish.source} in {asset}", field=f"{path}.source")
        return _Understood(wish=wish, source=source, accounts=())
    if len(wish.accounts) > ACCOUNTS_MAX:
        raise ReconciliationInvalid(f"at most {ACCOUNTS_MAX} accounts", field=f"{path}.accounts")
    found = {one.code: one for one in Account.objects.select_related("entity").filter(code__in=wish.accounts, asset__code=asset)}
    for code in wish.accounts:
        if code not in found:
            raise ReconciliationInvalid(f"there is no account {code} in {asset}", field=f"{path}.accounts")
    return _Understood(wish=wish, source=None, accounts=[found[code] for code in dict.fromkeys(wish.accounts)])


def _refuse_overlaps(understood: Sequence[_Understood]) -> None:
    """A line or a posting is one item of a reconciliation: no two populations may lay claim to it."""
    for number, one in enumerate(understood):
        for other in understood[:number]:
            shared = {account.code for account in one.accounts} & {account.code for account in other.accounts}
            if shared:
                said = f"account {min(shared)} is in {other.wish.name} already"
                raise ReconciliationInvalid(said, field=f"populations.{number}.accounts")
            if one.source is not None and one.source == other.source and not _apart(one.wish, other.wish):
                said = f"lines of {one.source.name} would be in {other.wish.name} as well: part them by their codes"
                raise ReconciliationInvalid(said, field=f"populations.{number}.codes")


def _apart(one: NewPopulation, other: NewPopulation) -> bool:
    """Return whether no line can belong to both by its code."""
    both = set(one.codes) & set(other.codes)
    if one.codes and other.codes:
        return not both
    named, without = (one.codes, other.without_codes) if one.codes else (other.codes, one.without_codes)
    return bool(named) and set(named) <= set(without)


def _source_of_sight(understood: Sequence[_Understood]) -> Source:
    """Return the source whose readers see all that the reconciliation shows them.

    :raises ReconciliationInvalid: if there is no source in it, or none of whom that is true.
    """
    sources = [one.source for one in understood if one.source is not None]
    if not sources:
        raise ReconciliationInvalid("at least one population is of a source: its readers see the reconciliation", field="populations")
    entities = {account.entity for one in understood for account in one.accounts}
    seen_by = [_readers(source) for source in sources]
    needed = [*seen_by, *(_readers(entity) for entity in entities)]
    for source, readers in zip(sources, seen_by, strict=True):
        if all(readers <= others for others in needed):
            return source
    raise ReconciliationInvalid("no source of these is seen only by roles that see all the others", field="populations")


def _readers(target: Model) -> frozenset[int]:
    groups = cast("QuerySet[Group]", get_groups_with_perms(target))
    return frozenset(groups.values_list("pk", flat=True))


def _add_population(reconciliation: Reconciliation, one: _Understood, *, position: int) -> None:
    population = Population.objects.create(
        reconciliation=reconciliation,
        position=position,
        name=one.wish.name.strip(),
        side=Side.STATEMENT if one.source else Side.LEDGER,
        sign=one.wish.sign,
        source=one.source,
        codes=list(dict.fromkeys(one.wish.codes)),
        without_codes=list(dict.fromkeys(one.wish.without_codes)),
    )
    PopulationAccount.objects.bulk_create(PopulationAccount(population=population, account=account) for account in one.accounts)


def _said(one: _Understood) -> dict[str, object]:
    return {
        "name": one.wish.name.strip(),
        "source": one.source.code if one.source else None,
        "accounts": [account.code for account in one.accounts],
        "sign": one.wish.sign,
        "codes": list(one.wish.codes),
        "without_codes": list(one.wish.without_codes),
    }


def define_home(*, source: Source) -> Reconciliation:
    """Define a source's own reconciliation, it against its ledger account by the standard rules, inside the caller's transaction."""
    taken = Reconciliation.objects.filter(name=source.name).exists()
    name = f"{source.name[: NAME_MAX - len(source.code) - 3]} ({source.code})" if taken else source.name
    reconciliation = Reconciliation.objects.create(source=source, home=True, name=name)
    ledger = Population.objects.create(reconciliation=reconciliation, position=1, name="Ledger", side=Side.LEDGER)
    PopulationAccount.objects.create(population=ledger, account=source.account)
    Population.objects.create(reconciliation=reconciliation, position=2, name="Statement", side=Side.STATEMENT, source=source)
    give_standard_rules(reconciliation)
    return reconciliation


def give_standard_rules(reconciliation: Reconciliation) -> RulesVersion:
    """Put the standard rules in force where there are none yet."""
    rules = Rules.from_json(STANDARD)
    return RulesVersion.objects.create(
        reconciliation=reconciliation,
        number=1,
        definition=rules.definition,
        digest=rules.digest,
        note="The standard rules",
        status=RulesStatus.ACTIVE,
    )


def rules_of(reconciliation: Reconciliation) -> tuple[RulesVersion, Rules]:
    """Return the rules that are in force."""
    version = RulesVersion.objects.get(reconciliation=reconciliation, status=RulesStatus.ACTIVE)
    return version, Rules.from_json(version.definition)
