"""Pages of chains: what each shows to whom, and that they ask the database a bounded number of times."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from approvals.models import User
from recon.models import ChainCursor, ChainSource, Source
from tests.fixtures import signed_in
from tests.notation import writes_nothing
from tests.recon.chain.local import CHAIN, LocalChain
from tests.recon.chain.token import call

pytestmark = pytest.mark.django_db

MOST_QUERIES = 25
MINT, TRANSFER = "mint(address,uint256)", "transfer(address,uint256)"


@pytest.fixture(autouse=True)
def no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("recon.tasks.read_chain.delay", lambda **_: None)


def text(response: Any) -> str:
    page: str = " ".join(response.content.decode().split())
    assert "<c-" not in page, "a component was not rendered"
    return page


def test_page_shows_stages_both_hashes_of_a_reorganisation_and_the_proof_it(
    chain: LocalChain, followed: ChainSource, usdc: str, ours: str, theirs: str, read: Callable[[], ChainCursor], maker: User
) -> None:
    fake = chain.deploy(decimals=6)
    chain.call(usdc, MINT, ours, 1_000_000, sender=chain.accounts[0])
    chain.call(fake, MINT, ours, 99, sender=chain.accounts[0])
    snapshot = chain.tester.take_snapshot()
    chain.send(ours, to=usdc, data=call(TRANSFER, theirs, 250_000))
    read()
    chain.tester.revert_to_snapshot(snapshot)
    chain.mine()
    chain.send(ours, to=usdc, data=call(TRANSFER, theirs, 250_000))
    chain.mine(2)
    read()
    browser = signed_in(maker)
    with CaptureQueriesContext(connection) as asked:
        page = text(browser.get(f"/chains/{followed.pk}/"))
    assert len(asked) <= MOST_QUERIES
    for said in ("Orphaned", "now in block", "another contract", "0.250000", "Proven", "alpha", "beta", usdc, ours):
        assert said in page, said
    assert "SECRET" not in page
    orphaned = text(browser.get(f"/chains/{followed.pk}/?stage=orphaned"))
    assert "was in" in orphaned
    assert "another contract" not in orphaned
    with CaptureQueriesContext(connection) as asked:
        assert "Hot wallet" in text(browser.get("/chains/"))
    assert len(asked) <= MOST_QUERIES


def test_page_says_where_the_providers_disagree_it(
    chain: LocalChain, followed: ChainSource, usdc: str, ours: str, read: Callable[[], ChainCursor], maker: User
) -> None:
    chain.call(usdc, MINT, ours, 1_000_000, sender=chain.accounts[0])
    chain.tampers = {"beta": lambda method, _, result: [] if method == "eth_getLogs" else result}
    read()
    page = text(signed_in(maker).get(f"/chains/{followed.pk}/"))
    for said in ("Stopped at block", "the providers disagree on a transfer", "nothing there"):
        assert said in page, said


def test_stranger_finds_no_chain_it(followed: ChainSource, stranger: User) -> None:
    assert signed_in(stranger).get(f"/chains/{followed.pk}/").status_code == 404
    assert "Hot wallet" not in text(signed_in(stranger).get("/chains/"))


def test_auditor_reads_and_sets_nothing_it(followed: ChainSource, auditor: User) -> None:
    browser = signed_in(auditor)
    assert browser.get(f"/chains/{followed.pk}/").status_code == 200
    assert browser.get("/chains/new/").status_code == 403
    assert browser.post(f"/chains/{followed.pk}/reading/").status_code == 403


def test_chain_is_followed_from_the_form_it(chain: LocalChain, usdc: str, ours: str, wallet: Source, maker: User) -> None:
    browser = signed_in(maker)
    said = {
        "source": wallet.pk,
        "chain": CHAIN,
        "delivery": "rpc",
        "kind": "erc20",
        "contract": usdc.upper().replace("0X", "0x"),
        "decimals": 6,
        "addresses": ours,
        "first_block": 1,
        "safe_after": 1,
        "final_rule": "tag",
        "final_after": "",
        "first_provider": "alpha",
        "second_provider": "alpha",
        "active": "on",
    }
    with writes_nothing():
        refused = browser.post("/chains/new/", said)
    assert refused.status_code == 422
    assert "Name two different providers" in text(refused)
    followed = browser.post("/chains/new/", {**said, "second_provider": "beta"})
    assert followed.headers["Location"] == f"/chains/{wallet.pk}/"
    assert ChainSource.objects.get().contract == usdc


def test_how_it_is_read_is_changed_and_what_is_followed_stays_it(followed: ChainSource, maker: User) -> None:
    browser = signed_in(maker)
    address = f"/chains/{followed.pk}/reading/"
    assert "alpha" in text(browser.get(address))
    said = {"safe_after": 9, "final_rule": "depth", "final_after": 65, "first_provider": "beta", "second_provider": "alpha"}
    assert browser.post(address, said).status_code == 302
    changed = ChainSource.objects.get()
    assert (changed.final_after, changed.providers, changed.active, changed.contract) == (65, ["beta", "alpha"], False, followed.contract)
