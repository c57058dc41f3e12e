"""Reference data of the ledger. Each operation may be repeated: what exists as asked is returned, what differs is refused."""

import json
import re
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db import IntegrityError, connection, transaction

from audit.operations import act, record_event
from ledger.models import Account, AccountGroup, AccountType, Asset, LegalEntity, OwnerClass, TransactionType
from ledger.registry import TypeTerms
from ledgerops.lib.errors import Refusal, RefusalKind
from ledgerops.lib.transactions import constraint_of

# A code stands in addresses and in references people type.
CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{0,39}", re.ASCII)
# Pages that stand where an account's page would.
RESERVED_CODES = frozenset({"new", "import", "export", "hot"})


class ChartRefused(Refusal):
    """The chart already holds something else under that code, or the request contradicts the chart."""

    code = "chart_refused"
    kind = RefusalKind.CONFLICT


def define_asset(*, code: str, name: str, scale: int, network: str = "", contract: str = "") -> Asset:
    """Add an asset; its scale is fixed for ever.

    :raises ChartRefused: if the code exists with another scale.
    """
    with act("ledger.asset.defined", target_type="ledger.asset", target_id=code):
        existing = Asset.objects.filter(code=code).first()
        if existing is not None:
            if existing.scale != scale:
                raise ChartRefused(f"{code} has {existing.scale} decimals, for ever; define another asset", field="scale")
            return existing
        asset = Asset.objects.create(code=code, name=name, scale=scale, network=network, contract=contract)
        record_event("ledger.asset.defined", target_type="ledger.asset", target_id=code, after={"name": name, "scale": scale})
        return asset


def define_entity(*, code: str, name: str, functional_asset: str | None = None) -> LegalEntity:
    """Add a legal entity; its books are shown in its functional asset."""
    with act("ledger.entity.defined", target_type="ledger.entity", target_id=code):
        functional = Asset.objects.filter(code=functional_asset).first() if functional_asset else None
        entity, created = LegalEntity.objects.get_or_create(code=code, defaults={"name": name, "functional_asset": functional})
        if created:
            told = {"name": name, "functional_asset": functional_asset}
            record_event("ledger.entity.defined", target_type="ledger.entity", target_id=code, after=told)
        return entity


def define_account_group(*, code: str, name: str) -> AccountGroup:
    """Add a group of accounts that roles are given sight of."""
    with act("ledger.account_group.defined", target_type="ledger.account_group", target_id=code):
        group, created = AccountGroup.objects.get_or_create(code=code, defaults={"name": name})
        if created:
            record_event("ledger.account_group.defined", target_type="ledger.account_group", target_id=code, after={"name": name})
        return group


def open_account(
    *,
    code: str,
    name: str,
    entity: str,
    group: str,
    asset: str,
    account_type: AccountType,
    owner_class: OwnerClass,
    parent: str | None = None,
    **further: Any,
) -> Account:
    """Open an account in the chart; entity, group, asset and parent are codes. `further` is as in `add_account`.

    :raises ChartRefused: if a code is unknown, or the account exists with another meaning.
    """
    with act("ledger.account.opened", target_type="ledger.account", target_id=code):
        return add_account(
            code=code,
            name=name,
            entity=entity,
            group=group,
            asset=asset,
            account_type=account_type,
            owner_class=owner_class,
            parent=parent,
            **further,
        )


def add_account(
    *,
    code: str,
    name: str,
    entity: str,
    group: str,
    asset: str,
    account_type: AccountType,
    owner_class: OwnerClass,
    parent: str | None = None,
    reserve_class: str = "",
    purpose: str = "",
    equivalent_of: str | None = None,
    is_control: bool = False,
    controls: Mapping[str, Any] | None = None,
) -> Account:
    """Open an account inside the caller's transaction; the rest is as in `open_account`.

    `controls` are what `ledger_change_account_v1` takes: `overdraft_limit` in minor units as text, `deferred`, `velocity`.

    :raises ChartRefused: if a code is unknown or unfit, or the account exists with another meaning.
    """
    if not CODE.fullmatch(code):
        raise ChartRefused("an account's code has letters, digits, dots and hyphens, at most 40", field="code")
    if code in RESERVED_CODES:
        raise ChartRefused(f"{code} is the name of a page; choose another code", field="code")
    existing = Account.objects.select_related("asset", "entity").filter(code=code).first()
    if existing is not None:
        meaning = (existing.asset.code, existing.entity.code, existing.type, existing.owner_class)
        if meaning != (asset, entity, account_type, owner_class):
            raise ChartRefused(f"account {code} exists with another asset, entity, type or class", field="code")
        return existing
    found = {
        "entity": LegalEntity.objects.filter(code=entity).first(),
        "group": AccountGroup.objects.filter(code=group).first(),
        "asset": Asset.objects.filter(code=asset).first(),
        "parent": Account.objects.filter(code=parent).first() if parent else None,
        "equivalent_of": Asset.objects.filter(code=equivalent_of).first() if equivalent_of else None,
    }
    wanted = {"entity": entity, "group": group, "asset": asset, "parent": parent, "equivalent_of": equivalent_of}
    for field, named in wanted.items():
        if named and found[field] is None:
            raise ChartRefused(f"there is no {field} {named}", field=field)
    try:
        with transaction.atomic():
            account = Account.objects.create(
                code=code, name=name, type=account_type, owner_class=owner_class, reserve_class=reserve_class, purpose=purpose,
                is_control=is_control, **found
            )  # fmt: skip
            if controls:
                _call("SELECT ledger_change_account_v1(%s, %s::jsonb, NULL)", [code, json.dumps(dict(controls))])
    except IntegrityError as error:
        raise _refused(error, code=code) from error
    record_event(
        "ledger.account.opened",
        target_type="ledger.account",
        target_id=code,
        after={
            "name": name, "entity": entity, "group": group, "asset": asset, "type": account_type, "owner_class": owner_class,
            "parent": parent, "reserve_class": reserve_class, "purpose": purpose, "control": is_control, **dict(controls or {}),
        },
    )  # fmt: skip
    return account


