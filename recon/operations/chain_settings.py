"""Saying what is followed on a chain for a source, and how it is read."""

from collections.abc import Collection, Sequence
from typing import Any

from django.conf import settings

from audit.operations import act, record_event
from ledgerops.lib.errors import Refusal, RefusalKind
from recon.chain.values import MalformedAnswer, address, evm_chain_id, is_chain_name
from recon.models import ChainCursor, ChainDelivery, ChainKind, ChainSource, FinalRule, Source, SourceKind

MOST_ADDRESSES = 50
FOLLOWED = ("chain", "delivery", "kind", "contract", "decimals", "addresses", "first_block")
READ = ("safe_after", "final_rule", "final_after", "providers", "active")


class ChainRefused(Refusal):
    code = "chain_refused"
    kind = RefusalKind.INVALID


class ChainFollowedOtherwise(Refusal):
    """What is followed never changes, and nothing is followed twice."""

    code = "chain_followed_otherwise"
    kind = RefusalKind.CONFLICT


def set_chain(
    *,
    source_id: int,
    chain: str,
    delivery: str,
    kind: str,
    decimals: int,
    addresses: Sequence[str],
    first_block: int,
    set_by_id: int,
    contract: str = "",
    safe_after: int = 1,
    final_rule: str = FinalRule.TAG,
    final_after: int | None = None,
    providers: Sequence[str] = (),
    active: bool = True,
) -> ChainSource:
    """Say what is followed for a source, or change how it is read; the same again changes nothing.

    :raises ChainRefused: if a value is not one; `field` says which.
    :raises ChainFollowedOtherwise: if the source follows something else, or another source follows this already.
    """
    source = Source.objects.select_related("asset").get(pk=source_id)
    with act("recon.chain.set", target_type="recon.chain", target_id=source.pk):
        Source.objects.select_for_update(no_key=True).get(pk=source_id)
        _refuse_unknown(source, chain=chain, delivery=delivery, kind=kind, decimals=decimals)
        written = _address if evm_chain_id(chain) is not None else _name
        wanted: dict[str, Any] = {
            "chain": chain,
            "delivery": delivery,
            "kind": kind,
            "contract": written(contract, field="contract") if contract else "",
            "decimals": decimals,
            "addresses": _watched(addresses, written=written),
            "first_block": first_block,
            "safe_after": safe_after,
            "final_rule": final_rule,
            "final_after": final_after,
            "providers": list(providers),
            "active": active,
        }
        _refuse_unreadable(source, wanted)
        existing = ChainSource.objects.filter(pk=source_id).first()
        if existing is not None:
            return _changed(existing, wanted, set_by_id=set_by_id)
        _refuse_followed(source, wanted)
        following = ChainSource.objects.create(source=source, set_by_id=set_by_id, **wanted)
        ChainCursor.objects.create(chain=following, next_block=first_block, proven_through=first_block - 1)
        record_event("recon.chain.set", target_type="recon.chain", target_id=source.pk, after={"source": source.code, **wanted})
        return following


def _changed(existing: ChainSource, wanted: dict[str, Any], *, set_by_id: int) -> ChainSource:
    for name in FOLLOWED:
        if getattr(existing, name) != wanted[name]:
            raise ChainFollowedOtherwise(
                f"what is followed never changes, and this is another {name.replace('_', ' ')}: register another source for it", field=name
            )
    changes = {name: wanted[name] for name in READ if getattr(existing, name) != wanted[name]}
    if not changes:
        return existing
    before = {name: getattr(existing, name) for name in changes}
    for name, value in changes.items():
        setattr(existing, name, value)
    existing.set_by_id = set_by_id
    existing.save(update_fields=[*changes, "set_by"])
    record_event("recon.chain.set", target_type="recon.chain", target_id=existing.pk, before=before, after=changes)
    return existing


