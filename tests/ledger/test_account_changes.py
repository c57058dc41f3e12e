"""What may be done to an account: frozen by one at once, changed by two, opened with everything it needs."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connections, transaction

from approvals import operations as approvals
from approvals.models import DecisionOutcome, Proposal, ProposalStatus, User
from audit.models import AuditEvent
from ledger import operations
from ledger.models import Account, AccountType, Balance, OwnerClass
from ledger.operations import ChartRefused, PostingRefused, change_account
from ledger.operations.accounts import AccountChangeInvalid, AccountExists, AccountFrozenAlready
from ledger.queries import controls
from tests.fixtures import Post, signed_in
from tests.notation import posts, writes_nothing

pytestmark = pytest.mark.django_db

WHY = "Agreed with the desk that runs it."
DEPOSIT = "1010 debit 10.00 USD / 2010 credit 10.00 USD"
WITHDRAWAL = "2010 debit 4.00 USD / 1010 credit 4.00 USD"


def propose(changes: dict[str, Any], *, maker: User, account: str = "2010", reason: str = "ACCOUNT_LIMIT") -> Proposal:
    return operations.propose_account_change(account=account, changes=changes, reason_code=reason, narrative=WHY, maker_id=maker.pk)


def approve(proposal: Proposal, *, by: User) -> Proposal:
    version = proposal.versions.get(n=proposal.current_version)
    return approvals.decide(
        proposal_id=proposal.pk, version=version.n, digest=version.digest, outcome=DecisionOutcome.APPROVE, comment="", approver_id=by.pk
    )


def actions(code: str) -> list[str]:
    return list(AuditEvent.objects.filter(target_id=code, outcome="done").order_by("id").values_list("action", flat=True))


# Freezing


@pytest.mark.parametrize(("direction", "refused", "passes"), [("debit", WITHDRAWAL, DEPOSIT), ("credit", None, WITHDRAWAL)])
def test_a_freeze_holds_at_once_in_its_direction_alone(maker: User, post: Post, direction: str, refused: str | None, passes: str) -> None:
    post(DEPOSIT)
    operations.freeze_account(account_id=Account.objects.get(code="2010").pk, directions=[direction], reason="Court order 17")
    if refused:
        with pytest.raises(PostingRefused) as found:
            post(refused, kind="withdrawal")
        assert found.value.detail["reason"] == "account_frozen"
    with posts(passes):
        post(passes, kind="deposit" if passes == DEPOSIT else "withdrawal")
    event = AuditEvent.objects.get(action="ledger.account.frozen")
    assert (event.target_id, event.reason) == ("2010", "Court order 17")


def test_a_freeze_needs_a_reason_and_a_direction_and_is_no_second_one(chart: dict[str, Account]) -> None:
    account = chart["2010"]
    unsound: list[tuple[list[str], str, str]] = [(["debit"], " ", "reason"), ([], "why", "direction"), (["up"], "why", "direction")]
    for directions, reason, field in unsound:
        with writes_nothing(), pytest.raises(AccountChangeInvalid) as refused:
            operations.freeze_account(account_id=account.pk, directions=directions, reason=reason)
        assert refused.value.field == field
    operations.freeze_account(account_id=account.pk, directions=["debit"], reason="why")
    with writes_nothing(), pytest.raises(AccountFrozenAlready):
        operations.freeze_account(account_id=account.pk, directions=["debit"], reason="why")
    operations.freeze_account(account_id=account.pk, directions=["debit", "credit"], reason="now both")
    assert Balance.objects.get(account=account).credits_frozen


def test_releasing_a_freeze_takes_two(maker: User, checker: User, post: Post) -> None:
    account = Account.objects.get(code="2010")
    operations.freeze_account(account_id=account.pk, directions=["debit"], reason="why")
    with transaction.atomic(), pytest.raises(ChartRefused):
        change_account(account=account, changes={"debits_frozen": False})
    proposal = propose({"debits_frozen": False}, maker=maker, reason="ACCOUNT_STATUS")
    with pytest.raises(approvals.CheckerIsMaker):
        approve(proposal, by=maker)
    assert approve(proposal, by=checker).status == ProposalStatus.EXECUTED
    assert not Balance.objects.get(account=account).debits_frozen


# Changing by proposal


@pytest.mark.parametrize(
    ("account", "changes", "after"),
    [
        ("2010", {"overdraft_limit": "500"}, {"overdraft_limit": "500"}),
        ("2010", {"name": "Customer, first", "purpose": "rounding"}, {"name": "Customer, first", "purpose": "rounding"}),
        (
            "2010",
            {"velocity": [{"direction": "debit", "window_minutes": 60, "maximum": "1000", "maximum_postings": None}]},
            {"velocity": [{"direction": "debit", "window_minutes": 60, "maximum": "1000", "maximum_postings": None}]},
        ),
        ("2010", {"parent": "2000"}, {"parent": "2000"}),
        ("2020", {"status": "closed"}, {"status": "closed"}),
        ("4010", {"deferred": True}, {"deferred": True}),
    ],
)
def test_two_people_change_an_account(
    maker: User, checker: User, post: Post, account: str, changes: dict[str, Any], after: dict[str, Any]
) -> None:
    operations.open_account(
        code="2000",
        name="Customers",
        entity="M1",
        group="ALL",
        asset="USD",
        account_type=AccountType.LIABILITY,
        owner_class=OwnerClass.CUSTOMER,
    )
    post(DEPOSIT)
    proposal = propose(changes, maker=maker, account=account)
    assert controls.values_of(Account.objects.get(code=account)) | after != controls.values_of(Account.objects.get(code=account))
    assert approve(proposal, by=checker).status == ProposalStatus.EXECUTED, proposal.status_reason
    now = controls.values_of(Account.objects.get(code=account))
    assert {name: now[name] for name in after} == after
    assert "ledger.account.changed" in actions(account)
    if changes.get("name"):
        assert Account.history.filter(code=account).latest("history_date").name == "Customer, first"


def test_what_was_changed_meanwhile_makes_the_proposal_stale(maker: User, checker: User, chart: dict[str, Account]) -> None:
    proposal = propose({"overdraft_limit": "500"}, maker=maker)
    with transaction.atomic():
        change_account(account=chart["2010"], changes={"overdraft_limit": "100"})
    decided = approve(proposal, by=checker)
    assert decided.status == ProposalStatus.STALE
    assert "has been changed since this was proposed" in decided.status_reason
    assert Balance.objects.get(account=chart["2010"]).overdraft_limit_minor == 100


def test_other_values_changing_meanwhile_do_not_matter(maker: User, checker: User, chart: dict[str, Account]) -> None:
    proposal = propose({"overdraft_limit": "500"}, maker=maker)
    operations.freeze_account(account_id=chart["2010"].pk, directions=["debit"], reason="why")
    assert approve(proposal, by=checker).status == ProposalStatus.EXECUTED


@pytest.mark.parametrize(
    ("account", "changes", "field"),
    [
        ("2010", {}, None),
        ("2010", {"status": "open"}, None),
        ("2010", {"colour": "red"}, "colour"),
        ("2010", {"overdraft_limit": "-5"}, "overdraft_limit"),
        ("2010", {"overdraft_limit": 5}, "overdraft_limit"),
        ("1020", {"overdraft_limit": "0"}, "overdraft_limit"),
        ("2010", {"status": "closed"}, "status"),
        ("2010", {"status": "gone"}, "status"),
        ("2010", {"group": "NONE"}, "group"),
        ("2010", {"purpose": "profit"}, "purpose"),
        ("2010", {"name": ""}, "name"),
        ("2010", {"parent": "9999"}, "parent"),
        ("2010", {"parent": "2030"}, "parent"),
        ("2010", {"parent": "2010"}, "parent"),
        ("2010", {"deferred": True}, "deferred"),
        ("4010", {"deferred": True, "overdraft_limit": "5"}, "deferred"),
        ("2010", {"debits_frozen": "yes"}, "debits_frozen"),
        ("2010", {"velocity": [{"direction": "up", "window_minutes": 5, "maximum": "1", "maximum_postings": None}]}, "velocity"),
        ("2010", {"velocity": [{"direction": "debit", "window_minutes": 0, "maximum": "1", "maximum_postings": None}]}, "velocity"),
        ("2010", {"velocity": [{"direction": "debit", "window_minutes": 5, "maximum": None, "maximum_postings": None}]}, "velocity"),
    ],
)
def test_an_unsound_change_is_refused_where_it_is_wrong(
    maker: User, checker: User, post: Post, account: str, changes: dict[str, Any], field: str | None
) -> None:
    post(DEPOSIT)
    post("2010 debit 4.00 USD / 1020 credit 4.00 USD", kind="withdrawal")
    with writes_nothing(), pytest.raises(AccountChangeInvalid) as refused:
        propose(changes, maker=maker, account=account)
    assert refused.value.field == field


def test_limits_do_not_come_back_in_the_proposal_that_ends_deferred_mode(maker: User, checker: User, chart: dict[str, Account]) -> None:
    with transaction.atomic():
        change_account(account=chart["4010"], changes={"deferred": True})
    with writes_nothing(), pytest.raises(AccountChangeInvalid) as refused:
        propose({"deferred": False, "overdraft_limit": "0"}, maker=maker, account="4010")
    assert refused.value.field == "overdraft_limit"


@pytest.mark.django_db(transaction=True, databases=["default", "owner"])
def test_the_database_itself_keeps_statements_out_of_deferred_mode(chart: dict[str, Account]) -> None:
    with transaction.atomic(), pytest.raises(ChartRefused) as refused:
        change_account(account=chart["2010"], changes={"deferred": True})
    assert refused.value.field == "deferred"
    with connections["owner"].cursor() as cursor, transaction.atomic(using="owner"), pytest.raises(Exception, match="statement to keep"):
        cursor.execute("UPDATE ledger_balance SET deferred = true WHERE account_id = %s", [chart["2010"].pk])


# Velocity


def test_the_use_of_a_velocity_limit_is_what_the_next_request_meets(chart: dict[str, Account], post: Post) -> None:
    assert controls.velocity_use_of(chart["2010"]) == []
    limit = {"direction": "debit", "window_minutes": 60, "maximum": "1000", "maximum_postings": 3}
    fresh = operations.open_account(
        code="2011",
        name="Another",
        entity="M1",
        group="ALL",
        asset="USD",
        account_type=AccountType.LIABILITY,
        owner_class=OwnerClass.CUSTOMER,
        controls={"velocity": [limit]},
    )
    post("1010 debit 10.00 USD / 2011 credit 10.00 USD")
    post("2011 debit 6.00 USD / 1010 credit 6.00 USD", kind="withdrawal")
    (use,) = controls.velocity_use_of(fresh)
    assert (use.moved_minor, use.postings, use.percent, use.window) == (600, 1, 60, "1 hour")
    with pytest.raises(PostingRefused):
        post("2011 debit 4.01 USD / 1010 credit 4.01 USD", kind="withdrawal")
    post("2011 debit 4.00 USD / 1010 credit 4.00 USD", kind="withdrawal")
    (use,) = controls.velocity_use_of(fresh)
    assert use.percent == 100


# Opening


def test_an_account_opens_with_what_it_needs_once(chart: dict[str, Account]) -> None:
    wish = operations.OpeningRequest(
        code="1500",
        name="Reserve",
        entity="M1",
        group="ALL",
        asset="USD",
        type="asset",
        owner_class="reserve",
        reserve_class="treasury",
        overdraft_limit="0",
    )
    account = operations.open_requested_account(request=wish)
    assert account.reserve_class == "treasury"
    assert Balance.objects.get(account=account).overdraft_limit_minor == 0
    with writes_nothing(), pytest.raises(AccountExists):
        operations.open_requested_account(request=wish)


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"owner_class": "reserve"}, "reserve_class"),
        ({"reserve_class": "cash"}, "reserve_class"),
        ({"code": "new"}, "code"),
        ({"code": "a b"}, "code"),
        ({"parent": "2010"}, "parent"),
        ({"asset": "XXX"}, "asset"),
        ({"deferred": True}, "deferred"),
    ],
)
def test_an_account_that_makes_no_sense_is_refused(chart: dict[str, Account], values: dict[str, Any], field: str) -> None:
    sound = {"code": "1500", "name": "N", "entity": "M1", "group": "ALL", "asset": "USD", "type": "asset", "owner_class": "nostro"}
    with writes_nothing(), pytest.raises((ChartRefused, AccountChangeInvalid)) as refused:
        operations.open_requested_account(request=operations.OpeningRequest(**{**sound, **values}))
    assert refused.value.field == field


# Pages and API


def form_of(browser: Any, code: str) -> dict[str, Any]:
    """Return what a browser would send of the untouched form."""
    form = browser.get(f"/accounts/{code}/change/").context["form"]
    values = {name: form[name].value() for name in form.fields}
    return {name: value for name, value in values.items() if value not in (None, False, "")}


def test_the_page_proposes_what_was_changed_alone(maker: User, checker: User, post: Post) -> None:
    post(DEPOSIT)
    browser = signed_in(maker)
    untouched = form_of(browser, "2010") | {"reason_code": "ACCOUNT_LIMIT", "narrative": WHY}
    nothing = browser.post("/accounts/2010/change/", untouched)
    assert nothing.status_code == 422
    assert "nothing would change" in nothing.content.decode()
    wrong = browser.post("/accounts/2010/change/", untouched | {"limited": "yes", "overdraft_limit": "1.234"})
    assert wrong.status_code == 422
    velocity = {"v1_direction": "debit", "v1_maximum": "1,000.00", "v1_window": "1", "v1_unit": "days"}
    sent = browser.post("/accounts/2010/change/", untouched | velocity | {"limited": "yes", "overdraft_limit": "1,000.00"})
    proposal = Proposal.objects.get()
    assert sent.headers["Location"] == f"/approvals/{proposal.pk}/"
    assert proposal.versions.get().payload["changes"] == {
        "overdraft_limit": "100000",
        "velocity": [{"direction": "debit", "window_minutes": 1440, "maximum": "100000", "maximum_postings": None}],
    }
    review = signed_in(checker).get(f"/approvals/{proposal.pk}/").content.decode()
    assert "1,010.00" in review, "what is available after"
    assert "is as the maker saw it" in review
    assert proposal.public_number in browser.get("/accounts/2010/").content.decode()
    assert approve(proposal, by=checker).status == ProposalStatus.EXECUTED
    assert "1,010.00" in browser.get("/accounts/2010/").content.decode()


def test_an_old_form_is_not_sent_over_what_others_changed(maker: User, checker: User, chart: dict[str, Account]) -> None:
    browser = signed_in(maker)
    old = form_of(browser, "2010") | {"reason_code": "ACCOUNT_LIMIT", "narrative": WHY, "limited": "yes", "overdraft_limit": "5"}
    operations.freeze_account(account_id=chart["2010"].pk, directions=["debit"], reason="why")
    with writes_nothing():
        answer = browser.post("/accounts/2010/change/", old)
    assert answer.status_code == 409
    assert "has changed since you opened this form" in answer.content.decode()


def test_a_returned_change_is_revised_on_its_page(maker: User, checker: User, chart: dict[str, Account]) -> None:
    proposal = propose({"overdraft_limit": "500"}, maker=maker)
    version = proposal.versions.get()
    approvals.decide(
        proposal_id=proposal.pk,
        version=1,
        digest=version.digest,
        outcome=DecisionOutcome.REQUEST_CHANGES,
        comment="Less, please",
        approver_id=checker.pk,
    )
    browser = signed_in(maker)
    address = f"/accounts/2010/change/?revise={proposal.pk}"
    form = browser.get(address).context["form"]
    assert form["overdraft_limit"].value() == "5.00"
    values = {name: form[name].value() for name in form.fields if form[name].value() not in (None, False, "")}
    assert browser.post(address, values | {"overdraft_limit": "3.00"}).status_code == 302
    assert Proposal.objects.get().versions.get(n=2).payload["changes"] == {"overdraft_limit": "300"}


def test_freezing_and_opening_have_pages(maker: User, auditor: User, stranger: User, chart: dict[str, Account]) -> None:
    browser = signed_in(maker)
    assert browser.post("/accounts/2010/freeze/", {"direction": ["debit"]}).status_code == 422
    assert browser.post("/accounts/2010/freeze/", {"direction": ["debit", "credit"], "reason": "why"}).status_code == 302
    assert browser.post("/accounts/2010/freeze/", {"direction": ["debit"], "reason": "why"}).status_code == 409
    assert "Debits frozen" in browser.get("/accounts/2010/").content.decode()
    wish = {"code": "1500", "name": "N", "entity": "M1", "group": "ALL", "asset": "USD", "type": "asset", "owner_class": "reserve"}
    refused = browser.post("/accounts/new/", wish)
    assert refused.status_code == 409
    assert "statutory reserve class" in refused.content.decode()
    assert browser.post("/accounts/new/", wish | {"reserve_class": "cash", "limit": "0"}).headers["Location"] == "/accounts/1500/"
    assert browser.post("/accounts/new/", wish | {"reserve_class": "cash"}).status_code == 409
    for path in ("/accounts/2010/freeze/", "/accounts/2010/change/", "/accounts/2010/monitors/"):
        assert signed_in(auditor).get(path).status_code == 403
        assert signed_in(stranger).get(path).status_code == 404


def test_the_api_does_the_same(maker: User, checker: User, stranger: User, chart: dict[str, Account]) -> None:
    browser = signed_in(maker)

    def send(path: str, body: dict[str, Any], client: Any = browser) -> Any:
        return client.post(f"/api/v1/accounts{path}", body, content_type="application/json")

    asked = send("/2010/changes", {"changes": {"overdraft_limit": "500"}, "reason_code": "ACCOUNT_LIMIT", "narrative": WHY})
    assert asked.status_code == 202
    assert asked.json()["versions"][0]["payload"]["changes"] == {"overdraft_limit": "500"}
    again = send("/2010/changes", {"changes": {"name": "X"}, "reason_code": "ACCOUNT_LIMIT", "narrative": WHY})
    assert (again.status_code, again.json()["error"]["code"]) == (409, "object_has_open_proposal")
    unsound = send("/2020/changes", {"changes": {"deferred": True}, "reason_code": "ACCOUNT_MODE", "narrative": WHY})
    assert (unsound.status_code, unsound.json()["error"]["field"]) == (422, "deferred")
    unknown = send("/2020/changes", {"changes": {"colour": "red"}, "reason_code": "ACCOUNT_MODE", "narrative": WHY})
    assert (unknown.status_code, unknown.json()["error"]["field"]) == (422, "changes.colour")
    frozen = send("/2020/freeze", {"directions": ["credit"], "reason": "why"})
    assert (frozen.status_code, frozen.json()["credits_frozen"]) == (200, True)
    wish = {"code": "1500", "name": "N", "entity": "M1", "group": "ALL", "asset": "USD", "type": "asset", "owner_class": "nostro"}
    opened = send("", wish | {"overdraft_limit": "0"})
    assert (opened.status_code, opened.json()["overdraft_limit"]) == (201, "0")
    assert send("", wish).status_code == 409
    assert send("", wish | {"entity": "M9", "code": "1501"}).json()["error"]["field"] == "entity"
    assert send("", wish | {"code": "1502"}, signed_in(stranger)).status_code == 422, "the stranger sees no entity to open it in"


def test_nobody_may_act_on_an_account_without_the_right(person: Callable[[str, str], User], chart: dict[str, Account]) -> None:
    approver = signed_in(person("approver", "Approver"))
    assert approver.get("/accounts/2010/freeze/").status_code == 200
    for path in ("/accounts/2010/change/", "/accounts/new/", "/accounts/import/"):
        assert approver.get(path).status_code == 403
