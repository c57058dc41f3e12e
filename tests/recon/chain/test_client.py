"""The client of one provider: what is passed over, what is tried again, what is refused, and that its address is told to nobody."""

import json
import logging
import sys
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from recon.chain.client import ATTEMPTS, RpcClient, TooLarge, Unreachable
from recon.chain.client import Refused as ProviderRefused

URL = "https://rpc.example/v2/SECRET-KEY"


def client(answer: Callable[[httpx.Request], httpx.Response], **options: Any) -> RpcClient:
    return RpcClient(name="alpha", url=URL, transport=httpx.MockTransport(answer), sleep=lambda _: None, **options)


def said(request: httpx.Request, **values: Any) -> httpx.Response:
    asked = json.loads(request.content)
    if isinstance(asked, list):
        return httpx.Response(200, json=[{"jsonrpc": "2.0", "id": one["id"], **values} for one in reversed(asked)])
    return httpx.Response(200, json={"jsonrpc": "2.0", "id": asked["id"], **values})


def failing(*statuses: int) -> tuple[Callable[[httpx.Request], httpx.Response], list[int]]:
    """Return a provider that answers these statuses first, and then as it should; and how often it was asked."""
    left, asked = list(statuses), []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(1)
        return httpx.Response(left.pop(0)) if left else said(request, result="0x1")

    return answer, asked


@pytest.fixture
def usual_depth() -> Iterator[None]:
    """The chain of the tests raises the limit of recursion, beyond what the stack of a process holds; the product leaves it alone."""
    raised = sys.getrecursionlimit()
    sys.setrecursionlimit(1000)
    yield
    sys.setrecursionlimit(raised)


def test_answers_of_a_batch_are_put_in_their_order_it() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        asked = json.loads(request.content)
        return httpx.Response(200, json=[{"id": one["id"], "result": one["params"][0]} for one in reversed(asked)])

    assert client(answer).batch([("m", [hex(n)]) for n in range(120)]) == [hex(n) for n in range(120)]


@pytest.mark.parametrize("status", [429, 502, 503])
def test_what_passes_is_asked_again_it(status: int) -> None:
    answer, asked = failing(status, status)
    assert client(answer).call("eth_blockNumber") == "0x1"
    assert len(asked) == 3


def test_a_provider_that_stays_away_is_given_up_it() -> None:
    answer, asked = failing(*[503] * 10)
    with pytest.raises(Unreachable):
        client(answer).call("eth_blockNumber")
    assert len(asked) == ATTEMPTS


def test_a_refusal_is_not_asked_again_it() -> None:
    with pytest.raises(ProviderRefused, match="no such method"):
        client(lambda request: said(request, error={"code": -32601, "message": "no such method"})).call("m")


@pytest.mark.parametrize(
    "error",
    [
        {"code": -32005, "message": "query exceeds limit"},
        {"code": -32602, "message": "query returned more than 10000 results"},
        {"code": -32000, "message": "Block range is too large, limited to 2000"},
    ],
)
def test_a_refusal_for_size_is_told_apart_it(error: dict[str, Any]) -> None:
    with pytest.raises(TooLarge):
        client(lambda request: said(request, error=error)).call("eth_getLogs")


def test_an_answer_without_end_is_not_read_it() -> None:
    with pytest.raises(TooLarge):
        client(lambda _: httpx.Response(200, content=b"[" + b"0," * 4000), maximum_bytes=1000).call("m")


@pytest.mark.parametrize("content", [b"<html>", b"[]", b'{"id": 99, "result": 1}', b"[" * 100_000])
def test_an_answer_that_is_none_is_no_answer_it(content: bytes, usual_depth: None) -> None:
    with pytest.raises(Unreachable):
        client(lambda _: httpx.Response(200, content=content)).call("m")


def test_the_address_is_in_no_log_and_no_exception_it(caplog: pytest.LogCaptureFixture) -> None:
    def broken(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError(f"cannot reach {URL}", request=request)

    def talkative(request: httpx.Request) -> httpx.Response:
        return said(request, error={"code": 1, "message": f"not at {URL}"})

    with caplog.at_level(logging.INFO, logger="recon"):
        told = []
        for answer in (broken, talkative):
            with pytest.raises(Exception) as caught:  # noqa: PT011 whatever it is, it tells no address
                client(answer).call("m")
            told.append(f"{caught.value!r} {caught.value.__cause__!r}")
        told.append(repr(client(broken)))
    assert "SECRET" not in "".join(told)
    assert "SECRET" not in caplog.text


def test_the_library_below_logs_no_request_it(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        client(lambda request: said(request, result="0x1")).call("m")
    assert "SECRET" not in caplog.text
