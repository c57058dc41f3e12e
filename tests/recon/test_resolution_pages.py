"""Pages of resolutions: the builder, proposals of write-offs and rebookings, treatments, terms."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from approvals.models import DecisionOutcome, Proposal, User
from recon import operations
from recon.models import Break, BreakState, Item, Source, Treatment
from tests.concurrency.scene import break_of, mt940, reconcile
from tests.fixtures import DAY, ENTITY, Post, signed_in
from tests.notation import writes_nothing
from tests.recon.test_resolutions import WHY, after, decide
from tests.recon.test_resolutions import bank as _bank_with_terms
from tests.recon.test_resolutions import pair as _pair

bank, pair = _bank_with_terms, _pair
MOST_QUERIES = 25


def page_of(recon_break: Break, name: str) -> str:
    return reverse(f"recon:{name}", args=[recon_break.pk])


def text_of(response: Any) -> str:
    return " ".join(response.content.decode().split())


@pytest.mark.parametrize("name", ["break", "match_break", "write_off", "rebook", "treat_break", "draft_message"])
def test_every_page_opens_within_its_queries(pair: Break, maker: User, name: str) -> None:
    browser = signed_in(maker)
    browser.get(page_of(pair, name))
    with CaptureQueriesContext(
        connection,
    ) as asked:
        response = browser.get(page_of(pair, name))
    assert response.status_code == 200
    assert "<c-" not in text_of(response)
    count = sum(query["sql"].startswith(("SELECT", "WITH")) for query in asked.captured_queries)
    assert count <= MOST_QUERIES, [query["sql"][:90] for query in asked.captured_queries]


@pytest.mark.parametrize("name", ["match_break", "write_off", "rebook", "treat_break", "draft_message"])
def test_who_may_not_resolve_is_kept_out(pair: Break, auditor: User, checker: User, stranger: User, name: str) -> None:
    for reader, status in ((auditor, 403), (checker, 403), (stranger, 404)):
        with writes_nothing():
            assert signed_in(reader).get(page_of(pair, name)).status_code == status
            assert signed_in(reader).post(page_of(pair, name), {}).status_code == status


class TestBuilder:
    @pytest.fixture
    def many(self, bank: Source, maker: User, post: Post) -> Break:
        for number in range(1, 61):
            post(f"1010 debit {number}.00 USD / 2010 credit {number}.00 USD", reference=f"ORD-{number:04d}", counterparty="Northwind")
        reconcile(mt940(("C", 3_00, "X-1111"), ("C", 99_00, "Y-2222")), source=bank, by=maker)
        return break_of(reference="X-1111")

    def test_each_side_is_turned_by_itself_and_the_choice_stays(self, many: Break, maker: User) -> None:
        browser, chosen = signed_in(maker), Item.objects.get(reference="ORD-0001")
        seen: list[str] = []
        address = f"{page_of(many, 'match_break')}?show=all&item={chosen.pk}"
        for _ in range(3):
            response = browser.get(address)
            builder = response.context["builder"]
            ledger, statement = builder.tables
            seen += [row.facts.reference for row in ledger.rows]
            assert len(statement.rows) == 2
            assert chosen.pk in [one.facts.item.pk for one in builder.tray.chosen]
            address = page_of(many, "match_break") + ledger.older
        assert seen == [f"ORD-{number:04d}" for number in range(1, 61)]
        assert builder.tray.unseen == [chosen.pk]

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ({"find": "ord-0007"}, ["ORD-0007"]),
            ({"amount_from": "59", "amount_to": "60.00"}, ["ORD-0059", "ORD-0060"]),
            ({"find": "northwind", "amount_to": "1"}, ["ORD-0001"]),
            ({"since": "2026-11-03"}, []),
        ],
    )
    def test_filters(self, many: Break, maker: User, query: dict[str, str], found: list[str]) -> None:
        builder = signed_in(maker).get(page_of(many, "match_break"), query).context["builder"]
        assert [row.facts.reference for row in builder.tables[0].rows] == found

    def test_what_cannot_be_read_is_said_and_filters_nothing(self, many: Break, maker: User) -> None:
        response = signed_in(maker).get(page_of(many, "match_break"), {"amount_from": "much", "until": "soon"})
        assert set(response.context["builder"].errors) == {"amount_from", "until"}
        assert len(response.context["builder"].tables[0].rows) == 25

    def test_the_difference_runs_and_the_match_is_made(self, many: Break, maker: User) -> None:
        browser = signed_in(maker)
        one, two = (Item.objects.get(reference=f"ORD-000{number}").pk for number in (1, 2))
        first = browser.get(page_of(many, "match_break"), {"item": one}, headers={"HX-Request": "true", "HX-Target": "tray"})
        assert first.context["builder"].tray.difference_minor == -2_00
        both = browser.get(page_of(many, "match_break"), {"item": [str(one), str(two)]})
        assert both.context["builder"].tray.complete
        done = browser.post(page_of(many, "match_break"), {"item": [one, two], "version": many.version, "act": "match"})
        assert done.status_code == 302
        many.refresh_from_db()
        assert many.state == BreakState.RESOLVED

    def test_a_choice_of_which_one_was_taken_is_kept_and_names_who(
        self, many: Break, maker: User, person: Callable[[str, str], User]
    ) -> None:
        other, taken = person("second", "Analyst"), Item.objects.get(reference="ORD-0003")
        theirs = break_of(reference="Y-2222")
        operations.match_by_hand(break_id=theirs.pk, version=theirs.version, item_ids=[taken.pk], matched_by_id=other.pk, leave_rest=True)
        kept = Item.objects.get(reference="ORD-0002").pk
        with writes_nothing():
            response = signed_in(maker).post(
                page_of(many, "match_break"), {"item": [taken.pk, kept], "version": many.version, "act": "match"}
            )
        assert response.status_code == 409
        assert "ORD-0003 has been matched meanwhile by Second at 20" in text_of(response)
        tray = response.context["builder"].tray
        assert kept in [one.facts.item.pk for one in tray.chosen]
        assert "was matched by Second" in tray.gone[0]

    def test_a_break_resolved_by_another_says_so_with_what_was_chosen(
        self, many: Break, maker: User, person: Callable[[str, str], User]
    ) -> None:
        other = person("second", "Analyst")
        item, mine = Item.objects.get(reference="ORD-0003"), Item.objects.get(reference="ORD-0004")
        operations.match_by_hand(break_id=many.pk, version=many.version, item_ids=[item.pk], matched_by_id=other.pk)
        with writes_nothing():
            response = signed_in(maker).post(page_of(many, "match_break"), {"item": mine.pk, "version": many.version, "act": "match"})
        assert response.status_code == 409
        assert "is resolved by Second at 20" in text_of(response)
        assert "You had chosen" in text_of(response)


class TestProposals:
    ASKED = {"reason_code": "WRITE_OFF_SMALL", "effective_date": DAY.isoformat(), "narrative": WHY, "version": "1", "take": ""}

    def test_a_write_off_is_proposed_returned_and_revised(self, pair: Break, maker: User, checker: User) -> None:
        browser = signed_in(maker)
        assert browser.post(page_of(pair, "write_off"), self.ASKED).status_code == 302
        proposal = Proposal.objects.get()
        decide(proposal, by=checker, outcome=DecisionOutcome.REQUEST_CHANGES)
        led = browser.get(f"{page_of(pair, 'break')}?revise={proposal.pk}")
        assert led.headers["Location"] == page_of(pair, "write_off")
        assert "asked for changes" in text_of(browser.get(led.headers["Location"]))
        again = {**self.ASKED, "narrative": f"{WHY}, said their clerk", "version": "1"}
        assert browser.post(page_of(pair, "write_off"), again).status_code == 302
        proposal.refresh_from_db()
        assert (proposal.current_version, proposal.status) == (2, "submitted")
        review = signed_in(checker).get(reverse("approvals:proposal", args=[proposal.pk]))
        assert "No more than 5.00 USD, the limit of write-offs" in text_of(review)

    @pytest.mark.parametrize(
        ("change", "field"),
        [
            ({"reason_code": "BANK_FEE"}, "reason_code"),
            ({"narrative": "short"}, "narrative"),
            ({"effective_date": "2030-01-01"}, "effective_date"),
        ],
    )
    def test_what_is_refused_comes_back_at_its_field(self, pair: Break, maker: User, change: dict[str, str], field: str) -> None:
        with writes_nothing():
            response = signed_in(maker).post(page_of(pair, "write_off"), {**self.ASKED, **change})
        assert response.status_code == 422
        assert field in response.context["form"].errors

    def test_a_break_that_changed_keeps_the_input(self, pair: Break, maker: User) -> None:
        operations.assign_break(break_id=pair.pk, assignee_id=maker.pk)
        with writes_nothing():
            response = signed_in(maker).post(page_of(pair, "write_off"), self.ASKED)
        assert response.status_code == 409
        assert "has changed since you opened it, by" in text_of(response)
        assert WHY in text_of(response)

    def test_a_rebooking_is_reviewed_with_both_entries_and_listed_once_resolved(self, pair: Break, maker: User, checker: User) -> None:
        asked = {**self.ASKED, "reason_code": "REBOOK_AMOUNT", "counter_account": "2010"}
        assert signed_in(maker).post(page_of(pair, "rebook"), asked).status_code == 302
        proposal = Proposal.objects.get()
        review = text_of(signed_in(checker).get(reverse("approvals:proposal", args=[proposal.pk])))
        assert "Reversal of LE-" in review
        assert proposal.public_number in text_of(signed_in(maker).get(reverse("approvals:adjustments")))
        assert "its reversal" in review
        decide(proposal, by=checker)
        shown = text_of(signed_in(maker).get(page_of(pair, "break")))
        assert "was reversed and booked anew as the bank has it" in shown
        assert "Beside it: rebooking of the other item" in shown


def test_a_break_is_treated_shown_filtered_and_ended(pair: Break, maker: User) -> None:
    browser = signed_in(maker)
    asked = {
        "kind": "timing",
        "reason_code": "TIMING_IN_TRANSIT",
        "until": after(1).isoformat(),
        "narrative": "On its way, they say",
        "version": "1",
    }
    with writes_nothing():
        refused = browser.post(page_of(pair, "treat_break"), {**asked, "until": "2020-01-01"})
    assert (refused.status_code, "until" in refused.context["form"].errors) == (422, True)
    assert browser.post(page_of(pair, "treat_break"), asked).status_code == 302
    assert "Accepted as timing until" in text_of(browser.get(page_of(pair, "break")))
    rows = browser.get(reverse("recon:breaks"), {"treatment": "timing"}).context["rows"]
    assert [row.recon_break.pk for row in rows] == [pair.pk]
    assert not browser.get(reverse("recon:breaks"), {"treatment": "duplicate"}).context["rows"]
    assert browser.post(page_of(pair, "end_treatment"), {"version": "2", "reason": "It was none"}).status_code == 302
    assert Treatment.objects.get().ended_by == maker


def test_terms_are_read_by_all_and_proposed_by_the_controller(
    bank: Source, maker: User, checker: User, person: Callable[[str, str], User]
) -> None:
    assert "6490" in text_of(signed_in(maker).get(reverse("recon:terms")))
    address = reverse("recon:change_terms", args=[ENTITY, "USD"])
    assert signed_in(maker).get(address).status_code == 403
    browser = signed_in(person("controller", "Controller"))
    asked = {
        "write_off_maximum": "7.50",
        "write_off_account": "6490",
        "timing_days_maximum": "3",
        "reason_code": "TERMS_POLICY",
        "narrative": WHY,
    }
    with writes_nothing():
        assert browser.post(address, {**asked, "write_off_maximum": "7.501"}).status_code == 422
        assert browser.post(address, {**asked, "write_off_account": "2010"}).status_code == 422
    assert browser.post(address, asked).status_code == 302
    proposal = Proposal.objects.get()
    assert "7.50" in text_of(signed_in(checker).get(reverse("approvals:proposal", args=[proposal.pk])))
    decide(proposal, by=checker)
    assert "7.50" in text_of(signed_in(maker).get(reverse("recon:terms")))
