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
from recon.formats import FORMATS
from recon.models import MAPPED, Source, SourceKind
from recon.operations.reconciliations import define_home

# What is kept there is ours on a chain or in custody, and its account a wallet.
WALLETS = (SourceKind.CHAIN, SourceKind.CUSTODIAN)


class SourceRefused(Refusal):
    code = "source_refused"
    kind = RefusalKind.CONFLICT


class SourceInvalid(Refusal):
    """What was said of a source cannot be; `field` says where."""

    code = "source_invalid"
    kind = RefusalKind.INVALID


def register_source(
    *,
    code: str,
    name: str,
    identifier: str,
    account: str,
    servicer: str = "",
    kind: SourceKind = SourceKind.BANK,
    format: str = "",  # noqa: A002
) -> Source:
    """Register an external account and define the reconciliation of it against a ledger account (by code).

    Roles that see the ledger account's entity see the source. The same registration again returns the source.

    :raises SourceInvalid: if there is no such kind or format.
    :raises SourceRefused: if the ledger account is unknown or taken, or the external account is registered otherwise.
    """
    with act("recon.source.registered", target_type="recon.source", target_id=code):
        _refuse_unknown_format(format)
        return _register(code=code, name=name, identifier=identifier, account=account, servicer=servicer, kind=kind, format=format)


def choose_format(*, source_id: int, format: str) -> Source:  # noqa: A002
    """Say how a source's files are read: by the reader of that code, by its approved mapping (`mapped`), or by recognition ("").

    :raises SourceInvalid: if there is no such format.
    """
    with act("recon.source.format_chosen", target_type="recon.source", target_id=source_code(source_id)):
        _refuse_unknown_format(format)
        source = Source.objects.select_for_update(of=("self",), no_key=True).get(pk=source_id)
        if source.format == format:
            return source
        before, source.format = source.format, format
        source.save(update_fields=["format"])
        record_event(
            "recon.source.format_chosen",
            target_type="recon.source",
            target_id=source.code,
            before={"format": before},
            after={"format": format},
        )
        return source


def source_code(source_id: int) -> str:
    """Return the code under which the trail knows a source."""
    return Source.objects.values_list("code", flat=True).get(pk=source_id)


def _refuse_unknown_format(code: str) -> None:
    if code and code != MAPPED and code not in FORMATS:
        raise SourceInvalid(f"there is no format {code}", field="format")


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAccount:
    """A bank account of the company that is not in its books yet; entity, group and asset are codes."""

    code: str
    name: str
    entity: str
    group: str
    asset: str


def register_source_with_account(
    *,
    code: str,
    name: str,
    identifier: str,
    account: NewAccount,
    servicer: str = "",
    kind: SourceKind = SourceKind.BANK,
    format: str = "",  # noqa: A002
) -> Source:
    """Open a nostro account, or a wallet, and register the external account that must agree with it, as one act.

    :raises SourceInvalid: if there is no such format.
    :raises SourceRefused: if the ledger account exists already, or the external account is registered.
    :raises ChartRefused: if the entity, the group or the asset is unknown.
    """
    with act("recon.source.registered", target_type="recon.source", target_id=code):
        _refuse_unknown_format(format)
        if Account.objects.filter(code=account.code).exists():
            raise SourceRefused(f"there is an account {account.code} already; choose it, or give another code", field="account_code")
        if Source.objects.filter(identifier=identifier, asset__code=account.asset).exists():
            raise SourceRefused(f"{identifier} in {account.asset} is registered already", field="identifier")
        owner_class = OwnerClass.WALLET if kind in WALLETS else OwnerClass.NOSTRO
        add_account(**asdict(account), account_type=AccountType.ASSET, owner_class=owner_class)
        return _register(code=code, name=name, identifier=identifier, account=account.code, servicer=servicer, kind=kind, format=format)


def _register(
    *,
    code: str,
    name: str,
    identifier: str,
    account: str,
    servicer: str,
    kind: SourceKind,
    format: str,  # noqa: A002
) -> Source:
    if kind not in SourceKind.values:
        raise SourceInvalid(f"there is no kind of source {kind}", field="kind")
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
        code=code,
        name=name,
        identifier=identifier,
        servicer=servicer,
        kind=kind,
        format=format,
        asset=ledger_account.asset,
        account=ledger_account,
    )
    for group in cast("QuerySet[Group]", get_groups_with_perms(ledger_account.entity)):
        assign_perm("view_source", group, source)
    record_event(
        "recon.source.registered",
        target_type="recon.source",
        target_id=code,
        after={"code": code, "name": name, "identifier": identifier, "account": account, "kind": kind, "format": format},
    )
    reconciliation = define_home(source=source)
    record_event(
        "recon.reconciliation.defined",
        target_type="recon.reconciliation",
        target_id=reconciliation.pk,
        after={"source": code, "account": account},
    )
    return source