_GUARDS = {
    "ledger_reserve_account_has_its_class": ("reserve_class", "a reserve account, and no other, has a statutory reserve class"),
    "ledger_account_purpose_has_one_account": ("purpose", "another account of this entity and asset serves this purpose"),
    "ledger_position_has_one_equivalent": ("equivalent_of", "another account of this entity carries the value of this position"),
    "ledger_control_account_has_no_postings": ("parent", "the account above has postings of its own, so it cannot stand for others"),
    "ledger_account_is_of_its_controls_kind": ("parent", "an account stands under one of its own asset, entity and type"),
    "ledger_account_tree_has_no_circle": ("parent", "an account cannot stand under itself"),
    "ledger_closed_account_is_empty": ("status", "an account is closed once it holds nothing, has no holds and no open accounts under it"),
    "ledger_balance_keeps_its_limit": ("overdraft_limit", "the account is below that limit already"),
    "ledger_deferred_account_has_no_limit": ("deferred", "an account in deferred mode has no limit"),
    "ledger_deferred_account_is_our_own": ("deferred", "only accounts of which no statement is kept may be deferred"),
    "ledger_account_change_is_approved": ("account", "an account in use changes by an approved proposal"),
}


def _refused(error: IntegrityError, *, code: str) -> ChartRefused:
    """Return the sentence of the guard that refused a change of an account.

    :raises IntegrityError: if it is none of the known ones.
    """
    known = _GUARDS.get(constraint_of(error) or "")
    if known is None:
        raise error
    return ChartRefused(f"{code}: {known[1]}", field=known[0])


def change_account(*, account: Account, changes: Mapping[str, Any], proposal_id: UUID | None = None) -> None:
    """Change what an account may do or where it stands, inside the caller's transaction; keys are those of `ledger_change_account_v1`.

    :raises ChartRefused: as the guards say.
    """
    try:
        with transaction.atomic():
            _call(
                "SELECT ledger_change_account_v1(%s, %s::jsonb, %s)",
                [account.code, json.dumps(dict(changes)), str(proposal_id) if proposal_id else None],
            )
    except IntegrityError as error:
        raise _refused(error, code=account.code) from error
    account.refresh_from_db()
    Account.history.bulk_history_create([account], update=True)


def _call(statement: str, values: list[Any]) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        (answer,) = cursor.fetchone()
    return answer


class TypeRefused(Refusal):
    code = "transaction_type_refused"
    kind = RefusalKind.CONFLICT


def define_transaction_type(terms: TypeTerms, *, proposal_id: UUID | None = None) -> TransactionType:
    """Register a transaction type's posting rules; other rules than the current ones become the next version.

    :raises TypeRefused: once the books hold an entry, without an executed proposal for exactly these terms.
    """
    said = terms.as_json()
    with act("ledger.transaction_type.defined", target_type="ledger.transaction_type", target_id=terms.code):
        current = TransactionType.objects.filter(code=terms.code, current=True).first()
        if current is not None and all(getattr(current, name) == value for name, value in said.items()):
            return current
        try:
            with transaction.atomic():
                type_id = _call(
                    "SELECT ledger_define_type_v1(%s::jsonb, %s)", [json.dumps(said), str(proposal_id) if proposal_id else None]
                )
        except IntegrityError as error:
            if constraint_of(error) != "ledger_type_change_is_approved":
                raise
            raise TypeRefused(f"the rules of {terms.code} change by an approved proposal", field="type") from error
        created = TransactionType.objects.get(pk=type_id)
        record_event(
            "ledger.transaction_type.defined",
            target_type="ledger.transaction_type",
            target_id=terms.code,
            after={"version": created.version, **said},
            proposal_id=proposal_id,
        )
        return created
