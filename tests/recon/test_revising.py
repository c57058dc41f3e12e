"""The way back: a checker returns an adjustment, its maker revises it on the break's page, and only the new version can be decided."""

import io
from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from approvals import operations as approvals
from approvals.models import Proposal, ProposalStatus, User
from recon import operations
from recon.models import Break, BreakState
from tests.fixtures import DAY, Post, signed_in
from tests.notation import balance, posts, writes_nothing

STATEMENT = b"""{1:F01AAAABBCCAXXX0000000000}{2:I940AAAABBCCXXXXN}{4:
:20:S1
:25:US00
:28C:1/1
:60F:C261102USD0,00
:61:2611021102D0,50NCHGNONREF//B1
:86:Monthly fee
:62F:D261102USD0,50
-}
"""
FIRST = {
    "reason_code": "BANK_FEE",
    "counter_account": "6420",
    "effective_date": DAY.isoformat(),
    "narrative": "The bank took its monthly fee, which was not booked",
    "take": "",
}
COMMENT = "This belongs to the fees we earn, see the tariff"
SECOND = FIRST | {"counter_account": "4010", "narrative": "Taken back from the fees earned, by the tariff of this year", "version": "1"}


@pytest.fixture
def fee(post: Post, maker: User, checker: User) -> Break:
    """The bank took a fee that the ledger does not know; a ledger entry of 0.20 USD stands open beside it."""
    post("1010 credit 0.20 USD / 6420 debit 0.20 USD", kind="bank_charge", reference="PART-1")
    source = operations.register_source(code="bank", name="Bank, operating", identifier="US00", account="1010")
    file, _ = operations.receive_file(name="s.sta", content=io.BytesIO(STATEMENT), maximum_bytes=10_000, received_by_id=maker.pk)
    for run in operations.accept_file(file_id=file.pk, source_ids=[source.pk]):
        operations.execute_run(run_id=run.pk)
    return Break.objects.get(ledger_item=None)


@pytest.fixture
def returned(fee: Break, maker: User, checker: User) -> Proposal:
    assert signed_in(maker).post(address(fee, "propose_adjustment"), FIRST | {"version": fee.version}).status_code == 302
    proposal = Proposal.objects.get()
    decide(proposal, by=checker, n=1, outcome="request_changes", comment=COMMENT)
    return Proposal.objects.get()


def address(recon_break: Break, name: str) -> str:
    return reverse(f"recon:{name}", args=[recon_break.pk])


def decide(proposal: Proposal, *, by: User, n: int, outcome: str, comment: str = "") -> Any:
    """Answer in the browser to what stood on its page as version `n`."""
    digest = proposal.versions.get(n=n).digest
    answer = {"version": n, "digest": digest, "outcome": outcome, "comment": comment}
    return signed_in(by).post(reverse("approvals:decide", args=[proposal.pk]), answer)


def text_of(response: Any) -> str:
    return " ".join(response.content.decode().split())


@pytest.mark.parametrize("query", ["", "?revise={}"])
def test_maker_finds_the_form_as_it_was_sent_with_the_checkers_comment(fee: Break, returned: Proposal, maker: User, query: str) -> None:
    response = signed_in(maker).get(address(fee, "break") + query.format(returned.pk))
    text, form = text_of(response), response.context["form"]
    assert f"Revise {returned.public_number}, version 2" in text
    assert "Submit version 2" in text
    assert "Checker asked for changes" in text
    assert text.count(COMMENT) == 2  # in the form and on the timeline
    assert {name: form[name].value() for name in FIRST} == FIRST
    assert [effect.account.code for effect in response.context["preview"].effects] == ["6420", "1010"]
    assert f'action="{address(fee, "revise_adjustment")}"' in text
    assert address(fee, "propose_adjustment") not in text


def test_preview_follows_what_is_typed(fee: Break, returned: Proposal, maker: User) -> None:
    typed = {"reason_code": "BANK_FEE", "counter_account": "4010", "effective_date": DAY.isoformat(), "take": ""}
    response = signed_in(maker).get(address(fee, "break"), typed, headers={"HX-Request": "true", "HX-Target": "preview"})
    assert [effect.account.code for effect in response.context["preview"].effects] == ["4010", "1010"]
    assert "Balanced" in text_of(response)


def test_second_version_is_what_is_approved_and_posted(fee: Break, returned: Proposal, maker: User, checker: User) -> None:
    assert signed_in(maker).post(address(fee, "revise_adjustment"), SECOND).status_code == 302
    proposal = Proposal.objects.get()
    assert (proposal.status, proposal.current_version) == (ProposalStatus.SUBMITTED, 2)
    assert Break.objects.get(pk=fee.pk).state == BreakState.PROPOSED
    timeline = [happening.title for happening in signed_in(maker).get(address(fee, "break")).context["happenings"]]
    number = proposal.public_number
    assert timeline[1:] == [f"{number} proposed", f"{number} returned for changes", f"{number} revised"]

    review = signed_in(checker).get(reverse("approvals:proposal", args=[proposal.pk]))
    assert "Changed since version 1" in text_of(review)
    with writes_nothing():
        assert decide(proposal, by=checker, n=1, outcome="approve").status_code == 409
    with posts("4010 debit 0.50 USD / 1010 credit 0.50 USD"):
        assert decide(proposal, by=checker, n=2, outcome="approve").status_code == 302
    assert (balance("4010"), balance("6420")) == ("-0.50 USD", "0.20 USD")
    assert Break.objects.get(pk=fee.pk).state == BreakState.RESOLVED


