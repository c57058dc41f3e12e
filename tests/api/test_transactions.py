"""POST /transactions: one act, safe to retry, within one's own scope."""

from collections.abc import Callable
from typing import Any

from approvals.models import User
from ledger import operations as ledger
from ledger.models import AccountingPeriod, JournalEntry, Transaction
from tests.api.caller import Caller, description
from tests.fixtures import draft
from tests.notation import balance, posts, writes_nothing

Api = Callable[[User], Caller]


def deposit(amount: object = "1000", **changes: Any) -> dict[str, Any]:
    return {
        "type": "deposit",
        "entity": "M1",
        "effective_date": "2026-11-02",
        "description": "Deposit by wire",
        "reference": "INV-1",
        "lines": [
            {"account": "1010", "direction": "debit", "amount": amount, "asset": "USD"},
            {"account": "2010", "direction": "credit", "amount": amount, "asset": "USD"},
        ],
        **changes,
    }


def test_it_posts_and_answers_the_entry_with_the_balances_it_left(api: Api, maker: User) -> None:
    with posts("1010 debit 10.00 USD / 2010 credit 10.00 USD"):
        answer = api(maker).post("/transactions", deposit(metadata={"channel": "wire"}), key="k1")
    entry = answer["entry"]
    assert (answer["status"], answer["settlement"], answer["warnings"], answer["id"]) == ("posted", "expected", None, entry["id"])
    assert [(line["account"], line["amount"], line["balance_after_minor"]) for line in entry["lines"]] == [
        ("1010", "1000", "1000"),
        ("2010", "1000", "1000"),
    ]
    assert (answer["actor_id"], entry["metadata"], entry["proposal_id"]) == (maker.pk, {"channel": "wire"}, None)
    assert len(answer["request_id"]) == 32, "an entry says which request posted it"


def test_it_answers_the_original_when_the_same_is_sent_again(api: Api, maker: User) -> None:
    caller = api(maker)
    first = caller.post("/transactions", deposit(), key="k1")
    assert "Idempotent-Replayed" not in caller.response.headers
    with writes_nothing():
        again = caller.post("/transactions", deposit(), key="k1", answers=200)
    assert again == first
    assert caller.response.headers["Idempotent-Replayed"] == "true"


def test_it_refuses_a_key_with_other_content_and_names_what_differs(api: Api, maker: User) -> None:
    api(maker).post("/transactions", deposit(), key="k1")
    with writes_nothing():
        error = api(maker).refused("/transactions", deposit("1001", reference="INV-2"), key="k1", answers=409)
    assert (error["code"], error["detail"]["fields"]) == ("idempotency_key_reused", ["lines", "reference"])


def test_one_key_of_two_people_is_two_keys(api: Api, maker: User, person: Callable[[str, str], User]) -> None:
    other = person("colleague", "Analyst")
    first = api(maker).post("/transactions", deposit(), key="k1")
    second = api(other).post("/transactions", deposit(), key="k1")
    assert first["id"] != second["id"]
    assert set(Transaction.objects.values_list("scope", flat=True)) == {f"user:{maker.pk}", f"user:{other.pk}"}


def test_it_wants_a_key(api: Api, maker: User) -> None:
    with writes_nothing():
        assert api(maker).refused("/transactions", deposit(), answers=422)["field"] == "Idempotency-Key"
        assert api(maker).refused("/transactions", deposit(), key="k" * 201, answers=422)["code"] == "draft_refused"


def test_it_takes_no_amount_but_a_string_of_digits(api: Api, maker: User) -> None:
    caller = api(maker)
    with writes_nothing():
        for amount in [
            1000,
            1000.0,
            10.5,
            "10.00",
            "1e3",
            "-5",
            "0",
            "",
            " 1000",
            "1" * 39,
            "\u0661\u0662",
            None,
            True,
            ["1"],
            {"minor": "1"},
        ]:
            error = caller.refused("/transactions", deposit(amount), key="k1", answers=422)
            assert [wrong["field"] for wrong in error["detail"]["errors"]] == ["lines[1].amount", "lines[2].amount"], amount
    assert not Transaction.objects.exists(), "what never reached the books leaves its key free"


def test_it_takes_the_largest_amount_to_the_last_digit(api: Api, maker: User) -> None:
    entry = api(maker).post("/transactions", deposit("9" * 38), key="k1")["entry"]
    assert {line["amount"] for line in entry["lines"]} == {"9" * 38}
    assert balance("1010") == f"{'9' * 36}.99 USD"


def test_it_refuses_what_does_not_balance(api: Api, maker: User) -> None:
    body = deposit()
    body["lines"][1]["amount"] = "999"
    with writes_nothing():
        error = api(maker).refused("/transactions", body, key="k1", answers=422)
    assert (error["code"], error["detail"]["differences"]) == ("draft_unbalanced", {"USD": "1"})


