"""Pages of breaks: the list and its filters, the investigation, and the acts it allows."""

import csv
import io
import json
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from approvals import operations as approvals
from approvals.models import DecisionOutcome, Proposal, User
from audit.models import AuditEvent
from recon import operations
from recon.models import Break, BreakState, BreakType, SavedView, Source
from recon.web.breaks.filters import ORDERS
from tests.fixtures import DAY, Post, signed_in
from tests.notation import balance, posts, writes_nothing

STATEMENT = b"""{1:F01AAAABBCCAXXX0000000000}{2:I940AAAABBCCXXXXN}{4:
:20:S1
:25:US00
:28C:1/1
:60F:C261102USD0,00
:61:2611021102C24,30NTRFINV-4001//B1
:86:Northwind Trading
:61:2611021102C10,00NTRFPAY-7721//B2
:86:Halden Logistics
:61:2611021102C5,00NTRFINV-4003//B3
:86:Kestrel
:61:2611021102D0,50NCHGNONREF//B4
:86:Monthly fee
:62F:C261102USD38,80
-}
"""
LONG_ENOUGH = "The bank took its monthly fee, which was not booked"
FEE = {
    "reason_code": "BANK_FEE",
    "counter_account": "6420",
    "effective_date": DAY.isoformat(),
    "narrative": LONG_ENOUGH,
    "version": "1",
    "take": "",
}


@pytest.fixture
def breaks(post: Post, maker: User, checker: User) -> dict[str, Break]:
    """Reconcile one statement; its breaks by name: the pair whose amounts differ, the two halves of a mistyped reference, the fee."""
    for amount, reference, counterparty in (
        ("24.60", "INV-4001", "=Northwind Trading"),
        ("10.00", "PAY-7712", "Halden Logistics"),
        ("5.00", "INV-4003", "Kestrel"),
    ):
        post(f"1010 debit {amount} USD / 2010 credit {amount} USD", reference=reference, counterparty=counterparty)
    source = operations.register_source(code="bank", name="Bank, operating", identifier="US00", account="1010")
    file, _ = operations.receive_file(name="s.sta", content=io.BytesIO(STATEMENT), maximum_bytes=10_000, received_by_id=maker.pk)
    for run in operations.accept_file(file_id=file.pk, source_ids=[source.pk]):
        operations.execute_run(run_id=run.pk)
    approvals.define_reason_code(code="USUAL_FEE", label="Fee", kind=operations.ADJUSTMENT, usual_account="6420")
    live = Break.objects.exclude(state=BreakState.RESOLVED)
    return {
        "amount": live.get(type=BreakType.AMOUNT),
        "ledger half": live.get(type=BreakType.MISSING_EXTERNAL),
        "statement half": live.get(type=BreakType.MISSING_INTERNAL, reference__contains="7721"),
        "fee": live.get(type=BreakType.MISSING_INTERNAL, statement_item__amount_minor=50),
    }


def page_of(recon_break: Break, name: str = "break") -> str:
    return reverse(f"recon:{name}", args=[recon_break.pk])


def text_of(response: Any) -> str:
    return " ".join(response.content.decode().split())


def numbers_in(response: Any) -> list[str]:
    """Return the public numbers of the rows, in their order."""
    return [row.recon_break.public_number for row in response.context["rows"]]


def statement_item_of(recon_break: Break) -> int:
    assert recon_break.statement_item_id is not None
    return recon_break.statement_item_id


def selects(queries: CaptureQueriesContext) -> int:
    return sum(query["sql"].startswith(("SELECT", "WITH")) for query in queries.captured_queries)


