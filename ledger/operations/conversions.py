"""Conversions: two assets in one entry, through the positions of the legal entity."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from ledger.accounting import EntryDraft
from ledger.conversion import Amounts, ConversionRefused, Quote, Rounding, amounts_of
from ledger.models import Account, AccountPurpose, AccountStatus, Asset, LegalEntity
from ledger.operations.posting import Posted
from ledger.operations.transactions import record_transaction, rule_lines

CONVERSION = "conversion"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversionRequest:
    """A conversion as it is asked for; accounts and entity are codes, the rest is as in `Quote`."""

    key: str
    entity: str
    effective_date: date
    sold_account: str
    bought_account: str
    quote_id: str
    rate: str
    quoted_at: datetime
    sold_minor: int
    spread_bps: int | None = None
    bought_minor: int | None = None
    rounding: Rounding = Rounding.DOWN
    # Where the spread is earned: an account of fees in the sold asset.
    spread_account: str = ""
    description: str = ""
    reference: str = ""
    counterparty: str = ""
    actor_id: int | None = None
    request_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedConversion:
    """What a conversion would post: its integers and its draft."""

    amounts: Amounts
    draft: EntryDraft
    sold: Asset
    bought: Asset


def plan_conversion(request: ConversionRequest) -> PlannedConversion:
    """Return what a conversion would post, and write nothing.

    :raises ConversionRefused: naming the field: an unknown account, a position or rounding account that the entity does not have, a quote
        that cannot be posted.
    """
    entity = LegalEntity.objects.filter(code=request.entity).first()
    if entity is None:
        raise ConversionRefused(f"there is no legal entity {request.entity}", field="entity")
    sold = _account(entity, code=request.sold_account, field="sold_account")
    bought = _account(entity, code=request.bought_account, field="bought_account")
    if sold.asset_id == bought.asset_id:
        raise ConversionRefused(f"both accounts hold {sold.asset.code}: there is nothing to convert", field="bought_account")
    amounts = amounts_of(
        Quote(
            quote_id=request.quote_id,
            rate=request.rate,
            quoted_at=request.quoted_at,
            sold_minor=request.sold_minor,
            sold_scale=sold.asset.scale,
            bought_scale=bought.asset.scale,
            spread_bps=request.spread_bps,
            bought_minor=request.bought_minor,
            rounding=request.rounding,
        )
    )
    parameters: dict[str, Any] = {
        **amounts.as_parameters(),
        "sold_account": sold.code,
        "bought_account": bought.code,
        "sold_position": _position(entity, asset=sold.asset, against=bought.asset, field="sold_account").code,
        "bought_position": _position(entity, asset=bought.asset, against=sold.asset, field="bought_account").code,
        "quote_id": request.quote_id,
        "rate": request.rate,
        "quoted_at": request.quoted_at.astimezone(UTC).isoformat(timespec="seconds"),
    }
    if amounts.spread_amount:
        parameters["spread_account"] = _spread_account(entity, code=request.spread_account, asset=sold.asset).code
    if amounts.rounding_gain or amounts.rounding_loss:
        parameters["rounding_account"] = _of_purpose(
            entity, asset=bought.asset, purpose=AccountPurpose.ROUNDING, field="bought_account"
        ).code
    draft = EntryDraft(
        key=request.key,
        type=CONVERSION,
        entity=entity.code,
        effective_date=request.effective_date,
        description=request.description.strip() or f"Conversion of {sold.asset.code} to {bought.asset.code}",
        reference=request.reference,
        counterparty=request.counterparty,
        metadata={name: parameters[name] for name in ("quote_id", "rate", "quoted_at")},
        lines=rule_lines(type_code=CONVERSION, parameters=parameters),
        actor_id=request.actor_id,
        request_id=request.request_id,
    )
    return PlannedConversion(amounts=amounts, draft=draft, sold=sold.asset, bought=bought.asset)


def convert(*, request: ConversionRequest, scope: str) -> Posted:
    """Convert one asset of a customer or of the house into another at a quoted rate; the same key and content answers the same again.

    :raises ConversionRefused: naming the field.
    :raises Refusal: the books', remembered with the key.
    """
    return record_transaction(draft=plan_conversion(request).draft, scope=scope)


def _account(entity: LegalEntity, *, code: str, field: str) -> Account:
    account = Account.objects.select_related("asset").filter(code=code, entity=entity).first()
    if account is None:
        raise ConversionRefused(f"{entity.name} has no account {code}", field=field)
    return account


def _position(entity: LegalEntity, *, asset: Asset, against: Asset, field: str) -> Account:
    """Return the position that gives or takes an asset.

    What is bought and sold for the functional asset stands beside its cost: in the account that carries the foreign position's value, where
    there is one, so that remeasurement compares the two.
    """
    if asset.pk == entity.functional_asset_id:
        cost = Account.objects.filter(entity=entity, asset=asset, equivalent_of=against, status=AccountStatus.OPEN).first()
        if cost is not None:
            return cost
    return _of_purpose(entity, asset=asset, purpose=AccountPurpose.FX_POSITION, field=field)


def _of_purpose(entity: LegalEntity, *, asset: Asset, purpose: AccountPurpose, field: str) -> Account:
    account = Account.objects.filter(entity=entity, asset=asset, purpose=purpose, status=AccountStatus.OPEN).first()
    if account is None:
        raise ConversionRefused(
            f"{entity.name} has no open account for this in {asset.code}: {purpose.label}", field=field, purpose=purpose, asset=asset.code
        )
    return account


def _spread_account(entity: LegalEntity, *, code: str, asset: Asset) -> Account:
    if not code:
        raise ConversionRefused(f"name the account in {asset.code} that earns the spread", field="spread_account")
    account = _account(entity, code=code, field="spread_account")
    if account.asset_id != asset.pk:
        raise ConversionRefused(f"the spread is earned in {asset.code}, and {code} holds another asset", field="spread_account")
    return account
