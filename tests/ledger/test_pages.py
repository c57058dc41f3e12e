"""The ledger's pages: who sees what, what filters find, what leaves as a file."""

import csv
import io
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from approvals.models import User
from approvals.operations import grant_sight
from audit.models import AuditEvent
from ledger import operations, queries
from ledger.models import Account, AccountGroup, AccountType, JournalEntry, LegalEntity, OwnerClass
from ledger.queries import journal
from tests.fixtures import ENTITY, Post, signed_in
from tests.notation import writes_nothing

LISTS = ["/accounts/", "/ledger/", "/ledger/general/?since=2026-03-01&until=2026-04-30", "/ledger/trial-balance/"]
MOST_QUERIES = 25


@pytest.fixture
def posted(post: Post) -> list[JournalEntry]:
    """Post four entries of different days, kinds, assets and amounts."""
    post(
        "1010 debit 10.00 USD / 2010 credit 10.00 USD",
        reference="INV-1",
        counterparty="Northwind",
        day=date(2026, 3, 2),
        metadata={"channel": "wire"},
    )
    post("2010 debit 4.00 USD / 4010 credit 4.00 USD", kind="fee", description="Monthly fee", day=date(2026, 3, 3))
    post("1030 debit 1000 JPY / 2030 credit 1000 JPY", reference="INV-2", day=date(2026, 3, 2))
    post("1040 debit 10.000001 USDC / 2040 credit 10.000001 USDC", description="=HYPERLINK(1)", day=date(2026, 4, 1))
    return list(JournalEntry.objects.order_by("number"))


def numbers(response: Any) -> list[str]:
    """Return the entries that a list shows, in its order."""
    return [row.entry.public_number for row in response.context["rows"]]


def file_of(response: Any) -> list[list[str]]:
    """Return a file's names of columns and its rows, without what it says about itself after them."""
    content = b"".join(response.streaming_content).decode()
    header, *rows = csv.reader(io.StringIO(content))
    return [header, *(row for row in rows if len(row) == len(header))]


# Who sees what


@pytest.mark.parametrize("role", ["Analyst", "Approver", "Controller", "Auditor"])
def test_each_reader_of_the_books_opens_each_page(person: Callable[[str, str], User], posted: list[JournalEntry], role: str) -> None:
    browser = signed_in(person("reader", role))
    for page in [*LISTS, "/accounts/1010/", f"/ledger/entries/{posted[0].pk}/"]:
        with CaptureQueriesContext(
            connection,
        ) as captured:
            response = browser.get(page)
        assert response.status_code == 200, page
        assert b"<c-" not in response.content
        assert len(captured) <= MOST_QUERIES, (page, len(captured))


def test_a_role_without_the_books_is_refused(person: Callable[[str, str], User], posted: list[JournalEntry]) -> None:
    browser = signed_in(person("administrator", "Administrator"))
    for page in [*LISTS, "/accounts/1010/", f"/ledger/entries/{posted[0].pk}/"]:
        assert browser.get(page).status_code == 403, page
    for export in ["/accounts/1010/export/", "/ledger/export/", "/ledger/general/export/", "/ledger/trial-balance/export/"]:
        assert browser.post(export).status_code == 403, export


def test_a_stranger_sees_nothing_of_the_books(stranger: User, posted: list[JournalEntry]) -> None:
    browser = signed_in(stranger)
    for page in LISTS:
        content = browser.get(page).content.decode()
        assert "1010" not in content, page
        assert "LE-" not in content.replace("LE-,", ""), page
    assert browser.get("/accounts/1010/").status_code == 404
    assert browser.get(f"/ledger/entries/{posted[0].pk}/").status_code == 404
    with writes_nothing():
        assert browser.post("/accounts/1010/export/").status_code == 404
    assert len(file_of(browser.post("/ledger/export/"))) == 1


def test_an_entry_that_touches_an_account_out_of_sight_is_out_of_sight(maker: User, post: Post, posted: list[JournalEntry]) -> None:
    operations.define_account_group(code="SECRET", name="Secret")
    hidden = operations.open_account(
        code="2999",
        name="Hidden",
        entity=ENTITY,
        group="SECRET",
        asset="USD",
        account_type=AccountType.LIABILITY,
        owner_class=OwnerClass.CUSTOMER,
    )
    half_seen = post("1010 debit 7.00 USD / 2999 credit 7.00 USD")
    browser = signed_in(maker)
    assert browser.get(f"/ledger/entries/{half_seen.entry_id}/").status_code == 404
    assert numbers(browser.get("/ledger/")) == [entry.public_number for entry in (posted[3], posted[1], posted[2], posted[0])]
    balance = browser.get("/ledger/trial-balance/").content.decode()
    assert "You see a part of these books" in balance
    assert "2999" not in balance
    grant_sight(role="Analyst", scope_object=AccountGroup.objects.get(code="SECRET"))
    assert browser.get(f"/ledger/entries/{half_seen.entry_id}/").status_code == 200
    assert "You see a part of these books" not in browser.get("/ledger/trial-balance/").content.decode()
    assert queries.account_for(maker, code="2999") == hidden