class TestList:
    @pytest.mark.usefixtures("breaks")
    def test_every_reader_sees_it_and_the_others_do_not(
        self, maker: User, checker: User, auditor: User, person: Callable[[str, str], User]
    ) -> None:
        for reader in (maker, checker, auditor):
            response = signed_in(reader).get(reverse("recon:breaks"))
            assert len(numbers_in(response)) == 4
            assert "<c-" not in text_of(response)
        assert signed_in(person("administrator", "Administrator")).get(reverse("recon:breaks")).status_code == 403

    def test_who_has_no_sight_of_the_source_sees_no_break_of_it(self, breaks: dict[str, Break], stranger: User) -> None:
        browser = signed_in(stranger)
        assert numbers_in(browser.get(reverse("recon:breaks"))) == []
        assert browser.get(page_of(breaks["fee"])).status_code == 404
        for name in ("assign_break", "comment_on_break", "match_break", "propose_adjustment"):
            with writes_nothing():
                assert browser.post(page_of(breaks["fee"], name), FEE | {"text": "seen"}).status_code == 404
        with writes_nothing():
            browser.post(reverse("recon:assign_breaks"), {"selected": [str(breaks["fee"].pk)]})

    @pytest.mark.parametrize(
        ("query", "expected"),
        [
            ("q=7712", ["ledger half"]),
            ("q=northwind", ["amount"]),
            ("type=amount", ["amount"]),
            ("assignee=nobody&type=missing_external", ["ledger half"]),
            ("assignee=me", []),
            ("state=investigating", []),
            ("asset=JPY", []),
            ("source=bank&type=amount", ["amount"]),
            ("type=nonsense&q=7721", ["statement half"]),
        ],
    )
    def test_the_address_filters(self, breaks: dict[str, Break], maker: User, query: str, expected: list[str]) -> None:
        response = signed_in(maker).get(f"{reverse('recon:breaks')}?{query}")
        assert numbers_in(response) == [breaks[name].public_number for name in expected]

    @pytest.mark.parametrize("sort", list(ORDERS))
    @pytest.mark.usefixtures("breaks")
    def test_pages_by_keyset_are_the_list_in_every_order(self, maker: User, monkeypatch: pytest.MonkeyPatch, sort: str) -> None:
        browser, here = signed_in(maker), reverse("recon:breaks")
        whole = numbers_in(browser.get(f"{here}?sort={sort}"))
        monkeypatch.setattr("ledgerops.lib.paging.page_of.__kwdefaults__", {"size": 2})
        first = browser.get(f"{here}?sort={sort}")
        second = browser.get(here + first.context["page"].older)
        assert numbers_in(first) + numbers_in(second) == whole
        assert numbers_in(browser.get(here + second.context["page"].newer)) == numbers_in(first)

    @pytest.mark.usefixtures("breaks")
    def test_ages_are_business_days_and_four_are_past_the_limit(self, maker: User, monkeypatch: pytest.MonkeyPatch) -> None:
        """The breaks are of Monday; on Friday of that week they are four business days old."""
        monkeypatch.setattr("django.utils.timezone.localdate", lambda: date(2026, 11, 6))
        browser, here = signed_in(maker), reverse("recon:breaks")
        assert {row.age_days for row in browser.get(here).context["rows"]} == {4}
        assert len(numbers_in(browser.get(f"{here}?age=late"))) == 4
        monkeypatch.setattr("django.utils.timezone.localdate", lambda: date(2026, 11, 5))
        assert numbers_in(browser.get(f"{here}?age=late")) == []
        assert len(numbers_in(browser.get(f"{here}?age=2"))) == 4

    @pytest.mark.usefixtures("breaks")
    def test_htmx_gets_the_table_alone_with_chips_and_counts_beside_it(self, maker: User) -> None:
        response = signed_in(maker).get(f"{reverse('recon:breaks')}?type=amount", headers={"HX-Request": "true", "HX-Target": "results"})
        text = text_of(response)
        assert text.startswith('<div class="list-results" id="results"')
        assert "<html" not in text
        assert 'id="chips" hx-swap-oob="true"' in text
        assert "Type: Amount mismatch" in text
        assert 'id="result-count" role="status" hx-swap-oob="true">1 break<' in text

    def test_totals_stay_apart_by_asset_and_pages_stay_cheap(self, breaks: dict[str, Break], maker: User) -> None:
        browser = signed_in(maker)
        browser.get(reverse("recon:breaks"))
        for address in (reverse("recon:breaks"), page_of(breaks["amount"]), page_of(breaks["fee"])):
            with CaptureQueriesContext(connection) as queries:
                browser.get(address)
            assert selects(queries) <= 25, address
        (total,) = browser.get(reverse("recon:breaks")).context["totals"]
        assert (total.code, total.minor) == ("USD", 30 + 1000 + 1000 + 50)


