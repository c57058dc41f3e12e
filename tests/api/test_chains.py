"""Chain sources over REST: what may be said of them, pushed for them, and every answer held against the description."""

from collections.abc import Callable
from typing import Any

import pytest

from approvals.models import User
from recon import operations
from recon.models import Source, SourceKind
from recon.operations.chain_reading import read_chain
from tests.api.caller import Caller

Api = Callable[[User], Caller]

SETTING = {
    "source": "wallet",
    "chain": "meridian:settle",
    "delivery": "push",
    "kind": "native",
    "decimals": 6,
    "addresses": ["wallet-a"],
    "first_block": 100,
}


@pytest.fixture(autouse=True)
def read_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("recon.tasks.read_chain.delay", lambda *, source_id: read_chain(source_id=source_id))


@pytest.fixture
def wallet(roles: None) -> Source:
    return operations.register_source(code="wallet", name="Wallet", identifier="wallet-a", account="1040", kind=SourceKind.CHAIN)


def block(number: int, *, stage: str, balance: str) -> dict[str, Any]:
    return {
        "number": number,
        "hash": f"b{number}",
        "parent_hash": f"b{number - 1}",
        "mined_at": f"2026-11-02T10:{number - 90}:00Z",
        "stage": stage,
        "balance": balance,
    }


def test_a_chain_is_set_pushed_and_read_back_as_described(api: Api, maker: User, auditor: User, wallet: Source) -> None:
    caller = api(maker)
    assert caller.post("/chains", SETTING, answers=200)["proven_through"] == 99
    blocks = [block(99, stage="seen", balance="0"), block(100, stage="seen", balance="7")]
    assert [one["result"] for one in caller.post("/chains/wallet/blocks", {"items": blocks}, answers=200)["results"]] == [
        "stored",
        "stored",
    ]
    item = {"tx": "t1", "index": 0, "block_hash": "b100", "sender": "x", "recipient": "wallet-a", "value": "7"}
    pushed = caller.post("/chains/wallet/transfers", {"items": [item, {**item, "tx": "t2", "block_hash": "none"}]}, answers=200)
    assert [one["result"] for one in pushed["results"]] == ["stored", "refused"]
    caller.post("/chains/wallet/blocks", {"items": [block(100, stage="final", balance="7")]}, answers=200)
    reader = api(auditor)
    (told,) = reader.get("/chains")["results"]
    assert (told["final"], told["proven_through"], told["problem"]) == (100, 100, None)
    assert reader.get("/chains/wallet") == told
    (transfer,) = reader.get("/chains/wallet/transfers", stage="final", counted="true")["results"]
    assert (transfer["value"], transfer["stage"], transfer["block_hash"]) == ("7", "final", "b100")
    (proven,) = reader.get("/chains/wallet/ranges")["results"]
    assert (proven["opening"], proven["movements"], proven["closing"], proven["difference"]) == ("0", "7", "7", "0")


def test_what_is_followed_never_changes(api: Api, maker: User, wallet: Source) -> None:
    caller = api(maker)
    caller.post("/chains", SETTING, answers=200)
    error = caller.post("/chains", {**SETTING, "addresses": ["wallet-b"]}, answers=409)["error"]
    assert (error["code"], error["field"]) == ("chain_followed_otherwise", "addresses")


def test_source_out_of_sight_is_not_there(api: Api, maker: User, stranger: User, wallet: Source) -> None:
    api(stranger).post("/chains", SETTING, answers=404)
    api(maker).post("/chains", SETTING, answers=200)
    api(stranger).get("/chains/wallet", answers=404)