def _refuse_unknown(source: Source, *, chain: str, delivery: str, kind: str, decimals: int) -> None:
    if source.kind != SourceKind.CHAIN:
        raise ChainRefused(f"{source.name} is no source of kind chain", field="source")
    if not is_chain_name(chain):
        raise ChainRefused("name the chain as CAIP-2 does: eip155:1 is Ethereum, a chain of your own is name:network", field="chain")
    if delivery not in ChainDelivery.values:
        raise ChainRefused("transfers are read from providers (rpc) or pushed over the API (push)", field="delivery")
    if kind not in ChainKind.values:
        raise ChainRefused("what is followed is the native coin (native) or a token's contract (erc20)", field="kind")
    if delivery == ChainDelivery.RPC and evm_chain_id(chain) is None:
        raise ChainRefused("only chains of the EVM are read from providers; others push their transfers", field="delivery")
    if decimals != source.asset.scale:
        raise ChainRefused(
            f"{source.asset.code} has {source.asset.scale} decimals in the books: the chain must have as many", field="decimals"
        )


def _refuse_unreadable(source: Source, wanted: dict[str, Any]) -> None:
    if (wanted["kind"] == ChainKind.ERC20) != bool(wanted["contract"]):
        raise ChainRefused("a token is followed by its contract's address, the native coin has none", field="contract")
    listed = source.asset.contract.lower()
    if listed and wanted["contract"] and listed != wanted["contract"].lower():
        raise ChainRefused(f"the contract of {source.asset.code} in the books is {source.asset.contract}", field="contract")
    if wanted["first_block"] < 0 or wanted["safe_after"] < 0:
        raise ChainRefused("blocks are counted from zero", field="first_block" if wanted["first_block"] < 0 else "safe_after")
    if wanted["final_rule"] not in FinalRule.values:
        raise ChainRefused("a block is final when the chain says so (tag), or by its depth (depth)", field="final_rule")
    depth = wanted["final_after"]
    if (wanted["final_rule"] == FinalRule.DEPTH) != (depth is not None) or (depth is not None and depth < 1):
        raise ChainRefused("a depth of at least one block belongs to the rule of depth, and to no other", field="final_after")
    _refuse_providers(wanted["providers"], delivery=wanted["delivery"])


def _refuse_providers(providers: Collection[str], *, delivery: str) -> None:
    if delivery == ChainDelivery.PUSH:
        if providers:
            raise ChainRefused("what is pushed needs no providers", field="providers")
        return
    if len(set(providers)) != 2 or len(providers) != 2:
        raise ChainRefused("name two different providers: what one says is compared with the other", field="providers")
    unknown = [name for name in providers if name not in settings.CHAIN_PROVIDERS]
    if unknown:
        raise ChainRefused(
            f"there is no address of provider {unknown[0]} in the environment (LEDGEROPS_CHAIN_PROVIDER_…)", field="providers"
        )


def _refuse_followed(source: Source, wanted: dict[str, Any]) -> None:
    others = ChainSource.objects.select_related("source").filter(chain=wanted["chain"], contract=wanted["contract"])
    taken = others.filter(addresses__overlap=wanted["addresses"]).exclude(pk=source.pk).first()
    if taken is not None:
        raise ChainFollowedOtherwise(f"one of these addresses is followed by {taken.source.name} already", field="addresses")


def _watched(addresses: Sequence[str], *, written: Any) -> list[str]:
    if not 1 <= len(addresses) <= MOST_ADDRESSES:
        raise ChainRefused(f"watch 1 to {MOST_ADDRESSES} addresses", field="addresses")
    watched = [written(one, field="addresses") for one in addresses]
    if len(set(watched)) < len(watched):
        raise ChainRefused("an address is named twice", field="addresses")
    return sorted(watched)


def _address(text: str, *, field: str) -> str:
    try:
        return address(text.strip(), field=field)
    except MalformedAnswer as error:
        raise ChainRefused(f"{text[:80]} is no address: 0x and 40 hexadecimal digits", field=field) from error


def _name(text: str, *, field: str) -> str:
    """Return an address of a chain that is not EVM, as it is: nobody else knows which of its signs mean the same."""
    trimmed = text.strip()
    if not trimmed or len(trimmed) > 100 or not trimmed.isprintable() or " " in trimmed:
        raise ChainRefused("an address is one word of at most 100 characters", field=field)
    return trimmed
