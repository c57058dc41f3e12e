"""A token for tests, put together from instructions: transfer, mint, burn, what an address holds, and an event of a token of one piece.

What an address holds is kept under the address itself. Anybody may mint: it is a token for tests.
"""

from collections.abc import Iterator

from eth_abi import encode  # type: ignore[attr-defined]
from eth_utils import keccak  # type: ignore[attr-defined]

TRANSFER_EVENT = "0x" + keccak(text="Transfer(address,address,uint256)").hex()
FUNCTIONS = ("transfer(address,uint256)", "mint(address,uint256)", "burn(uint256)", "badge(address)", "balanceOf(address)", "decimals()")

OPCODES = {
    "ADD": 0x01, "SUB": 0x03, "LT": 0x10, "EQ": 0x14, "SHR": 0x1C, "CALLER": 0x33, "CALLDATALOAD": 0x35, "CODECOPY": 0x39,
    "MSTORE": 0x52, "SLOAD": 0x54, "SSTORE": 0x55, "JUMPI": 0x57, "JUMPDEST": 0x5B, "DUP1": 0x80, "DUP2": 0x81, "SWAP1": 0x90,
    "LOG3": 0xA3, "LOG4": 0xA4, "RETURN": 0xF3, "REVERT": 0xFD,
}  # fmt: skip

RETURN_WORD = "0 MSTORE 32 0 RETURN"
# How much the caller has is less than it wants to give: refused. The rest stays on the stack.
TAKE = "CALLER SLOAD DUP2 DUP2 LT @refused JUMPI DUP2 SWAP1 SUB CALLER SSTORE"
GIVE = "DUP1 4 CALLDATALOAD SLOAD ADD 4 CALLDATALOAD SSTORE"
TO, FROM_CALLER, NOBODY = "4 CALLDATALOAD", "CALLER", "0"
EMIT = f"{TRANSFER_EVENT} 32 0"


def _event(*, sender: str, recipient: str) -> str:
    return f"0 MSTORE {recipient} {sender} {EMIT} LOG3 1 {RETURN_WORD}"


def _program(decimals: int) -> str:
    dispatch = " ".join(f"DUP1 {selector(name)} EQ @{name.partition('(')[0]} JUMPI" for name in FUNCTIONS)
    return f"""
        0 CALLDATALOAD 224 SHR {dispatch} :refused 0 0 REVERT
        :transfer 36 CALLDATALOAD {TAKE} {GIVE} {_event(sender=FROM_CALLER, recipient=TO)}
        :mint 36 CALLDATALOAD {GIVE} {_event(sender=NOBODY, recipient=TO)}
        :burn 4 CALLDATALOAD {TAKE} {_event(sender=FROM_CALLER, recipient=NOBODY)}
        :badge 7 {TO} {FROM_CALLER} {TRANSFER_EVENT} 0 0 LOG4 1 {RETURN_WORD}
        :balanceOf {TO} SLOAD {RETURN_WORD}
        :decimals {decimals} {RETURN_WORD}
    """


def selector(function: str) -> str:
    return "0x" + keccak(text=function)[:4].hex()


def call(function: str, *values: object) -> str:
    """Return the data of a call."""
    kinds = function.partition("(")[2].rstrip(")")
    return selector(function) + encode(kinds.split(",") if kinds else [], values).hex()


def creation(*, decimals: int) -> str:
    """Return the code that puts the token on a chain."""
    code = assembled(_program(decimals))
    prefix = assembled(f"{len(code)} DUP1 %offset 0 CODECOPY 0 RETURN".replace("%offset", "12"))
    assert len(prefix) == 12, len(prefix)
    return "0x" + (prefix + code).hex()


def assembled(program: str) -> bytes:
    """Return the bytes of a program: words are instructions or numbers, `:name` is a place to jump to and `@name` its address."""
    words = program.split()
    places: dict[str, int] = {}
    offset = 0
    for word in words:
        if word.startswith(":"):
            places[word[1:]] = offset
        offset += len(b"".join(_encoded(word, places={})))
    return b"".join(part for word in words for part in _encoded(word, places=places))


def _encoded(word: str, *, places: dict[str, int]) -> Iterator[bytes]:
    if word in OPCODES:
        yield bytes([OPCODES[word]])
    elif word.startswith(":"):
        yield bytes([OPCODES["JUMPDEST"]])
    elif word.startswith("@"):
        yield bytes([0x61, *places.get(word[1:], 0).to_bytes(2, "big")])
    else:
        number = int(word, 0)
        content = number.to_bytes(max(1, (number.bit_length() + 7) // 8), "big")
        yield bytes([0x5F + len(content)]) + content
