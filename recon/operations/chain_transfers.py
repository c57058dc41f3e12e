"""From movements on a chain to rows: which way each goes for us, and why one does not count."""

from collections.abc import Iterable, Mapping

from ledgerops.lib.money import MAXIMUM_DIGITS
from recon.chain.decoding import Movement
from recon.models import ChainBlock, ChainSource, ChainTransfer, Uncounted


def rows_of(chain: ChainSource, movements: Iterable[Movement], *, blocks: Mapping[int, ChainBlock]) -> list[ChainTransfer]:
    """Return the rows of what moved; what another source of ours follows is left to it."""
    elsewhere = _followed_elsewhere(chain)
    watched = set(chain.addresses)
    return [
        ChainTransfer(
            chain=chain,
            block=blocks[movement.block_number],
            tx_hash=movement.tx_hash,
            log_index=movement.log_index,
            kind=movement.kind,
            contract=movement.contract,
            sender=movement.sender,
            recipient=movement.recipient,
            value=movement.value,
            flow="in" if movement.recipient in watched else "out",
            gas=movement.gas,
            failed=movement.failed,
            uncounted=uncounted(chain, movement),
        )
        for movement in movements
        if movement.contract == chain.contract or not elsewhere.get(movement.contract, set()) & {movement.sender, movement.recipient}
    ]


def uncounted(chain: ChainSource, movement: Movement) -> str:
    """Return why a movement does not count, or nothing where it does."""
    if movement.kind == "token" and movement.contract != chain.contract:
        return Uncounted.UNLISTED
    if movement.sender in chain.addresses and movement.recipient in chain.addresses:
        return Uncounted.SELF
    if movement.value == 0:
        return Uncounted.ZERO
    if movement.value >= 10**MAXIMUM_DIGITS:
        return Uncounted.TOO_LARGE
    return ""


def _followed_elsewhere(chain: ChainSource) -> dict[str, set[str]]:
    """Return the addresses that other sources of ours follow on this chain, by contract."""
    found: dict[str, set[str]] = {}
    for other in ChainSource.objects.filter(chain=chain.chain).exclude(pk=chain.pk).exclude(contract=""):
        found.setdefault(other.contract, set()).update(other.addresses)
    return found
