"""Reading the books and closing a period over REST."""

from collections.abc import Callable
from datetime import date
from typing import Any
from uuid import UUID

from pytest_django import DjangoAssertNumQueries

from approvals import operations as approvals
from approvals.models import DecisionOutcome, ProposalVersion, User
from ledger import operations as ledger
from ledger.models import AccountingPeriod
from tests.api.caller import Caller
from tests.fixtures import DAY, STARTS_ON, Post
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


def test_entries_are_found_by_an_amount_of_a_line_on_an_account(api: Api, auditor: User, post: Post) -> None:
    post("1010 debit 10.00 USD / 2010 credit 6.00 USD / 2020 credit 4.00 USD", reference="SPLIT")
    post("2010 debit 4.00 USD / 1010 credit 4.00 USD", kind="withdrawal", reference="OUT")
    caller = api(auditor)

    def found(**query: Any) -> list[str]:
        return [entry["reference"] for entry in caller.get("/entries", asset="USD", **query)["results"]]

    assert found(amount="400") == ["OUT", "SPLIT"]
    assert found(amount="400", account="2020") == ["SPLIT"]
    assert found(amount="1000", account="2020") == []
    assert caller.get("/entries", answers=422, amount="400")["error"]["field"] == "asset"


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


def test_a_period_is_closed_and_reopened_by_proposal(api: Api, person: Callable[[str, str], User], checker: User, post: Post) -> None:
    caller = api(person("controller", "Controller"))
    month = ledger.open_period(entity="M1", starts_on=date(2025, 12, 1), ends_on=date(2025, 12, 31))
    post("1010 debit 10.00 USD / 2010 credit 10.00 USD", day=month.ends_on)
    year = AccountingPeriod.objects.get(starts_on=STARTS_ON)
    with writes_nothing():
        blocked = caller.refused(f"/periods/{year.pk}/close", {"narrative": "The year is complete and agreed."}, answers=409)
    assert (blocked["code"], list(blocked["detail"]["blockers"])) == ("period_not_ready", ["earlier_periods"])
    asked = caller.post(f"/periods/{month.pk}/close", {"narrative": "The month is complete and agreed."}, answers=202)
    _approve(asked["id"], by=checker)
    shown = caller.get(f"/periods/{month.pk}")
    assert (shown["status"], [one["n"] for one in shown["closes"]]) == ("closed", [1])
    assert shown["totals"] == [
        {"asset": "USD", "scale": 2, "accounts": 2, "debits_minor": "1000", "credits_minor": "1000", "difference_minor": "0"}
    ]
    again = caller.refused(f"/periods/{month.pk}/close", {"narrative": "The month is complete and agreed."}, answers=409)
    assert again["code"] == "period_refused"
    reopening = {"narrative": "An invoice of that month came late.", "until": "2040-01-01T00:00:00Z"}
    _approve(caller.post(f"/periods/{month.pk}/reopen", reopening, answers=202)["id"], by=checker)
    assert caller.get("/periods", status="open")["results"][0]["reopen_ends_at"] == "2040-01-01T00:00:00Z"
    assert caller.refused(f"/periods/{month.pk}/soft-lock", answers=409)["code"] == "period_refused"
    assert caller.refused("/periods/999999/close", answers=404)["code"] == "period_not_found"


def _approve(proposal_id: str, *, by: User) -> None:
    version = ProposalVersion.objects.get(proposal=UUID(proposal_id))
    decided = approvals.decide(
        proposal_id=UUID(proposal_id), version=1, digest=version.digest, outcome=DecisionOutcome.APPROVE, comment="", approver_id=by.pk
    )
    assert decided.status == "executed"


def test_a_year_is_opened_and_a_period_is_soft_locked_at_once(api: Api, person: Callable[[str, str], User]) -> None:
    caller = api(person("controller", "Controller"))
    assert len(caller.post("/periods", {"entity": "M1", "starts_on": "2027-01-01"})["periods"]) == 12
    refused = caller.refused("/periods", {"entity": "M9", "starts_on": "2027-01-01"}, answers=422)
    assert refused["field"] == "entity"
    period = AccountingPeriod.objects.get(starts_on=STARTS_ON)
    assert caller.post(f"/periods/{period.pk}/soft-lock", answers=200)["status"] == "soft_locked"
    assert caller.post(f"/periods/{period.pk}/unlock", answers=200)["status"] == "open"


def test_the_trial_balance_compares_and_the_general_ledger_opens_and_closes(api: Api, auditor: User, post: Post) -> None:
    caller = api(auditor)
    post("1010 debit 10.00 USD / 2010 credit 10.00 USD", day=date(2026, 3, 2))
    post("2010 debit 4.00 USD / 1010 credit 4.00 USD", kind="withdrawal", day=date(2026, 3, 20))
    (section,) = caller.get("/trial-balance", as_of="2026-03-31", compare_to="2026-03-10")["sections"]
    assert [(row["account"], row["compared_minor"], row["difference_minor"]) for row in section["rows"]] == [
        ("1010", "1000", "-400"),
        ("2010", "-1000", "400"),
    ]
    assert caller.get("/trial-balance", known_at="soon", answers=422)["error"]["field"] == "known_at"
    rows = {row["account"]: row for row in caller.get("/general-ledger", since="2026-03-10", until="2026-03-31")["results"]}
    assert [rows["2010"][name] for name in ("opening_minor", "debits_minor", "credits_minor", "closing_minor")] == [
        "1000",
        "400",
        "0",
        "600",
    ]
    assert caller.get("/general-ledger", since="2026-04-01", until="2026-03-31", answers=422)["error"]["field"] == "since"


def test_who_may_close_but_sees_no_entity_finds_no_period(api: Api, stranger: User, person: Callable[[str, str], User]) -> None:
    stranger.groups.add(person("controller", "Controller").groups.get())
    caller = api(stranger)
    assert caller.get("/periods")["results"] != [], "the second role gives sight"
    stranger.groups.clear()
    assert caller.get("/periods", answers=403)["error"]["code"] == "permission_denied"
