"""Reading the books and closing a period over REST."""

from collections.abc import Callable
from typing import Any

from pytest_django import DjangoAssertNumQueries

from approvals.models import User
from ledger.models import AccountingPeriod
from tests.api.caller import Caller
from tests.fixtures import DAY, Post
from tests.notation import writes_nothing

Api = Callable[[User], Caller]


def pages(caller: Caller, path: str, **query: Any) -> list[list[Any]]:
    """Follow `next` to the last page."""
    found = []
    body = caller.get(path, **query)
    while True:
        found.append(body["results"])
        if body["next"] is None:
            return found
        response = caller.client.get(body["next"])
        assert response.status_code == 200
        body = response.json()


def test_entries_come_newest_first_in_pages_that_neither_repeat_nor_skip(api: Api, auditor: User, post: Post) -> None:
    numbers = [str(post("1010 debit 1.00 USD / 2010 credit 1.00 USD").entry_id) for _ in range(7)]
    found = pages(api(auditor), "/entries", limit=3)
    assert [len(page) for page in found] == [3, 3, 1]
    assert [entry["id"] for page in found for entry in page] == numbers[::-1]


def test_entries_are_found_by_what_they_say(api: Api, auditor: User, post: Post) -> None:
    wanted = post("1010 debit 5.00 USD / 2010 credit 5.00 USD", reference="INV-7")
    post("1030 debit 900 JPY / 2030 credit 900 JPY")
    caller = api(auditor)
    queries: list[dict[str, Any]] = [{"reference": "INV-7"}, {"account": "2010"}, {"type": "deposit", "account": "1010"}]
    for query in queries:
        assert [entry["id"] for entry in caller.get("/entries", **query)["results"]] == [str(wanted.entry_id)]
    assert caller.get("/entries", type="fee")["results"] == []
    assert len(caller.get("/entries", since=DAY.isoformat(), until=DAY.isoformat())["results"]) == 2
    assert caller.get("/entries", since="2026-11-03")["results"] == []


def test_a_list_costs_the_same_for_one_row_and_for_many(
    api: Api, auditor: User, post: Post, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(12):
        post("1010 debit 1.00 USD / 2010 credit 1.00 USD")
    caller = api(auditor)
    for path in ("/entries", "/accounts", "/accounts/1010/postings", "/trial-balance", "/periods", "/assets"):
        with django_assert_max_num_queries(14):
            caller.get(path)


def test_an_account_answers_its_balance_on_its_normal_side_and_how_it_came_to_be(api: Api, auditor: User, post: Post) -> None:
    post("1010 debit 10.00 USD / 2010 credit 10.00 USD")
    post("2010 debit 4.00 USD / 1010 credit 4.00 USD", kind="withdrawal")
    caller = api(auditor)
    account = caller.get("/accounts/2010")
    assert (account["normal_side"], account["balance_minor"], account["posted_debits_minor"]) == ("credit", "600", "400")
    postings = caller.get("/accounts/2010/postings")["results"]
    assert [(leg["account_seq"], leg["direction"], leg["balance_after_minor"]) for leg in postings] == [
        (2, "debit", "600"),
        (1, "credit", "1000"),
    ]


def test_the_trial_balance_is_zero_in_each_asset_and_knows_its_day(api: Api, auditor: User, post: Post) -> None:
    post("1010 debit 10.00 USD / 2010 credit 10.00 USD")
    post("1050 debit 0.000000000000000001 DAI / 2050 credit 0.000000000000000001 DAI")
    caller = api(auditor)
    said = caller.get("/trial-balance", as_of=DAY.isoformat())
    assert [(one["asset"], one["debit_minor"], one["difference_minor"]) for one in said["sections"]] == [
        ("DAI", "1", "0"),
        ("USD", "1000", "0"),
    ]
    assert said["whole_books"] is True
    assert caller.get("/trial-balance", as_of="2026-11-01")["sections"] == []


def test_a_stranger_sees_none_of_it(api: Api, stranger: User, post: Post) -> None:
    entry = post("1010 debit 10.00 USD / 2010 credit 10.00 USD")
    caller = api(stranger)
    for path in ("/entries", "/accounts", "/periods"):
        assert caller.get(path)["results"] == []
    assert caller.get("/trial-balance", as_of=DAY.isoformat())["sections"] == []
    assert caller.get(f"/entries/{entry.entry_id}", answers=404)["error"]["code"] == "entry_not_found"
    assert caller.get("/accounts/1010", answers=404)["error"]["code"] == "account_not_found"
    assert caller.get("/accounts/1010/postings", answers=404)["error"]["code"] == "account_not_found"


def test_a_list_refuses_what_it_does_not_understand(api: Api, auditor: User, chart: object) -> None:
    caller = api(auditor)
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"stat": "open"}, "stat"),
        ({"status": "ajar"}, "status"),
        ({"q": "\0"}, "q"),
        ({"limit": 0}, "limit"),
        ({"limit": 501}, "limit"),
        ({"limit": "\u0661"}, "limit"),
        ({"after": ""}, "after"),
        ({"after": "a~b"}, "after"),
        ({"after": "\0"}, "after"),
        ({"asset": ["USD", "EUR"]}, "asset"),
    ]
    for query, field in wrong:
        assert caller.get("/accounts", answers=422, **query)["error"]["field"] == field, query
    assert caller.get("/entries", answers=422, after="1010")["error"]["field"] == "after"


def test_a_controller_closes_a_period_once_and_for_all(api: Api, person: Callable[[str, str], User], post: Post) -> None:
    caller = api(person("controller", "Controller"))
    period = AccountingPeriod.objects.get()
    closed = caller.post(f"/periods/{period.pk}/close", answers=200)
    with writes_nothing():
        again = caller.post(f"/periods/{period.pk}/close", answers=200)
    assert closed == again
    assert (closed["status"], closed["entity"]) == ("closed", "M1")
    assert caller.refused("/periods/999999/close", answers=404)["code"] == "period_not_found"


def test_who_may_close_but_sees_no_entity_finds_no_period(api: Api, stranger: User, person: Callable[[str, str], User]) -> None:
    stranger.groups.add(person("controller", "Controller").groups.get())
    caller = api(stranger)
    assert caller.get("/periods")["results"] != [], "the second role gives sight"
    stranger.groups.clear()
    assert caller.get("/periods", answers=403)["error"]["code"] == "permission_denied"
