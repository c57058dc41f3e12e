"""Chains that nobody can be asked about: blocks and transfers pushed over the API, each with its stage."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from approvals.models import User
from recon.models import ChainKind, ChainRange, ChainSource, ChainTransfer, Source, Statement
from recon.operations.chain_reading import read_chain
from recon.operations.chain_settings import ChainFollowedOtherwise, ChainRefused, set_chain
from tests.fixtures import signed_in
from tests.notation import writes_nothing

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
URL = "/api/v1/chains/wallet"


@pytest.fixture
def settings_of(wallet: Source, maker: User) -> dict[str, Any]:
    return {
        "source_id": wallet.pk,
        "chain": "meridian:settle",
        "delivery": "push",
        "kind": ChainKind.NATIVE,
        "decimals": 6,
        "addresses": ["wallet-a"],
        "first_block": 100,
        "set_by_id": maker.pk,
    }


@pytest.fixture
def pushed(settings_of: dict[str, Any]) -> ChainSource:
    return set_chain(**settings_of)


@pytest.fixture
def send(maker: User, pushed: ChainSource, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Return a function that pushes items and returns what became of each; what is new is read at once."""
    monkeypatch.setattr("recon.tasks.read_chain.delay", lambda *, source_id: read_chain(source_id=source_id))
    client = signed_in(maker)

    def post(what: str, *items: dict[str, Any]) -> list[str]:
        response = client.post(f"{URL}/{what}", {"items": list(items)}, content_type="application/json")
        assert response.status_code == 200, response.content
        return [one["result"] for one in response.json()["results"]]

    return post


def block(number: int, *, stage: str = "seen", branch: str = "b", parent: str = "", days: int = 0, **further: Any) -> dict[str, Any]:
    return {
        "number": number,
        "hash": f"{branch}{number}",
        "parent_hash": parent or f"{branch}{number - 1}",
        "mined_at": (NOON + timedelta(days=days, seconds=number)).isoformat(),
        "stage": stage,
        **further,
    }


def transfer(
    tx: str, *, at: str, value: str = "2500000", sender: str = "wallet-x", recipient: str = "wallet-a", **further: Any
) -> dict[str, Any]:
    return {"tx": tx, "index": 0, "block_hash": at, "sender": sender, "recipient": recipient, "value": value, **further}


def test_pushed_day_is_proven_and_becomes_a_statement_it(send: Callable[..., list[str]]) -> None:
    assert send("blocks", block(99, balance="0"), block(100), block(101, balance="2000000")) == ["stored"] * 3
    assert send("transfers", transfer("t1", at="b100"), transfer("t2", at="b101", value="500000", sender="wallet-a", recipient="x")) == [
        "stored",
        "stored",
    ]
    assert send("blocks", block(101, stage="safe", balance="2000000")) == ["changed"]
    assert [row.word for row in ChainTransfer.objects.all()] == ["safe", "safe"]
    assert send("blocks", block(101, stage="final", balance="2000000"), block(102, days=1, stage="final", balance="2000000")) == [
        "changed",
        "stored",
    ]
    assert {one.status for one in ChainRange.objects.all()} == {"proven"}
    statement = Statement.objects.get()
    assert (statement.proof, int(statement.closing_minor or 0)) == ("proven", 2_000_000)


def test_same_again_changes_nothing_and_another_word_is_refused_it(send: Callable[..., list[str]]) -> None:
    send("blocks", block(100), block(101, stage="safe"))
    send("transfers", transfer("t1", at="b100"))
    with writes_nothing(except_in=["recon_chain_cursor"]):
        assert send("blocks", block(100), block(101)) == ["known", "known"]
        assert send("transfers", transfer("t1", at="b100")) == ["known"]
        assert send("transfers", transfer("t1", at="b100", value="1")) == ["refused"]
        assert send("blocks", block(100, parent="other")) == ["refused"]


@pytest.mark.parametrize(
    "item",
    [block(50), block(101, parent="c100"), block(100, branch="c"), block(300, stage="orphaned")],
    ids=["before the first", "does not follow", "number is taken", "unknown is dropped"],
)
def test_block_that_cannot_be_is_refused_and_the_others_are_taken_it(item: dict[str, Any], send: Callable[..., list[str]]) -> None:
    send("blocks", block(100))
    assert send("blocks", item, block(102)) == ["refused", "stored"]


