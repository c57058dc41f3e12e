"""Values as nodes write them: quantities, hashes and addresses, taken strictly. What a node says is not trusted."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

ZERO_ADDRESS = "0x" + "0" * 40
UINT256_MAX = 2**256 - 1

_QUANTITY = re.compile(r"0x[0-9a-f]{1,64}", re.ASCII | re.IGNORECASE)
_HASH = re.compile(r"0x[0-9a-f]{64}", re.ASCII | re.IGNORECASE)
_ADDRESS = re.compile(r"0x[0-9a-f]{40}", re.ASCII | re.IGNORECASE)
_CHAIN = re.compile(r"[-a-z0-9]{3,8}:[-_a-zA-Z0-9]{1,32}", re.ASCII)
EVM = "eip155:"


class MalformedAnswer(Exception):
    """A node said something that is not what was asked for; `field` says where."""

    def __init__(self, field: str, value: object) -> None:
        super().__init__(f"{field} is {str(value)[:80]!r}")
        self.field = field
        self.value = str(value)[:80]


def quantity(value: Any, *, field: str) -> int:
    """Return a hexadecimal quantity as an exact whole number.

    :raises MalformedAnswer: for anything else.
    """
    if not isinstance(value, str) or not _QUANTITY.fullmatch(value):
        raise MalformedAnswer(field, value)
    return int(value, 16)


def hash_of(value: Any, *, field: str) -> str:
    """Return a 32-byte hash in lower case.

    :raises MalformedAnswer: for anything else.
    """
    if not isinstance(value, str) or not _HASH.fullmatch(value):
        raise MalformedAnswer(field, value)
    return value.lower()


def address(value: Any, *, field: str) -> str:
    """Return an address in lower case: 0xAbC and 0xabc are one.

    :raises MalformedAnswer: for anything else.
    """
    if not isinstance(value, str) or not _ADDRESS.fullmatch(value):
        raise MalformedAnswer(field, value)
    return value.lower()


def topic_address(value: str) -> str | None:
    """Return the address that a topic holds, or None where its upper bytes are not zero: then it is none."""
    return "0x" + value[-40:] if int(value[2:26], 16) == 0 else None


def as_topic(account: str) -> str:
    """Return an address as a topic is written."""
    return "0x" + account[2:].rjust(64, "0")


def instant(value: Any, *, field: str) -> datetime:
    """Return the instant that a block's timestamp says.

    :raises MalformedAnswer: for anything but whole seconds within the calendar.
    """
    try:
        return datetime.fromtimestamp(quantity(value, field=field), tz=UTC)
    except (OverflowError, OSError, ValueError) as error:
        raise MalformedAnswer(field, value) from error


def is_chain_name(text: str) -> bool:
    """Return whether the text is a CAIP-2 name, such as `eip155:1`."""
    return bool(_CHAIN.fullmatch(text))


def evm_chain_id(chain: str) -> int | None:
    """Return the number of an EVM chain, None for any other."""
    number = chain.removeprefix(EVM)
    return int(number) if chain.startswith(EVM) and number.isascii() and number.isdigit() else None
