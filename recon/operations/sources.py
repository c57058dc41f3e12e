"""Registering the accounts elsewhere that deliver statements."""

from dataclasses import asdict, dataclass
from typing import cast

from django.contrib.auth.models import Group
from django.db.models import QuerySet
from guardian.shortcuts import assign_perm, get_groups_with_perms

from audit.operations import act, record_event
from ledger.models import Account, AccountType, OwnerClass
from ledger.operations import add_account
from ledgerops.lib.errors import Refusal, RefusalKind
from recon.models import Reconciliation, Source


class SourceRefused(Refusal):
    code = "source_refused"
    kind = RefusalKind.CONFLICT


def register_source(*, code: str, name: str, identifier: str, account: str, servicer: str = "") -> Source:
    """Register an external account and define the reconciliation of it against a ledger account (by code).

    Roles that see the ledger account's entity see the source. The same registration again returns the source.

    :raises SourceRefused: if the ledger account is unknown or taken, or the external account is registered otherwise.
    """
    with act("recon.source.registered", target_type="recon.source", target_id=code):
        return _register(code=code, name=name, identifier=identifier, account=account, servicer=servicer)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAccount:
    """A bank account of the company that is not in its books yet; entity, group and asset are codes."""

    code: str
    name: str
    entity: str
    group: str
    asset: str


def register_source_with_account(*, code: str, name: str, identifier: str, account: NewAccount, servicer: str = "") -> Source:
    """Open a nostro account and register the external account that must agree with it, as one act.

    :raises SourceRefused: if the ledger account exists already, or the external account is registered.
    :raises ChartRefused: if the entity, the group or the asset is unknown.
    """
    with act("recon.source.registered", target_type="recon.source", target_id=code):
        if Account.objects.filter(code=account.code).exists():
            raise SourceRefused(f"there is an account {account.code} already; choose it, or give another code", field="account_code")
        if Source.objects.filter(identifier=identifier, asset__code=account.asset).exists():
            raise SourceRefused(f"{identifier} in {account.asset} is registered already", field="identifier")
        add_account(**asdict(account), account_type=AccountType.ASSET, owner_class=OwnerClass.NOSTRO)
        return _register(code=code, name=name, identifier=identifier, account=account.code, servicer=servicer)


def _register(*, code: str, name: str, identifier: str, account: str, servicer: str) -> Source:
    ledger_account = Account.objects.select_related("asset", "entity").filter(code=account).first()
    if ledger_account is None:
        raise SourceRefused(f"there is no account {account}", field="account")
    existing = Source.objects.filter(identifier=identifier, asset=ledger_account.asset).first()
    if existing is not None:
        if existing.account_id != ledger_account.pk:
            raise SourceRefused(f"{identifier} is registered as {existing.name}, on another ledger account", field="identifier")
        return existing
    if Source.objects.filter(account=ledger_account).exists():
        raise SourceRefused(f"account {account} is reconciled against another source already", field="account")
    if Source.objects.filter(code=code).exists():
        raise SourceRefused(f"there is a source {code} already", field="code")
    source = Source.objects.create(
        code=code, name=name, identifier=identifier, servicer=servicer, asset=ledger_account.asset, account=ledger_account
    )
    for group in cast("QuerySet[Group]", get_groups_with_perms(ledger_account.entity)):
        assign_perm("view_source", group, source)
    record_event(
        "recon.source.registered",
        target_type="recon.source",
        target_id=source.pk,
        after={"code": code, "name": name, "identifier": identifier, "account": account},
    )
    reconciliation = Reconciliation.objects.create(source=source, name=name)
    record_event(
        "recon.reconciliation.defined",
        target_type="recon.reconciliation",
        target_id=reconciliation.pk,
        after={"source": code, "account": account, "date_tolerance_days": reconciliation.date_tolerance_days},
    )
    return source
