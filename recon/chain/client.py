"""A JSON-RPC client of one provider: bounded in time and size, patient with what passes, silent about its address.

A provider's address holds a key. It is in no exception, no log line and no `repr` of this module.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Sequence
from typing import Any

import httpx

ATTEMPTS = 4
TIMEOUT = httpx.Timeout(20.0, connect=5.0)
MAXIMUM_BYTES = 32 * 1024 * 1024
BATCH = 50

_PASSING_STATUSES = frozenset({408, 425, 429, 500, 502, 503, 504})
_TOO_LARGE_STATUS = 413
# Codes and words with which providers refuse an answer for its size; each has its own.
_TOO_LARGE_CODES = frozenset({-32005})
_TOO_LARGE_WORDS = ("more than", "too many", "too large", "too big", "block range", "range limit", "response size", "limited to")
_RATE_WORDS = ("rate limit", "too many requests", "request limit", "capacity")

Call = tuple[str, Sequence[Any]]


class ProviderFailed(Exception):
    """A provider gave no answer that can be used; `provider` names it, the sentence says why without its address."""

    def __init__(self, provider: str, sentence: str) -> None:
        super().__init__(f"{provider}: {sentence}")
        self.provider = provider
        self.sentence = sentence


class Unreachable(ProviderFailed):
    """It did not answer in time, several times."""


class Refused(ProviderFailed):
    """It understood and refused."""


class TooLarge(ProviderFailed):
    """It refuses to answer so much at once, or its answer is longer than is read: ask for less."""


class RpcClient:
    """Asks one provider. Calls are repeated with backoff where the failure passes; all of them only read."""

    def __init__(
        self,
        *,
        name: str,
        url: str,
        transport: httpx.BaseTransport | None = None,
        maximum_bytes: int = MAXIMUM_BYTES,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.name = name
        self._url = url
        self._maximum_bytes = maximum_bytes
        self._sleep = sleep
        self._http = httpx.Client(timeout=TIMEOUT, transport=transport, follow_redirects=False, trust_env=False)
        self._ids = 0

    def __repr__(self) -> str:
        return f"<RpcClient {self.name}>"

    def close(self) -> None:
        self._http.close()

    def call(self, method: str, *params: Any) -> Any:
        """Return the result of one call.

        :raises ProviderFailed: with the provider's own words where it refused.
        """
        (result,) = self.batch([(method, params)])
        return result

    def batch(self, calls: Sequence[Call]) -> list[Any]:
        """Return the results of calls in their order, asked for in batches of ``BATCH``.

        :raises ProviderFailed: if any of them has no result.
        """
        results: list[Any] = []
        for start in range(0, len(calls), BATCH):
            results += self._ask(calls[start : start + BATCH])
        return results

    def _ask(self, calls: Sequence[Call]) -> list[Any]:
        first = self._ids + 1
        self._ids += len(calls)
        bodies = [{"jsonrpc": "2.0", "id": first + n, "method": method, "params": list(params)} for n, (method, params) in enumerate(calls)]
        content = json.dumps(bodies if len(bodies) > 1 else bodies[0]).encode()
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return self._results(self._post(content), first=first, calls=calls)
            except Unreachable:
                if attempt == ATTEMPTS:
                    raise
                self._sleep(random.uniform(0.1, 0.3) * 2**attempt)  # noqa: S311 jitter, no secret
        raise AssertionError("unreachable")

    def _post(self, content: bytes) -> Any:
        try:
            with self._http.stream("POST", self._url, content=content, headers={"Content-Type": "application/json"}) as response:
                if response.status_code == _TOO_LARGE_STATUS:
                    raise TooLarge(self.name, "the provider answered 413")
                if response.status_code in _PASSING_STATUSES:
                    raise Unreachable(self.name, f"the provider answered {response.status_code}")
                body = self._read(response)
                if response.is_error or response.is_redirect:
                    return self._error_body(body, status=response.status_code)
        # The library's own exceptions carry the request, and with it the address: none of them is passed on.
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise Unreachable(self.name, type(error).__name__) from None
        return self._parsed(body)

    def _read(self, response: httpx.Response) -> bytes:
        chunks, size = [], 0
        for chunk in response.iter_bytes():
            size += len(chunk)
            if size > self._maximum_bytes:
                raise TooLarge(self.name, f"the answer is longer than {self._maximum_bytes} bytes")
            chunks.append(chunk)
        return b"".join(chunks)

    def _error_body(self, body: bytes, *, status: int) -> Any:
        """Return a JSON-RPC error sent with an error status; anything else is a refusal by that status."""
        try:
            answer = json.loads(body)
        except (ValueError, RecursionError):
            answer = None
        if isinstance(answer, dict) and isinstance(answer.get("error"), dict):
            return answer
        raise Refused(self.name, f"the provider answered {status}")

    def _parsed(self, body: bytes) -> Any:
        try:
            return json.loads(body)
        except (ValueError, RecursionError):
            raise Unreachable(self.name, "the answer is not JSON") from None

    def _results(self, answer: Any, *, first: int, calls: Sequence[Call]) -> list[Any]:
        answers = answer if isinstance(answer, list) else [answer]
        if len(calls) > 1 and not isinstance(answer, list) and isinstance(answer, dict):
            self._refuse(answer.get("error"), method="batch")  # some refuse a whole batch with one error
        by_id = {one.get("id"): one for one in answers if isinstance(one, dict)}
        if isinstance(answer, dict) and len(calls) == 1 and answer.get("id") is None:
            by_id[first] = answer
        results = []
        for number, (method, _) in enumerate(calls, start=first):
            one = by_id.get(number)
            if one is None:
                raise Unreachable(self.name, f"there is no answer to {method}")
            if "result" not in one or one.get("error") is not None:
                self._refuse(one.get("error"), method=method)
            results.append(one["result"])
        return results

    def _refuse(self, error: Any, *, method: str) -> None:
        code = error.get("code") if isinstance(error, dict) else None
        words = str(error.get("message", "") if isinstance(error, dict) else error)[:200].replace(self._url, "(address)")
        lowered = words.lower()
        if any(sign in lowered for sign in _RATE_WORDS):
            raise Unreachable(self.name, f"{method} is limited: {words}")
        if code in _TOO_LARGE_CODES or any(sign in lowered for sign in _TOO_LARGE_WORDS):
            raise TooLarge(self.name, f"{method}: {words}")
        raise Refused(self.name, f"{method}: {words}")
