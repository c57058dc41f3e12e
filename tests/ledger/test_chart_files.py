"""The chart as a file: what goes out reads in again, what is wrong is told all at once, what is new opens together or not at all."""

import csv
import io
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from approvals import operations as approvals
from approvals.models import DecisionOutcome, Proposal, ProposalStatus, User
from ledger import operations
from ledger.models import Account, AccountType, Balance, OwnerClass
from ledger.operations.chart_files import COLUMNS, ChartFileRefused, chart_lines, read_chart
from ledger.queries import accounts_for
from tests.fixtures import Post, signed_in
from tests.notation import writes_nothing

pytestmark = pytest.mark.django_db

WHY = "The chart of the new business line."
HEAD = ",".join(COLUMNS)
# The child stands above its parent in the file, and is opened after it.
NEW = f"""{HEAD}
6110,"Rent, office",M1,ALL,USD,expense,fee,6100,,,,no,,no
6100,Premises,M1,ALL,USD,expense,fee,,,,,yes,,no
1500,Reserve,M1,ALL,USD,asset,reserve,,treasury,,,no,"1,000.00",no
4020,Fees of cards,M1,ALL,USD,income,fee,,,,,no,,yes
"""


def chart_of(user: User) -> str:
    return "".join(chart_lines(accounts_for(user).select_related("parent", "equivalent_of")))


def propose(text: str, *, maker: User) -> Proposal:
    return operations.propose_chart_import(text=text, file_name="chart.csv", reason_code="CHART_IMPORT", narrative=WHY, maker_id=maker.pk)


def approve(proposal: Proposal, *, by: User) -> Proposal:
    version = proposal.versions.get(n=proposal.current_version)
    return approvals.decide(
        proposal_id=proposal.pk, version=version.n, digest=version.digest, outcome=DecisionOutcome.APPROVE, comment="", approver_id=by.pk
    )


def test_what_goes_out_reads_in_again_unchanged(maker: User, chart: dict[str, Account]) -> None:
    operations.open_account(
        code="1500",
        name="=cmd|' /C calc'!A0",
        entity="M1",
        group="ALL",
        asset="DAI",
        account_type=AccountType.ASSET,
        owner_class=OwnerClass.WALLET,
        controls={"overdraft_limit": "1000000000000000001"},
    )
    text = chart_of(maker)
    rows = list(csv.DictReader(io.StringIO(text)))
    assert len(rows) == len(chart) + 1
    (written,) = (row for row in rows if row["code"] == "1500")
    assert (written["name"][0], written["overdraft_limit"]) == ("'", "1.000000000000000001")
    with writes_nothing():
        reading = read_chart(text)
    assert (reading.problems, reading.new, len(reading.unchanged)) == ([], [], len(rows))


def test_two_people_open_what_is_new_parents_first(maker: User, checker: User) -> None:
    proposal = propose(NEW, maker=maker)
    assert not Account.objects.filter(code="6100").exists()
    page = signed_in(checker).get(f"/approvals/{proposal.pk}/").content.decode()
    assert "Rent, office" in page
    decided = approve(proposal, by=checker)
    assert decided.status == ProposalStatus.EXECUTED, decided.status_reason
    opened = {account.code: account for account in Account.objects.select_related("parent").filter(code__in=["6100", "6110", "1500"])}
    assert opened["6110"].parent == opened["6100"]
    assert (opened["6100"].is_control, opened["1500"].reserve_class) == (True, "treasury")
    assert Balance.objects.get(account=opened["1500"]).overdraft_limit_minor == 100000
    assert Balance.objects.get(account__code="4020").deferred
    assert read_chart(NEW).problems == []
    assert len(read_chart(NEW).unchanged) == 4


def test_an_account_opened_meanwhile_makes_the_proposal_stale(maker: User, checker: User) -> None:
    proposal = propose(NEW, maker=maker)
    operations.open_requested_account(
        request=operations.OpeningRequest(
            code="6100", name="Premises", entity="M1", group="ALL", asset="USD", type="expense", owner_class="fee", control=True
        )
    )
    assert approve(proposal, by=checker).status == ProposalStatus.STALE
    assert not Account.objects.filter(code__in=["6110", "1500", "4020"]).exists()


def row(**values: str) -> str:
    sound = dict.fromkeys(COLUMNS, "") | {
        "code": "6100", "name": "N", "entity": "M1", "group": "ALL", "asset": "USD", "type": "expense", "owner_class": "fee",
    }  # fmt: skip
    written = io.StringIO()
    csv.writer(written).writerow([(sound | values)[name] for name in COLUMNS])
    return written.getvalue()


