"""What may be written off and how long timing may be accepted: said at the beginning, changed by two people."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from approvals import operations as approvals
from approvals.models import Proposal
from approvals.registry import Command, PreconditionChanged
from audit.operations import act, record_event
from ledger.models import Account, AccountStatus, Asset, LegalEntity
from ledgerops.lib.errors import Refusal, RefusalKind
from recon.models import ResolutionTerms

SET_TERMS = "recon.set_terms"
TIMING_DAYS_MAXIMUM = 60
AMOUNT_MAXIMUM = 10**38 - 1


class TermsInvalid(Refusal):
    """What was asked can be no terms; `field` says where."""

    code = "terms_invalid"
    kind = RefusalKind.INVALID


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What may be resolved by less than an adjustment in an asset of a legal entity; without an account nothing is written off."""

    entity: str
    asset: str
    write_off_maximum_minor: int
    write_off_account: str | None
    timing_days_maximum: int

    def as_payload(self) -> dict[str, Any]:
        return {
            "entity": self.entity,
            "asset": self.asset,
            "write_off_maximum_minor": str(self.write_off_maximum_minor),
            "write_off_account": self.write_off_account or None,
            "timing_days_maximum": self.timing_days_maximum,
        }


def define_terms(terms: Terms) -> ResolutionTerms:
    """Say the first terms of an asset of a legal entity, as reference data; what is there already stays.

    :raises TermsInvalid: naming the field.
    """
    known = ResolutionTerms.objects.filter(entity__code=terms.entity, asset__code=terms.asset).order_by("-version").first()
    if known is not None:
        return known
    with act("recon.terms.set", target_type="recon.resolution_terms", target_id=f"{terms.entity}/{terms.asset}"):
        entity, asset, account = _checked(terms)
        return _write(terms, entity=entity, asset=asset, account=account, version=1, proposal_id=None)


def propose_terms(*, terms: Terms, reason_code: str, narrative: str, maker_id: int) -> Proposal:
    """Ask for other terms.

    :raises TermsInvalid: naming the field.
    """
    payload = {**terms.as_payload(), "reason_code": reason_code, "narrative": narrative.strip()}
    return approvals.submit(kind=SET_TERMS, payload=payload, maker_id=maker_id)


def check_terms(*, payload: Mapping[str, Any]) -> Command:
    """Understand a change of terms.

    :raises TermsInvalid: naming the field, or if nothing would change.
    """
    terms = terms_from(payload)
    entity, asset, _ = _checked(terms)
    before = _latest(terms)
    if before is not None and as_terms(before) == terms:
        raise TermsInvalid("these are the terms that count already", field="write_off_maximum_minor")
    return Command(
        payload=dict(payload),
        title=f"Terms of resolutions in {asset.code} of {entity.name}"[:200],
        scope=f"ledger.entity:{entity.code}",
        target_type="recon.resolution_terms",
        target_id=f"{entity.code}/{asset.code}",
        locked_object=f"recon.resolution_terms:{entity.code}/{asset.code}",
        preconditions={"version": before.version if before else 0},
        reason_code=payload["reason_code"],
        narrative=payload["narrative"],
    )


def set_terms(*, payload: Mapping[str, Any], preconditions: Mapping[str, Any], proposal_id: UUID) -> None:
    """Put approved terms in force.

    :raises PreconditionChanged: if others have come into force meanwhile.
    """
    terms = terms_from(payload)
    entity, asset, account = _checked(terms)
    before = _latest(terms)
    version = before.version if before else 0
    if version != preconditions["version"]:
        raise PreconditionChanged("other terms have come into force meanwhile")
    _write(terms, entity=entity, asset=asset, account=account, version=version + 1, proposal_id=proposal_id)


def terms_from(payload: Mapping[str, Any]) -> Terms:
    return Terms(
        entity=payload["entity"],
        asset=payload["asset"],
        write_off_maximum_minor=int(payload["write_off_maximum_minor"]),
        write_off_account=payload["write_off_account"] or None,
        timing_days_maximum=int(payload["timing_days_maximum"]),
    )


def as_terms(row: ResolutionTerms) -> Terms:
    """Return kept terms as they were asked for."""
    return Terms(
        entity=row.entity.code,
        asset=row.asset.code,
        write_off_maximum_minor=int(row.write_off_maximum_minor),
        write_off_account=row.write_off_account.code if row.write_off_account else None,
        timing_days_maximum=row.timing_days_maximum,
    )


def _latest(terms: Terms) -> ResolutionTerms | None:
    found = ResolutionTerms.objects.filter(entity__code=terms.entity, asset__code=terms.asset)
    return found.select_related("entity", "asset", "write_off_account").order_by("-version").first()


def _checked(terms: Terms) -> tuple[LegalEntity, Asset, Account | None]:
    entity = LegalEntity.objects.filter(code=terms.entity).first()
    asset = Asset.objects.filter(code=terms.asset).first()
    if entity is None:
        raise TermsInvalid(f"there is no entity {terms.entity}", field="entity")
    if asset is None:
        raise TermsInvalid(f"there is no asset {terms.asset}", field="asset")
    if not 0 <= terms.write_off_maximum_minor <= AMOUNT_MAXIMUM:
        raise TermsInvalid("the limit is nothing or more", field="write_off_maximum_minor")
    if not 0 <= terms.timing_days_maximum <= TIMING_DAYS_MAXIMUM:
        raise TermsInvalid(f"timing is accepted for at most {TIMING_DAYS_MAXIMUM} business days", field="timing_days_maximum")
    if terms.write_off_account is None:
        if terms.write_off_maximum_minor:
            raise TermsInvalid("name the account that takes what is written off", field="write_off_account")
        return entity, asset, None
    account = Account.objects.filter(code=terms.write_off_account, entity=entity, asset=asset, type="expense").first()
    if account is None or account.status != AccountStatus.OPEN:
        raise TermsInvalid(
            f"{terms.write_off_account} is no open expense account in {asset.code} of {entity.code}", field="write_off_account"
        )
    return entity, asset, account


def _write(
    terms: Terms, *, entity: LegalEntity, asset: Asset, account: Account | None, version: int, proposal_id: UUID | None
) -> ResolutionTerms:
    row = ResolutionTerms.objects.create(
        entity=entity,
        asset=asset,
        version=version,
        write_off_account=account,
        write_off_maximum_minor=terms.write_off_maximum_minor,
        timing_days_maximum=terms.timing_days_maximum,
        proposal_id=proposal_id,
    )
    record_event(
        "recon.terms.set",
        target_type="recon.resolution_terms",
        target_id=f"{entity.code}/{asset.code}",
        after={**terms.as_payload(), "version": version},
        proposal_id=proposal_id,
    )
    return row