@pytest.mark.parametrize(
    "item",
    [transfer("t1", at="b999"), transfer("t1", at="b100", recipient="wallet-z")],
    ids=["of no block", "of nobody we follow"],
)
def test_transfer_that_is_none_of_ours_is_refused_it(item: dict[str, Any], send: Callable[..., list[str]]) -> None:
    send("blocks", block(100))
    with writes_nothing(except_in=["recon_chain_cursor"]):
        assert send("transfers", item) == ["refused"]


def test_dropped_block_takes_its_transfers_and_they_come_again_elsewhere_it(send: Callable[..., list[str]]) -> None:
    send("blocks", block(100), block(101))
    send("transfers", transfer("t1", at="b101"))
    assert send("blocks", block(101, branch="c", parent="b100")) == ["refused"]
    assert send("blocks", block(101, stage="orphaned"), block(101, branch="c", parent="b100")) == ["changed", "stored"]
    assert send("transfers", transfer("t1", at="c101")) == ["stored"]
    assert [row.word for row in ChainTransfer.objects.order_by("seen_at")] == ["orphaned", "seen"]
    assert send("blocks", block(101, stage="orphaned")) == ["known"]


def test_what_is_final_is_not_dropped_and_what_is_proven_takes_nothing_more_it(send: Callable[..., list[str]]) -> None:
    send("blocks", block(99, balance="0"), block(100, stage="final", balance="0"))
    assert send("blocks", block(100, stage="orphaned")) == ["refused"]
    assert send("transfers", transfer("late", at="b100")) == ["refused"]


def test_whole_numbers_of_256_bits_go_in_and_come_out_it(send: Callable[..., list[str]], maker: User) -> None:
    send("blocks", block(100))
    largest = str(2**256 - 1)
    assert send("transfers", transfer("t1", at="b100", value=largest)) == ["stored"]
    (row,) = signed_in(maker).get(f"{URL}/transfers").json()["results"]
    assert (row["value"], row["uncounted"]) == (largest, "too_large")


@pytest.mark.parametrize("value", ["-1", "1.5", "1e3", "\u0661", "", 5, None])
def test_number_that_is_none_is_located_it(value: Any, maker: User, pushed: ChainSource) -> None:
    item = {**transfer("t1", at="b100"), "value": value}
    response = signed_in(maker).post(f"{URL}/transfers", {"items": [item]}, content_type="application/json")
    assert (response.status_code, response.json()["error"]["field"]) == (422, "items[1].value")


def test_stranger_finds_no_chain_and_an_auditor_pushes_nothing_it(pushed: ChainSource, stranger: User, auditor: User) -> None:
    body = {"items": [block(100)]}
    assert signed_in(stranger).post(f"{URL}/blocks", body, content_type="application/json").status_code == 404
    assert signed_in(auditor).post(f"{URL}/blocks", body, content_type="application/json").status_code == 403
    assert signed_in(auditor).get(URL).json()["chain"] == "meridian:settle"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"chain": "ethereum"}, "chain"),
        ({"decimals": 18}, "decimals"),
        ({"delivery": "rpc"}, "delivery"),
        ({"kind": "erc20"}, "contract"),
        ({"addresses": []}, "addresses"),
        ({"addresses": ["a", "a"]}, "addresses"),
        ({"providers": ["alpha"]}, "providers"),
        ({"final_rule": "depth"}, "final_after"),
        ({"chain": "eip155:1", "addresses": ["0x12"]}, "addresses"),
        ({"chain": "eip155:1", "delivery": "rpc", "addresses": ["0x" + "1" * 40], "providers": ["alpha", "nobody"]}, "providers"),
    ],
)
def test_setting_that_cannot_be_is_refused_at_its_field_it(changes: dict[str, Any], field: str, settings_of: dict[str, Any]) -> None:
    with writes_nothing(), pytest.raises(ChainRefused) as caught:
        set_chain(**{**settings_of, **changes})
    assert caught.value.field == field


def test_what_is_followed_never_changes_and_how_it_is_read_may_it(pushed: ChainSource, settings_of: dict[str, Any]) -> None:
    with pytest.raises(ChainFollowedOtherwise):
        set_chain(**{**settings_of, "addresses": ["wallet-b"]})
    assert set_chain(**{**settings_of, "safe_after": 12}).safe_after == 12
    with writes_nothing():
        set_chain(**{**settings_of, "safe_after": 12})