def test_sight_of_a_group_alone_is_no_sight(person: Callable[[str, str], User], stranger: User, posted: list[JournalEntry]) -> None:
    grant_sight(role="Stranger", scope_object=AccountGroup.objects.get(code="ALL"))
    assert signed_in(stranger).get("/accounts/1010/").status_code == 404
    grant_sight(role="Stranger", scope_object=LegalEntity.objects.get(code=ENTITY))
    assert signed_in(stranger).get("/accounts/1010/").status_code == 200


# What filters find


def test_the_general_ledger_opens_moves_and_closes_and_unfolds_one_account(maker: User, posted: list[JournalEntry]) -> None:
    browser = signed_in(maker)
    page = browser.get("/ledger/general/?since=2026-03-03&until=2026-04-30&account=2010")
    rows = {row.account.code: row for row in page.context["rows"]}
    assert list(rows) == ["1040", "2010", "2040", "4010"]
    two = rows["2010"]
    assert (two.opening_minor, two.debits_minor, two.credits_minor, two.closing_minor) == (1000, 400, 0, 600)
    assert [leg.entry_id for leg in page.context["legs"]] == [posted[1].pk]
    everything = browser.get("/ledger/general/?since=2026-03-03&until=2026-04-30&asset=USD&all=1&q=10").context["rows"]
    assert [(row.account.code, row.closing_minor) for row in everything] == [("1010", 1000), ("1020", 0)]
    assert browser.get("/ledger/general/?since=2026-03-03&until=2026-03-01").status_code == 422
    _header, *lines = file_of(browser.post("/ledger/general/export/?since=2026-03-03&until=2026-04-30"))
    assert [line[0] for line in lines] == list(rows)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", [3, 1, 2, 0]),
        ("q=northwind", [0]),
        ("q=monthly", [1]),
        ("q=INV-", [2, 0]),
        ("type=fee", [1]),
        ("account=2010", [1, 0]),
        ("account=20", []),
        ("reference=INV-2", [2]),
        ("reference=INV-", []),
        ("since=2026-03-03", [3, 1]),
        ("until=2026-03-02", [2, 0]),
        ("since=2026-03-02&until=2026-03-02&account=1030", [2]),
        ("amount=10", [0]),
        ("amount=10.00", [0]),
        ("amount=10.000001", [3]),
        ("amount=1,000", [2]),
        ("amount=0.01", []),
        ("metadata=channel%3Dwire", [0]),
        ("metadata=channel%3Dcard", []),
        ("metadata=channel%3Dwire&since=2026-03-03", []),
        ("origin=rule", [3, 1, 2, 0]),
        ("origin=manual", []),
        ("q=hyperlink&until=2026-03-31", []),
    ],
)
def test_the_journal_is_filtered_by_its_address(maker: User, posted: list[JournalEntry], query: str, found: list[int]) -> None:
    assert numbers(signed_in(maker).get(f"/ledger/?{query}")) == [posted[n].public_number for n in found]


def test_an_entry_is_found_by_its_number(maker: User, posted: list[JournalEntry]) -> None:
    assert numbers(signed_in(maker).get(f"/ledger/?q={posted[2].public_number.lower()}")) == [posted[2].public_number]


def test_a_text_is_looked_for_in_all_entries_of_the_days_chosen_and_else_in_the_newest(
    maker: User, posted: list[JournalEntry], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "WINDOW", 1)
    monkeypatch.setattr(journal, "MOST_OF_DAYS", 2)
    browser = signed_in(maker)

    def looked(query: str) -> tuple[list[str], str]:
        response = browser.get(f"/ledger/?{query}")
        return numbers(response), response.context["looked_through"]

    found, said = looked("metadata=channel%3Dwire")
    assert (found, "in the newest 1 entries" in said) == ([], True)
    found, said = looked("metadata=channel%3Dwire&until=2026-03-02")
    assert (found, said) == ([posted[0].public_number], "Texts and metadata were looked for in all entries of the days chosen.")
    assert looked("amount=10")[1] == ""


@pytest.mark.parametrize("query", ["amount=ten", "since=yesterday", "type=gift", "metadata=wire", "origin=rumour"])
def test_a_filter_that_cannot_be_read_shows_nothing_and_says_why(maker: User, posted: list[JournalEntry], query: str) -> None:
    response = signed_in(maker).get(f"/ledger/?{query}")
    assert response.status_code == 422
    assert numbers(response) == []
    assert b"The filters cannot be read" in response.content
    assert query.partition("=")[2].encode() in response.content


def test_pages_of_the_journal_show_every_entry_once(maker: User, post: Post) -> None:
    for n in range(95):
        post(f"1010 debit {n + 1}.00 USD / 2010 credit {n + 1}.00 USD", day=date(2026, 3, 1 + n % 7))
    browser = signed_in(maker)
    seen: list[str] = []
    address = "/ledger/"
    while address:
        response = browser.get(address)
        seen += numbers(response)
        older = response.context["page"].older
        address = f"/ledger/{older}" if older else ""
    expected = JournalEntry.objects.order_by("-effective_date", "-id")
    assert seen == [entry.public_number for entry in expected]


