"""What can be said of parties and of accounts outside of the books without the database."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from stdnum import bic, iban
from stdnum.exceptions import ValidationError

WHOLE = 10_000  # basis points
_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")
_NUMBER = re.compile(r"[0-9A-Za-z][0-9A-Za-z /-]{3,33}", re.ASCII)
_ROUTING = re.compile(r"[0-9]{9}", re.ASCII)


def normal_identifier(*, kind: str, identifier: str) -> tuple[str, str | None]:
    """Return an identifier as it is kept, and what is wrong with it if anything is.

    An IBAN is checked to its last digit; other account numbers by their form alone. An address of Ethereum and its kin has 40 hexadecimal
    digits; the checksum in its capitals is not computed.
    """
    text = identifier.strip()
    if kind == "wallet":
        return text, None if _ADDRESS.fullmatch(text) else "an address is 0x and 40 hexadecimal digits"
    compact = re.sub(r"[\s-]", "", text).upper()
    if re.match(r"[A-Z]{2}[0-9]{2}", compact):
        return compact, None if iban.is_valid(compact) else "this IBAN has a wrong digit, or the wrong length for its country"
    return text, None if _NUMBER.fullmatch(text) else "an account number has 4 to 34 letters and digits"


def wrong_servicer(*, kind: str, servicer: str) -> str | None:
    """Return what is wrong with a BIC, a routing number or the name of a network."""
    if kind == "wallet":
        return None if servicer.strip() else "say on which network"
    if _ROUTING.fullmatch(servicer):
        weighed = sum(weight * int(digit) for weight, digit in zip((3, 7, 1) * 3, servicer, strict=True))
        return None if weighed % 10 == 0 else "this routing number has a wrong digit"
    try:
        bic.validate(servicer)
    except ValidationError:
        return "give the bank's BIC or routing number"
    return None


def wrong_owners(owners: Sequence[Mapping[str, Any]]) -> str | None:
    """Return what is wrong with a list of owners: shares are parts of one whole, and nobody is named twice in one capacity."""
    if not owners:
        return None
    if any(type(one.get("share_basis_points")) is not int or not 0 < one["share_basis_points"] <= WHOLE for one in owners):
        return "a share is more than nothing and at most the whole"
    if sum(one["share_basis_points"] for one in owners) != WHOLE:
        return "the shares of all owners are the whole together"
    if len({(one["owner"], one["capacity"]) for one in owners}) != len(owners):
        return "an owner is named once in each capacity"
    return None
