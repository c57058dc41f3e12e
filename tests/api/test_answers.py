"""What a posting is answered with is what the lists say of it afterwards, to the letter, though each is made in its own way."""

from collections.abc import Callable
from typing import Any

from approvals.models import User
from ledger.api import registry_serializers as shapes
from tests.api.caller import Caller
from tests.api.test_transactions import deposit

Api = Callable[[User], Caller]


def test_the_answer_is_what_the_list_and_the_entry_say(api: Api, maker: User) -> None:
    answer: dict[str, Any] = api(maker).post("/transactions", deposit(metadata={"channel": "wire"}, value_date="2026-11-04"), key="k1")
    assert list(answer) == list(shapes.TransactionFields().fields)
    assert list(answer["entry"]) == list(shapes.EntrySummary().fields)
    (head,) = api(maker).get("/transactions")["results"]
    assert {name: answer[name] for name in head} == head
    entry = api(maker).get(f"/entries/{answer['id']}")
    for name in answer["entry"].keys() & entry.keys():
        assert answer["entry"][name] == entry[name], name
    assert answer["entry"]["value_date"] == "2026-11-04"
    read = api(maker).get(f"/transactions/{answer['id']}")
    assert {name: read[name] for name in answer} == answer


def test_what_is_kept_and_not_posted_has_no_entry(api: Api, maker: User) -> None:
    answer = api(maker).post("/transactions", deposit(initiate=True), key="k1")
    assert (answer["status"], answer["entry"], answer["entry_number"]) == ("initiated", None, None)
    (head,) = api(maker).get("/transactions")["results"]
    assert {name: answer[name] for name in head} == head