def test_htmx_gets_the_list_alone(maker: User, posted: list[JournalEntry]) -> None:
    for page in LISTS:
        fragment = signed_in(maker).get(page, headers={"HX-Request": "true", "HX-Target": "results"}).content.decode()
        assert "<html" not in fragment, page
        assert 'id="results"' in fragment, page


@pytest.mark.parametrize(
    ("query", "codes"),
    [("q=wallet", ["1040", "1050"]), ("owner_class=nostro", ["1010", "1030"]), ("asset=JPY", ["1030", "2030"]), ("q=64", ["6420"])],
)
def test_the_chart_is_filtered_by_its_address(maker: User, posted: list[JournalEntry], query: str, codes: list[str]) -> None:
    rows = signed_in(maker).get(f"/accounts/?{query}").context["rows"]
    assert [row.account.code for row in rows] == codes


def test_a_control_account_shows_what_the_accounts_under_it_hold(maker: User, chart: dict[str, Account], post: Post) -> None:
    for code in ("2010", "2020"):
        operations.change_account(account=chart[code], changes={"parent": "1900"})
    post("1010 debit 6.00 USD / 2010 credit 6.00 USD")
    rows = {row.account.code: (row.level, row.under, row.posted_minor) for row in signed_in(maker).get("/accounts/").context["rows"]}
    assert (rows["1900"], rows["2010"], rows["2020"]) == ((1, 2, 600), (2, 0, 600), (2, 0, 0))


# What a page says


def test_an_entry_shows_its_legs_and_what_each_account_held(auditor: User, posted: list[JournalEntry]) -> None:
    response = signed_in(auditor).get(f"/ledger/entries/{posted[1].pk}/")
    shown = [(t.account.code, t.before_minor, t.after_minor) for t in response.context["t_accounts"]]
    assert shown == [("2010", 1000, 600), ("4010", 0, 400)]
    assert response.context["totals"][0]["debit"] == response.context["totals"][0]["credit"] == 400


def test_an_account_shows_its_statement_with_the_balance_after_each_leg(auditor: User, posted: list[JournalEntry]) -> None:
    response = signed_in(auditor).get("/accounts/2010/")
    assert [(row.last.leg.account_seq, row.last.leg.direction, row.balance_minor) for row in response.context["movements"]] == [
        (2, "debit", 600),
        (1, "credit", 1000),
    ]


def test_a_trial_balance_is_of_its_day(auditor: User, posted: list[JournalEntry]) -> None:
    content = signed_in(auditor).get("/ledger/trial-balance/?as_of=2026-03-02").content.decode()
    assert content.count("Balanced") == 2  # USD and JPY; USDC came later
    assert "USDC" not in content


# What leaves


def test_a_statement_leaves_as_a_file_and_is_on_the_trail(auditor: User, posted: list[JournalEntry]) -> None:
    header, *rows = file_of(signed_in(auditor).post("/accounts/2010/export/"))
    debit, credit, held = (header.index(name) for name in ("debit", "credit", "balance"))
    assert [(row[debit], row[credit], row[held]) for row in rows] == [("", "10.00", "10.00"), ("4.00", "", "6.00")]
    event = AuditEvent.objects.latest("id")
    assert (event.action, event.target_id, event.actor_id, event.after) == (
        "ledger.statement.exported",
        "2010",
        auditor.pk,
        {"query": "order=record", "rows": 2, "format": "csv"},
    )


def test_a_filtered_journal_leaves_as_shown_and_runs_nothing(auditor: User, posted: list[JournalEntry]) -> None:
    header, *rows = file_of(signed_in(auditor).post("/ledger/export/?account=2040"))
    assert {row[header.index("description")] for row in rows} == {"'=HYPERLINK(1)"}
    assert [(row[header.index("account")], row[header.index("debit")], row[header.index("credit")]) for row in rows] == [
        ("1040", "10.000001", ""),
        ("2040", "", "10.000001"),
    ]
    assert AuditEvent.objects.latest("id").after == {"query": "account=2040", "rows": 2, "format": "csv"}


def test_a_trial_balance_leaves_with_totals_that_agree(auditor: User, posted: list[JournalEntry]) -> None:
    rows = file_of(signed_in(auditor).post("/ledger/trial-balance/export/?as_of=2026-12-31&detail=accounts"))
    totals = {row[1]: (row[5], row[6]) for row in rows if row[2] == "total"}
    assert totals == {"USD": ("10.00", "10.00"), "JPY": ("1000", "1000"), "USDC": ("10.000001", "10.000001")}


def test_nothing_is_exported_by_looking(auditor: User, posted: list[JournalEntry]) -> None:
    browser = signed_in(auditor)
    with writes_nothing(except_in=["audit_event"]):
        for export in ["/accounts/1010/export/", "/ledger/export/", "/ledger/general/export/", "/ledger/trial-balance/export/"]:
            assert browser.get(export).status_code == 405, export
