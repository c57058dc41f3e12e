"""A chain with a token, two nodes that tell of it, and a source that follows a wallet on it."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from approvals.models import User
from recon import operations
from recon.models import ChainCursor, ChainKind, ChainSource, Source, SourceKind
from recon.operations.chain_reading import read_chain
from recon.operations.chain_settings import set_chain
from tests.recon.chain.local import CHAIN, LocalChain, served

Reader = Callable[[], ChainCursor]


@pytest.fixture
def chain(settings: Any) -> Iterator[LocalChain]:
    local = LocalChain()
    with served(local) as addresses:
        settings.CHAIN_PROVIDERS = addresses
        yield local


@pytest.fixture
def usdc(chain: LocalChain) -> str:
    return chain.deploy(decimals=6)


@pytest.fixture
def ours(chain: LocalChain) -> str:
    return chain.accounts[1]


@pytest.fixture
def theirs(chain: LocalChain) -> str:
    return chain.accounts[2]


@pytest.fixture
def wallet(maker: User) -> Source:
    """The source of account 1040, in USDC."""
    return operations.register_source(code="wallet", name="Hot wallet", identifier="wallet-usdc", account="1040", kind=SourceKind.CHAIN)


@pytest.fixture
def followed(chain: LocalChain, usdc: str, ours: str, wallet: Source, maker: User) -> ChainSource:
    return set_chain(
        source_id=wallet.pk,
        chain=CHAIN,
        delivery="rpc",
        kind=ChainKind.ERC20,
        contract=usdc,
        decimals=6,
        addresses=[ours],
        first_block=chain.head + 1,
        safe_after=1,
        providers=["alpha", "beta"],
        set_by_id=maker.pk,
    )


@pytest.fixture
def read(followed: ChainSource) -> Reader:
    """Return a function that reads the source once and returns its cursor."""

    def once() -> ChainCursor:
        read_chain(source_id=followed.pk)
        return ChainCursor.objects.get(pk=followed.pk)

    return once