def test_items_taken_in_stay_with_the_next_version_until_they_are_left_out(fee: Break, maker: User, checker: User) -> None:
    part = Break.objects.get(statement_item=None).ledger_item_id
    browser = signed_in(maker)
    browser.post(address(fee, "propose_adjustment"), FIRST | {"take": part, "version": fee.version})
    proposal = Proposal.objects.get()
    assert proposal.versions.get().preconditions["difference_minor"] == "30"
    decide(proposal, by=checker, n=1, outcome="request_changes", comment=COMMENT)
    page = browser.get(address(fee, "break"))
    assert (page.context["form"]["take"].value(), page.context["preview"].difference_minor) == (str(part), 30)
    without = browser.get(address(fee, "break"), {"take": ""})
    assert (without.context["form"]["take"].value(), without.context["preview"].difference_minor) == ("", 50)
    assert browser.post(address(fee, "revise_adjustment"), SECOND | {"take": part}).status_code == 302
    assert proposal.versions.get(n=2).preconditions["difference_minor"] == "30"


@pytest.mark.parametrize(
    ("wrong", "field", "sentence"),
    [
        ({"narrative": "short"}, "narrative", "Say why in at least 20 characters."),
        ({"counter_account": "9999"}, "counter_account", "there is no account 9999"),
        ({"effective_date": "2025-12-31"}, "effective_date", "lies in no open period"),
        ({"version": "7"}, "__all__", "Version 1 has come back to you"),
    ],
)
def test_what_is_wrong_is_said_at_its_field_and_the_input_is_kept(
    fee: Break, returned: Proposal, maker: User, wrong: dict[str, str], field: str, sentence: str
) -> None:
    with writes_nothing():
        response = signed_in(maker).post(address(fee, "revise_adjustment"), SECOND | wrong)
    assert response.status_code == 422
    form = response.context["form"]
    assert sentence in str(form.errors[field])
    assert {name: form[name].value() for name in SECOND} == SECOND | wrong | {"version": "1"}
    assert "Submit version 2" in text_of(response)


def test_an_item_that_is_not_there_is_409_and_the_form_stays(fee: Break, returned: Proposal, maker: User) -> None:
    with writes_nothing():
        response = signed_in(maker).post(address(fee, "revise_adjustment"), SECOND | {"take": "999999"})
    assert response.status_code == 409
    assert "One of the items does not belong to this reconciliation." in text_of(response)
    assert response.context["form"]["counter_account"].value() == "4010"


def test_nobody_else_may_revise(fee: Break, returned: Proposal, person: Any, stranger: User, checker: User, auditor: User) -> None:
    other = person("other", "Analyst")
    page = text_of(signed_in(other).get(address(fee, "break") + f"?revise={returned.pk}"))
    assert "Submit version" not in page
    for user, status in ((other, 403), (stranger, 404), (checker, 403), (auditor, 403)):
        with writes_nothing():
            response = signed_in(user).post(address(fee, "revise_adjustment"), SECOND)
        assert response.status_code == status
    refused = text_of(signed_in(other).post(address(fee, "revise_adjustment"), SECOND))
    assert "Only its maker may revise a proposal." in refused
    assert SECOND["narrative"] in refused


def test_what_was_not_returned_cannot_be_revised(fee: Break, maker: User, checker: User) -> None:
    browser = signed_in(maker)
    with writes_nothing():
        assert browser.post(address(fee, "revise_adjustment"), SECOND).status_code == 409
    browser.post(address(fee, "propose_adjustment"), FIRST | {"version": fee.version})
    assert "Submit version" not in text_of(browser.get(address(fee, "break")))
    with writes_nothing():
        response = browser.post(address(fee, "revise_adjustment"), SECOND)
    assert response.status_code == 409
    assert f"You wrote: “{SECOND['narrative']}”" in text_of(response)


def test_after_its_time_it_is_neither_offered_nor_taken(fee: Break, returned: Proposal, maker: User) -> None:
    Proposal.objects.filter(pk=returned.pk).update(expires_at=timezone.now() - timedelta(minutes=1))
    browser = signed_in(maker)
    assert "Submit version" not in text_of(browser.get(address(fee, "break")))
    with writes_nothing():
        response = browser.post(address(fee, "revise_adjustment"), SECOND)
    assert response.status_code == 409
    assert "This proposal has expired." in text_of(response)
    approvals.expire_overdue()
    assert "Propose adjustment" in text_of(browser.get(address(fee, "break")))