class TestExport:
    def test_it_holds_the_filtered_rows_runs_no_formula_and_is_on_the_trail(self, breaks: dict[str, Break], auditor: User) -> None:
        Break.objects.filter(pk=breaks["amount"].pk).update(counterparty='=HYPERLINK("http://x")')
        response = signed_in(auditor).post(f"{reverse('recon:export_breaks')}?type=amount")
        rows = list(csv.reader(io.StringIO(response.content.decode())))
        assert rows[1][0] == breaks["amount"].public_number
        assert rows[1][5] == '\'=HYPERLINK("http://x")'
        assert rows[1][8:12] == ["24.60", "24.30", "0.30", "USD"]
        assert rows[2:] == [["rows", "1"], ["absolute difference USD", "0.30"]]
        event = AuditEvent.objects.get(action="recon.breaks.exported")
        assert event.after == {"query": "type=amount", "rows": 1, "totals": {"USD": "0.30"}}
        assert event.actor_id == auditor.pk

    @pytest.mark.usefixtures("breaks")
    def test_it_is_no_act_of_looking(self, auditor: User) -> None:
        assert signed_in(auditor).get(reverse("recon:export_breaks")).status_code == 405


class TestSavedViews:
    @pytest.mark.usefixtures("breaks")
    def test_a_view_is_a_name_for_filters_with_its_count(self, maker: User) -> None:
        browser = signed_in(maker)
        browser.post(f"{reverse('recon:save_view')}?type=amount&after=x", {"name": "Amounts"})
        assert SavedView.objects.get().query == "type=amount"
        tab = browser.get(f"{reverse('recon:breaks')}?type=amount").context["current_tab"]
        assert (tab.word, tab.count) == ("Amounts", 1)
        browser.post(reverse("recon:delete_view", args=[SavedView.objects.get().pk]))
        assert not SavedView.objects.exists()

    @pytest.mark.usefixtures("breaks")
    def test_nobody_deletes_anothers(self, maker: User, checker: User) -> None:
        view = operations.save_view(owner_id=maker.pk, name="Amounts", query="type=amount", shared=True)
        with writes_nothing():
            assert signed_in(checker).post(reverse("recon:delete_view", args=[view.pk])).status_code == 422


class TestAssigning:
    def test_several_at_once_and_the_toast_takes_it_back(self, breaks: dict[str, Break], maker: User) -> None:
        browser = signed_in(maker)
        chosen = [str(breaks["fee"].pk), str(breaks["amount"].pk)]
        htmx = {"HX-Request": "true", "HX-Target": "results"}
        response = browser.post(reverse("recon:assign_breaks"), {"selected": chosen, "assignee": "me"}, headers=htmx)
        assert Break.objects.filter(pk__in=chosen, assignee=maker, state=BreakState.INVESTIGATING).count() == 2
        toast = json.loads(response.headers["HX-Trigger"])["toast"]
        assert toast["text"] == "Assigned 2 breaks to you"
        undone = browser.post(toast["undo"], headers={"HX-Request": "true"})
        assert undone.status_code == 204
        assert Break.objects.filter(pk__in=chosen, assignee=None, state=BreakState.OPEN).count() == 2

    def test_one_that_is_resolved_does_not_hold_back_the_rest(self, breaks: dict[str, Break], maker: User) -> None:
        half, other = breaks["ledger half"], breaks["statement half"]
        operations.match_by_hand(break_id=half.pk, version=1, item_ids=[statement_item_of(other)], matched_by_id=maker.pk)
        outcomes = operations.work_breaks(
            break_ids=[half.pk, breaks["fee"].pk], do=lambda pk: operations.assign_break(break_id=pk, assignee_id=maker.pk)
        )
        assert [outcome.refusal for outcome in outcomes] == [f"{half.public_number} is resolved", ""]
        assert Break.objects.get(pk=breaks["fee"].pk).assignee == maker

    def test_readers_may_not(self, breaks: dict[str, Break], auditor: User) -> None:
        browser = signed_in(auditor)
        for address in (reverse("recon:assign_breaks"), page_of(breaks["fee"], "assign_break"), page_of(breaks["fee"], "comment_on_break")):
            with writes_nothing():
                assert browser.post(address, {"selected": str(breaks["fee"].pk), "text": "x"}).status_code == 403


