"""Reference data of the ledger. Each operation may be repeated: what exists as asked is returned, what differs is refused."""

import re
from collections.abc import Sequence

from audit.operations import act, record_event
from ledger.models import Account, AccountGroup, AccountType, Asset, LegalEntity, OwnerClass, TransactionType
from ledgerops.lib.errors import Refusal, RefusalKind

# A code stands in addresses and in references people type.
CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{0,39}", re.ASCII)


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


def define_entity(*, code: str, name: str) -> LegalEntity:
    """Add a legal entity."""
    with act("ledger.entity.defined", target_type="ledger.entity", target_id=code):
        entity, created = LegalEntity.objects.get_or_create(code=code, defaults={"name": name})
        if created:
            record_event("ledger.entity.defined", target_type="ledger.entity", target_id=code, after={"name": name})
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
) -> Account:
    """Open an account in the chart; entity, group, asset and parent are codes.

    :raises ChartRefused: if a code is unknown, or the account exists with another meaning.
    """
    with act("ledger.account.opened", target_type="ledger.account", target_id=code):
        return add_account(
            code=code, name=name, entity=entity, group=group, asset=asset, account_type=account_type, owner_class=owner_class, parent=parent
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
) -> Account:
    """Open an account inside the caller's transaction; the rest is as in `open_account`.

    :raises ChartRefused: if a code is unknown or unfit, or the account exists with another meaning.
    """
    if not CODE.fullmatch(code):
        raise ChartRefused("an account's code has letters, digits, dots and hyphens, at most 40", field="code")
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
    }
    for field, wanted in (("entity", entity), ("group", group), ("asset", asset), ("parent", parent)):
        if wanted and found[field] is None:
            raise ChartRefused(f"there is no {field} {wanted}", field=field)
    account = Account.objects.create(code=code, name=name, type=account_type, owner_class=owner_class, **found)
    record_event(
        "ledger.account.opened",
        target_type="ledger.account",
        target_id=code,
        after={"name": name, "entity": entity, "group": group, "asset": asset, "type": account_type, "owner_class": owner_class},
    )
    return account


def define_transaction_type(
    *, code: str, name: str, origin: str, debit_classes: Sequence[OwnerClass], credit_classes: Sequence[OwnerClass]
) -> TransactionType:
    """Register a transaction type's posting rules; other rules than the current ones become the next version."""
    debit, credit = sorted(debit_classes), sorted(credit_classes)
    with act("ledger.transaction_type.defined", target_type="ledger.transaction_type", target_id=code):
        current = TransactionType.objects.select_for_update().filter(code=code, current=True).first()
        if current is not None and (current.origin, current.debit_classes, current.credit_classes) == (origin, debit, credit):
            return current
        if current is not None:
            TransactionType.objects.filter(pk=current.pk).update(current=False)
        version = current.version + 1 if current else 1
        created = TransactionType.objects.create(
            code=code, version=version, name=name, origin=origin, debit_classes=debit, credit_classes=credit
        )
        record_event(
            "ledger.transaction_type.defined",
            target_type="ledger.transaction_type",
            target_id=code,
            after={"version": version, "origin": origin, "debit_classes": debit, "credit_classes": credit},
        )
        return created