@pytest.mark.parametrize(
    ("values", "column"),
    [
        ({"code": ""}, "code"),
        ({"code": "hot"}, "code"),
        ({"code": "a/b"}, "code"),
        ({"name": ""}, "name"),
        ({"entity": "M9"}, "entity"),
        ({"group": "NONE"}, "group"),
        ({"asset": "XXX"}, "asset"),
        ({"type": "profit"}, "type"),
        ({"owner_class": "ours"}, "owner_class"),
        ({"owner_class": "reserve"}, "reserve_class"),
        ({"reserve_class": "cash"}, "reserve_class"),
        ({"purpose": "profit"}, "purpose"),
        ({"control": "perhaps"}, "control"),
        ({"overdraft_limit": "1.234"}, "overdraft_limit"),
        ({"overdraft_limit": "-5"}, "overdraft_limit"),
        ({"overdraft_limit": "1e3"}, "overdraft_limit"),
        ({"deferred": "yes", "owner_class": "customer"}, "deferred"),
        ({"deferred": "yes", "overdraft_limit": "5"}, "deferred"),
        ({"parent": "9999"}, "parent"),
        ({"parent": "4010"}, "parent"),
        ({"parent": "6100"}, "parent"),
        ({"code": "6420", "name": "Another name"}, "name"),
        ({"code": "6420", "name": "Bank charges", "overdraft_limit": "5.00"}, "overdraft_limit"),
    ],
)
def test_what_is_wrong_is_told_with_its_row_and_column(chart: dict[str, Account], values: dict[str, str], column: str) -> None:
    reading = read_chart(f"{HEAD}\n{row(code='6000')}{row(**values)}")
    assert [(problem.row, problem.column) for problem in reading.problems] == [(3, column)]
    assert [request.code for request in reading.new] == ["6000"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "the file is empty"),
        ("code,name\n", "this column is missing"),
        (f"{HEAD},colour\n", "there is no such column"),
        (f"{HEAD}\n6100,N\n", "2 cells, where the first line names 14"),
        ("a\0b", "this is no text"),
    ],
)
def test_a_file_that_is_no_chart_says_so(chart: dict[str, Account], text: str, sentence: str) -> None:
    reading = read_chart(text)
    assert any(sentence in problem.sentence for problem in reading.problems)
    assert reading.new == []


def test_circles_doubles_and_purposes_within_a_file_are_found(chart: dict[str, Account]) -> None:
    circle = row(code="6100", parent="6200") + row(code="6200", parent="6100")
    assert {problem.sentence for problem in read_chart(f"{HEAD}\n{circle}").problems} == {"an account cannot stand under itself"}
    double = read_chart(f"{HEAD}\n{row()}{row()}")
    assert [(problem.row, problem.sentence) for problem in double.problems] == [(3, "row 2 has account 6100 already")]
    purposes = row(code="6100", purpose="rounding") + row(code="6200", purpose="rounding")
    assert {problem.column for problem in read_chart(f"{HEAD}\n{purposes}").problems} == {"purpose"}


def test_a_file_with_one_wrong_place_opens_nothing(maker: User, checker: User) -> None:
    with writes_nothing(), pytest.raises(ChartFileRefused) as refused:
        propose(f"{HEAD}\n{row()}{row(code='6200', asset='XXX')}", maker=maker)
    assert refused.value.detail["problems"] == [{"row": 3, "column": "asset", "sentence": "there is no asset XXX"}]


def test_the_pages_preview_propose_and_hand_out(maker: User, checker: User, stranger: User, post: Post) -> None:
    browser = signed_in(maker)
    with writes_nothing():
        wrong = browser.post("/accounts/import/", {"file": SimpleUploadedFile("chart.csv", f"{HEAD}\n{row(asset='XXX')}".encode())})
    assert wrong.status_code == 422
    assert "There is no asset XXX".lower() in wrong.content.decode().lower()
    assert browser.post("/accounts/import/", {"file": SimpleUploadedFile("x.csv", b"\xff\xfe")}).status_code == 422
    seen = browser.post("/accounts/import/", {"file": SimpleUploadedFile("chart.csv", NEW.encode())})
    assert seen.status_code == 200
    proposing = seen.context["proposing"]
    sent: dict[str, Any] = {"name": proposing["name"].value(), "text": proposing["text"].value()}
    assert browser.post("/accounts/import/propose/", sent).status_code == 422
    answer = browser.post("/accounts/import/propose/", sent | {"reason_code": "CHART_IMPORT", "narrative": WHY})
    assert answer.headers["Location"] == f"/approvals/{Proposal.objects.get().pk}/"
    handed_out = b"".join(browser.post("/accounts/export/").streaming_content).decode()  # type: ignore[attr-defined]
    assert read_chart(handed_out).problems == []
    assert signed_in(stranger).post("/accounts/import/", {"text": NEW}).status_code == 422


def test_the_api_does_the_same(maker: User, checker: User, stranger: User) -> None:
    browser = signed_in(maker)
    body = {"csv": NEW, "reason_code": "CHART_IMPORT", "narrative": WHY}
    assert signed_in(stranger).post("/api/v1/chart/imports", body, content_type="application/json").status_code == 422
    wrong = browser.post("/api/v1/chart/imports", body | {"csv": "code\n1"}, content_type="application/json")
    assert (wrong.status_code, wrong.json()["error"]["code"]) == (422, "chart_file_refused")
    assert browser.post("/api/v1/chart/imports", body, content_type="application/json").status_code == 202
    assert read_chart(browser.get("/api/v1/chart").json()["csv"]).problems == []
