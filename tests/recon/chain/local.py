"""A chain in this process, on a real EVM, and the nodes that tell of it over JSON-RPC: as they should, or not."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any

from eth_tester import EthereumTester, PyEVMBackend
from eth_tester.exceptions import TransactionFailed
from eth_utils import to_checksum_address  # type: ignore[attr-defined]

from tests.recon.chain import token

STARTS_AT = datetime(2026, 11, 1, 10, tzinfo=UTC)
GAS = 300_000
FEE = {"max_fee_per_gas": 10**10, "max_priority_fee_per_gas": 10**9}
CHAIN_ID = 131277322940537
CHAIN = f"eip155:{CHAIN_ID}"

Tamper = Callable[[str, list[Any], Any], Any]


class Refusal(Exception):
    """What a node answers instead of a result."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class LocalChain:
    """Mines a block for each transaction. `final_depth` is how deep the block is that nodes call final."""

    def __init__(self) -> None:
        genesis = PyEVMBackend.generate_genesis_params(overrides={"timestamp": int(STARTS_AT.timestamp())})
        self.tester = EthereumTester(PyEVMBackend(genesis_parameters=genesis))
        self.accounts: list[str] = [account.lower() for account in self.tester.get_accounts()]
        self.final_depth = 3
        self.asked: list[str] = []
        self.tampers: dict[str, Tamper] = {}
        self.lock = Lock()
        self.clock = int(STARTS_AT.timestamp())

    def deploy(self, *, decimals: int = 6) -> str:
        """Put a token on the chain and return its address."""
        receipt = self.send(self.accounts[0], data=token.creation(decimals=decimals), gas=2_000_000)
        return str(receipt["contract_address"]).lower()

    def send(self, sender: str, *, to: str = "", value: int = 0, data: str = "0x", gas: int = GAS) -> dict[str, Any]:
        """Mine a transaction and return its receipt; one that fails is mined too."""
        self._tick()
        content = {"from": self._own(sender), "value": value, "data": data, "gas": gas, **FEE}
        sent = self.tester.send_transaction({**content, "to": self.checksum(to)} if to else content)
        receipt: dict[str, Any] = self.tester.get_transaction_receipt(sent)
        return receipt

    def call(self, contract: str, function: str, *values: object, sender: str) -> str:
        """Mine a call of a contract and return its transaction."""
        return str(self.send(sender, to=contract, data=token.call(function, *values))["transaction_hash"])

    def mine(self, blocks: int = 1) -> None:
        for _ in range(blocks):
            self._tick()
            self.tester.mine_block()

    def next_day(self) -> None:
        """Let the next block be of the next day."""
        self.clock = (self.clock // 86_400 + 1) * 86_400

    @contextmanager
    def in_one_block(self) -> Iterator[None]:
        """Mine what is sent inside the block together; the tester itself would send it all again, at the machine's time."""
        self._tick()
        self.tester.mine_block = lambda: None
        yield
        del self.tester.mine_block
        self.tester.mine_block()

    def _tick(self) -> None:
        """Give the block that is being made its time; left alone it would take the machine's."""
        self.clock += 12
        chain = self.tester.backend.chain
        chain.header = chain.header.copy(timestamp=self.clock)

    @property
    def head(self) -> int:
        return int(self.tester.get_block_by_number("latest")["number"])

    def _own(self, account: str) -> str:
        return next(str(one) for one in self.tester.get_accounts() if one.lower() == account)

    def checksum(self, account: str) -> str:
        return str(to_checksum_address(account))

    # What a node says.

    def answer(self, node: str, method: str, params: list[Any]) -> Any:
        with self.lock:
            self.asked.append(method)
            result = getattr(self, f"_{method}")(*params)
            tamper = self.tampers.get(node)
            return tamper(method, params, result) if tamper else result

    def _eth_chainId(self) -> str:  # noqa: N802
        return hex(CHAIN_ID)

    def _eth_blockNumber(self) -> str:  # noqa: N802
        return hex(self.head)

    def _eth_getBlockByNumber(self, number: str, full: bool) -> Any:  # noqa: N802, FBT001
        wanted = self._number(number)
        return None if wanted > self.head else _block(self.tester.get_block_by_number(wanted, full_transactions=full), full=full)

    def _eth_getTransactionReceipt(self, tx_hash: str) -> Any:  # noqa: N802
        receipt = self.tester.get_transaction_receipt(tx_hash)
        return {
            "transactionHash": receipt["transaction_hash"],
            "blockHash": receipt["block_hash"],
            "blockNumber": hex(receipt["block_number"]),
            "from": receipt["from"],
            "status": hex(receipt["status"]),
            "gasUsed": hex(receipt["gas_used"]),
            "effectiveGasPrice": hex(receipt["effective_gas_price"]),
        }

    def _eth_getLogs(self, wanted: dict[str, Any]) -> list[Any]:  # noqa: N802
        first, last = self._number(wanted["fromBlock"]), self._number(wanted["toBlock"])
        found = []
        for number in range(first, min(last, self.head) + 1):
            transactions = self.tester.get_block_by_number(number)["transactions"]
            logs = [log for tx_hash in transactions for log in self.tester.get_transaction_receipt(tx_hash)["logs"]]
            # The tester counts them by transaction, a node by block.
            found += [_log(log, index=index) for index, log in enumerate(logs) if _passes(log, wanted["topics"])]
        return found

    def _eth_getBalance(self, account: str, at: Any) -> str:  # noqa: N802
        return hex(self.tester.get_balance(self.checksum(account), block_number=self._at(at)))

    def _eth_call(self, content: dict[str, str], at: Any) -> str:
        ask = {"from": self.tester.get_accounts()[0], "to": self.checksum(content["to"]), "data": content["data"]}
        try:
            return str(self.tester.call(ask, block_number=self._at(at)))
        except TransactionFailed as error:
            raise Refusal(3, "execution reverted") from error

    def _number(self, tag: str) -> int:
        return int(tag, 16) if tag.startswith("0x") else {"latest": self.head, "finalized": max(self.head - self.final_depth, 0)}[tag]

    def _at(self, at: Any) -> int:
        if isinstance(at, str):
            return self._number(at)
        return int(self.tester.get_block_by_hash(at["blockHash"])["number"])


def _passes(log: Any, topics: list[Any]) -> bool:
    if len(log["topics"]) < len(topics):
        return False
    wanted = [None if one is None else [one] if isinstance(one, str) else one for one in topics]
    return all(one is None or topic in one for one, topic in zip(wanted, log["topics"], strict=False))


def _log(log: Any, *, index: int) -> dict[str, Any]:
    return {
        "address": log["address"],
        "topics": list(log["topics"]),
        "data": log["data"],
        "blockNumber": hex(log["block_number"]),
        "blockHash": log["block_hash"],
        "transactionHash": log["transaction_hash"],
        "logIndex": hex(index),
        "removed": False,
    }


def _block(block: Any, *, full: bool) -> dict[str, Any]:
    return {
        "number": hex(block["number"]),
        "hash": block["hash"],
        "parentHash": block["parent_hash"],
        "timestamp": hex(block["timestamp"]),
        "transactions": [_transaction(one) if full else one for one in block["transactions"]],
    }


def _transaction(one: Any) -> dict[str, Any]:
    return {"hash": one["hash"], "from": one["from"], "to": one["to"] or None, "value": hex(one["value"])}


@contextmanager
def served(chain: LocalChain) -> Iterator[dict[str, str]]:
    """Serve the chain as two nodes, alpha and beta; gives their addresses, with keys in them as providers have."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            node = self.path.strip("/").split("/")[0]
            told = [_told(chain, node, one) for one in body] if isinstance(body, list) else _told(chain, node, body)
            content = json.dumps(told).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield {name: f"http://127.0.0.1:{server.server_address[1]}/{name}/SECRET-KEY" for name in ("alpha", "beta")}
    finally:
        server.shutdown()
        server.server_close()


def _told(chain: LocalChain, node: str, asked: dict[str, Any]) -> dict[str, Any]:
    try:
        return {"jsonrpc": "2.0", "id": asked["id"], "result": chain.answer(node, asked["method"], asked["params"])}
    except Refusal as refusal:
        return {"jsonrpc": "2.0", "id": asked["id"], "error": {"code": refusal.code, "message": str(refusal)}}