def test_a_stranger_is_told_that_the_account_does_not_exist(api: Api, maker: User, stranger: User) -> None:
    with writes_nothing():
        unseen = api(stranger).refused("/transactions", deposit(), key="k1", answers=404)
    body = deposit()
    body["lines"][1]["account"] = "9999"
    unknown = api(maker).refused("/transactions", body, key="k1", answers=404)
    assert (unseen["code"], unseen["field"]) == ("account_not_found", "lines[1].account")
    assert (unknown["code"], unknown["field"]) == ("account_not_found", "lines[2].account")


def test_a_refusal_of_the_books_is_remembered_with_its_key(api: Api, maker: User) -> None:
    period = AccountingPeriod.objects.get()
    ledger.close_period(period_id=period.pk)
    with writes_nothing():
        first = api(maker).refused("/transactions", deposit(), key="k1", answers=409)
        again = api(maker).refused("/transactions", deposit(), key="k1", answers=409)
    assert (first["code"], first["field"], first["detail"]["reason"]) == ("posting_refused", "effective_date", "period_closed")
    assert again["message"] == first["message"]


def test_an_adjustment_needs_a_proposal(api: Api, maker: User) -> None:
    with writes_nothing():
        error = api(maker).refused("/transactions", deposit(type="adjustment"), key="k1", answers=422)
    assert error["detail"]["reason"] == "approval_required"


def test_it_names_the_field_that_is_wrong(api: Api, maker: User) -> None:
    odd_line = {"account": "1010", "direction": "up", "amount": "1", "asset": "USD"}
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"referense": "INV-1"}, "referense"),
        ({"proposal_id": "01a20298-239a-7aa9-816b-57da300189e6"}, "proposal_id"),
        ({"effective_date": "2026-02-30"}, "effective_date"),
        ({"description": "   "}, "description"),
        ({"description": "a\0b"}, "description"),
        ({"description": "a\ud800b"}, "description"),
        ({"metadata": {"a\0": "b"}}, "metadata"),
        ({"metadata": {"a": {"deep": "b"}}}, "metadata.a"),
        ({"lines": "none"}, "lines"),
        ({"lines": [odd_line]}, "lines[1].direction"),
        ({"lines": [{**odd_line, "note": "x"}]}, "lines[1].note"),
    ]
    caller = api(maker)
    with writes_nothing():
        said = [caller.refused("/transactions", deposit(**change), key="k1", answers=422)["field"] for change, _ in wrong]
    assert said == [field for _, field in wrong]


def test_a_body_that_says_a_name_twice_is_refused(api: Api, maker: User) -> None:
    client = api(maker).client
    twice = '{"type": "deposit", "type": "withdrawal"}'
    with writes_nothing():
        response = client.post("/api/v1/transactions", twice, content_type="application/json", headers={"Idempotency-Key": "k1"})
    assert response.status_code == 400
    assert response.json()["error"]["code"] == "parse_error"


def test_a_body_that_is_too_large_or_no_json_is_refused(api: Api, maker: User) -> None:
    client = api(maker).client
    answers = {
        kind: client.post("/api/v1/transactions", content, content_type=content_type).status_code
        for kind, content, content_type in [
            ("deep", "[" * 100_000, "application/json"),
            ("large", " " * 5_300_000, "application/json"),
            ("form", "type=deposit", "application/x-www-form-urlencoded"),
            ("NaN", '{"type": NaN}', "application/json"),
            ("latin", b'{"type": "\xff"}', "application/json"),
        ]
    }
    assert answers == {"deep": 400, "large": 413, "form": 415, "NaN": 400, "latin": 400}


def test_the_example_in_the_description_posts(api: Api, maker: User, chart: dict[str, Any]) -> None:
    content = description()["paths"]["/api/v1/transactions"]["post"]["requestBody"]["content"]["application/json"]
    (example,) = content["examples"].values()
    # The example speaks of the demo company; its accounts have these codes in the chart of the tests.
    codes = {"1010-USD": "1010", "C0003-USD": "2010"}
    body = {**example["value"], "entity": "M1"}
    body["lines"] = [{**line, "account": codes[line["account"]]} for line in body["lines"]]
    with posts("1010 debit 1000.00 USD / 2010 credit 1000.00 USD"):
        api(maker).post("/transactions", body, key="k1")


def test_a_key_posts_once_whatever_door_it_comes_through(api: Api, maker: User) -> None:
    ledger.post_entry(draft=draft("1010 debit 10.00 USD / 2010 credit 10.00 USD", key="k1"), scope=f"user:{maker.pk}")
    api(maker).refused("/transactions", deposit(), key="k1", answers=409)
    assert JournalEntry.objects.count() == 1