class TestInvestigation:
    def test_a_pair_is_compared_field_by_field(self, breaks: dict[str, Break], auditor: User) -> None:
        response = signed_in(auditor).get(page_of(breaks["amount"]))
        results = {row.field: row.comparison.result for row in response.context["evidence"].rows}
        assert results["Amount"] == "+0.30 USD"
        assert results["Value date"] == "equal"
        text = text_of(response)
        assert "24.<del>6</del>0" in text
        assert "their amounts differ by +0.30 USD" in text
        assert "Submit for approval" not in text
        assert "Accept match" not in text

    def test_a_single_side_is_compared_with_its_best_candidate_and_says_so(self, breaks: dict[str, Break], maker: User) -> None:
        response = signed_in(maker).get(page_of(breaks["statement half"]))
        evidence = response.context["evidence"]
        assert evidence.with_candidate
        assert evidence.left.item.pk == breaks["ledger half"].ledger_item_id
        assert {row.field: row.comparison.result for row in evidence.rows}["Reference"] == "digits swapped"
        assert "compared with the best candidate" in text_of(response)
        assert response.context["accept"] == str(breaks["ledger half"].ledger_item_id)

    def test_neighbours_are_those_of_the_list_it_was_opened_from(self, breaks: dict[str, Break], maker: User) -> None:
        response = signed_in(maker).get(f"{page_of(breaks['statement half'])}?type=missing_internal")
        queue = response.context["queue"]
        assert {row.recon_break.pk for row in queue.rows} == {breaks["statement half"].pk, breaks["fee"].pk}
        assert queue.total == 2
        assert {queue.previous, queue.next} == {None, breaks["fee"]}

    def test_comments_stand_on_the_timeline_and_an_empty_one_comes_back(self, breaks: dict[str, Break], maker: User) -> None:
        browser, htmx = signed_in(maker), {"HX-Request": "true", "HX-Target": "timeline"}
        address = page_of(breaks["fee"], "comment_on_break")
        assert "Asked the bank" in text_of(browser.post(address, {"text": "Asked the bank"}, headers=htmx))
        with writes_nothing():
            refused = browser.post(address, {"text": "   "}, headers=htmx)
        assert refused.status_code == 422
        assert "A comment has 1 to 4,000 characters." in text_of(refused)


class TestMatchingByHand:
    def test_it_resolves_both_halves_and_posts_nothing(self, breaks: dict[str, Break], maker: User) -> None:
        half, other = breaks["ledger half"], breaks["statement half"]
        with posts():
            response = signed_in(maker).post(page_of(half, "match_break"), {"item": other.statement_item_id, "version": "1"})
        assert response.status_code == 302
        assert set(Break.objects.filter(pk__in=[half.pk, other.pk]).values_list("state", flat=True)) == {BreakState.RESOLVED}
        shown = signed_in(maker).get(page_of(other))
        assert "Maker matched these items by hand" in text_of(shown)

    def test_a_difference_that_would_remain_is_refused(self, breaks: dict[str, Break], maker: User) -> None:
        with writes_nothing():
            response = signed_in(maker).post(page_of(breaks["amount"], "match_break"), {"item": "", "version": "1"})
        assert response.status_code == 409
        assert "The two sides differ" in text_of(response)

    def test_a_break_that_has_changed_is_shown_as_it_is_now(self, breaks: dict[str, Break], maker: User, checker: User) -> None:
        half, other = breaks["ledger half"], breaks["statement half"]
        operations.comment_on_break(break_id=half.pk, author_id=checker.pk, text="Mine")
        operations.assign_break(break_id=half.pk, assignee_id=maker.pk)
        with writes_nothing():
            response = signed_in(maker).post(page_of(half, "match_break"), {"item": other.statement_item_id, "version": "1"})
        assert response.status_code == 409
        text = text_of(response)
        assert f"{half.public_number} has changed since you opened it, by " in text
        assert "Assigned to Maker" in text

    def test_it_works_without_javascript(self, breaks: dict[str, Break], maker: User) -> None:
        half, other = breaks["ledger half"], breaks["statement half"]
        text = text_of(signed_in(maker).get(page_of(half, "match_break"), {"item": statement_item_of(other)}))
        assert f"Match and resolve {half.public_number}" in text
        assert f'name="item" value="{other.statement_item_id}"' in text

    def test_a_match_that_would_be_refused_is_not_offered(self, breaks: dict[str, Break], maker: User) -> None:
        text = text_of(signed_in(maker).get(page_of(breaks["amount"], "match_break")))
        assert "A difference would remain" in text
        assert "Match and resolve" not in text

    def test_a_rest_can_be_left_open(self, breaks: dict[str, Break], maker: User) -> None:
        pair = breaks["amount"]
        shown = text_of(signed_in(maker).get(page_of(pair, "match_break")))
        assert "can be taken in part" in shown
        with posts():
            response = signed_in(maker).post(page_of(pair, "match_break"), {"version": "1", "act": "leave_rest"})
        assert response.status_code == 302
        (left,) = Break.objects.filter(pk=pair.pk).exclude(state=BreakState.RESOLVED)
        items = [item for item in (left.ledger_item, left.statement_item) if item is not None]
        assert [int(item.open_minor) for item in items] == [abs(int(left.difference_minor))]

    def test_the_choice_is_worked_out_and_nothing_is_written(self, breaks: dict[str, Break], maker: User) -> None:
        half, other = breaks["ledger half"], breaks["statement half"]
        said = {"item": str(statement_item_of(other)), "find": "no such reference"}
        with writes_nothing():
            counted = signed_in(maker).get(page_of(half, "match_break"), said)
            alone = signed_in(maker).get(page_of(half, "match_break"), said, headers={"HX-Request": "true", "HX-Target": "tray"})
        for response in (counted, alone):
            assert f"Match and resolve {half.public_number}" in text_of(response)
        assert "No open item here is like that" in counted.content.decode()
        assert "No open item here is like that" not in alone.content.decode()

    def test_what_is_taken_meanwhile_is_refused_where_it_was_chosen(self, breaks: dict[str, Break], maker: User) -> None:
        half, other = breaks["ledger half"], breaks["statement half"]
        said = {"item": [other.statement_item_id], "version": "7", "act": "match"}
        with writes_nothing():
            response = signed_in(maker).post(page_of(half, "match_break"), said)
        assert response.status_code == 409
        assert "has changed since you opened it" in text_of(response)
        assert "What is chosen" in text_of(response)

    def test_who_may_not_match_may_not(self, breaks: dict[str, Break], auditor: User, checker: User) -> None:
        for reader in (auditor, checker):
            with writes_nothing():
                assert signed_in(reader).post(page_of(breaks["amount"], "match_break"), {"version": "1"}).status_code == 403


class TestProposing:
    def test_the_preview_shows_the_entry_and_the_usual_account_of_the_reason(self, breaks: dict[str, Break], maker: User) -> None:
        response = signed_in(maker).get(
            page_of(breaks["fee"]),
            {"changed": "reason", "reason_code": "USUAL_FEE", "counter_account": "", "effective_date": DAY.isoformat()},
            headers={"HX-Request": "true", "HX-Target": "preview"},
        )
        preview = response.context["preview"]
        assert [
            (effect.account.code, effect.debit_minor, effect.credit_minor, effect.now_minor, effect.after_minor)
            for effect in preview.effects
        ] == [
            ("6420", 50, 0, 0, 50),
            ("1010", 0, 50, 3960, 3910),
        ]
        text = text_of(response)
        assert 'id="counter-field" hx-swap-oob="true"' in text
        assert "Balanced" in text

    def test_balances_of_accounts_out_of_sight_are_not_previewed(self, breaks: dict[str, Break], maker: User) -> None:
        response = signed_in(maker).get(page_of(breaks["fee"]), {"counter_account": "2030"})
        assert [effect.account.code for effect in response.context["preview"].effects] == ["1010"]

    def test_from_the_form_to_the_posted_entry(self, breaks: dict[str, Break], maker: User, checker: User) -> None:
        fee = breaks["fee"]
        assert signed_in(maker).post(page_of(fee, "propose_adjustment"), FEE).status_code == 302
        proposal = Proposal.objects.get()
        version = proposal.versions.get()
        assert version.payload["break_version"] == 1
        text = text_of(signed_in(maker).get(page_of(fee)))
        assert proposal.public_number in text
        assert "You cannot approve your own proposal." in text
        with posts("6420 debit 0.50 USD / 1010 credit 0.50 USD"):
            approvals.decide(
                proposal_id=proposal.pk,
                version=1,
                digest=version.digest,
                outcome=DecisionOutcome.APPROVE,
                comment="",
                approver_id=checker.pk,
            )
        assert balance("6420") == "0.50 USD"
        text = text_of(signed_in(maker).get(page_of(fee)))
        assert "Resolved by an adjustment" in text
        assert "of Maker, approved by Checker" in text

    @pytest.mark.parametrize(
        ("wrong", "field", "sentence"),
        [
            ({"narrative": "short"}, "narrative", "Say why in at least 20 characters."),
            ({"counter_account": "9999"}, "counter_account", "there is no account 9999"),
            ({"counter_account": "2030"}, "counter_account", "there is no account 2030"),
            ({"reason_code": "NONE"}, "reason_code", "Select a valid choice"),
            ({"effective_date": "2025-12-31"}, "effective_date", "lies in no open period"),
            ({"effective_date": "soon"}, "effective_date", "Enter a valid date"),
        ],
    )
    def test_what_is_wrong_is_said_at_its_field_and_the_input_is_kept(
        self, breaks: dict[str, Break], maker: User, wrong: dict[str, str], field: str, sentence: str
    ) -> None:
        with writes_nothing():
            response = signed_in(maker).post(page_of(breaks["fee"], "propose_adjustment"), FEE | wrong)
        assert response.status_code == 422
        form = response.context["form"]
        assert sentence in str(form.errors[field])
        assert {name: form[name].value() for name in FEE} == FEE | wrong

    def test_a_break_that_has_changed_is_refused_once_and_the_words_stay(self, breaks: dict[str, Break], maker: User) -> None:
        operations.assign_break(break_id=breaks["fee"].pk, assignee_id=maker.pk)
        browser, address = signed_in(maker), page_of(breaks["fee"], "propose_adjustment")
        with writes_nothing():
            response = browser.post(address, FEE)
        assert response.status_code == 409
        form = response.context["form"]
        assert form["narrative"].value() == LONG_ENOUGH
        again = {name: form[name].value() for name in FEE}
        assert browser.post(address, again).status_code == 302

    def test_a_second_proposal_is_refused_and_says_what_was_written(self, breaks: dict[str, Break], maker: User) -> None:
        browser, address = signed_in(maker), page_of(breaks["fee"], "propose_adjustment")
        browser.post(address, FEE)
        with writes_nothing():
            response = browser.post(address, FEE)
        assert response.status_code == 409
        assert f"You wrote: “{LONG_ENOUGH}”" in text_of(response)

    def test_a_candidate_taken_along_leaves_only_the_rest_to_post(self, breaks: dict[str, Break], maker: User, post: Post) -> None:
        post("1010 debit 9.00 USD / 2010 credit 9.00 USD", reference="PAY-7721X", counterparty="Halden Logistics")
        half = breaks["statement half"]
        for run in [operations.request_run(reconciliation_id=Source.objects.get().reconciliation.pk, requested_by_id=maker.pk)]:
            operations.execute_run(run_id=run.pk)
        browser = signed_in(maker)
        rows = browser.get(page_of(half)).context["evidence"].candidates
        taken = next(row for row in rows if row.candidate.remaining_minor == -100)
        item = taken.candidate.item.pk
        response = browser.get(page_of(half), {"candidate": str(item), "take": str(item)})
        assert response.context["preview"].difference_minor == -100
        version = Break.objects.get(pk=half.pk).version
        sent: dict[str, Any] = FEE | {"counter_account": "1900", "take": item, "version": version}
        assert browser.post(page_of(half, "propose_adjustment"), sent).status_code == 302
        assert Proposal.objects.get().versions.get().preconditions["difference_minor"] == "-100"

    def test_readers_and_checkers_may_not(self, breaks: dict[str, Break], auditor: User, checker: User) -> None:
        for reader in (auditor, checker):
            with writes_nothing():
                assert signed_in(reader).post(page_of(breaks["fee"], "propose_adjustment"), FEE).status_code == 403
